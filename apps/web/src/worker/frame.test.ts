import { expect, test } from "vitest";
import { codecOf } from "./frame.ts";

test("a frame's own word on its codec wins", () => {
  expect(codecOf("video/VP9", "vp8")).toBe("vp9");
  expect(codecOf(undefined, "vp8")).toBe("vp8");
});

test("a codec that we do not seal has no fallback", () => {
  expect(codecOf("audio/red", "opus")).toBeUndefined();
  expect(codecOf("video/H264", "vp8")).toBeUndefined();
});
