import { createEffect, createSignal, on, onMount, Show } from "solid-js";
import { KeyRound } from "lucide";
import type { Snapshot } from "../api.ts";
import { clock } from "./format.ts";
import { Icon } from "./parts/Icon.tsx";
import { strings } from "./strings.ts";

type Step = Extract<Snapshot["phase"], { kind: "needsPassphrase" }>["step"];

const all = strings.passphrase;

/** The link alone does not open the meeting: asks for the passphrase, and says each time what became of it. */
export const Passphrase = (props: { wrong: number; step: Step; host: string; onTry: (text: string) => void; onHome: () => void }) => {
  const [text, setText] = createSignal("");
  let input: HTMLInputElement | undefined;
  const asked = () => props.step.kind === "asked";
  const waits = () => props.step.kind === "tooManyTries";
  const why = () => {
    switch (props.step.kind) {
      case "asked":
        return null;
      case "wanted":
        return props.wrong > 0 ? all.again : null;
      case "tooManyTries":
        return all.tooMany(clock(props.step.until));
      case "unreachable":
        return all.unreachable(props.host);
      case "otherServerKey":
        return all.otherKey(props.host);
    }
  };
  onMount(() => input?.focus());
  createEffect(on([() => props.wrong, asked], () => !asked() && input?.select(), { defer: true }));
  return (
    <main class="center">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (text().trim() !== "" && !asked() && !waits()) props.onTry(text());
        }}
      >
        <span class="sign">
          <Icon of={KeyRound} />
        </span>
        <h1>{all.title}</h1>
        <p class="muted">{all.text}</p>
        <div class="field" classList={{ wrong: why() !== null }}>
          <input
            ref={(element) => (input = element)}
            type="password"
            autocomplete="off"
            aria-label={all.label}
            aria-invalid={why() === all.again}
            aria-describedby={why() === null ? undefined : "passphrase-why"}
            placeholder={all.label}
            value={text()}
            onInput={(event) => setText(event.currentTarget.value)}
          />
        </div>
        <Show when={why()}>
          {(said) => (
            <p class="wrongly" id="passphrase-why" role="alert">
              {said()}
            </p>
          )}
        </Show>
        <div class="actions">
          <button type="submit" class="primary" disabled={text().trim() === "" || asked() || waits()}>
            {asked() ? all.opening : all.open}
          </button>
          <button type="button" class="quiet" onClick={() => props.onHome()}>
            {strings.ended.home}
          </button>
        </div>
        <p class="muted small">{all.forgotten}</p>
      </form>
    </main>
  );
};
