import { type JSX, Show } from "solid-js";
import { Icon, type IconNode } from "./Icon.tsx";

/** Where the words stand: above or below, centred, or reaching from the control's right edge to the left or the other way. */
type Place = "above" | "below" | "above-left" | "below-left" | "below-right";

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
  /** It does nothing now, and its name says why: it can be found all the same. */
  barred?: boolean;
  tip?: Place;
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
      aria-keyshortcuts={props.key === "Esc" ? "Escape" : props.key}
      disabled={props.disabled}
      aria-disabled={props.barred ? "true" : undefined}
      onClick={() => !props.barred && props.onPress()}
    >
      <Show when={props.icon} keyed>
        {(icon) => <Icon of={icon} />}
      </Show>
      {props.children}
    </button>
    <Tip name={props.name} place={props.tip ?? "above"} {...(props.key === undefined ? {} : { key: props.key })} />
  </span>
);

/** The words beside a control. Goes right after its button, inside `.tipped`. */
export const Tip = (props: { name: string; key?: string; place: Place }) => (
  <span class="tip" classList={{ below: props.place.startsWith("below"), start: props.place.endsWith("-left"), end: props.place.endsWith("-right") }} aria-hidden="true">
    {props.name}
    <Show when={props.key}>{(key) => <kbd>{key().length === 1 ? key().toUpperCase() : key()}</kbd>}</Show>
  </span>
);

/** Tips vanish on Escape, without moving the pointer (WCAG 1.4.13), until the pointer or the focus moves on. */
export const hushTips = (): void => {
  const root = document.documentElement.classList;
  window.addEventListener("keydown", (event) => event.key === "Escape" && root.add("hushed"), { capture: true });
  for (const move of ["pointermove", "focusin"]) window.addEventListener(move, () => root.remove("hushed"));
};
