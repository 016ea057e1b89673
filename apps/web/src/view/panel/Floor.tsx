import { createEffect, For, on, Show } from "solid-js";
import { ChevronDown, MicOff } from "lucide";
import type { Command, Snapshot } from "../../api.ts";
import { Icon } from "../parts/Icon.tsx";
import { type Permission, permissions } from "../permissions.ts";
import { strings } from "../strings.ts";
import { Choice } from "./Choice.tsx";
import { numbers } from "./numbers.ts";

/** Newcomers' microphones are as they choose. */
const never = "never";

/** Who may do what: hosts choose, everybody else reads it where it is not everybody. */
export const Floor = (props: { snapshot: Snapshot; onCommand: (command: Command) => void }) => {
  const hostsOnly = () => props.snapshot.floor.hostsOnly;
  const muteAbove = () => props.snapshot.floor.muteAbove;
  const boxes = new Map<Permission, HTMLInputElement>();
  // What was chosen shows at once. Whatever the group is next, it shows what holds there.
  createEffect(
    on([hostsOnly, () => props.snapshot.epoch], ([only]) => {
      for (const [what, box] of boxes) box.checked = !only.includes(what);
    }),
  );
  return (
    <Show
      when={props.snapshot.host}
      fallback={
        <Show when={hostsOnly().length > 0}>
          <p class="muted small">{strings.floor.hostsOnly(hostsOnly())}</p>
        </Show>
      }
    >
      <details class="floor" onToggle={({ currentTarget }) => currentTarget.open && currentTarget.scrollIntoView({ block: "nearest" })}>
        <summary>
          <span>{strings.floor.title}</span>
          <span class="muted">{strings.floor.now(hostsOnly())}</span>
          <Icon of={ChevronDown} />
        </summary>
        <For each={permissions}>
          {(what) => (
            <label class="switch">
              <input
                type="checkbox"
                ref={(box) => boxes.set(what, box)}
                checked={!hostsOnly().includes(what)}
                onChange={(event) => props.onCommand({ kind: "permitEverybody", what, everybody: event.currentTarget.checked })}
              />
              {strings.floor.deeds[what]}
            </label>
          )}
        </For>
        <p class="muted small">{strings.floor.hint}</p>
        <Choice
          id="mute-above"
          label={strings.floor.newcomers}
          choices={[
            { value: never, label: strings.floor.asTheyChoose },
            ...numbers(props.snapshot.floor.most - 1, 0, muteAbove() ?? 0).map((people) => ({ value: `${people}`, label: strings.floor.mutedAbove(people) })),
          ]}
          value={`${muteAbove() ?? never}`}
          epoch={props.snapshot.epoch}
          onChoose={(people) => props.onCommand({ kind: "muteAbove", people: people === never ? undefined : Number(people) })}
        />
      </details>
      <button
        type="button"
        class="quiet wide mute-all"
        title={hostsOnly().includes("speak") ? strings.people.muteAllSilent : strings.people.muteAllHint}
        onClick={() => props.onCommand({ kind: "mute", identity: undefined })}
      >
        <Icon of={MicOff} />
        {strings.people.muteAll}
      </button>
    </Show>
  );
};
