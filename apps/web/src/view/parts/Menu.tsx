import { type JSX, onCleanup, onMount, Show } from "solid-js";
import { Check } from "lucide";
import { closeOnBack } from "./back.ts";
import { Icon, type IconNode } from "./Icon.tsx";

/** A list of choices above the control that opened it. Arrow keys move, Escape and a click elsewhere close. */
export const Menu = (props: { name: string; class?: string; onClose: () => void; children: JSX.Element }) => {
  let list: HTMLDivElement | undefined;
  const opener = document.activeElement;
  closeOnBack(() => props.onClose());
  const items = () => [...(list?.querySelectorAll<HTMLButtonElement>("button:not(:disabled)") ?? [])];
  const step = (event: KeyboardEvent) => {
    const all = items();
    const here = all.indexOf(document.activeElement as HTMLButtonElement);
    const to = { ArrowDown: here + 1, ArrowUp: here - 1, Home: 0, End: -1 }[event.key];
    if (event.key === "Tab") props.onClose();
    if (event.key === "Escape") {
      event.stopPropagation();
      props.onClose();
      if (opener instanceof HTMLElement) opener.focus();
    }
    if (to === undefined) return;
    event.preventDefault();
    all.at(to % all.length)?.focus();
  };
  const elsewhere = (event: PointerEvent) => {
    const target = event.target;
    if (target instanceof Node && !list?.parentElement?.contains(target)) props.onClose();
  };
  onMount(() => {
    (list?.querySelector<HTMLButtonElement>('[aria-checked="true"]') ?? items()[0])?.focus();
    document.addEventListener("pointerdown", elsewhere);
    onCleanup(() => document.removeEventListener("pointerdown", elsewhere));
  });
  return (
    <div ref={(element) => (list = element)} class={`menu ${props.class ?? ""}`} role="menu" tabindex="-1" aria-label={props.name} onKeyDown={step}>
      {props.children}
    </div>
  );
};

/** One line of a menu; with `chosen` it is one of several to choose from. */
export const Choice = (props: { label: string; chosen?: boolean; icon?: IconNode; key?: string; onPress: () => void }) => (
  <button type="button" role={props.chosen === undefined ? "menuitem" : "menuitemradio"} aria-checked={props.chosen} onClick={() => props.onPress()}>
    <Show when={props.chosen !== undefined}>
      <span class="tick">
        <Show when={props.chosen}>
          <Icon of={Check} />
        </Show>
      </span>
    </Show>
    <Show when={props.icon} keyed>
      {(icon) => <Icon of={icon} />}
    </Show>
    <span class="grow">{props.label}</span>
    <Show when={props.key}>
      <kbd aria-hidden="true">{props.key?.toUpperCase()}</kbd>
    </Show>
  </button>
);
