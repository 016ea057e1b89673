import { expect, test } from "vitest";
import { atConstantBitrate, withoutVolume } from "./encrypted-peer-connection.ts";

test("the volume of the voice is not negotiated, all else is", () => {
  const level = "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n";
  const directed = "a=extmap:9/recvonly urn:ietf:params:rtp-hdrext:csrc-audio-level\r\n";
  const time = "a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time\r\n";
  expect(withoutVolume(`m=audio 9\r\n${level}${time}${directed}a=mid:0\r\n`)).toBe(`m=audio 9\r\n${time}a=mid:0\r\n`);
});

test("Opus is asked for at a constant bitrate, and nothing else is changed", () => {
  const sdp = (opus: string) =>
    `m=audio 9 UDP/TLS/RTP/SAVPF 111 63 8\r\na=rtpmap:111 opus/48000/2\r\na=fmtp:111 ${opus}\r\na=rtpmap:63 red/48000/2\r\na=fmtp:63 111/111\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=rtpmap:96 VP9/90000\r\na=fmtp:96 profile-id=0\r\n`;
  expect(atConstantBitrate(sdp("minptime=10;useinbandfec=1"))).toBe(sdp("minptime=10;useinbandfec=1;cbr=1;usedtx=0"));
  expect(atConstantBitrate(sdp("usedtx=1;minptime=10;cbr=0"))).toBe(sdp("minptime=10;cbr=1;usedtx=0"));
});
