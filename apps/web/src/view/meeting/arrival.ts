import { type Accessor, createEffect, createSignal, on } from "solid-js";
import type { Snapshot } from "../../api.ts";
import { recall, remember } from "../preferences.ts";

const [wanted, setWanted] = createSignal(recall("arrival-sound") !== "off");

/** Whether a sound tells that somebody came to who was alone. */
export const arrivalSound = wanted;

/** See {@link arrivalSound}. */
export const wantArrivalSound = (on: boolean): void => {
  setWanted(on);
  remember("arrival-sound", on ? "on" : "off");
};

/** Two soft tones, one after the other: frequency in hertz and start in seconds. */
const tones = [[659, 0], [880, 0.14]] as const;
const length = 0.7;
/** Far below speech. */
const loudness = 0.06;

/** The soft sound, for who wants it. */
export const playArrival = (): void => {
  if (wanted()) play();
};

const play = (): void => {
  const context = new AudioContext();
  for (const [frequency, start] of tones) {
    const from = context.currentTime + start;
    const gain = new GainNode(context, { gain: 0 });
    gain.gain.linearRampToValueAtTime(0, from);
    gain.gain.linearRampToValueAtTime(loudness, from + 0.03);
    gain.gain.exponentialRampToValueAtTime(0.0001, from + length);
    const tone = new OscillatorNode(context, { frequency });
    tone.connect(gain).connect(context.destination);
    tone.start(from);
    tone.stop(from + length);
    if (start === tones.at(-1)?.[1]) tone.onended = () => void context.close();
  }
};

/** Whether a change of who is inside ends being alone. Who comes back from a lost connection was not. */
export const isArrival = (before: Pick<Snapshot, "phase" | "members">, now: Pick<Snapshot, "phase" | "members">): boolean =>
  before.phase.kind === "inside" && now.phase.kind === "inside" && before.members.length === 1 && now.members.length > 1;

/** Plays a sound when the first other person comes, since who waits works in another window. */
export const createArrivalSound = (snapshot: Accessor<Snapshot>): void => {
  createEffect(
    on(
      () => ({ phase: snapshot().phase, members: [...snapshot().members] }),
      (now, before) => {
        if (before && isArrival(before, now)) playArrival();
      },
    ),
  );
};
