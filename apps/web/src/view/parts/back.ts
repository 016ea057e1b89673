// The browser's Back, which on a phone is how people close what lies over something.
import { type Accessor, createEffect, onCleanup, onMount } from "solid-js";
import type { MediaState } from "../../api.ts";
import { forgetRejoin, holdEntry, isInside, keepRejoin, keepWaiting } from "../rejoin.ts";

const closers: (() => void)[] = [];

/** Back closes the caller, as long as it is on the page and nothing opened after it. */
export const closeOnBack = (close: () => void): void => {
  onMount(() => closers.push(close));
  onCleanup(() => {
    const at = closers.lastIndexOf(close);
    if (at >= 0) closers.splice(at, 1);
  });
};

/** Closes what opened last; false when nothing is open. */
export const closeLast = (): boolean => {
  const close = closers.at(-1);
  close?.();
  return close !== undefined;
};

/** While the caller is on the page, Back does not leave it: it closes what is open, then asks. An entry of the history stands in its way. */
export const holdBack = (ask: () => void): void => {
  const here = location.href;
  const back = () => {
    // Another link, or forward again.
    if (location.href !== here || isInside()) return;
    holdEntry(here);
    if (!closeLast()) ask();
  };
  onMount(() => {
    if (!isInside()) holdEntry(here);
    window.addEventListener("popstate", back);
  });
  onCleanup(() => {
    window.removeEventListener("popstate", back);
    // What comes after is left by one Back, as before.
    if (isInside() && location.href === here) history.back();
  });
};

/** Milliseconds between two notes. */
const often = 5000;

/** Keeps it again and again, and when a device is switched on or off, as long as the caller is on the page. */
const keepOn = (media: Accessor<MediaState>, keep: (microphone: boolean, camera: boolean) => void): void =>
  createEffect(() => {
    const [microphone, camera] = [media().microphone === "on", media().camera === "on"];
    const now = () => keep(microphone, camera);
    now();
    const timer = setInterval(now, often);
    // The entry of the meeting that one was put out of is left a moment later.
    window.addEventListener("popstate", now);
    onCleanup(() => {
      clearInterval(timer);
      window.removeEventListener("popstate", now);
    });
  });

/** While the caller is on the page, a reload leads back to the door. */
export const holdDoor = (media: Accessor<MediaState>): void => keepOn(media, keepWaiting);

/** While the caller is on the page, a reload leads back to it with the same microphone and camera. Goes after {@link holdBack}, whose entry it writes to. */
export const holdPlace = (media: Accessor<MediaState>): void => {
  onCleanup(forgetRejoin);
  keepOn(media, keepRejoin);
};
