import { createEffect, createSignal, Match, Show, Switch } from "solid-js";
import { DoorOpen, UserStar, UserX } from "lucide";
import type { Command, Snapshot } from "../../api.ts";
import { Dialog } from "../parts/Dialog.tsx";
import { Icon, type IconNode } from "../parts/Icon.tsx";
import { strings } from "../strings.ts";

interface Props {
  identity: string;
  name: string;
  /** They are a host already. */
  host: boolean;
  snapshot: Snapshot;
  onCommand: (command: Command) => void;
  onClose: () => void;
}

/** What a host can do about somebody inside. What cannot be taken back asks once more, and says what it does. */
export const Decide = (props: Props) => {
  const [step, setStep] = createSignal<"choose" | "remove" | "appoint">("choose");
  const [open, setOpen] = createSignal(false);
  let box: HTMLDivElement | undefined;
  const act = (command: Command) => {
    props.onCommand(command);
    props.onClose();
  };
  /** After the removal. */
  const door = () => (props.snapshot.door === "open" && !open() ? "ask" : props.snapshot.door);
  const title = () => ({ choose: props.name, remove: strings.people.removeTitle(props.name), appoint: strings.people.appointTitle(props.name) })[step()];
  // The button that was pressed is gone; the title says what is asked.
  createEffect(() => {
    if (step() !== "choose") box?.closest("dialog")?.querySelector("h2")?.focus();
  });
  const Deed = (deed: { icon: IconNode; label: string; hint: string; onPress: () => void }) => (
    <button type="button" class="quiet" onClick={() => deed.onPress()}>
      <Icon of={deed.icon} />
      <span>
        {deed.label}
        <span class="muted small">{deed.hint}</span>
      </span>
    </button>
  );
  const Answer = (answer: { label: string; harm?: boolean; onPress: () => void }) => (
    <div class="actions">
      <button type="button" class="quiet" onClick={() => props.onClose()}>
        {strings.cancel}
      </button>
      <button type="button" class={answer.harm ? "harm" : "primary"} onClick={() => answer.onPress()}>
        {answer.label}
      </button>
    </div>
  );
  return (
    <Dialog title={title()} fromTitle onClose={() => props.onClose()}>
      <div ref={(element) => (box = element)}>
        <Switch>
          <Match when={step() === "choose"}>
            <div class="deeds">
              <Show when={!props.host}>
                <Deed icon={DoorOpen} label={strings.people.sendBack} hint={strings.people.sendBackText} onPress={() => act({ kind: "sendBack", identity: props.identity })} />
              </Show>
              <Deed icon={UserX} label={strings.people.remove} hint={strings.people.removeHint} onPress={() => setStep("remove")} />
              <Show when={props.snapshot.appoints && !props.host}>
                <Deed icon={UserStar} label={strings.people.appoint} hint={strings.people.appointHint} onPress={() => setStep("appoint")} />
              </Show>
            </div>
            <div class="actions">
              <button type="button" class="quiet" onClick={() => props.onClose()}>
                {strings.close}
              </button>
            </div>
          </Match>
          <Match when={step() === "remove"}>
            <p class="muted">{strings.people.removeText(props.name, door())}</p>
            <Show when={props.snapshot.door === "open"}>
              <label class="switch">
                <input type="checkbox" checked={open()} onChange={(event) => setOpen(event.currentTarget.checked)} />
                <span>
                  {strings.people.leaveOpen}
                  <br />
                  <span class="muted small">{strings.people.leaveOpenText}</span>
                </span>
              </label>
            </Show>
            <Answer label={strings.people.removeDo} harm onPress={() => act({ kind: "remove", identity: props.identity, open: open() })} />
          </Match>
          <Match when={step() === "appoint"}>
            <p class="muted">{strings.people.appointText}</p>
            <Answer label={strings.people.appointDo} onPress={() => act({ kind: "appoint", identity: props.identity })} />
          </Match>
        </Switch>
      </div>
    </Dialog>
  );
};
