import { createUniqueId, type ParentProps, Show } from "solid-js";
import { strings } from "../strings.ts";

const refusal = "file-refused";

/** What a file is made or opened with, why that did not work, and the two ways on. */
export const FileForm = (props: ParentProps<{ wrong: string | null; busy: boolean; ready: boolean; action: string; onGo: () => void; onClose: () => void }>) => (
  <form
    class="secrets"
    onSubmit={(event) => {
      event.preventDefault();
      if (props.ready && !props.busy) props.onGo();
    }}
  >
    {props.children}
    <Show when={props.wrong}>
      <p class="wrongly" id={refusal} role="alert">
        {props.wrong}
      </p>
    </Show>
    <div class="actions">
      <button type="button" class="quiet" onClick={() => props.onClose()}>
        {strings.cancel}
      </button>
      <button type="submit" class="primary" disabled={!props.ready || props.busy}>
        {props.busy ? strings.home.files.busy : props.action}
      </button>
    </div>
  </form>
);

/** A passphrase. `fresh`: one that is chosen now. */
export const Secret = (props: { label: string; hint?: string; fresh?: boolean; wrong: boolean; value: string; onInput: (value: string) => void }) => {
  const id = createUniqueId();
  const described = () => [props.hint === undefined ? "" : `${id}-hint`, props.wrong ? refusal : ""].filter((one) => one !== "").join(" ") || undefined;
  return (
    <div>
      <label class="label" for={id}>
        {props.label}
      </label>
      <div class="field" classList={{ wrong: props.wrong }}>
        <input
          id={id}
          type="password"
          autocomplete={props.fresh ? "new-password" : "off"}
          aria-invalid={props.wrong}
          aria-describedby={described()}
          value={props.value}
          onInput={(event) => props.onInput(event.currentTarget.value)}
        />
      </div>
      <Show when={props.hint}>
        <p class="muted small" id={`${id}-hint`}>
          {props.hint}
        </p>
      </Show>
    </div>
  );
};
