import { createSignal, For, onCleanup, Show } from "solid-js";
import { CircleAlert, ShieldAlert, X } from "lucide";
import { type Announcement, enqueue } from "../notices.ts";
import { strings } from "../strings.ts";
import { Control } from "./Control.tsx";
import { Icon } from "./Icon.tsx";

export interface Announce {
  /** For screen readers and, unless silent, as a toast; toasts wait for each other. */
  toast(announcement: Announcement): void;
  /** For screen readers alone: the page shows it already. */
  aloud(text: string): void;
  /** Takes the toasts with this key back. */
  withdraw(key: string): void;
}

/** How long a toast stays, in milliseconds. */
const soft = 4_000;
/** While others wait, or an announcement would come that is none any more. */
const brief = 1_200;
const loud = 12_000;
/** Toasts that wait at most. */
const most = 20;

/** The one place that announces: a live region for screen readers and, one at a time, toasts. */
export const createAnnouncer = () => {
  const [spoken, setSpoken] = createSignal<{ text: string }[]>([]);
  const [queue, setQueue] = createSignal<Announcement[]>([]);
  let timer: ReturnType<typeof setTimeout> | undefined;

  const next = () => {
    setQueue((all) => all.slice(1));
    arm();
  };
  const arm = () => {
    clearTimeout(timer);
    const [first, waits] = queue();
    if (first) timer = setTimeout(next, first.loud || first.action ? loud : waits ? brief : soft);
  };
  onCleanup(() => clearTimeout(timer));

  const aloud = (text: string) => setSpoken((all) => [...all.slice(-4), { text }]);
  const toast = (announcement: Announcement) => {
    aloud(announcement.text);
    if (announcement.silent) return;
    const before = queue()[0];
    setQueue((all) => enqueue(all.slice(0, most), announcement));
    const { length, [0]: first } = queue();
    if (first !== before || (length === 2 && !first?.loud)) arm();
  };

  const withdraw = (key: string) => {
    const before = queue()[0];
    setQueue((all) => (all.some((one) => one.key === key) ? all.filter((one) => one.key !== key) : all));
    if (queue()[0] !== before) arm();
  };

  const Announcer = () => (
    <>
      <div class="aloud" role="log" aria-live="polite">
        <For each={spoken()}>{(line) => <p>{line.text}</p>}</For>
      </div>
      <section class="toasts" aria-label={strings.news}>
        <Show when={queue()[0]} keyed>
          {(announcement) => (
            <div class="toast" classList={{ loud: announcement.loud, alarmed: announcement.security }}>
              <Show when={announcement.loud}>
                <Icon of={announcement.security ? ShieldAlert : CircleAlert} />
              </Show>
              <p>{announcement.text}</p>
              <Show when={announcement.action}>
                {(action) => (
                  <button
                    type="button"
                    class="primary small"
                    aria-label={action().name}
                    onClick={() => {
                      action().press();
                      next();
                    }}
                  >
                    {action().label}
                  </button>
                )}
              </Show>
              <Show when={announcement.loud || announcement.action}>
                <Control icon={X} name={strings.close} onPress={next} />
              </Show>
            </div>
          )}
        </Show>
      </section>
    </>
  );
  return { announce: { toast, aloud, withdraw } satisfies Announce, Announcer };
};
