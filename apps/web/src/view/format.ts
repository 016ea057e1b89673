// Small pure helpers for what is shown.

const letters = new Intl.Segmenter(undefined, { granularity: "grapheme" });
const first = (word: string): string => letters.segment(word)[Symbol.iterator]().next().value?.segment ?? "";

/** One or two capitals: "Amara Okafor" is AO, "Noor" is N. */
export const initials = (name: string): string => {
  const parts = name.split(/[\s\-_.]+/u).filter((part) => /[\p{L}\p{N}\p{Extended_Pictographic}]/u.test(part));
  const [one, ...rest] = parts;
  if (one === undefined) return "?";
  const last = rest.at(-1);
  return (first(one) + (last === undefined ? "" : first(last))).toLocaleUpperCase();
};

/** A hue of the colour circle that stays with an identity: one of twelve, in degrees. */
export const hue = (identity: string): number => {
  let sum = 7;
  for (const char of identity) sum = (sum * 31 + (char.codePointAt(0) ?? 0)) >>> 0;
  return (((sum ^ (sum >>> 13)) >>> 0) % 12) * 30 + 10;
};

/** Time of day, as the device writes it. */
export const clock = (at: number): string => new Date(at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });

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
