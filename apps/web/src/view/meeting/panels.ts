// What can open over or beside the stage, and which panel is open.
import { type Accessor, createSignal } from "solid-js";

export type PanelName = "chat" | "people" | "safety";
export type DialogName = "invite" | "shortcuts" | "devices" | "leave";

/** The open panel, at most one. What had the focus when the first opened gets it back when the last closes. */
export const createPanel = (): { panel: Accessor<PanelName | null>; togglePanel: (name: PanelName) => void; closePanel: () => void } => {
  const [panel, setPanel] = createSignal<PanelName | null>(null);
  let opener: Element | null = null;
  const closePanel = () => {
    if (panel() === null) return;
    setPanel(null);
    if (opener instanceof HTMLElement && opener.isConnected) opener.focus();
  };
  const togglePanel = (name: PanelName) => {
    if (panel() === name) return closePanel();
    if (panel() === null) opener = document.activeElement;
    setPanel(name);
  };
  return { panel, togglePanel, closePanel };
};
