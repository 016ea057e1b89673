import { createEffect, createSignal, on, onMount, Show } from "solid-js";
import { KeyRound } from "lucide";
import { Icon } from "./parts/Icon.tsx";
import { strings } from "./strings.ts";

/** The link alone does not open the meeting: asks for the passphrase, and says each time that it did not fit. */
export const Passphrase = (props: { wrong: number; onTry: (text: string) => void; onHome: () => void }) => {
  const [text, setText] = createSignal("");
  const [opening, setOpening] = createSignal(false);
  let input: HTMLInputElement | undefined;
  const again = () => props.wrong > 0 && !opening();
  onMount(() => input?.focus());
  createEffect(
    on(
      () => props.wrong,
      () => {
        setOpening(false);
        input?.select();
      },
      { defer: true },
    ),
  );
  const all = strings.passphrase;
  return (
    <main class="center">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (text() === "" || opening()) return;
          setOpening(true);
          props.onTry(text());
        }}
      >
        <span class="sign">
          <Icon of={KeyRound} />
        </span>
        <h1>{all.title}</h1>
        <p class="muted">{all.text}</p>
        <div class="field" classList={{ wrong: again() }}>
          <input
            ref={(element) => (input = element)}
            type="password"
            autocomplete="off"
            aria-label={all.label}
            aria-invalid={again()}
            aria-describedby={again() ? "passphrase-wrong" : undefined}
            placeholder={all.label}
            value={text()}
            onInput={(event) => setText(event.currentTarget.value)}
          />
        </div>
        <Show when={again()}>
          <p class="wrongly" id="passphrase-wrong" role="alert">
            {all.again}
          </p>
        </Show>
        <div class="actions">
          <button type="submit" class="primary" disabled={text() === "" || opening()}>
            {opening() ? all.opening : all.open}
          </button>
          <button type="button" class="quiet" onClick={() => props.onHome()}>
            {strings.ended.home}
          </button>
        </div>
      </form>
    </main>
  );
};
