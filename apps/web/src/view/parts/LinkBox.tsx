import { createSignal } from "solid-js";
import { Check, Copy } from "lucide";
import { copy } from "../state.ts";
import { strings } from "../strings.ts";
import { Icon } from "./Icon.tsx";
import type { Announce } from "./Announcer.tsx";

/** The link, to see and to copy. Where the browser does not copy, it is marked for copying by hand. */
export const LinkBox = (props: { link: string; announce: Announce; first?: boolean }) => {
  let text: HTMLInputElement | undefined;
  const [copied, setCopied] = createSignal(false);
  const take = async () => {
    const done = await copy(props.link);
    setCopied(done);
    if (done) props.announce.aloud(strings.copied);
    else {
      text?.select();
      props.announce.toast({ text: strings.notCopied, loud: false, silent: false, security: false });
    }
  };
  return (
    <div class="linkbox">
      <input ref={(element) => (text = element)} readonly dir="ltr" value={props.link} aria-label={strings.invite.link} onFocus={(event) => event.currentTarget.select()} />
      <button type="button" class="primary" autofocus={props.first} onClick={() => void take()}>
        {copied() ? <Icon of={Check} /> : <Icon of={Copy} />}
        {strings.invite.copy}
      </button>
    </div>
  );
};
