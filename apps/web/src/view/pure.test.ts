import { describe, expect, it } from "vitest";
import { elapsed, hue, initials } from "./format.ts";
import { readLink } from "./meeting-link.ts";
import { announceNotices } from "./notices.ts";
import { steady } from "./state.ts";
import { number, strings } from "./strings.ts";

const token = "A".repeat(42) + "_";

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

describe("readLink", () => {
  const here = "https://meet.example.org";
  it("takes a whole link, a fragment, and a link without its scheme", () => {
    for (const text of [`${here}/#${token}`, `#${token}`, token, ` meet.example.org/#${token} `, `<${here}/#${token}>`]) {
      expect(readLink(text, here)).toEqual({ kind: "link", fragment: token, url: `${here}/#${token}` });
    }
  });
  it("keeps the host of a link to another server", () => {
    expect(readLink(`https://other.example/#${token}`, here)).toMatchObject({ url: `https://other.example/#${token}` });
  });
  it("says that a link is cut rather than that it is none", () => {
    expect(readLink(`${here}/#${token.slice(5)}`, here)).toEqual({ kind: "cut" });
    expect(readLink(here, here)).toEqual({ kind: "cut" });
  });
  it("refuses what is no link, a script above all", () => {
    for (const text of ["", "hello there", "https://news.example/story", `javascript://x/#${token}`]) {
      expect(readLink(text, here)).toEqual({ kind: "other" });
    }
  });
});

describe("announceNotices", () => {
  const joined = (id: number, name: string) => ({ id, at: 0, what: { kind: "joined" as const, name } });
  it("says each coming of a small meeting by itself", () => {
    expect(announceNotices([joined(1, "Ana"), joined(2, "Bo")], 0, 3).map(({ text }) => text)).toEqual(["Ana came in.", "Bo came in."]);
  });
  it("gathers them above twenty people", () => {
    expect(announceNotices([joined(1, "Ana"), joined(2, "Bo"), joined(3, "Cy")], 0, 21)).toEqual([{ id: 3, text: "Ana and two others came in.", loud: false, silent: false }]);
  });
  it("says nothing twice", () => expect(announceNotices([joined(1, "Ana"), joined(2, "Bo")], 2, 3)).toEqual([]));
  it("shows no toast for what the tile shows, but says it aloud", () => {
    const [announcement] = announceNotices([{ id: 4, at: 0, what: { kind: "mediaRefused", name: "Jonas", source: "camera", reason: "wrongSender" } }], 0, 3);
    expect(announcement).toMatchObject({ silent: true, text: "We cannot open Jonas’s video: it was not sealed by them." });
  });
});

describe("strings", () => {
  const all = (value: unknown): string[] => {
    if (typeof value === "string") return [value];
    if (value === null || typeof value !== "object") return [];
    return Object.values(value).flatMap(all);
  };
  it("keep the tone: no exclamation marks, no praise", () => {
    for (const text of all(strings)) expect(text).not.toMatch(/!|\bsecure|military|encrypted/iu);
  });
  it("write small numbers in letters", () => {
    expect(strings.prejoin.inside(5)).toBe("Five people are inside.");
    expect(strings.prejoin.inside(1)).toBe("One person is inside.");
    expect(number(40)).toBe("40");
  });
});

describe("steady", () => {
  const stream = {} as MediaStream;
  const track = (identity: string) => ({ identity, source: "camera" as const, stream });
  it("keeps the list when nothing changed, so that no picture starts anew", () => {
    const before = [track("a"), track("b")];
    expect(steady(before, [track("a"), track("b")])).toBe(before);
  });
  it("keeps the tracks that stay when another goes", () => {
    const before = [track("a"), track("b")];
    const after = steady(before, [track("b")]);
    expect(after).toHaveLength(1);
    expect(after[0]).toBe(before[1]);
  });
});
