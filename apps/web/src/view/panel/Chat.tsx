import { createEffect, createMemo, createSignal, For, on, onCleanup, onMount, Show } from "solid-js";
import { ArrowDown, SendHorizontal } from "lucide";
import type { Snapshot } from "../../api.ts";
import { constants } from "../../constants.ts";
import { clock } from "../format.ts";
import { cutName } from "../names.ts";
import { Icon } from "../parts/Icon.tsx";
import { strings } from "../strings.ts";
import { type Divider, flowOf, goesOn } from "./chat-flow.ts";
import { Panel } from "./Panel.tsx";
import type { Readers } from "./readers.ts";
import { Written } from "./Written.tsx";

/** Who has scrolled up further than this many pixels is reading and is not pulled down. */
const reading = 80;

interface Props {
  snapshot: Snapshot;
  /** The connection is. */
  away: boolean;
  /** Who came and who left, for the whole meeting. */
  dividers: readonly Divider[];
  /** Who could read which line. */
  readers: Readers["of"];
  /** Others were inside before. */
  cameLater: boolean;
  /** What is typed and not sent. */
  draft: string;
  onDraft: (text: string) => void;
  /** Lines of others that were not in sight. */
  unread: number;
  onSeen: () => void;
  onSend: (text: string) => void;
  onClose: () => void;
}

/** What people write, and who can read it. Newest at the bottom, as on paper. */
export const Chat = (props: Props) => {
  let list: HTMLDivElement | undefined;
  let input: HTMLTextAreaElement | undefined;
  const down = () => list?.scrollTo({ top: list.scrollHeight });
  const flow = createMemo(() => [...flowOf(props.snapshot.chat, props.dividers), ...props.snapshot.unsent]);
  const newest = () => props.snapshot.unsent.at(-1) ?? props.snapshot.chat.at(-1);
  const [open, setOpen] = createSignal<number | null>(null);
  const [stop, setStop] = createSignal<number | null>(null);
  const stopAt = createMemo(() => [...props.snapshot.chat, ...props.snapshot.unsent].find(({ id }) => id === stop())?.id ?? newest()?.id);
  const step = (event: KeyboardEvent) => {
    const by = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    const all = [...(list?.querySelectorAll<HTMLElement>(".readers") ?? [])];
    const here = all.findIndex((one) => one === event.target);
    if (by === undefined || here < 0) return;
    event.preventDefault();
    all[here + by]?.focus();
  };
  const [atEnd, setAtEnd] = createSignal(true);
  const look = () => {
    if (!list) return;
    setAtEnd(list.scrollHeight - list.scrollTop - list.clientHeight < reading);
    if (atEnd() && document.visibilityState === "visible") props.onSeen();
  };
  const toEnd = () => {
    down();
    look();
    list?.focus();
  };
  onMount(() => {
    down();
    look();
    document.addEventListener("visibilitychange", look);
    onCleanup(() => document.removeEventListener("visibilitychange", look));
    // A phone would cover the chat with its keyboard at once.
    if (!matchMedia("(max-width: 720px)").matches) input?.focus();
  });
  // Once a frame, however many lines come: each look at where the list stands has the browser lay it out.
  let frame: number | undefined;
  let pull = false;
  const settle = () => {
    frame = undefined;
    if (pull) down();
    pull = false;
    look();
  };
  createEffect(
    on(
      flow,
      (_, before) => {
        const line = newest();
        pull ||= atEnd() || (line?.mine === true && !before?.includes(line));
        frame ??= requestAnimationFrame(settle);
      },
      { defer: true },
    ),
  );
  onCleanup(() => frame !== undefined && cancelAnimationFrame(frame));
  /** Hosts do not let this client's user write. */
  const silenced = () => props.snapshot.members.some((member) => member.me && member.denied.includes("chat"));
  const send = (event: Event) => {
    event.preventDefault();
    const written = props.draft.trim();
    if (written === "" || silenced()) return;
    props.onSend(written);
    props.onDraft("");
    input?.focus();
  };
  return (
    <Panel title={strings.chat.title} onClose={props.onClose}>
      <div class="scroll" ref={(element) => (list = element)} onScroll={look} onKeyDown={step} tabindex="0" role="region" aria-label={strings.chat.title}>
        <div class="lines">
          <Show when={props.cameLater}>
            <p class="divider">{strings.chat.earlier}</p>
          </Show>
          <For each={flow()}>
            {(item, index) =>
              "text" in item ? (
                <Written
                  line={item}
                  goesOn={goesOn(item, flow()[index() - 1])}
                  unsent={props.snapshot.unsent.includes(item)}
                  readers={props.readers.get(item.id) ?? []}
                  open={open() === item.id}
                  stop={stopAt() === item.id}
                  onToggle={() => setOpen(open() === item.id ? null : item.id)}
                  onStop={() => setStop(item.id)}
                />
              ) : (
                <p class="divider">
                  {strings.chat.crossed[item.kind](item.names.map(cutName))} <time datetime={new Date(item.at).toISOString()}>{clock(item.at)}</time>
                </p>
              )
            }
          </For>
        </div>
      </div>
      <form class="write" onSubmit={send}>
        <Show when={!atEnd() && props.unread > 0}>
          <button type="button" class="newer" onClick={toEnd}>
            {strings.chat.newer(props.unread)}
            <Icon of={ArrowDown} />
          </button>
        </Show>
        <p class="muted small" id="chat-readers">
          {silenced() ? strings.chat.silenced : props.away ? strings.chat.away : strings.chat.promise(props.snapshot.members.length)}
        </p>
        <div class="field">
          <textarea
            ref={(element) => (input = element)}
            rows="1"
            dir="auto"
            maxlength={constants.chatChars}
            aria-label={strings.chat.write}
            aria-describedby="chat-readers"
            placeholder={strings.chat.write}
            value={props.draft}
            readOnly={silenced()}
            onInput={(event) => props.onDraft(event.currentTarget.value)}
            onKeyDown={(event) => {
              if (event.key === "Enter" && !event.shiftKey && !event.isComposing) send(event);
            }}
          />
          <button type="submit" class="icon bare" aria-label={strings.chat.send} disabled={silenced() || props.draft.trim() === ""}>
            <Icon of={SendHorizontal} />
          </button>
        </div>
      </form>
    </Panel>
  );
};
