// From the notices of a snapshot to announcements: pure, so that what is loud and what is gathered can be tested.
import type { Snapshot } from "../api.ts";
import { clock } from "./format.ts";
import { cutName } from "./names.ts";
import { strings } from "./strings.ts";

type Notice = Snapshot["notices"][number];

export interface Announcement {
  text: string;
  /** Stays longer and looks serious. */
  loud: boolean;
  /** The page shows it already: only screen readers are told. */
  silent: boolean;
  /** Wears the shield: somebody tried something. */
  security: boolean;
  /** What one can do about it at once. */
  action?: { label: string; name: string; press: () => void };
  /** By which it is taken back. */
  key?: string;
  /** Comings and goings, which may share a sentence with others of their kind. */
  people?: { kind: Crossing; names: string[]; at: number };
}

type Crossing = "joined" | "left" | "lost";
const isCrossing = (kind: Notice["what"]["kind"]): kind is Crossing => kind === "joined" || kind === "left" || kind === "lost";

/** Above this many people, comings and goings are one sentence. */
export const crowd = 20;

/** Notices that share a sentence with the one before them. */
const shareSentence = (a: Notice, b: Notice, people: number): boolean =>
  a.what.kind === b.what.kind && (a.what.kind === "ghost" || a.what.kind === "commitRefused" || a.what.kind === "undelivered" || (people > crowd && isCrossing(a.what.kind)));

const crossing = (kind: Crossing, names: string[], at: number): Announcement => ({
  text: strings.notice[kind](strings.notice.others(names[0] ?? "", names.length - 1)),
  loud: false,
  silent: false,
  security: false,
  people: { kind, names, at },
});

/** One notice, or several that share a sentence. */
export const sentence = (group: readonly Pick<Notice, "at" | "what">[]): Announcement | null => {
  const what = group[0]?.what;
  if (!what) return null;
  const alarm = { loud: true, silent: false, security: true };
  switch (what.kind) {
    case "joined":
    case "left":
    case "lost":
      return crossing(what.kind, group.flatMap((notice) => ("name" in notice.what ? [cutName(notice.what.name)] : [])), group.at(-1)?.at ?? 0);
    case "removed":
      return { text: strings.notice.removed(cutName(what.name)), loud: false, silent: false, security: false };
    case "sentBack":
      return { text: strings.notice.sentBack(cutName(what.name)), loud: false, silent: false, security: false };
    case "knocked":
      return { text: `${strings.door.askedIn(cutName(what.name))}.`, loud: false, silent: false, security: false };
    case "door":
      return { text: strings.notice.door[what.door], loud: false, silent: false, security: false };
    case "appointed":
      return { text: strings.notice.appointed(cutName(what.name), what.me), loud: false, silent: false, security: false };
    case "hostElsewhere":
      return { text: strings.notice.hostElsewhere(cutName(what.name)), loud: true, silent: false, security: false };
    case "floor":
      return { text: strings.notice.floor(what.what, what.everybody), loud: false, silent: false, security: false };
    case "permitted":
      return { text: strings.notice.permitted(what.what, what.given), loud: true, silent: false, security: false };
    case "muted":
      return { text: strings.notice.muted(cutName(what.by)), loud: true, silent: false, security: false };
    case "mutedOnEntry":
      return { text: strings.notice.mutedOnEntry, loud: false, silent: false, security: false };
    case "lineNotTaken":
      return { text: strings.notice.lineNotTaken, loud: true, silent: false, security: false };
    case "mediaRefused":
      return { text: strings.meeting.refused(cutName(what.name), { source: what.source, reason: what.reason }), ...alarm, silent: true };
    case "mediaUnproved":
      return { text: strings.meeting.doubted(cutName(what.name), { source: what.source, forged: what.forged }), ...alarm, silent: true };
    case "ghost":
      return { text: strings.notice.ghost, ...alarm };
    case "codeDiffers":
      return { text: strings.notice.codeDiffers(cutName(what.name), what.byMe), ...alarm, silent: what.byMe };
    case "peopleFull":
      return { text: strings.notice.peopleFull, loud: true, silent: false, security: false };
    case "ends":
      return { text: strings.notice.ends(what.minutes, clock(what.at)), loud: true, silent: false, security: false };
    case "otherSoftware":
      return { text: strings.notice.otherSoftware(cutName(what.name), what.me, what.unlogged), loud: false, silent: false, security: false };
    case "keyChanged":
      return { text: strings.notice.keyChanged(cutName(what.name), cutName(what.verified), what.hasDevice), ...alarm };
    case "commitRefused":
      return { text: strings.notice.commitRefused, ...alarm };
    case "undelivered":
      return { text: strings.notice.undelivered, ...alarm };
    case "notRemoved":
      return { text: strings.notice.notRemoved(cutName(what.name)), ...alarm, security: false };
    case "logForked":
      return { text: strings.notice.logForked, ...alarm };
    case "clockOff":
      return { text: strings.notice.clockOff, ...alarm };
  }
};

/** Announces the notices with an id above `after`, oldest first; `id` is that of the last notice in the sentence. */
export const announceNotices = (notices: readonly Notice[], after: number, people: number): (Announcement & { id: number })[] => {
  const groups: Notice[][] = [];
  for (const notice of notices) {
    // Who asks to come in is told from the list of those who wait, with what one can do about it.
    if (notice.id <= after || notice.what.kind === "knocked") continue;
    const group = groups.at(-1);
    if (group?.[0] && shareSentence(group[0], notice, people)) group.push(notice);
    else groups.push([notice]);
  }
  return groups.flatMap((group) => {
    const announcement = sentence(group);
    return announcement ? [{ id: group.at(-1)?.id ?? after, ...announcement }] : [];
  });
};

/** So many people within so many milliseconds are one sentence. */
const flock = { people: 3, within: 2000 };

/** What waits, and what comes: several who came or went shortly after each other are gathered at the end of the queue. */
export const enqueue = (queue: readonly Announcement[], next: Announcement): Announcement[] => {
  if (!next.people) return [...queue, next];
  const { kind, at } = next.people;
  let from = queue.length;
  let since = at;
  const names = [...next.people.names];
  for (let before = queue[from - 1]?.people; before?.kind === kind && since - before.at <= flock.within; before = queue[from - 1]?.people) {
    names.unshift(...before.names);
    since = before.at;
    from -= 1;
  }
  return names.length < flock.people ? [...queue, next] : [...queue.slice(0, from), crossing(kind, names, at)];
};

/** The last coming or going with an id above `after`, as a sentence; null when there was none. */
export const rosterChange = (notices: readonly Notice[], after: number): string | null => {
  const last = notices.findLast(({ id, what }) => id > after && (isCrossing(what.kind) || what.kind === "removed" || what.kind === "sentBack"));
  return last ? (sentence([last])?.text ?? null) : null;
};
