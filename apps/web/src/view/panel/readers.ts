// Who could read a line of the chat: a line is sealed for those who are in the group at that moment. Pure, so that it can be tested.
import type { Snapshot } from "../../api.ts";

type Line = Pick<Snapshot["chat"][number], "id">;

export interface Reader {
  identity: string;
  name: string;
  me: boolean;
}

export interface Readers {
  /** By the line's id. Goes with the lines. */
  of: ReadonlyMap<number, readonly Reader[]>;
  /** Everybody in the group, as it was read last. */
  roster: readonly Reader[];
  /** Own lines that had no place in the log yet. */
  unsent: ReadonlySet<number>;
}

export const noReaders: Readers = { of: new Map(), roster: [], unsent: new Set() };

const same = (a: readonly Reader[], b: readonly Reader[]): boolean => a.length === b.length && a.every(({ identity }, index) => identity === b[index]?.identity);

/** All of `a`, then who is only in `b`; `a` itself when nobody is. */
const union = (a: readonly Reader[], b: readonly Reader[]): readonly Reader[] => {
  const more = b.filter(({ identity }) => !a.some((one) => one.identity === identity));
  return more.length === 0 ? a : [...a, ...more];
};

/**
 * Reads on. In doubt more people could read a line than fewer: who came or went in the very moment could, and so could everybody who was
 * inside while an own line was on its way.
 */
export const readReaders = (before: Readers, chat: readonly Line[], unsent: readonly Line[], members: Snapshot["members"]): Readers => {
  const now = members.map(({ identity, name, me }) => ({ identity, name, me }));
  const roster = same(before.roster, now) ? before.roster : now;
  // Shared by all lines of this moment.
  const either = union(before.roster, roster);
  const readers = (line: Line): readonly Reader[] => {
    const known = before.of.get(line.id);
    if (!known) return either;
    return before.unsent.has(line.id) ? union(known, roster) : known;
  };
  return {
    of: new Map([...chat, ...unsent].map((line) => [line.id, readers(line)])),
    roster,
    unsent: new Set(unsent.map(({ id }) => id)),
  };
};
