// What the worker tells of a session becomes the page's snapshot here, and nowhere else.
import { constants } from "../constants.ts";
import type { Member, Snapshot, SnapshotUpdate } from "./wasm/conclave.js";

/** Before anything was told. Each caller gets objects of its own. */
export const emptySnapshot = (): Snapshot => structuredClone(constants.emptySnapshot);

/** The next snapshot; it shares with `before` whatever did not change, and leaves that as it was. */
export const apply = (before: Snapshot, { status, removed, members, chat, dropped, unsent, sent, notices }: SnapshotUpdate): Snapshot => ({
  ...before,
  ...status,
  members: removed.length + members.length === 0 ? before.members : roster(before.members, new Set(removed), members),
  chat: chat.length + dropped.length === 0 ? before.chat : [...before.chat, ...chat].filter(({ id }) => !dropped.includes(id)),
  unsent: unsent.length + sent.length === 0 ? before.unsent : [...before.unsent, ...unsent].filter(({ id }) => !sent.includes(id)),
  notices: notices.length === 0 ? before.notices : [...before.notices, ...notices].slice(-constants.notices),
});

const roster = (before: Member[], removed: Set<string>, members: Member[]): Member[] => {
  const changed = new Map(members.map((member) => [member.identity, member]));
  const kept = before.filter((member) => !removed.has(member.identity)).map((member) => {
    const now = changed.get(member.identity);
    changed.delete(member.identity);
    return now ?? member;
  });
  return [...kept, ...changed.values()];
};
