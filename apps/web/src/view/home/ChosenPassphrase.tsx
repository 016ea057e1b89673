import { createUniqueId } from "solid-js";
import { constants } from "../../constants.ts";
import { strings } from "../strings.ts";
import { strengthOf } from "./strength.ts";

const all = strings.home.passphrase;

/** A passphrase that is chosen now. It is shown: it has to be told to others, letter by letter. */
export const ChosenPassphrase = (props: { value: string; wrong: boolean; onInput: (value: string) => void }) => {
  const id = createUniqueId();
  let input: HTMLInputElement | undefined;
  const strength = () => strengthOf(props.value);
  return (
    <div class="chosen">
      <label class="label" for={id}>
        {all.label}
      </label>
      <div class="field" classList={{ wrong: props.wrong }}>
        <input
          ref={(element) => {
            input = element;
            queueMicrotask(() => input?.focus());
          }}
          id={id}
          type="text"
          dir="auto"
          autocomplete="off"
          autocapitalize="none"
          spellcheck={false}
          aria-invalid={props.wrong}
          aria-describedby={`${id}-strength ${id}-hint`}
          value={props.value}
          onInput={(event) => props.onInput(event.currentTarget.value)}
        />
      </div>
      <meter
        aria-label={all.meter}
        min={0}
        low={constants.passphraseChars}
        high={constants.strongPassphraseChars}
        optimum={constants.strongPassphraseChars}
        max={constants.strongPassphraseChars}
        value={Math.min(Array.from(props.value.trim()).length, constants.strongPassphraseChars)}
      />
      <p class="small" classList={{ wrongly: props.wrong, muted: !props.wrong }} id={`${id}-strength`} role="status">
        {all[strength()]}
      </p>
      <p class="muted small" id={`${id}-hint`}>
        {all.hint}
      </p>
    </div>
  );
};
