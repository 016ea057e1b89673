import { createEffect, For, on, Show } from "solid-js";
import { ChevronDown, MicOff } from "lucide";
import type { Command, Snapshot } from "../../api.ts";
import { Icon } from "../parts/Icon.tsx";
import { type Permission, permissions } from "../permissions.ts";
import { strings } from "../strings.ts";

/** Who may do what: hosts choose, everybody else reads it where it is not everybody. */
export const Floor = (props: { snapshot: Snapshot; onCommand: (command: Command) => void }) => {
  const hostsOnly = () => props.snapshot.floor.hostsOnly;
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
