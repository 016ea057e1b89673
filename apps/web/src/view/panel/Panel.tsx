import { type JSX, onMount } from "solid-js";
import { X } from "lucide";
import { closeOnBack } from "../parts/back.ts";
import { Control } from "../parts/Control.tsx";
import { strings } from "../strings.ts";

/** The one slot on the right; a sheet on a phone. Its heading takes the focus unless something inside does. */
export const Panel = (props: { title: string; onClose: () => void; children: JSX.Element }) => {
  let box: HTMLElement | undefined;
  let heading: HTMLHeadingElement | undefined;
  closeOnBack(() => props.onClose());
  onMount(() => {
    if (!box?.contains(document.activeElement)) heading?.focus();
  });
  return (
    <aside class="panel" ref={(element) => (box = element)} aria-label={props.title}>
      <header>
        <h2 ref={(element) => (heading = element)} tabindex="-1">
          {props.title}
        </h2>
        <Control icon={X} name={strings.close} key="Esc" tip="below-left" onPress={() => props.onClose()} />
      </header>
      {props.children}
    </aside>
  );
};
