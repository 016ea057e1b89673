import { expect, test } from "vitest";
import { levelOf } from "./level.ts";

test("silence is 0, full scale is 1, and it grows between", () => {
  const tone = (amplitude: number) => levelOf(new Float32Array(64).fill(amplitude));
  expect(tone(0)).toBe(0);
  expect(tone(1)).toBe(1);
  expect(tone(0.05)).toBeGreaterThan(tone(0.01));
});
