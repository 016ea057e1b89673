import { expect, test } from "vitest";
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
