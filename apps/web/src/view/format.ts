// Small pure helpers for what is shown.

const segmenter = new Intl.Segmenter(undefined, { granularity: "grapheme" });
/** The letters of a text, as people count them. */
export const letters = (text: string): string[] => [...segmenter.segment(text)].map(({ segment }) => segment);

/** The first letter as people count them that has such a sign; empty without one. */
const first = (text: string, sign: RegExp): string => letters(text).find((letter) => sign.test(letter)) ?? "";

/** The capitals of the first and the last word that have a letter: "Amara Okafor" is AO, "Noor" is N, "Noam (host)" is NH. */
export const initials = (name: string): string => {
  const [one, ...rest] = name.split(/[\s\-_.]+/u).map((word) => first(word, /\p{L}/u)).filter((letter) => letter !== "");
  if (one === undefined) return first(name, /[\p{N}\p{Extended_Pictographic}]/u) || "?";
  return (one + (rest.at(-1) ?? "")).toLocaleUpperCase();
};

const directions = /[\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;
const rightToLeft = /[\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}]/u;

/** A name or title as it may stand inside a sentence: whatever way it runs, the words around it stay in their order. */
export const isolate = (name: string): string => {
  const plain = name.replace(directions, "");
  return rightToLeft.test(plain) ? `\u2068${plain}\u2069` : plain;
};

/** A hue of the colour circle that stays with an identity: one of twelve, in degrees. */
export const hue = (identity: string): number => {
  let sum = 7;
  for (const char of identity) sum = (sum * 31 + (char.codePointAt(0) ?? 0)) >>> 0;
  return (((sum ^ (sum >>> 13)) >>> 0) % 12) * 30 + 10;
};

/** Time of day, as the device writes it. */
export const clock = (at: number): string => new Date(at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });

/** Weekday and time of day, of what is at most a day away. */
export const weekdayAndTime = (at: number): string => `${new Date(at).toLocaleDateString("en", { weekday: "long" })}, ${clock(at)}`;

/** A day that may be long ago. */
export const date = (at: number): string => new Date(at).toLocaleDateString("en-GB", { day: "numeric", month: "long", year: "numeric" });

/** Day and short month, for the list of meetings. */
export const day = (at: number): { day: string; month: string } => {
  const date = new Date(at);
  return { day: String(date.getDate()), month: date.toLocaleDateString("en", { month: "short" }) };
};

/** How long since, coarse: "8 s", "2 min". Never negative. */
export const elapsed = (since: number, now: number): string => {
  const seconds = Math.max(0, Math.round((now - since) / 1000));
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min`;
};

/** Of a link as this page makes them: an address with the fragment behind it. */
export const fragmentOf = (link: string): string => new URL(link).hash.slice(1);
