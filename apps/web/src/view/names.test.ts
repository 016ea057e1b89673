import { describe, expect, it } from "vitest";
import { clock } from "./format.ts";
import { cutName, nameAll, twinOf } from "./names.ts";

type People = Parameters<typeof nameAll>[0];
const at = new Date(2026, 10, 24, 14, 2).getTime();
const looksOf = (name: string): string => name.toLowerCase().replace("\u0430", "a");
const person = (identity: string, name: string, kind: "none" | "mine" | "theirs" | "both" = "none", me = false): People[number] => ({ identity, name, looks: looksOf(name), me, comparison: kind === "none" ? { kind } : { kind, at }, recognition: { kind: "guest" } });
const named = (...names: string[]) => [...nameAll(names.map((name, index) => person(`${index}`, name)), new Map()).values()];


describe("twinOf", () => {
  const amara = { identity: "a", looks: "amaraokafor" };
  const other = { identity: "b", looks: "amaraokafor" };
  const kim = { identity: "c", looks: "kim" };
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
  it("takes names for the same whose looks are", () => expect(named("Amara Okafor", "Am\u0430ra Okafor")[1]).toBe("second Am\u0430ra Okafor"));
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
  it("tells who is verified from others of that name, and a mark is for the name of then", () => {
    const verified = (identity: string, then: string) => ({ ...person(identity, name), recognition: { kind: "verified" as const, key: "k", name: then, since: at } });
    expect(shown([person("a", name), verified("b", name)])).toEqual({ a: `second ${name}`, b: name });
    expect(shown([person("a", name), verified("b", "Bela")])).toEqual({ a: name, b: `second ${name}` });
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
