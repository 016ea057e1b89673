import { createEffect, For } from "solid-js";

interface Props {
  id: string;
  label: string;
  choices: readonly { value: string; label: string }[];
  /** What holds in the group of this epoch. */
  value: string;
  epoch: number;
  onChoose: (value: string) => void;
}

/** One of several, as the group has it. What was chosen shows at once; whatever the group is next, it shows what holds there. */
export const Choice = (props: Props) => {
  let select: HTMLSelectElement | undefined;
  createEffect(() => {
    const { value, epoch } = props;
    if (select && epoch >= 0) select.value = value;
  });
  return (
    <div class="choice">
      <label class="label" for={props.id}>
        {props.label}
      </label>
      <div class="field">
        <select id={props.id} ref={(element) => (select = element)} onChange={({ currentTarget }) => props.onChoose(currentTarget.value)}>
          <For each={props.choices}>
            {(choice) => (
              <option value={choice.value} selected={choice.value === props.value}>
                {choice.label}
              </option>
            )}
          </For>
        </select>
      </div>
    </div>
  );
};
