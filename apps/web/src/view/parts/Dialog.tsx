import { type JSX, onMount } from "solid-js";
import { strings } from "../strings.ts";
import { closeOnBack } from "./back.ts";

/** A modal question. The browser keeps the focus inside and gives it back. `fromTitle`: it starts there, since the first control may be out of sight below. */
export const Dialog = (props: { title: string; fromTitle?: boolean; onClose: () => void; children: JSX.Element }) => {
  let box: HTMLDialogElement | undefined;
  onMount(() => box?.showModal());
  closeOnBack(() => box?.close());
  return (
    <dialog
      ref={(element) => (box = element)}
      aria-labelledby="dialog-title"
      onClose={() => props.onClose()}
      onKeyDown={(event) => event.stopPropagation()}
      onClick={(event) => event.target === box && box?.close()}
    >
      <h2 id="dialog-title" tabindex={props.fromTitle ? -1 : undefined} autofocus={props.fromTitle}>
        {props.title}
      </h2>
      {props.children}
    </dialog>
  );
};

/** Asks before something that cannot be taken back. */
export const Confirm = (props: { title: string; text: string; action: string; onYes: () => void; onClose: () => void }) => (
  <Dialog title={props.title} onClose={() => props.onClose()}>
    <p class="muted">{props.text}</p>
    <div class="actions">
      <button type="button" class="quiet" onClick={() => props.onClose()}>
        {strings.cancel}
      </button>
      <button
        type="button"
        class="harm"
        onClick={() => {
          props.onYes();
          props.onClose();
        }}
      >
        {props.action}
      </button>
    </div>
  </Dialog>
);
