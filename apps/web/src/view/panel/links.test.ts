import { describe, expect, it } from "vitest";
import { beginningOf, splitLinks } from "./links.ts";

const key = "_".repeat(42) + "A";
/** Labels in brackets, text as it is. */
const shown = (text: string): string => splitLinks(text).map((part) => (typeof part === "string" ? part : `[${part.label}]`)).join("");

describe("splitLinks", () => {
  it.each([
    ["see https://a.example/b.", "see [https://a.example/b]."],
    ["(https://a.example/b), then", "([https://a.example/b]), then"],
    ["https://a.example/x_(y)", "[https://a.example/x_(y)]"],
    ["[notes](https://a.example/b) and https://c.example/?q=1&r=2#s", "[notes]([https://a.example/b]) and [https://c.example/?q=1&r=2#s]"],
    ["HTTPS://A.EXAMPLE/B", "[https://a.example/B]"],
    ["<https://a.example/>", "<[https://a.example/]>"],
    ["https://[2001:db8::1]/", "[https://[2001:db8::1]/]"],
    ["https://a.example/\nhttps://b.example/", "[https://a.example/]\n[https://b.example/]"],
  ])("finds the address in %j", (text, expected) => expect(shown(text)).toBe(expected));

  it.each([
    "http://a.example/",
    "javascript:alert(1)//https",
    "data:text/html,x",
    "//a.example/",
    "xhttps://a.example/",
    "https:a.example",
    "https://",
    "https://.",
    "https://a.example:99999/",
    "https://bank.example@evil.example/",
    "https://bank.example:443@evil.example/",
    "https://bank.example%2f@evil.example/",
    `https://a.example/${"a".repeat(2048)}`,
  ])("leaves %j text", (text) => expect(splitLinks(text)).toEqual([text]));

  it.each([
    // Cyrillic а.
    ["https://\u0430pple.example/", "https://xn--pple-43d.example/"],
    // A slash that is a letter, a full stop that is none, a zero-width space.
    ["https://bank.example\u2215x.evil.example/", null],
    ["https://evil\u3002example/", "https://evil.example/"],
    ["https://ba\u200Bnk.example/", "https://bank.example/"],
    ["https://bank.example\\@evil.example/", "https://bank.example/@evil.example/"],
    // Turns what follows around.
    ["https://a.example/\u202Egpj.exe", "https://a.example/%E2%80%AEgpj.exe"],
    ["https://0x7f.1/", "https://127.0.0.1/"],
    ["https:///evil.example/", "https://evil.example/"],
  ])("shows where %j leads", (text, label) => {
    const [part] = splitLinks(text);
    if (label === null) expect(part).toSatisfy((one: unknown) => typeof one === "string" || JSON.stringify(one).includes("xn--"));
    else expect(part).toMatchObject({ href: label, label });
  });

  it("leads to a meeting, and does not show its key", () => {
    expect(splitLinks(`https://meet.example.org/#${key}`)).toEqual([{ href: `https://meet.example.org/#${key}`, label: "https://meet.example.org/#…" }]);
    for (const mark of ["#", "%23", "%2523"]) expect(shown(`https://scanner.example/?u=https%3A%2F%2Fmeet.example.org%2F${mark}${key}&x=1`)).not.toContain(key);
    expect(shown(`https://notes.example/#${key}more`)).toContain(key);
  });

  it("has a bound, and loses no text", () => {
    const text = "https://a.example/ ".repeat(210);
    const parts = splitLinks(text);
    expect(parts.filter((part) => typeof part !== "string")).toHaveLength(50);
    expect(parts.map((part) => (typeof part === "string" ? part : part.href)).join("")).toBe(text);
    expect(splitLinks(`https://a.example/${"(".repeat(2000)}${")".repeat(1900)}`)).toHaveLength(1);
  });
});

describe("beginningOf", () => {
  const begun = (text: string) => beginningOf(splitLinks(text))?.map((part) => (typeof part === "string" ? part : part.label)).join("");

  it("leaves a text of a usual length whole", () => {
    expect(begun("a".repeat(1200))).toBeUndefined();
    expect(begun("a\n".repeat(19))).toBeUndefined();
  });

  it("cuts a text that fills the panel, whether by its letters or by its lines, and no letter in two", () => {
    expect(begun("a".repeat(4000))).toBe("a".repeat(1200));
    expect(begun(`a${"\u{1f4a3}".repeat(2000)}`)).toBe(`a${"\u{1f4a3}".repeat(599)}`);
    expect(begun("a\n".repeat(100))?.split("\n")).toHaveLength(20);
  });

  it("shows no beginning of a link", () => {
    const text = `${"a".repeat(1190)} https://bank.example.evil.example/ and so on`;
    expect(begun(text)).toBe(`${"a".repeat(1190)} `);
  });
});
