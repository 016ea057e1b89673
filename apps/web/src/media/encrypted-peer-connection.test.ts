import { expect, test } from "vitest";
import { withoutVolume } from "./encrypted-peer-connection.ts";

test("the volume of the voice is not negotiated, all else is", () => {
  const level = "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n";
  const directed = "a=extmap:9/recvonly urn:ietf:params:rtp-hdrext:csrc-audio-level\r\n";
  const time = "a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time\r\n";
  expect(withoutVolume(`m=audio 9\r\n${level}${time}${directed}a=mid:0\r\n`)).toBe(`m=audio 9\r\n${time}a=mid:0\r\n`);
});
