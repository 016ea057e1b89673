import { type JSX, onMount } from "solid-js";
import { Icon, type IconNode } from "./Icon.tsx";

/** One sign, one sentence of what, one of what now. The heading takes the focus, so that it is read first. */
export const FullPage = (props: { icon: IconNode; tone: "calm" | "warned" | "alarmed"; title: string; text?: string; children?: JSX.Element }) => {
  let heading: HTMLHeadingElement | undefined;
  onMount(() => heading?.focus());
  return (
    <main class="center">
      <div>
        <span class={`sign ${props.tone}`}>
          <Icon of={props.icon} />
        </span>
        <h1 ref={(element) => (heading = element)} tabindex="-1">
          {props.title}
        </h1>
        <p class="muted">{props.text}</p>
        {props.children}
      </div>
    </main>
  );
};
