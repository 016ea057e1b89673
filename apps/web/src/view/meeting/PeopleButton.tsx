import { type ComponentProps, Show, splitProps } from "solid-js";
import { Users } from "lucide";
import { Control } from "../parts/Control.tsx";
import { strings } from "../strings.ts";

type Look = Pick<ComponentProps<typeof Control>, "class" | "tip">;

/** Opens the list of people, and says how many are at the door. */
export const PeopleButton = (props: Look & { open: boolean; knocking: number; onPress: () => void }) => {
  const [look] = splitProps(props, ["class", "tip"]);
  return (
    <Control {...look} icon={Users} name={props.knocking > 0 ? strings.toolbar.knocking(props.knocking) : strings.toolbar.people} key="p" expanded={props.open} onPress={() => props.onPress()}>
      <Show when={props.knocking > 0}>
        <span class="unread">{props.knocking}</span>
      </Show>
    </Control>
  );
};
