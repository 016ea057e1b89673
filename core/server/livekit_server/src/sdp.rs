//! The little of SDP (RFC 8866) that signalling itself must know: which media sections an offer has, and how to name the
//! tracks in an answer. Everything else in it is between the client and the transport.

use std::collections::{BTreeMap, BTreeSet};

use conclave_livekit_proto::sdp;

use crate::limits;

/// A media section of an offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Section {
    /// `a=mid`, unique in the offer.
    pub(crate) mid: String,
    pub(crate) kind: Kind,
    /// The client means to send on it.
    pub(crate) sends: bool,
    /// The client is ready to receive on it.
    pub(crate) receives: bool,
    /// Second word of `a=msid`: the client's id of the track that it sends.
    pub(crate) cid: Option<String>,
    /// Names of the simulcast layers that it sends (RFC 8853), in the offer's order.
    pub(crate) rids: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Audio,
    Video,
    /// Data channels, and whatever else.
    Other,
}

/// Why an offer is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SdpError {
    #[error("too many media sections")]
    TooMany,
    #[error("media section without a mid of its own")]
    Mid,
}

/// The media sections of `offer`, in order.
pub(crate) fn sections(offer: &str) -> Result<Vec<Section>, SdpError> {
    let (_, offered) = sdp::split(offer);
    if offered.len() > limits::SECTIONS {
        return Err(SdpError::TooMany);
    }
    let mut mids = BTreeSet::new();
    offered
        .into_iter()
        .map(|section| {
            let mid = section.mid().unwrap_or_default();
            if mid.is_empty() || mid.len() > 16 || !mids.insert(mid) {
                return Err(SdpError::Mid);
            }
            let mut media = section.media();
            let kind = match media.next() {
                Some("audio") => Kind::Audio,
                Some("video") => Kind::Video,
                _ => Kind::Other,
            };
            // Port 0 is a section that is over, unless it is only waiting to be bundled (RFC 8843, section 6).
            let rejected = media.next() == Some("0") && !section.lines().any(|l| l == "a=bundle-only");
            let direction = section.direction();
            let rids = section.attributes("rid").filter_map(|rid| rid.split_once(' ')).filter(|(_, direction)| *direction == "send");
            Ok(Section {
                mid: mid.to_owned(),
                kind,
                sends: direction.sends && !rejected,
                receives: direction.receives && !rejected,
                cid: section.attributes("msid").next().and_then(|msid| msid.split(' ').nth(1)).map(str::to_owned),
                rids: rids.map(|(rid, _)| rid.to_owned()).take(limits::LAYERS).collect(),
            })
        })
        .collect()
}

/// How a track is called towards one client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Msid {
    /// `PA_…|stream`: tracks with equal ones are played in sync.
    pub(crate) stream: String,
    /// `TR_…`.
    pub(crate) track: String,
}

/// `answer` with the tracks of the sections in `names` (by mid) called so, and no names in any other section.
pub(crate) fn rename(answer: &str, names: &BTreeMap<&str, Msid>) -> String {
    let mut out = String::with_capacity(answer.len() + names.len() * 48);
    for line in answer.lines() {
        let line = line.trim_end();
        if line.starts_with("a=msid:") {
            continue;
        }
        // `a=ssrc:<ssrc> msid:…` says the same once more (RFC 5576, section 4; not in any section that we do not send on).
        if line.starts_with("a=ssrc:") && line.contains(" msid:") {
            continue;
        }
        out.push_str(line);
        out.push_str("\r\n");
        if let Some(msid) = line.strip_prefix("a=mid:").and_then(|mid| names.get(mid)) {
            out.push_str("a=msid:");
            out.push_str(&msid.stream);
            out.push(' ');
            out.push_str(&msid.track);
            out.push_str("\r\n");
        }
    }
    out
}

/// `answer` with the payload types of one codec put first in the sections of `codecs` (by mid, such as `VP9`): a client sends
/// with the first one (RFC 8829, section 5.3.1), whatever it had announced.
pub(crate) fn prefer(answer: &str, codecs: &BTreeMap<&str, &str>) -> String {
    let (head, sections) = sdp::split(answer);
    let mut out = String::with_capacity(answer.len());
    out.push_str(head);
    for section in sections {
        match (section.mid().and_then(|mid| codecs.get(mid)), section.text().split_once('\n')) {
            (Some(codec), Some((_, attributes))) => {
                out.push_str(&first(section, codec));
                out.push_str("\r\n");
                out.push_str(attributes);
            }
            _ => out.push_str(section.text()),
        }
    }
    out
}

/// The media line of `section` with the payload types of `codec` first.
fn first(section: sdp::Section<'_>, codec: &str) -> String {
    // Media, port, protocol; then payload types.
    let words: Vec<_> = section.media().collect();
    let (head, types) = words.split_at(words.len().min(3));
    let is_of_codec = |pt: &str| {
        let mut names = section.attributes("rtpmap").filter_map(|l| l.split_once(' '));
        names.any(|(of, name)| of == pt && name.split('/').next().is_some_and(|name| name.eq_ignore_ascii_case(codec)))
    };
    let (wanted, others): (Vec<&str>, Vec<&str>) = types.iter().partition(|pt| is_of_codec(pt));
    format!("m={}", [head, &wanted, &others].concat().join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OFFER: &str = "v=0\r\n\
        m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=recvonly\r\n\
        m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\na=msid:- cam\r\na=sendonly\r\na=rid:q send\r\na=rid:f send\r\n\
        m=video 0 UDP/TLS/RTP/SAVPF 96\r\na=mid:2\r\na=bundle-only\r\na=inactive\r\n\
        m=audio 0 UDP/TLS/RTP/SAVPF 111\r\na=mid:3\r\n\
        m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:4\r\n";

    #[test]
    fn an_offer_is_read() {
        let sections = sections(OFFER).expect("a good offer");
        let seen: Vec<_> = sections.iter().map(|s| (&*s.mid, s.kind, s.sends, s.receives)).collect();
        assert_eq!(
            seen,
            [
                ("0", Kind::Audio, false, true),
                ("1", Kind::Video, true, false),
                ("2", Kind::Video, false, false),
                ("3", Kind::Audio, false, false),
                ("4", Kind::Other, true, true),
            ]
        );
        assert_eq!(sections[1].cid.as_deref(), Some("cam"));
        assert_eq!(sections[1].rids, ["q", "f"]);
    }

    #[test]
    fn sections_need_mids_of_their_own() {
        assert_eq!(sections("m=audio 9 x 1\r\n"), Err(SdpError::Mid));
        assert_eq!(sections("m=audio 9 x 1\na=mid:0\nm=audio 9 x 1\na=mid:0\n"), Err(SdpError::Mid));
        assert_eq!(sections(&"m=audio 9 x 1\n".repeat(limits::SECTIONS + 1)), Err(SdpError::TooMany));
        assert_eq!(sections("no sdp at all"), Ok(vec![]));
    }

    #[test]
    fn the_announced_codec_comes_first_in_its_own_section_only() {
        let video = "m=video 9 x 96 97 98 99\r\na=rtpmap:96 VP8/90000\r\na=rtpmap:97 rtx/90000\r\na=rtpmap:98 VP9/90000\r\na=rtpmap:99 rtx/90000\r\n";
        let answer = format!("v=0\r\nm=audio 9 x 111\r\na=mid:0\r\n{video}a=mid:1\r\n{video}a=mid:2\r\n");
        let preferred = prefer(&answer, &BTreeMap::from([("2", "vp9"), ("0", "opus")]));
        let moved = video.replace("96 97 98 99", "98 96 97 99");
        assert_eq!(preferred, format!("v=0\r\nm=audio 9 x 111\r\na=mid:0\r\n{video}a=mid:1\r\n{moved}a=mid:2\r\n"));
        assert_eq!(prefer("", &BTreeMap::new()), "");
        assert_eq!(prefer("no sdp", &BTreeMap::from([("0", "vp9")])), "no sdp");
    }

    #[test]
    fn only_named_sections_keep_a_name() {
        let answer = "v=0\r\nm=audio 9 x 111\r\na=mid:0\r\na=msid:r1 r2\r\na=ssrc:7 cname:c\r\na=ssrc:7 msid:r1 r2\r\n\
            m=video 9 x 96\r\na=mid:1\r\na=msid:r3 r4\r\na=inactive\r\n";
        let msid = Msid { stream: "PA_a|camera".into(), track: "TR_b".into() };
        let renamed = rename(answer, &BTreeMap::from([("0", msid)]));
        assert_eq!(
            renamed,
            "v=0\r\nm=audio 9 x 111\r\na=mid:0\r\na=msid:PA_a|camera TR_b\r\na=ssrc:7 cname:c\r\n\
            m=video 9 x 96\r\na=mid:1\r\na=inactive\r\n"
        );
    }
}
