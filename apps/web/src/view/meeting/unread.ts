import { type Accessor, createEffect, createMemo, createSignal, onCleanup } from "solid-js";
import type { Snapshot } from "../../api.ts";
import { strings } from "../strings.ts";

/** How many chat lines of others came since the chat was last open; the title of the page tells it too. */
export const createUnread = (chat: Accessor<Snapshot["chat"]>, reading: Accessor<boolean>): Accessor<number> => {
  const last = () => chat().at(-1)?.id ?? 0;
  // What was written before one came in is not news.
  const [read, setRead] = createSignal(last());
  createEffect(() => {
    if (reading()) setRead(last());
  });
  const unread = createMemo(() => chat().filter((line) => line.id > read() && !line.mine).length);
  createEffect(() => (document.title = unread() > 0 ? `(${unread()}) ${strings.product}` : strings.product));
  onCleanup(() => (document.title = strings.product));
  return unread;
};
