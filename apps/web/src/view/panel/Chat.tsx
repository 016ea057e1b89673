import { createEffect, createSignal, For, on, onMount, Show } from "solid-js";
import { SendHorizontal } from "lucide";
import type { Snapshot } from "../../api.ts";
import { constants } from "../../constants.ts";
import { clock } from "../format.ts";
import { Avatar } from "../parts/Avatar.tsx";
import { Icon } from "../parts/Icon.tsx";
import { strings } from "../strings.ts";
import { Panel } from "./Panel.tsx";

/** Lines of one person within this many milliseconds belong together. */
const together = 120_000;
/** Who has scrolled up further than this many pixels is reading and is not pulled down. */
const reading = 80;

type Line = Snapshot["chat"][number];

/** What people write. Newest at the bottom, as on paper. */
export const Chat = (props: { snapshot: Snapshot; onSend: (text: string) => void; onClose: () => void }) => {
  const [text, setText] = createSignal("");
  let list: HTMLDivElement | undefined;
  let input: HTMLTextAreaElement | undefined;
  const down = () => list?.scrollTo({ top: list.scrollHeight });
  const follows = (line: Line, index: number): boolean => {
    const before = props.snapshot.chat[index - 1];
    return before !== undefined && before.from === line.from && line.at - before.at < together;
  };
  onMount(() => {
    down();
    // A phone would cover the chat with its keyboard at once.
    if (!matchMedia("(max-width: 720px)").matches) input?.focus();
  });
  createEffect(
    on(
      () => props.snapshot.chat.at(-1)?.id,
      () => {
        const near = list && list.scrollHeight - list.scrollTop - list.clientHeight < reading + 200;
        if (near || props.snapshot.chat.at(-1)?.mine) down();
      },
      { defer: true },
    ),
  );
  const send = (event: Event) => {
    event.preventDefault();
    const written = text().trim();
    if (written === "") return;
    props.onSend(written);
    setText("");
    input?.focus();
  };
  return (
    <Panel title={strings.chat.title} onClose={props.onClose}>
      <div class="scroll" ref={(element) => (list = element)} tabindex="0" role="region" aria-label={strings.chat.title}>
        <div class="lines">
          <p class="muted small">{strings.chat.promise(props.snapshot.members.length)}</p>
          <For each={props.snapshot.chat}>
            {(line, index) => (
              <div class="line" classList={{ follows: follows(line, index()), pending: line.pending }} data-line={line.id}>
                <Show when={!follows(line, index())}>
                  <Avatar identity={line.from} name={line.name} />
                </Show>
                <div class="grow">
                  <Show when={!follows(line, index())}>
                    <b>{line.mine ? strings.you : line.name}</b>
                    <time datetime={new Date(line.at).toISOString()}>{clock(line.at)}</time>
                  </Show>
                  <p dir="auto">{line.text}</p>
                  <Show when={line.pending}>
                    <span class="aloud">{strings.chat.sending}</span>
                  </Show>
                </div>
              </div>
            )}
          </For>
        </div>
      </div>
      <form class="write" onSubmit={send}>
        <div class="field">
          <textarea
            ref={(element) => (input = element)}
            rows="1"
            dir="auto"
            maxlength={constants.chatChars}
            aria-label={strings.chat.write}
            placeholder={strings.chat.write}
            value={text()}
            onInput={(event) => setText(event.currentTarget.value)}
            onKeyDown={(event) => {
              if (event.key === "Enter" && !event.shiftKey && !event.isComposing) send(event);
            }}
          />
          <button type="submit" class="icon bare" aria-label={strings.chat.send} disabled={text().trim() === ""}>
            <Icon of={SendHorizontal} />
          </button>
        </div>
      </form>
    </Panel>
  );
};
