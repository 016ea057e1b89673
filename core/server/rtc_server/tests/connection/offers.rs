//! Offers as browsers write them, and what is answered.

use conclave_base::Time;
use conclave_rtc_server::{Config, Connection};
use conclave_sfu::{DescriptionRefused, Direction, Mid, Transport};

const HEAD: &str = "v=0\r\no=- 4611731400430051336 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1 2 3\r\n\
    a=extmap-allow-mixed\r\na=msid-semantic: WMS\r\n";

const TRANSPORT: &str = "c=IN IP4 0.0.0.0\r\na=rtcp:9 IN IP4 0.0.0.0\r\na=ice-ufrag:4ZcD\r\na=ice-pwd:2/1muCWoOi3uLifh0NuRHlKX\r\n\
    a=ice-options:trickle\r\na=fingerprint:sha-256 75:74:5A:A6:A4:E5:52:F4:A7:67:4C:01:C7:EE:91:3F:21:3D:A2:E3:53:7B:6F:30:86:F2:30:AA:65:FB:04:24\r\n\
    a=setup:actpass\r\n";

const AUDIO: &str = "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n\
    a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time\r\n\
    a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n\
    a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\na=rtcp-mux\r\na=rtcp-rsize\r\n\
    a=rtpmap:111 opus/48000/2\r\na=rtcp-fb:111 transport-cc\r\na=fmtp:111 minptime=10;useinbandfec=1\r\n\
    a=rtpmap:63 red/48000/2\r\na=fmtp:63 111/111\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:13 CN/8000\r\na=rtpmap:110 telephone-event/48000\r\n";

const VIDEO: &str = "a=extmap:14 urn:ietf:params:rtp-hdrext:toffset\r\na=extmap:13 urn:3gpp:video-orientation\r\n\
    a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n\
    a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\na=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id\r\n\
    a=extmap:11 urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id\r\na=rtcp-mux\r\na=rtcp-rsize\r\n\
    a=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 goog-remb\r\na=rtcp-fb:96 transport-cc\r\na=rtcp-fb:96 ccm fir\r\na=rtcp-fb:96 nack\r\na=rtcp-fb:96 nack pli\r\n\
    a=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\na=rtpmap:103 H264/90000\r\na=rtcp-fb:103 nack\r\n\
    a=fmtp:103 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f\r\na=rtpmap:104 rtx/90000\r\na=fmtp:104 apt=103\r\n\
    a=rtpmap:45 AV1/90000\r\na=rtcp-fb:45 nack pli\r\na=fmtp:45 level-idx=5;profile=0;tier=0\r\n\
    a=rtpmap:98 VP9/90000\r\na=rtcp-fb:98 transport-cc\r\na=rtcp-fb:98 nack\r\na=rtcp-fb:98 nack pli\r\na=fmtp:98 profile-id=0\r\n\
    a=rtpmap:99 rtx/90000\r\na=fmtp:99 apt=98\r\na=rtpmap:100 VP9/90000\r\na=fmtp:100 profile-id=2\r\na=rtpmap:101 rtx/90000\r\na=fmtp:101 apt=100\r\n\
    a=rtpmap:116 red/90000\r\na=rtpmap:117 rtx/90000\r\na=fmtp:117 apt=116\r\na=rtpmap:118 ulpfec/90000\r\n";

fn config() -> Config {
    Config::new(vec!["192.0.2.1:7882".parse().expect("an address")]).expect("an address that can be announced")
}

fn server() -> Connection {
    Connection::open(&config(), Time::from_millis(1))
}

fn mid(text: &str) -> Mid {
    Mid::new(text).expect("a mid")
}

/// Microphone, camera in three layers, a section to receive on, and data.
fn chromium() -> String {
    let audio = "m=audio 9 UDP/TLS/RTP/SAVPF 111 63 0 13 110\r\n";
    let video = "m=video 9 UDP/TLS/RTP/SAVPF 96 97 103 104 45 98 99 100 101 116 117 118\r\n";
    format!(
        "{HEAD}{audio}{TRANSPORT}a=mid:0\r\na=sendonly\r\na=msid:s t0\r\n{AUDIO}a=ssrc:11 cname:x\r\na=ssrc:11 msid:s t0\r\n\
         {video}{TRANSPORT}a=mid:1\r\na=sendonly\r\na=msid:s t1\r\n{VIDEO}a=rid:q send\r\na=rid:h send\r\na=rid:f send\r\na=simulcast:send q;h;f\r\n\
         {video}{TRANSPORT}a=mid:2\r\na=recvonly\r\n{VIDEO}\
         m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n{TRANSPORT}a=mid:3\r\na=sctp-port:5000\r\na=max-message-size:262144\r\n"
    )
}

fn sections(answer: &str) -> Vec<&str> {
    answer.split("m=").skip(1).collect()
}

#[test]
fn a_chromium_offer_is_answered_with_what_we_forward_and_no_more() {
    let wanted = [(mid("0"), Direction::Receive), (mid("1"), Direction::Receive), (mid("2"), Direction::Send)];
    let mut server = server();
    let answer = server.accept(&chromium(), &wanted, Time::from_millis(2)).expect("an answer");
    let sections = sections(&answer);
    assert!(sections[0].starts_with("audio 9 UDP/TLS/RTP/SAVPF 111\r\n") && sections[0].contains("a=recvonly"), "{answer}");
    assert!(!sections[0].contains("a=rtcp-fb:111 transport-cc"), "nothing is probed on sound: {answer}");
    assert!(sections[1].starts_with("video 9 UDP/TLS/RTP/SAVPF 96 97 98 99\r\n") && sections[1].contains("a=recvonly"), "{answer}");
    assert!(sections[1].contains("a=simulcast:recv q;h;f") && sections[1].contains("a=rtcp-fb:96 transport-cc"), "{answer}");
    assert!(sections[2].contains("a=sendonly") && sections[2].contains("a=ssrc-group:FID"), "{answer}");
    assert!(sections[3].starts_with("application"), "{answer}");
    for absent in ["audio-level", "orientation", "red/", "H264", "AV1"] {
        assert!(!answer.contains(absent), "{absent} in {answer}");
    }
    assert!(server.outgoing(mid("2")).is_some() && server.outgoing(mid("1")).is_none());
}

#[test]
fn feedback_lines_of_codecs_that_are_gone_are_tolerated() {
    let stale = "a=rtpmap:96 VP8/90000\r\na=rtcp-fb:126 nack\r\na=rtcp-fb:126 nack pli\r\na=rtcp-fb:* ccm tmmbr\r\na=fmtp:126 profile-level-id=42e01f\r\n";
    let offer = chromium().replace("a=rtpmap:96 VP8/90000\r\n", stale);
    let answer = server().accept(&offer, &[(mid("2"), Direction::Send)], Time::from_millis(2)).expect("an answer");
    assert!(sections(&answer)[2].starts_with("video 9 UDP/TLS/RTP/SAVPF 96 97 98 99\r\n"), "{answer}");
}

#[test]
fn what_is_no_offer_is_refused_without_harm() {
    let mut server = server();
    let whole = chromium();
    let refused = |e| matches!(e, Err(DescriptionRefused::NotUnderstood(_)));
    assert!(refused(server.accept("", &[], Time::from_millis(2))));
    assert!(refused(server.accept("hello", &[], Time::from_millis(2))));
    assert!(refused(server.accept(&whole.replace("a=fingerprint", "a=nothing"), &[], Time::from_millis(2))));
    let config = config();
    for cut in (0..whole.len()).step_by(29) {
        let mut fresh = Connection::open(&config, Time::from_millis(1));
        let _either = fresh.accept(&whole[..cut], &[(mid("0"), Direction::Receive)], Time::from_millis(2));
    }
}
