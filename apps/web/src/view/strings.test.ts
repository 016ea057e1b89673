import { describe, expect, it } from "vitest";
import { number, strings } from "./strings.ts";

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
    for (const text of [strings.home.lead, strings.prejoin.promise("a.example"), strings.safety.secureText(2, "a.example")]) {
      expect(text).toMatch(/if the page (it|this server) gave you is the published one\.$/u);
      expect(text.length).toBeLessThan(150);
    }
  });
  it("write small numbers in letters", () => {
    expect(strings.prejoin.inside(5)).toBe("Five people are inside.");
    expect(strings.prejoin.inside(1)).toBe("One person is inside.");
    expect(number(40)).toBe("40");
  });
});
