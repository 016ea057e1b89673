// Links in what others write. Pure, and for hostile text: what is shown is where the link leads, as the browser itself reads it.
import { constants } from "../../constants.ts";

export interface Link {
  href: string;
  /** What is shown: the whole address, letters outside ASCII as Punycode or percent signs, so that look-alikes and turned text show. */
  label: string;
}

/** Longer ones stay text, and so does what follows so many links in one line. */
const longest = 2048;
const most = 50;

const candidate = /(?<![\p{L}\p{N}])https:\/\/[^\s<>"“”]+/giu;
/** The key of a meeting behind its #, which other programs may have escaped, even twice. */
const key = new RegExp(`(#|%(?:25)*23)${constants.linkPattern.slice(1, -1)}(?![\\w-])`, "giu");
const openers: Record<string, string> = { ")": "(", "]": "[", "}": "{" };

/** Without the closing bracket of a sentence around the address, and without the stop at its end. */
const trim = (text: string): string => {
  const open: string[] = [];
  let end = 0;
  for (; end < text.length; end += 1) {
    const char = text.charAt(end);
    if ("([{".includes(char)) open.push(char);
    else if (char in openers && open.pop() !== openers[char]) break;
  }
  while (end > 0 && ".,;:!?'’…»*".includes(text.charAt(end - 1))) end -= 1;
  return text.slice(0, end);
};

/** Without keys of meetings: whoever only sees or keeps the text does not get them. */
export const hideKeys = (text: string): string => text.replace(key, "$1…");

const read = (text: string): Link | null => {
  if (text.length > longest || !URL.canParse(text)) return null;
  const url = new URL(text);
  // A name before the host is there to be taken for it.
  if (url.protocol !== "https:" || url.username !== "" || url.password !== "") return null;
  return { href: url.href, label: hideKeys(url.href) };
};

/** Text and links in their order. Only https; all else stays text, whatever it looks like. */
export const splitLinks = (text: string): (string | Link)[] => {
  const parts: (string | Link)[] = [];
  let from = 0;
  let links = 0;
  for (const { 0: found, index } of text.matchAll(candidate)) {
    const written = trim(found);
    const link = links < most ? read(written) : null;
    if (!link) continue;
    links += 1;
    if (index > from) parts.push(text.slice(from, index));
    parts.push(link);
    from = index + written.length;
  }
  if (from < text.length) parts.push(text.slice(from));
  return parts;
};

/** A text that is longer, in UTF-16 units or lines, is shown from its beginning, so that it neither fills the panel nor keeps the browser busy. */
const atOnce = { units: 1200, lines: 20 };

/** The beginning of what is longer than one wants to see at once, links whole or not at all; `null`: it is short enough. */
export const beginningOf = (parts: readonly (string | Link)[]): (string | Link)[] | null => {
  let [units, lines] = [atOnce.units, atOnce.lines];
  const begun: (string | Link)[] = [];
  for (const part of parts) {
    const text = typeof part === "string" ? part : part.label;
    const end = typeof part === "string" ? endWithin(part, units, lines) : text.length <= units ? text.length : 0;
    if (end < text.length) return end === 0 || typeof part !== "string" ? begun : [...begun, part.slice(0, end)];
    begun.push(part);
    units -= text.length;
    lines -= text.split("\n").length - 1;
  }
  return null;
};

/** Where to cut a text so that it has at most so many units and lines; no character of two units is cut. */
const endWithin = (text: string, units: number, lines: number): number => {
  let end = Math.min(text.length, units);
  let breaks = 0;
  for (let at = text.indexOf("\n"); at >= 0 && at < end; at = text.indexOf("\n", at + 1)) {
    if (++breaks < lines) continue;
    end = at;
    break;
  }
  const isHalf = end < text.length && /[\uD800-\uDBFF]/.test(text.charAt(end - 1));
  return isHalf ? end - 1 : end;
};
