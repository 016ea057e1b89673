// What is typed and pressed in the painted page (painted.ts) until the page's script takes over.
import { recall } from "./preferences.ts";
import { readRejoin } from "./rejoin.ts";

export interface Early {
  name: string;
  /** What was selected of the name, or where the caret stood, if it was being typed. */
  selection: [start: number, end: number] | null;
  /** Join was pressed, with a name. */
  joined: boolean;
}

let joined = false;

const painted = (): HTMLElement | null => document.getElementById("painted");
const nameField = (): HTMLInputElement | null => painted()?.querySelector("input") ?? null;
const reveal = (when: "joined" | "failed"): void => {
  for (const words of painted()?.querySelectorAll<HTMLElement>(`[data-when="${when}"]`) ?? []) words.hidden = false;
};

/** Listens to the painted page. */
export const keepEarly = (): void => {
  const page = painted();
  const input = nameField();
  if (!page || !input) return;
  // It goes straight back in: nothing is to be asked.
  if (readRejoin()) page.hidden = true;
  if (input.value === "") input.value = recall("name") ?? "";
  input.focus();
  const press = () => {
    joined = input.value.trim() !== "";
    if (joined) reveal("joined");
    else input.focus();
  };
  page.addEventListener("submit", (event) => {
    event.preventDefault();
    press();
  });
  const button = page.querySelector("button");
  // It may be gone before it is released.
  button?.addEventListener("pointerdown", press);
  if (button) button.disabled = false;
};

/** Hands over what was done, once. */
export const takeEarly = (): Early => {
  const input = nameField();
  const typed = input === document.activeElement ? input : null;
  const early: Early = { name: input?.value ?? "", selection: typed && [typed.selectionStart ?? 0, typed.selectionEnd ?? 0], joined };
  joined = false;
  return early;
};

export const unpaint = (): void => painted()?.remove();

/** The page's script did not come. */
export const sayNotLoaded = (): void => reveal("failed");
