import { expect, test } from "vitest";
import { settle } from "./devices.ts";
import { captureOf } from "./errors.ts";
import { levelOf } from "./level.ts";
import { Speaking } from "./speaking.ts";

test("one loud sample is a click, two are speech", () => {
  const speaking = new Speaking();
  expect(speaking.sample(0.9, 0)).toBe(false);
  expect(speaking.sample(0.0, 100)).toBe(false);
  expect(speaking.sample(0.9, 200)).toBe(false);
  expect(speaking.sample(0.9, 300)).toBe(true);
});

test("a pause between words does not end speech, a longer one does", () => {
  const speaking = new Speaking();
  speaking.sample(0.9, 0);
  speaking.sample(0.9, 100);
  expect(speaking.sample(0, 700)).toBe(true);
  expect(speaking.sample(0, 900)).toBe(false);
});

test("each refusal of the browser has its own state", () => {
  const named = (name: string) => captureOf(new DOMException("", name));
  expect(named("NotAllowedError")).toBe("denied");
  expect(named("NotFoundError")).toBe("missing");
  expect(named("NotReadableError")).toBe("busy");
  expect(captureOf("odd")).toBe("unsupported");
});

test("silence is 0, full scale is 1, and it grows between", () => {
  const tone = (amplitude: number) => levelOf(new Float32Array(64).fill(amplitude));
  expect(tone(0)).toBe(0);
  expect(tone(1)).toBe(1);
  expect(tone(0.05)).toBeGreaterThan(tone(0.01));
});

test("an unplugged device gives way to the first one", () => {
  const devices = [{ id: "a", label: "A" }, { id: "b", label: "B" }];
  expect(settle("b", devices)).toBe("b");
  expect(settle("c", devices)).toBe("a");
  expect(settle("c", [])).toBeNull();
});
