import { Show } from "solid-js";
import type { Session } from "../../api.ts";
import { strings } from "../strings.ts";
import { Picture } from "./Picture.tsx";

/** What leaves while one shares a screen, and the way to end it. It has a place of its own: over nobody's head. */
export const Presenting = (props: { stream: MediaStream | undefined; covered: boolean; session: Session }) => (
  <section class="presenting" aria-label={strings.meeting.yourScreen} inert={props.covered}>
    <Show when={props.stream} keyed>
      {(stream) => <Picture stream={stream} />}
    </Show>
    <p class="grow">{strings.meeting.yourScreen}</p>
    <button type="button" class="quiet" onClick={() => void props.session.media.share(false)}>
      {strings.toolbar.unshare}
    </button>
  </section>
);
