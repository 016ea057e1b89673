import { describe, expect, it } from "vitest";
import { clock } from "./format.ts";
import { cutName, nameAll, skeleton, twinOf } from "./names.ts";

type People = Parameters<typeof nameAll>[0];
const at = new Date(2026, 10, 24, 14, 2).getTime();
const person = (identity: string, name: string, kind: "none" | "mine" | "theirs" | "both" = "none", me = false): People[number] => ({ identity, name, me, comparison: kind === "none" ? { kind } : { kind, at } });
const named = (...names: string[]) => [...nameAll(names.map((name, index) => person(`${index}`, name)), new Map()).values()];


describe("twinOf", () => {
  const amara = { identity: "a", name: "Amara Okafor" };
  const other = { identity: "b", name: "\u0410mara Okafor" };
  const kim = { identity: "c", name: "Kim" };
  it("finds the name of somebody inside, also one that only looks like it", () => expect(twinOf(other, [amara, kim], [other])).toBe("inside"));
  it("finds the name of somebody else who waits, and never oneself", () => {
    expect(twinOf(other, [kim], [other, amara])).toBe("outside");
    expect(twinOf(other, [kim], [other])).toBeNull();
  });
});

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

describe("nameAll, of two with one name", () => {
  const name = "Amara Okafor";
  const shown = (people: People, since: Parameters<typeof nameAll>[1] = new Map()) => Object.fromEntries(nameAll(people, since));
  it("tells when the second came, if that was seen", () => {
    const people = [person("a", name), person("b", name), person("c", name), person("me", name, "none", true)];
    const since = new Map([
      ["a", { at, how: "before" as const }],
      ["b", { at, how: "seen" as const }],
      ["c", { at, how: "meanwhile" as const }],
      ["me", { at, how: "seen" as const }],
    ]);
    expect(shown(people, since)).toEqual({ a: name, b: `second ${name}, came ${clock(at)}`, c: `third ${name}`, me: `fourth ${name}` });
  });
  it("adds nothing to whom both have compared with, and tells the other apart from them", () => {
    expect(shown([person("a", name), person("b", name, "both")])).toEqual({ a: `second ${name}`, b: name });
    expect(shown([person("a", name, "both"), person("b", name, "both")])).toEqual({ a: name, b: name });
  });
  it("takes one side's word for nothing", () => {
    for (const kind of ["mine", "theirs"] as const) expect(shown([person("a", name), person("b", name, kind)])).toEqual({ a: name, b: `second ${name}` });
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
