import { createSignal, For, onCleanup, Show } from "solid-js";
import { ShieldAlert, X } from "lucide";
import type { Said } from "../notices.ts";
import { strings } from "../strings.ts";
import { Control } from "./Control.tsx";
import { Icon } from "./Icon.tsx";

export interface Voice {
  /** Aloud and as a toast; toasts wait for each other. */
  say(said: Omit<Said, "id">): void;
  /** Only aloud: the screen shows it already. */
  aloud(text: string): void;
}

const soft = 4_000;
/** While others wait, or news would be told that is none any more. */
const brief = 1_200;
const loud = 12_000;
const most = 20;

/** The one place that speaks: a live region for screen readers and, one at a time, toasts. */
export const createVoice = () => {
  const [spoken, setSpoken] = createSignal<{ text: string }[]>([]);
  const [queue, setQueue] = createSignal<Omit<Said, "id">[]>([]);
  let timer: ReturnType<typeof setTimeout> | undefined;

  const next = () => {
    setQueue((all) => all.slice(1));
    arm();
  };
  const arm = () => {
    clearTimeout(timer);
    const [first, waits] = queue();
    if (first) timer = setTimeout(next, first.loud ? loud : waits ? brief : soft);
  };
  onCleanup(() => clearTimeout(timer));

  const aloud = (text: string) => setSpoken((all) => [...all.slice(-4), { text }]);
  const say: Voice["say"] = (said) => {
    aloud(said.text);
    if (said.silent) return;
    setQueue((all) => [...all.slice(0, most), said]);
    const { length, [0]: first } = queue();
    if (length === 1 || (length === 2 && !first?.loud)) arm();
  };

  const Speaker = () => (
    <>
      <div class="aloud" role="log" aria-live="polite">
        <For each={spoken()}>{(line) => <p>{line.text}</p>}</For>
      </div>
      <section class="toasts" aria-label={strings.news}>
        <Show when={queue()[0]} keyed>
          {(said) => (
            <div class="toast" classList={{ loud: said.loud }}>
              <Show when={said.loud}>
                <Icon of={ShieldAlert} />
              </Show>
              <p>{said.text}</p>
              <Show when={said.loud}>
                <Control icon={X} name={strings.close} onPress={next} />
              </Show>
            </div>
          )}
        </Show>
      </section>
    </>
  );
  return { voice: { say, aloud } satisfies Voice, Speaker };
};
