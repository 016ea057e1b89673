import { describe, expect, it } from "vitest";
import { readLink } from "./meeting-link.ts";

const token = "_".repeat(42) + "A";

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
  it("says that a link is cut when Rust would not take its last character", () => {
    expect(readLink(`${here}/#${token.slice(0, -1)}_`, here)).toEqual({ kind: "cut" });
  });
  it("refuses what is no link, a script above all", () => {
    for (const text of ["", "hello there", "https://news.example/story", `javascript://x/#${token}`]) {
      expect(readLink(text, here)).toEqual({ kind: "other" });
    }
  });
});
