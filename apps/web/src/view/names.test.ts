import { describe, expect, it } from "vitest";
import { cutName, nameAll, skeleton } from "./names.ts";

const named = (...names: string[]) => [...nameAll(names.map((name, index) => ({ identity: `${index}`, name }))).values()];

describe("nameAll", () => {
  it("tells who came later under the same name from who came first", () => {
    expect(named("Amara Okafor", "Kim", "Amara Okafor", "Amara Okafor")).toEqual(["Amara Okafor", "Kim", "second Amara Okafor", "third Amara Okafor"]);
  });
  it.each([
    "amara okafor",
    "Amara  Okafor",
    // Cyrillic, Greek, full width, a digit, an accent, a letter without width, a dot at the end.
    "Am\u0430ra Okafor",
    "\u0391mara Okaf\u03BFr",
    "\uFF21mara Okafor",
    "Amara 0kafor",
    "Am\u00E1ra Okafor",
    "Ama\u200Bra Okafor",
    "Amara Okafor.",
  ])("takes %j for the same", (other) => expect(named("Amara Okafor", other)[1]).toBe(`second ${other}`));
  it("leaves names alone that differ", () => {
    expect(named("Amara Okafor", "Tamara Okafor", "Kim", "Kym", "דנה", "דינה", "张伟", "张玮", "🦊", "🐻")).toEqual(["Amara Okafor", "Tamara Okafor", "Kim", "Kym", "דנה", "דינה", "张伟", "张玮", "🦊", "🐻"]);
  });
});

describe("cutName", () => {
  it("cuts long names in the middle, and never inside a letter", () => {
    const cut = cutName(`Maximiliana ${"👩🏽‍🚀".repeat(40)} von Hohenfels`);
    expect(cut).toMatch(/^Maximiliana 👩🏽‍🚀.*…von Hohenfels$/u);
    expect([...new Intl.Segmenter(undefined, { granularity: "grapheme" }).segment(cut)].length).toBeLessThanOrEqual(40);
  });
  it("leaves others whole", () => expect(cutName("x".repeat(40))).toBe("x".repeat(40)));
});

describe("skeleton", () => {
  it("is the name itself where nothing else is left", () => expect(skeleton("🦊")).not.toBe(skeleton("🐻")));
});
