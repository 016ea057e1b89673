import { createSignal, onMount, type ParentProps, Show } from "solid-js";
import { Link } from "lucide";
import type { Conclave } from "../../api.ts";
import { Icon } from "../parts/Icon.tsx";
import { strings } from "../strings.ts";

/** Opens the link that is in a pasted text. */
export const Paste = (props: { conclave: Conclave; onOpen: (fragment: string) => void }) => {
  const [wrong, setWrong] = createSignal<string | null>(null);
  const [text, setText] = createSignal("");
  const go = async (event: SubmitEvent) => {
    event.preventDefault();
    const pasted = text();
    const read = await props.conclave.readLink(pasted).catch(() => null);
    if (pasted !== text()) return;
    if (!read) setWrong(strings.home.failed("", props.conclave.origin.host));
    else if (read.kind === "refused") {
      setWrong(strings.home.refusedLink[read.reason]);
    } else if (read.url.startsWith(`${props.conclave.origin.server}/`)) props.onOpen(read.fragment);
    else await props.conclave.visit(read.url).catch(() => setWrong(strings.desktop.gone));
  };
  return (
    <form onSubmit={(event) => void go(event)}>
      <div class="pair">
        <div class="field grow" classList={{ wrong: wrong() !== null }}>
          <Icon of={Link} />
          <input
            aria-label={strings.home.paste}
            placeholder={strings.home.paste}
            aria-invalid={wrong() !== null}
            aria-describedby={wrong() === null ? undefined : "paste-wrong"}
            autocomplete="off"
            autocapitalize="off"
            spellcheck={false}
            inputmode="url"
            value={text()}
            onInput={(event) => {
              setText(event.currentTarget.value);
              setWrong(null);
            }}
          />
        </div>
        <button type="submit" class="quiet large" disabled={text().trim() === ""}>
          {strings.home.join}
        </button>
      </div>
      <Show when={wrong()}>{(sentence) => <Wrong>{sentence()}</Wrong>}</Show>
    </form>
  );
};

/** In a low window it would be out of sight, below the field. */
const Wrong = (props: ParentProps) => {
  let box: HTMLParagraphElement | undefined;
  onMount(() => box?.scrollIntoView({ block: "nearest" }));
  return (
    <p class="wrongly" id="paste-wrong" role="alert" ref={(element) => (box = element)}>
      {props.children}
    </p>
  );
};
