import { createSignal, Show } from "solid-js";
import { Download, Upload } from "lucide";
import type { Conclave } from "../../api.ts";
import { constants } from "../../constants.ts";
import { letters } from "../format.ts";
import { Dialog } from "../parts/Dialog.tsx";
import { Icon } from "../parts/Icon.tsx";
import { save } from "../save.ts";
import { strings } from "../strings.ts";
import { FileForm, Secret } from "./FileForm.tsx";

const all = strings.home.files;

/** The meetings of this device, into a file and out of one. */
export const Files = (props: { conclave: Conclave; kept: number; say: (text: string) => void; onLoaded: () => void }) => {
  const [saving, setSaving] = createSignal(false);
  const [chosen, setChosen] = createSignal<File | null>(null);
  let picker: HTMLInputElement | undefined;
  return (
    <div class="files">
      <Show when={props.kept > 0}>
        <button type="button" class="bare small" onClick={() => setSaving(true)}>
          <Icon of={Download} />
          {all.save}
        </button>
      </Show>
      <button type="button" class="bare small" onClick={() => picker?.click()}>
        <Icon of={Upload} />
        {all.load}
      </button>
      <input
        ref={(element) => (picker = element)}
        type="file"
        hidden
        aria-label={all.load}
        onChange={(event) => {
          setChosen(event.currentTarget.files?.[0] ?? null);
          // The same file can be chosen again.
          event.currentTarget.value = "";
        }}
      />
      <Show when={saving()}>
        <Save
          conclave={props.conclave}
          onSaved={() => {
            setSaving(false);
            props.say(all.saved);
          }}
          onClose={() => setSaving(false)}
        />
      </Show>
      <Show when={chosen()} keyed>
        {(file) => (
          <Load
            conclave={props.conclave}
            file={file}
            onLoaded={(count) => {
              setChosen(null);
              props.say(all.loaded(count));
              props.onLoaded();
            }}
            onClose={() => setChosen(null)}
          />
        )}
      </Show>
    </div>
  );
};

const Save = (props: { conclave: Conclave; onSaved: () => void; onClose: () => void }) => {
  const [text, setText] = createSignal("");
  const [again, setAgain] = createSignal("");
  const [busy, setBusy] = createSignal(false);
  const [wrong, setWrong] = createSignal<string | null>(null);
  const go = async () => {
    if (letters(text()).length < constants.filePassphraseChars) return setWrong(all.refused.short);
    if (text() !== again()) return setWrong(all.unlike);
    setBusy(true);
    const file = await props.conclave.saveMeetings(text());
    setBusy(false);
    if (typeof file === "string") return setWrong(all.refused[file]);
    save(all.name(new Date()), file);
    props.onSaved();
  };
  const changed = (set: (value: string) => void) => (value: string) => {
    set(value);
    setWrong(null);
  };
  return (
    <Dialog title={all.saveTitle} onClose={() => props.onClose()}>
      <p class="muted">{all.saveText}</p>
      <FileForm wrong={wrong()} busy={busy()} action={all.saveDo} ready={text() !== ""} onGo={() => void go()} onClose={() => props.onClose()}>
        <Secret label={all.passphrase} hint={all.hint} fresh wrong={wrong() !== null} value={text()} onInput={changed(setText)} />
        <Secret label={all.repeat} fresh wrong={wrong() !== null} value={again()} onInput={changed(setAgain)} />
      </FileForm>
    </Dialog>
  );
};

const Load = (props: { conclave: Conclave; file: File; onLoaded: (count: number) => void; onClose: () => void }) => {
  const [text, setText] = createSignal("");
  const [busy, setBusy] = createSignal(false);
  const [wrong, setWrong] = createSignal<string | null>(null);
  const go = async () => {
    setBusy(true);
    const count = await props.conclave.loadMeetings(props.file, text());
    setBusy(false);
    if (typeof count === "string") setWrong(all.refused[count]);
    else props.onLoaded(count);
  };
  return (
    <Dialog title={all.loadTitle} onClose={() => props.onClose()}>
      <p class="muted">{all.loadText}</p>
      <FileForm wrong={wrong()} busy={busy()} action={all.loadDo} ready={text() !== ""} onGo={() => void go()} onClose={() => props.onClose()}>
        <Secret
          label={all.passphrase}
          wrong={wrong() !== null}
          value={text()}
          onInput={(value) => {
            setText(value);
            setWrong(null);
          }}
        />
      </FileForm>
    </Dialog>
  );
};
