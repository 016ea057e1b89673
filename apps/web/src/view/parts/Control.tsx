import { type JSX, Show } from "solid-js";
import { Icon, type IconNode } from "./Icon.tsx";

interface Props {
  icon: IconNode;
  name: string;
  onPress: () => void;
  class?: string;
  key?: string;
  pressed?: boolean;
  expanded?: boolean;
  menu?: boolean;
  disabled?: boolean;
  tip?: "above" | "below" | "start";
  ref?: (button: HTMLButtonElement) => void;
  children?: JSX.Element;
}

/** A button that is an icon: its name is spoken, and shown with its key on hover and focus. */
export const Control = (props: Props) => (
  <span class="tipped">
    <button
      type="button"
      ref={(button) => props.ref?.(button)}
      class={props.class ?? "icon bare"}
      aria-label={props.name}
      aria-pressed={props.pressed}
      aria-expanded={props.expanded}
      aria-haspopup={props.menu ? "menu" : undefined}
      aria-keyshortcuts={props.key}
      disabled={props.disabled}
      onClick={() => props.onPress()}
    >
      <Show when={props.icon} keyed>
        {(icon) => <Icon of={icon} />}
      </Show>
      {props.children}
    </button>
    <span class="tip" classList={{ below: props.tip === "below", start: props.tip === "start" }} aria-hidden="true">
      {props.name}
      <Show when={props.key}>{(key) => <kbd>{key().toUpperCase()}</kbd>}</Show>
    </span>
  </span>
);
