import { type Accessor, createMemo, createSignal } from "solid-js";
import type { Snapshot } from "../../api.ts";

/** Lines of others with an id above `seen`; theirs rise. */
export const countUnread = (chat: Snapshot["chat"], seen: number): number => chat.filter((line) => line.id > seen && !line.mine).length;

/** How many chat lines of others nobody looked at here. `see`: all of them are in sight. */
export const createUnread = (chat: Accessor<Snapshot["chat"]>): { unread: Accessor<number>; see: () => void } => {
  const last = () => chat().findLast(({ mine }) => !mine)?.id ?? 0;
  // What was written before one came in is not news.
  const [seen, setSeen] = createSignal(last());
  const unread = createMemo(() => countUnread(chat(), seen()));
  return { unread, see: () => setSeen(last()) };
};
