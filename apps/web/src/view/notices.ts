// From the notices of a snapshot to announcements: pure, so that what is loud and what is gathered can be tested.
import type { Snapshot } from "../api.ts";
import { strings } from "./strings.ts";

type Notice = Snapshot["notices"][number];

export interface Announcement {
  text: string;
  /** Stays longer and looks serious. */
  loud: boolean;
  /** The page shows it already: only screen readers are told. */
  silent: boolean;
}

/** Above this many people, comings and goings are one sentence. */
export const crowd = 20;

/** Notices that share a sentence with the one before them. */
const shareSentence = (a: Notice, b: Notice, people: number): boolean =>
  a.what.kind === b.what.kind && (a.what.kind === "ghost" || a.what.kind === "commitRefused" || (people > crowd && (a.what.kind === "joined" || a.what.kind === "left")));

const sentence = (group: Notice[]): Announcement | null => {
  const what = group[0]?.what;
  if (!what) return null;
  const soft = { loud: false, silent: false };
  const who = (name: string): string => (group.length > 1 ? strings.notice.others(name, group.length - 1) : name);
  switch (what.kind) {
    case "joined":
      return { text: strings.notice.joined(who(what.name)), ...soft };
    case "left":
      return { text: strings.notice.left(who(what.name)), ...soft };
    case "removed":
      return { text: strings.notice.removed(what.name), ...soft };
    case "mediaRefused":
      return { text: strings.meeting.refused(what.name, { source: what.source, reason: what.reason }), loud: true, silent: true };
    case "ghost":
      return { text: strings.notice.ghost, loud: true, silent: false };
    case "commitRefused":
      return { text: strings.notice.commitRefused, loud: true, silent: false };
  }
};

/** Announces the notices with an id above `after`, oldest first; `id` is that of the last notice in the sentence. */
export const announceNotices = (notices: readonly Notice[], after: number, people: number): (Announcement & { id: number })[] => {
  const groups: Notice[][] = [];
  for (const notice of notices) {
    if (notice.id <= after) continue;
    const group = groups.at(-1);
    if (group?.[0] && shareSentence(group[0], notice, people)) group.push(notice);
    else groups.push([notice]);
  }
  return groups.flatMap((group) => {
    const announcement = sentence(group);
    return announcement ? [{ id: group.at(-1)?.id ?? after, ...announcement }] : [];
  });
};

/** The last coming or going with an id above `after`, as a sentence; null when there was none. */
export const rosterChange = (notices: readonly Notice[], after: number): string | null => {
  const last = notices.findLast(({ id, what }) => id > after && (what.kind === "joined" || what.kind === "left" || what.kind === "removed"));
  return last ? (sentence([last])?.text ?? null) : null;
};
