import { expect, test } from "vitest";
import { DuplicateFilter } from "./duplicate-filter.ts";

const frame = (n: number) => Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, n >> 8, n & 255);

test("the same frame at the same time is a copy, at another time it is not", () => {
  const filter = new DuplicateFilter();
  expect(filter.isDuplicate(90, frame(1))).toBe(false);
  expect(filter.isDuplicate(90, frame(1))).toBe(true);
  expect(filter.isDuplicate(91, frame(1))).toBe(false);
  expect(filter.isDuplicate(90, frame(2))).toBe(false);
});

test("it forgets the oldest", () => {
  const filter = new DuplicateFilter();
  for (let n = 0; n <= 256; n++) expect(filter.isDuplicate(n, frame(n))).toBe(false);
  expect(filter.isDuplicate(256, frame(256))).toBe(true);
  expect(filter.isDuplicate(0, frame(0))).toBe(false);
});
