import { createMemo, createSignal, For, from, Show } from "solid-js";
import type { MediaState, Readable } from "../../api.ts";
import { strings } from "../strings.ts";

const bars = Array.from({ length: 18 }, (_, index) => index);
/** Above the noise of a quiet room. */
const heardAbove = 0.08;

/** Whether the microphone hears: bars, and a sentence that stays once it was true. */
export const Level = (props: { media: MediaState; level: Readable<number> }) => {
  const level = from(props.level, 0);
  const lit = createMemo(() => Math.round(Math.min(1, Math.max(0, level())) * bars.length));
  const [heard, setHeard] = createSignal(false);
  const sentence = createMemo(() => {
    // The picture asks while it is starting, and Help tells what is blocked.
    if (props.media.microphone === "starting" || props.media.microphone === "denied") return "";
    if (props.media.microphone !== "on") return strings.prejoin.capture("microphone", props.media.microphone) ?? strings.prejoin.muted;
    if (level() > heardAbove) setHeard(true);
    return heard() ? strings.prejoin.heard : strings.prejoin.silent;
  });
  return (
    <div class="heard small muted">
      <Show when={props.media.microphone === "on"}>
        <div class="level" aria-hidden="true">
          <For each={bars}>{(bar) => <i classList={{ lit: bar < lit() }} />}</For>
        </div>
      </Show>
      <span aria-live="polite">{sentence()}</span>
    </div>
  );
};
