// A reloaded or crashed tab goes straight back in, as the same person. What it needs stands in the history's entry of the meeting; it names
// nobody and nothing, and only this browser can open the key.
import type { VaultSealed } from "../api.ts";

/** As it was when it was last written. */
export interface Rejoin {
  /** Unix milliseconds. */
  at: number;
  microphone: boolean;
  camera: boolean;
  key: VaultSealed | undefined;
}

/** Milliseconds. A tab that is opened again later asks first: its microphone would be on. */
const valid = 60_000;

interface Entry {
  rejoin: Rejoin | undefined;
  /** Outside, and asking to come in. */
  waiting?: true;
}

/** Whether the history's entry is one that stands in the way of Back, inside a meeting. */
export const isInside = (): boolean => typeof history.state === "object" && history.state !== null && "rejoin" in history.state && !("waiting" in history.state);

let kept: Rejoin | undefined;
let key: VaultSealed | undefined;

/** From now on it is kept with the rest. */
export const keepKey = (sealed: VaultSealed | undefined): void => {
  key = sealed;
};

/** To be called again and again: who crashes cannot say so. */
export const keepRejoin = (microphone: boolean, camera: boolean): void => {
  kept = { at: Date.now(), microphone, camera, key };
  if (isInside()) history.replaceState({ rejoin: kept } satisfies Entry, "");
};

/** The same for who waits at the door. It writes to the entry of the link itself. */
export const keepWaiting = (microphone: boolean, camera: boolean): void => {
  if (!isInside()) history.replaceState({ rejoin: { at: Date.now(), microphone, camera, key }, waiting: true } satisfies Entry, "");
};

/** No longer inside. */
export const forgetRejoin = (): void => {
  kept = undefined;
};

/** Puts an entry into the history that stands in the way of Back, with what was kept last. */
export const holdEntry = (here: string): void => history.pushState({ rejoin: kept } satisfies Entry, "", here);

/** How this tab was inside a moment ago, if it was, and the document is new. */
export const readRejoin = (): Rejoin | null => {
  const rejoin = (history.state as Entry | null)?.rejoin;
  return rejoin && Date.now() - rejoin.at < valid ? rejoin : null;
};

let taken = false;

/** The same, for the first session of the document alone: the others were opened by a press. */
export const takeRejoin = (): Rejoin | null => {
  const rejoin = taken ? null : readRejoin();
  taken = true;
  return rejoin;
};
