import { describe, expect, it } from "vitest";
import { elapsed, hue, initials, isolate } from "./format.ts";

describe("initials", () => {
  it("takes the first and the last word", () => {
    expect(initials("Amara Okafor")).toBe("AO");
    expect(initials("Ana de la Cruz")).toBe("AC");
    expect(initials("noor")).toBe("N");
  });
  it("counts letters as people do, not as bytes", () => {
    expect(initials("Ödön élan")).toBe("ÖÉ");
    expect(initials("Mei-Lin Zhao")).toBe("MZ");
  });
  it("takes letters only, of words that have one", () => {
    expect(initials("👩🏽‍🚀 Tess")).toBe("T");
    expect(initials("נועם (host)")).toBe("נH");
    expect(initials("(host) נועם")).toBe("Hנ");
    expect(initials("Maria 3rd")).toBe("MR");
    expect(initials("Maria Costa 3")).toBe("MC");
    expect(initials("عبد الرحمن")).toBe("عا");
  });
  it("has a sign or a digit for a name without a letter", () => {
    expect(initials("👩🏽‍🚀👩🏽‍🚀")).toBe("👩🏽‍🚀");
    expect(initials("007")).toBe("0");
  });
  it("has something to show for a name of signs only", () => expect(initials("--- ...")).toBe("?"));
});

describe("isolate", () => {
  it("leaves names that run as the sentence does", () => expect(isolate("Tomás Rivera")).toBe("Tomás Rivera"));
  it("keeps a name that runs the other way to itself", () => expect(isolate("נועם")).toBe("\u2068נועם\u2069"));
  it("lets no name turn the rest of a sentence", () => {
    expect(isolate("Kim\u202e")).toBe("Kim");
    expect(isolate("\u2069\u202eנועם")).toBe("\u2068נועם\u2069");
  });
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
