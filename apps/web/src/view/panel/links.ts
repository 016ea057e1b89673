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
