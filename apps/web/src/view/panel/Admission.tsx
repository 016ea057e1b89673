import { createEffect, For, Show } from "solid-js";
import type { Command, Snapshot } from "../../api.ts";
import { strings } from "../strings.ts";

const doors = ["open", "ask", "locked"] as const;

/** How newcomers come in: hosts choose, everybody else reads it. */
export const Admission = (props: { snapshot: Snapshot; onCommand: (command: Command) => void }) => {
  let select: HTMLSelectElement | undefined;
  // What was chosen shows at once. Whatever the group is next, it shows what holds there.
  createEffect(() => {
    const { door, epoch } = props.snapshot;
    if (select && epoch >= 0) select.value = door;
  });
  return (
    <div class="admission">
      <Show when={props.snapshot.host} fallback={<p class="muted small">{strings.door.states[props.snapshot.door]}</p>}>
        <label class="label" for="admission">
          {strings.door.how}
        </label>
        <div class="field">
          <select
            id="admission"
            ref={(element) => (select = element)}
            onChange={({ currentTarget }) => {
              const door = doors.find((one) => one === currentTarget.value);
              if (door) props.onCommand({ kind: "setDoor", door });
            }}
          >
            <For each={doors}>
              {(door) => (
                <option value={door} selected={door === props.snapshot.door}>
                  {strings.door.choices[door]}
                </option>
              )}
            </For>
          </select>
        </div>
      </Show>
    </div>
  );
};
