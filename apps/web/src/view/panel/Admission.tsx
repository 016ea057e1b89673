import { Show } from "solid-js";
import type { Command, Snapshot } from "../../api.ts";
import { strings } from "../strings.ts";
import { Choice } from "./Choice.tsx";
import { numbers } from "./numbers.ts";

const doors = ["open", "ask", "locked"] as const;

/** How newcomers come in, and how many: hosts choose, everybody else reads it. */
export const Admission = (props: { snapshot: Snapshot; onCommand: (command: Command) => void }) => {
  const floor = () => props.snapshot.floor;
  return (
    <div class="admission">
      <Show when={props.snapshot.host} fallback={<p class="muted small">{strings.door.states[props.snapshot.door]}</p>}>
        <Choice
          id="admission"
          label={strings.door.how}
          choices={doors.map((door) => ({ value: door, label: strings.door.choices[door] }))}
          value={props.snapshot.door}
          epoch={props.snapshot.epoch}
          onChoose={(chosen) => {
            const door = doors.find((one) => one === chosen);
            if (door) props.onCommand({ kind: "setDoor", door });
          }}
        />
        <Choice
          id="limit"
          label={strings.door.limit}
          choices={numbers(floor().most, floor().most, floor().limit).map((people) => ({ value: `${people}`, label: strings.door.people(people) }))}
          value={`${floor().limit}`}
          epoch={props.snapshot.epoch}
          onChoose={(people) => props.onCommand({ kind: "limit", people: Number(people) })}
        />
      </Show>
    </div>
  );
};
