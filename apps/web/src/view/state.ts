// From the seam's readables to Solid's signals, and the little that the view keeps for itself.
import { type Accessor, batch, createSignal, onCleanup } from "solid-js";
import { createStore, reconcile } from "solid-js/store";
import type { MediaState, Readable, RemoteTrack, Snapshot } from "../api.ts";

/** The newest state of the media; a track that is what it was stays the same object, so that nothing drawn or heard starts anew. */
export const mediaOf = (readable: Readable<MediaState>): Accessor<MediaState> => {
  const [value, set] = createSignal(readable.get());
  onCleanup(readable.subscribe((next) => set((before) => ({ ...next, tracks: steady(before.tracks, next.tracks) }))));
  return value;
};

/** `now`, with the objects of `before` wherever they say the same; `before` itself when nothing changed. */
export const steady = (before: RemoteTrack[], now: RemoteTrack[]): RemoteTrack[] => {
  const kept = now.map((track) => before.find((old) => old.identity === track.identity && old.source === track.source && old.stream === track.stream) ?? track);
  return kept.length === before.length && kept.every((track, index) => track === before[index]) ? before : kept;
};

/** What a readable says. */
export const signalOf = <T,>(readable: Readable<T>): Accessor<T> => {
  const [value, set] = createSignal(readable.get());
  onCleanup(readable.subscribe((next) => set(() => next)));
  return value;
};

/** The snapshot, with fine grain: what reads one member is not run for another. */
export const snapshotOf = (readable: Readable<Snapshot>): Snapshot => {
  const [store, set] = createStore<{ now: Snapshot }>({ now: readable.get() });
  // By key, never by place: the store works on the objects that it was given, and the next snapshot shares those that did not change.
  const show = ({ members, chat, notices, waiting, ...status }: Snapshot) => {
    set("now", status);
    set("now", "members", reconcile(members, { key: "identity" }));
    set("now", "waiting", reconcile(waiting, { key: "identity" }));
    set("now", "chat", reconcile(chat, { key: "id" }));
    set("now", "notices", reconcile(notices, { key: "id" }));
  };
  // As one change: an epoch must not be reported as shown before its roster is drawn.
  onCleanup(readable.subscribe((next) => batch(() => show(next))));
  return store.now;
};

/** Unix milliseconds, renewed each second while somebody looks. */
export const ticking = (): Accessor<number> => {
  const [now, set] = createSignal(Date.now());
  const timer = setInterval(() => set(Date.now()), 1000);
  onCleanup(() => clearInterval(timer));
  return now;
};

/** False at first, true after `ms`: what ends sooner shows no progress at all. */
export const after = (ms: number): Accessor<boolean> => {
  const [over, set] = createSignal(false);
  const timer = setTimeout(() => set(true), ms);
  onCleanup(() => clearTimeout(timer));
  return over;
};

/** Whether a media query holds. */
export const matches = (query: string): Accessor<boolean> => {
  const list = matchMedia(query);
  const [value, set] = createSignal(list.matches);
  const changed = () => set(list.matches);
  list.addEventListener("change", changed);
  onCleanup(() => list.removeEventListener("change", changed));
  return value;
};

/** A phone, or a window as narrow: what opens is a sheet. */
export const isNarrow = (): Accessor<boolean> => matches("(max-width: 720px)");

/** Nothing is to move. */
export const isStill = (): Accessor<boolean> => matches("(prefers-reduced-motion: reduce)");

/** Puts text on the clipboard; false when the browser does not allow it. */
export const copy = async (text: string): Promise<boolean> => {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
};
