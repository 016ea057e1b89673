// From notices to what is said: pure, so that "softly" and "gathered" can be tested.
import type { Snapshot } from "../api.ts";
import { strings } from "./strings.ts";

type Notice = Snapshot["notices"][number];

export interface Said {
  /** Id of the last notice in it. */
  id: number;
  text: string;
  /** Stays longer and looks serious. */
  loud: boolean;
  /** The screen shows it already: only said to those who cannot see it. */
  silent: boolean;
}

/** Above this many people, comings and goings are one sentence. */
export const crowd = 20;

/** Notices that share a sentence with the one before them. */
const together = (a: Notice, b: Notice, people: number): boolean =>
  a.what.kind === b.what.kind && (a.what.kind === "ghost" || a.what.kind === "commitRefused" || (people > crowd && (a.what.kind === "joined" || a.what.kind === "left")));

const sentence = (group: Notice[]): Omit<Said, "id"> | null => {
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

/** What to say about the notices with an id above `after`, oldest first. */
export const toSay = (notices: readonly Notice[], after: number, people: number): Said[] => {
  const groups: Notice[][] = [];
  for (const notice of notices) {
    if (notice.id <= after) continue;
    const group = groups.at(-1);
    if (group?.[0] && together(group[0], notice, people)) group.push(notice);
    else groups.push([notice]);
  }
  return groups.flatMap((group) => {
    const said = sentence(group);
    return said ? [{ id: group.at(-1)?.id ?? after, ...said }] : [];
  });
};
