// What a QR code says between two people who compare: what its screen shows, which of the two codes that is, and who looks at it.

/** Two codes can be compared: the one that two people have in every meeting, and the one that all in this meeting have. */
export type CodeKind = "person" | "safety";

/** Longer texts are none of ours. */
const longest = 128;
const version = 1;
/** Who shows it is named by the identity of this stay, 16 bytes of base64url: a hash of the leaf key that nobody else can have. */
const format = /^conclave\/1 (?<kind>person|safety) code (?<shower>[A-Za-z0-9_-]{22}) (?<digits>[0-9]{30})$/u;

/** What `shower`, whose screen it is, lets others scan. */
export const writeCode = (kind: CodeKind, shower: string, code: readonly string[]): string => `conclave/${version} ${kind} code ${shower} ${code.join("")}`;

/** With whom one compares which code, and who else is there. */
export interface Compared {
  kind: CodeKind;
  /** As one's own screen shows it. */
  code: readonly string[];
  me: string;
  them: string;
  others: readonly string[];
}

export type Judgement =
  /** These digits, as they were scanned: the session compares them once more. */
  | { kind: "same"; code: string[] }
  /** `elsewhere`: whoever shows it is not in this meeting, as far as one sees. */
  | { kind: "differs"; elsewhere: boolean }
  /** Nothing to compare: some other QR code, one of another version of the page, the other of the two codes, one's own screen, and that of somebody else inside. */
  | { kind: "foreign" | "version" | "otherCode" | "own" }
  | { kind: "somebody"; identity: string };

/** What a scanned text, which anybody can have written, says about the two. Only what the other's screen shows is the same or differs. */
export const judge = (text: string, { kind, code, me, them, others }: Compared): Judgement => {
  if (text.length > longest) return { kind: "foreign" };
  const read = format.exec(text)?.groups;
  if (!read) {
    const [, said] = /^conclave\/(\d{1,4}) /u.exec(text) ?? [];
    return { kind: said === undefined || Number(said) === version ? "foreign" : "version" };
  }
  const { shower = "", digits = "" } = read;
  if (read["kind"] !== kind) return { kind: "otherCode" };
  if (shower === me) return { kind: "own" };
  if (shower !== them && others.includes(shower)) return { kind: "somebody", identity: shower };
  const elsewhere = shower !== them;
  if (digits !== code.join("")) return { kind: "differs", elsewhere };
  // Whoever has the safety code of this meeting is in it; the person code is the same in all.
  if (kind === "safety" && elsewhere) return { kind: "foreign" };
  return { kind: "same", code: digits.match(/.{5}/gu) ?? [] };
};

/** For how long the safety code must differ, in milliseconds: when somebody comes or goes, one screen is ahead of the other for a moment. As long as it is too new to be answered about. */
const settlesAfter = 6_000;

/** Gives whether what differs, by these two texts, has differed for long enough. The person code never changes. */
export const differing = (kind: CodeKind): ((scanned: string, own: string, now: number) => boolean) => {
  let first: { texts: string; at: number } | undefined;
  return (scanned, own, now) => {
    const texts = `${scanned} ${own}`;
    if (first?.texts !== texts) first = { texts, at: now };
    return kind === "person" || now - first.at >= settlesAfter;
  };
};
