import { expect, it } from "vitest";
import { strengthOf } from "./strength.ts";

it("a passphrase is judged by its length, and one letter over and over is none", () => {
  expect(["", "eleven long", "   tea at four   ", "abababababab", "twelve lette", "violet harbour seventeen"].map(strengthOf)).toEqual(["short", "short", "short", "same", "enough", "strong"]);
});
