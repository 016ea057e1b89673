import { describe, expect, it } from "vitest";
import { elapsed, hue, initials } from "./format.ts";

describe("initials", () => {
  it("takes the first and the last word", () => {
    expect(initials("Amara Okafor")).toBe("AO");
    expect(initials("Ana de la Cruz")).toBe("AC");
    expect(initials("noor")).toBe("N");
  });
  it("counts letters as people do, not as bytes", () => {
    expect(initials("Ödön élan")).toBe("ÖÉ");
    expect(initials("👩🏽‍🚀 Tess")).toBe("👩🏽‍🚀T");
    expect(initials("Mei-Lin Zhao")).toBe("MZ");
  });
  it("has something to show for a name of signs only", () => expect(initials("--- ...")).toBe("?"));
});

describe("hue", () => {
  it("stays with an identity and is one of twelve", () => {
    expect(hue("abc")).toBe(hue("abc"));
    expect(new Set(Array.from({ length: 500 }, (_, i) => hue(`identity ${i}`))).size).toBe(12);
  });
});

describe("elapsed", () => {
  it("is coarse and never negative", () => {
    expect(elapsed(1_000, 9_000)).toBe("8 s");
    expect(elapsed(0, 150_000)).toBe("2 min");
    expect(elapsed(5_000, 0)).toBe("0 s");
  });
});
