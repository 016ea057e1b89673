import { For, Match, Switch } from "solid-js";
import type { MediaState, Session, Snapshot } from "../../api.ts";
import { Confirm, Dialog } from "../parts/Dialog.tsx";
import type { Announce } from "../parts/Announcer.tsx";
import { Devices } from "../prejoin/Devices.tsx";
import { strings } from "../strings.ts";
import { Invite } from "./Invite.tsx";
import type { DialogName } from "./panels.ts";
import { allowSingleKeys, singleKeys } from "./shortcuts.ts";

interface Props {
  dialog: DialogName | null;
  link: string;
  title: string;
  door: Snapshot["door"];
  session: Session;
  media: MediaState;
  announce: Announce;
  onClose: () => void;
}

/** The dialogs of a meeting. */
export const Dialogs = (props: Props) => {
  const Close = () => (
    <div class="actions">
      <button type="button" class="quiet" onClick={() => props.onClose()}>
        {strings.close}
      </button>
    </div>
  );
  return (
    <Switch>
      <Match when={props.dialog === "invite"}>
        <Dialog title={strings.invite.title} onClose={() => props.onClose()}>
          <p class="muted">{strings.invite.text(props.door)}</p>
          <Invite link={props.link} title={props.title} announce={props.announce} first />
          <Close />
        </Dialog>
      </Match>
      <Match when={props.dialog === "leave"}>
        <Confirm title={strings.leave.title} text={strings.leave.text} action={strings.toolbar.leave} onYes={() => props.session.command({ kind: "leave" })} onClose={() => props.onClose()} />
      </Match>
      <Match when={props.dialog === "devices"}>
        <Dialog title={strings.toolbar.devices} onClose={() => props.onClose()}>
          <Devices session={props.session} media={props.media} />
          <Close />
        </Dialog>
      </Match>
      <Match when={props.dialog === "shortcuts"}>
        <Dialog title={strings.shortcuts.title} fromTitle onClose={() => props.onClose()}>
          <ul class="keys">
            <For each={Object.entries(strings.shortcuts.list)}>
              {([key, what]) => (
                <li>
                  <span>{what}</span>
                  <kbd>{key.length === 1 ? key.toUpperCase() : key}</kbd>
                </li>
              )}
            </For>
          </ul>
          <label class="switch">
            <input type="checkbox" checked={singleKeys()} onChange={(event) => allowSingleKeys(event.currentTarget.checked)} />
            <span>
              {strings.shortcuts.single}
              <br />
              <span class="muted small">{strings.shortcuts.singleText}</span>
            </span>
          </label>
          <Close />
        </Dialog>
      </Match>
    </Switch>
  );
};
