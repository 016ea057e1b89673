import { createSignal, onMount, Show } from "solid-js";
import { CloudOff, Copy, DoorClosed, KeyRound, Link, RefreshCw, SearchX, ShieldAlert, Unlink, UserX, Users } from "lucide";
import type { IconNode } from "./parts/Icon.tsx";
import { Icon } from "./parts/Icon.tsx";
import { Screen } from "./parts/Screen.tsx";
import { type Why, words } from "./words.ts";

const icons: Record<Exclude<Why, "passphrase">, IconNode> = {
  left: DoorClosed,
  removed: UserX,
  linkCut: Unlink,
  notFound: SearchX,
  linkWrong: Link,
  hostMismatch: ShieldAlert,
  full: Users,
  version: RefreshCw,
  replaced: Copy,
  refused: CloudOff,
  unreachable: CloudOff,
  logBroken: ShieldAlert,
};

interface Props {
  why: Why;
  onPassphrase: (text: string) => void;
  onHome: () => void;
  onAgain: () => void;
}

/** It is over for this client: why, and what now. */
export const Over = (props: Props) => (
  <Show when={props.why !== "passphrase" && props.why} keyed fallback={<Passphrase onTry={props.onPassphrase} onHome={props.onHome} />}>
    {(why) => {
      const end = words.over.ends[why];
      return (
        <Screen icon={icons[why]} tone={end.tone} title={end.title} text={end.text}>
          <div class="actions">
            <Show when={end.then === "again"}>
              <button type="button" class="primary" onClick={() => props.onAgain()}>
                {why === "unreachable" || why === "full" ? words.over.retry : words.over.again}
              </button>
            </Show>
            <Show when={end.then === "reload"}>
              <button type="button" class="primary" onClick={() => location.reload()}>
                {words.over.reload}
              </button>
            </Show>
            <button type="button" class={end.then === "home" ? "primary" : "quiet"} onClick={() => props.onHome()}>
              {words.over.home}
            </button>
          </div>
        </Screen>
      );
    }}
  </Show>
);

/** A tab asks for the passphrase of one link only; a second question means that the first answer was wrong. */
const asked = new Set<string>();

const Passphrase = (props: { onTry: (text: string) => void; onHome: () => void }) => {
  const here = location.hash;
  const again = asked.has(here);
  asked.add(here);
  const [text, setText] = createSignal("");
  let input: HTMLInputElement | undefined;
  onMount(() => input?.focus());
  const all = words.over.passphrase;
  return (
    <main class="center">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (text() !== "") props.onTry(text());
        }}
      >
        <span class="sign">
          <Icon of={KeyRound} />
        </span>
        <h1>{all.title}</h1>
        <p class="muted">{all.text}</p>
        <div class="field" classList={{ wrong: again }}>
          <input
            ref={(element) => (input = element)}
            type="password"
            autocomplete="off"
            aria-label={all.label}
            aria-invalid={again}
            aria-describedby={again ? "passphrase-wrong" : undefined}
            placeholder={all.label}
            value={text()}
            onInput={(event) => setText(event.currentTarget.value)}
          />
        </div>
        <Show when={again}>
          <p class="wrongly" id="passphrase-wrong" role="alert">
            {all.again}
          </p>
        </Show>
        <div class="actions">
          <button type="button" class="quiet" onClick={() => props.onHome()}>
            {words.over.home}
          </button>
          <button type="submit" class="primary" disabled={text() === ""}>
            {all.open}
          </button>
        </div>
      </form>
    </main>
  );
};
