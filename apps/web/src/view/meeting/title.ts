import { type Accessor, createEffect, createSignal, on, onCleanup } from "solid-js";
import type { Snapshot } from "../../api.ts";
import { cutName } from "../names.ts";
import { strings } from "../strings.ts";

/** The title of the page tells, to who works in another window, who came in or asked to meanwhile, and else how much there is to read. */
export const createTitle = (notices: Accessor<Snapshot["notices"]>, unread: Accessor<number>): void => {
  const [arrival, setArrival] = createSignal<string | null>(null);
  const look = () => {
    if (document.visibilityState === "visible") setArrival(null);
  };
  document.addEventListener("visibilitychange", look);
  createEffect(
    on(
      () => notices().at(-1)?.id ?? 0,
      () => {
        const what = notices().at(-1)?.what;
        if (document.visibilityState !== "hidden") return;
        if (what?.kind === "joined") setArrival(strings.notice.cameIn(cutName(what.name)));
        if (what?.kind === "knocked") setArrival(strings.door.askedIn(cutName(what.name)));
      },
      { defer: true },
    ),
  );
  createEffect(() => {
    document.title = arrival() ?? (unread() > 0 ? `(${unread()}) ${strings.product}` : strings.product);
  });
  onCleanup(() => {
    document.removeEventListener("visibilitychange", look);
    document.title = strings.product;
  });
};
