// What a person may paste: a whole meeting link, or the part after its #.
import { constants } from "../constants.ts";

export type Pasted = { kind: "link"; fragment: string; url: string } | { kind: "cut" } | { kind: "other" };

const whole = new RegExp(constants.linkPattern, "u");
const part = new RegExp(`^[${constants.linkAlphabet}]{8,}$`, "u");

/** What stands behind the # of a link, or all of it: by this a meeting is known again. */
export const fragmentOf = (link: string): string => link.slice(link.indexOf("#") + 1).trim();

/** Reads what was pasted. `here` is the origin of this page: links without a host belong to it. */
export const readLink = (pasted: string, here: string): Pasted => {
  const text = pasted.trim().replace(/^<|>$/gu, "");
  const bare = text.replace(/^#/u, "");
  if (whole.test(bare)) return { kind: "link", fragment: bare, url: `${here}/#${bare}` };
  let url: URL;
  try {
    url = new URL(text.includes("://") ? text : `https://${text}`);
  } catch {
    return part.test(bare) ? { kind: "cut" } : { kind: "other" };
  }
  if (url.protocol !== "https:" && url.protocol !== "http:") return { kind: "other" };
  const fragment = url.hash.slice(1);
  if (whole.test(fragment)) return { kind: "link", fragment, url: `${url.origin}/#${fragment}` };
  return fragment !== "" || url.origin === here ? { kind: "cut" } : { kind: "other" };
};
