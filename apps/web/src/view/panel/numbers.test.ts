import { expect, test } from "vitest";
import { numbers } from "./numbers.ts";

test("numbers go up to the most, and what holds is among them", () => {
  expect(numbers(20, 20)).toEqual([2, 5, 10, 20]);
  expect(numbers(50, 50, 7)).toEqual([2, 5, 7, 10, 20, 50]);
  expect(numbers(3, 3, 1)).toEqual([1, 2, 3]);
});
