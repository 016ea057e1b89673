import { expect, test } from "vitest";
import { Seen } from "./duplicate-filter.ts";

const frame = (n: number) => Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, n >> 8, n & 255);

test("the same frame at the same time is a copy, at another time it is not", () => {
  const seen = new Seen();
  expect(seen.again(90, frame(1))).toBe(false);
  expect(seen.again(90, frame(1))).toBe(true);
  expect(seen.again(91, frame(1))).toBe(false);
  expect(seen.again(90, frame(2))).toBe(false);
});

test("it forgets the oldest", () => {
  const seen = new Seen();
  for (let n = 0; n <= 256; n++) expect(seen.again(n, frame(n))).toBe(false);
  expect(seen.again(256, frame(256))).toBe(true);
  expect(seen.again(0, frame(0))).toBe(false);
});
