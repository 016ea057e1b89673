import { createSignal, For, onMount, type ParentProps, Show } from "solid-js";
import { Eye } from "lucide";
import type { Snapshot } from "../../api.ts";
import { clock } from "../format.ts";
import { Avatar } from "../parts/Avatar.tsx";
import { Icon } from "../parts/Icon.tsx";
import { useNames } from "../names.ts";
import { strings } from "../strings.ts";
import { beginningOf, splitLinks } from "./links.ts";
import type { Reader } from "./readers.ts";

interface Props {
  line: Snapshot["chat"][number];
  goesOn: boolean;
  /** It has no place in the log yet. */
  unsent: boolean;
  readers: readonly Reader[];
  /** Their names are shown. */
  open: boolean;
  /** Tab stops at one line of all; arrows go on from there. */
  stop: boolean;
  onToggle: () => void;
  onStop: () => void;
}

/** One line of the chat; a click, a tap or its button tells who could read it. */
export const Written = (props: Props) => {
  const named = useNames();
  const parts = splitLinks(props.line.text);
  const beginning = beginningOf(parts);
  const [whole, setWhole] = createSignal(beginning === null);
  const press = ({ target }: Event) => {
    // A link, or words that were marked, are what was meant.
    if (target instanceof Element && target.closest("a, button") === null && getSelection()?.isCollapsed !== false) props.onToggle();
  };
  return (
    <div class="line" classList={{ follows: props.goesOn, unsent: props.unsent }} data-line={props.line.id} onClick={press}>
      <Show when={!props.goesOn}>
        <Avatar identity={props.line.from} name={props.line.name} />
      </Show>
      <div class="grow">
        <Show when={!props.goesOn}>
          <b dir="auto">{props.line.mine ? strings.you : named({ identity: props.line.from, name: props.line.name })}</b>
          <time datetime={new Date(props.line.at).toISOString()}>{clock(props.line.at)}</time>
        </Show>
        <p dir="auto">
          <For each={whole() ? parts : beginning}>
            {(part) =>
              typeof part === "string" ? (
                part
              ) : (
                // An address in its own direction, so that its host stands first in every script.
                <a href={part.href} dir="ltr" target="_blank" rel="noreferrer noopener">
                  {part.label}
                </a>
              )
            }
          </For>
          <Show when={!whole()}>…</Show>
        </p>
        <Show when={beginning}>
          <button type="button" class="whole bare" tabindex={props.stop ? 0 : -1} aria-expanded={whole()} onFocus={() => props.onStop()} onClick={() => setWhole(!whole())}>
            {whole() ? strings.chat.less : strings.chat.whole}
          </button>
        </Show>
        <Show when={props.unsent}>
          <span class="aloud">{strings.chat.sending}</span>
        </Show>
        <button type="button" class="readers" tabindex={props.stop ? 0 : -1} aria-expanded={props.open} aria-label={strings.chat.readers(props.readers.length)} onFocus={() => props.onStop()} onClick={() => props.onToggle()}>
          <Icon of={Eye} />
          {props.readers.length}
        </button>
        <Show when={props.open}>
          <Names>{strings.chat.readBy(props.readers.map(({ me, identity, name }) => (me ? strings.people.me : named({ identity, name }))))}</Names>
        </Show>
      </div>
    </div>
  );
};

/** Below the last line it would be out of sight. */
const Names = (props: ParentProps) => {
  let box: HTMLParagraphElement | undefined;
  onMount(() => box?.scrollIntoView({ block: "nearest" }));
  return (
    <p class="names muted small" ref={(element) => (box = element)}>
      {props.children}
    </p>
  );
};
