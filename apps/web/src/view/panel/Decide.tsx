import { createEffect, createSignal, For, Match, Show, Switch } from "solid-js";
import { DoorOpen, MessageSquare, Mic, MicOff, MonitorUp, UserStar, UserX } from "lucide";
import type { Command, Snapshot } from "../../api.ts";
import { Dialog } from "../parts/Dialog.tsx";
import { Icon, type IconNode } from "../parts/Icon.tsx";
import { type Permission, permissions } from "../permissions.ts";
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

const icons: Record<Permission, IconNode> = { speak: Mic, chat: MessageSquare, share: MonitorUp };
const texts: Record<Permission, Record<"deny" | "denyHint" | "permit" | "permitHint", string>> = {
  speak: { deny: strings.people.unheard, denyHint: strings.people.unheardHint, permit: strings.people.heard, permitHint: strings.people.heardHint },
  chat: { deny: strings.people.unwritten, denyHint: strings.people.unwrittenHint, permit: strings.people.written, permitHint: strings.people.writtenHint },
  share: { deny: strings.people.unshared, denyHint: strings.people.unsharedHint, permit: strings.people.shared, permitHint: strings.people.sharedHint },
};

/** What a host can do about somebody inside. What cannot be taken back asks once more, and says what it does. */
export const Decide = (props: Props) => {
  const [step, setStep] = createSignal<"choose" | "remove" | "appoint">("choose");
  const [open, setOpen] = createSignal(false);
  let box: HTMLDivElement | undefined;
  /** As it was when this was opened, and since. */
  const may = (what: Permission) => !props.snapshot.members.some((member) => member.identity === props.identity && member.denied.includes(what));
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
              <Show when={props.host || (may("speak") && !props.snapshot.floor.hostsOnly.includes("speak"))}>
                <Deed icon={MicOff} label={strings.people.mute} hint={strings.people.muteHint} onPress={() => act({ kind: "mute", identity: props.identity })} />
              </Show>
              <Show when={!props.host}>
                <For each={permissions}>
                  {(what) => (
                    <Deed
                      icon={icons[what]}
                      label={may(what) ? texts[what].deny : texts[what].permit}
                      hint={may(what) ? texts[what].denyHint : texts[what].permitHint}
                      onPress={() => act({ kind: "permit", identity: props.identity, what, given: !may(what) })}
                    />
                  )}
                </For>
              </Show>
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
