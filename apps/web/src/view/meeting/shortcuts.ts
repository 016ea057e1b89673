// The keyboard shortcuts of a meeting.
import { type Accessor, createSignal, onCleanup } from "solid-js";
import type { Media, MediaState } from "../../api.ts";
import { recall, remember } from "../preferences.ts";
import type { DialogName, PanelName } from "./panels.ts";

const [single, setSingle] = createSignal(recall("single-keys") !== "off");

/** Whether single keys act. People who dictate switch them off (WCAG 2.1.4). */
export const singleKeys = single;

/** See {@link singleKeys}. */
export const allowSingleKeys = (on: boolean): void => {
  setSingle(on);
  remember("single-keys", on ? "on" : "off");
};

const isTyping = (target: EventTarget | null): boolean => target instanceof HTMLElement && target.closest("input, textarea, select, [role=menu]") !== null;

/** Whether a key may act: not while somebody types, nor with a modifier, nor under a dialog, nor when single keys are switched off. */
export const isShortcut = (event: KeyboardEvent): boolean =>
  !event.defaultPrevented && singleKeys() && !event.ctrlKey && !event.metaKey && !event.altKey && !isTyping(event.target) && !document.querySelector("dialog[open]");

interface Actions {
  media: Media;
  state: Accessor<MediaState>;
  togglePanel: (panel: PanelName) => void;
  closePanel: () => void;
  openDialog: (dialog: DialogName) => void;
}

/** Keys of the whole meeting, while the caller is on the page. */
export const createShortcuts = ({ media, state, togglePanel, closePanel, openDialog }: Actions): void => {
  const keys: Record<string, () => void> = {
    m: () => void media.microphone(state().microphone !== "on"),
    v: () => void media.camera(state().camera !== "on"),
    x: () => void (state().screen !== "unsupported" && media.share(state().screen !== "on")),
    c: () => togglePanel("chat"),
    p: () => togglePanel("people"),
    s: () => togglePanel("safety"),
    i: () => openDialog("invite"),
    "?": () => openDialog("shortcuts"),
  };
  const onKey = (event: KeyboardEvent) => {
    if (event.defaultPrevented || event.repeat || document.querySelector("dialog[open]")) return;
    if (event.key === "Escape") return closePanel();
    if (!isShortcut(event)) return;
    const act = keys[event.key.toLowerCase()];
    if (!act) return;
    event.preventDefault();
    act();
  };
  window.addEventListener("keydown", onKey);
  onCleanup(() => window.removeEventListener("keydown", onKey));
};
