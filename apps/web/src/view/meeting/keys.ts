import { createSignal, onCleanup } from "solid-js";
import { recall, remember } from "../state.ts";

const [single, setSingle] = createSignal(recall("single-keys") !== "off");

/** Whether single keys act. People who dictate switch them off (WCAG 2.1.4). */
export const singleKeys = single;

/** See {@link singleKeys}. */
export const allowSingleKeys = (on: boolean): void => {
  setSingle(on);
  remember("single-keys", on ? "on" : "off");
};

const typing = (target: EventTarget | null): boolean => target instanceof HTMLElement && target.closest("input, textarea, select, [role=menu]") !== null;

/** Keys of the whole meeting. Not while somebody types, nor with a modifier, nor under a dialog. */
export const listen = (keys: Record<string, () => void>, escape: () => void): void => {
  const pressed = (event: KeyboardEvent) => {
    if (event.defaultPrevented || event.repeat || document.querySelector("dialog[open]")) return;
    if (event.key === "Escape") return escape();
    if (!single() || event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    const act = keys[event.key.toLowerCase()];
    if (!act) return;
    event.preventDefault();
    act();
  };
  window.addEventListener("keydown", pressed);
  onCleanup(() => window.removeEventListener("keydown", pressed));
};
