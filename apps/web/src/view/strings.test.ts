import { describe, expect, it } from "vitest";
import { lasted, number, sayDesktop, strings } from "./strings.ts";

describe("strings", () => {
  const all = (value: unknown): string[] => {
    if (typeof value === "string") return [value];
    if (value === null || typeof value !== "object") return [];
    return Object.values(value).flatMap(all);
  };
  it("keep the tone: no exclamation marks, no praise", () => {
    for (const text of all(strings)) expect(text).not.toMatch(/!|\bsecure|military|encrypted/iu);
  });
  it("promise nothing of the server without saying what it depends on", () => {
    for (const text of [strings.home.lead, strings.prejoin.promise("a.example"), strings.safety.secureText(2, "a.example"), strings.ended.keptNothing("a.example")]) {
      expect(text).toMatch(/if the page (it|this server) gave you is the published one\.$/u);
      expect(text.length).toBeLessThan(150);
    }
  });
  it("tell how long it was, to the minute", () => {
    expect([0, 59_999, 60_000, 41 * 60_000, 3_600_000, 3_660_000 * 2].map(lasted)).toEqual(["less than a minute", "less than a minute", "1 minute", "41 minutes", "1 hour", "2 hours and 2 minutes"]);
    expect(strings.ended.receipt(60_000, 1)).toBe("You were inside for 1 minute, alone.");
  });
  it("set the link of an invitation apart, so that mail programs make a link of all of it and of nothing else", () => {
    expect(strings.invite.invitation("Editorial", "https://a.example/#x")).toMatch(/^Editorial\n\nhttps:\/\/a\.example\/#x\n\n/u);
  });
  it("write small numbers in letters", () => {
    expect(strings.prejoin.inside(5)).toBe("Five people are inside.");
    expect(strings.prejoin.inside(1)).toBe("One person is inside.");
    expect(number(40)).toBe("40");
  });
  it("say on the lock how many of the others are verified, once any is", () => {
    const { secure } = strings.security;
    expect([secure("4 people", 3, 0), secure("4 people", 3, 1), secure("4 people", 3, 3)]).toEqual([
      "Locked from inside · 4 people",
      "Locked from inside · 2 not verified",
      "Locked from inside · all verified",
    ]);
  });
  it("depend on the desktop program where that gave the page", () => {
    sayDesktop();
    for (const text of [strings.home.lead, strings.prejoin.promise("a.example"), strings.safety.secureText(2, "a.example")]) {
      expect(text).toMatch(/if the desktop program is the published one\.$/u);
    }
  });
});
