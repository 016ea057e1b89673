import { createSignal, createUniqueId, Show } from "solid-js";
import type { Session, Snapshot } from "../../api.ts";
import { remember } from "../preferences.ts";
import { strings } from "../strings.ts";

/** Whether those who verify this device may know it again. Inside it can be switched on, and not off any more, since it has been seen. */
export const KnownSwitch = (props: { session: Session; snapshot: Snapshot; inside: boolean }) => {
  const id = createUniqueId();
  const [failed, setFailed] = createSignal(false);
  const seen = () => props.inside && props.snapshot.device;
  const change = async (input: HTMLInputElement) => {
    const on = input.checked;
    // It keeps the focus, and stays as it is.
    if (seen()) return void (input.checked = true);
    setFailed(false);
    const done = await props.session.beKnown(on);
    setFailed(!done);
    if (done) remember("known", on ? "yes" : "no");
    else input.checked = props.snapshot.device;
  };
  return (
    <div class="known-switch">
      <label class="switch small">
        <input type="checkbox" checked={props.snapshot.device} aria-disabled={seen()} aria-describedby={id} onChange={(event) => void change(event.currentTarget)} />
        {strings.verify.known}
      </label>
      <p class="muted small" id={id}>
        {seen() ? strings.verify.on : strings.verify.hint}
      </p>
      <Show when={failed()}>
        <p class="wrongly" role="alert">
          {strings.verify.noKey}
        </p>
      </Show>
    </div>
  );
};
