import { Show } from "solid-js";
import { Download } from "lucide";
import type { Snapshot } from "../api.ts";
import { chatFileName, chatText } from "./chat-file.ts";
import type { History } from "./history.ts";
import { Icon } from "./parts/Icon.tsx";
import { save } from "./save.ts";
import { strings } from "./strings.ts";

/** How long and with how many one was inside, what is left of it, and the chat to take along. For who was inside. */
export const Receipt = (props: { snapshot: Snapshot; history: History; host: string }) => (
  <Show when={props.history.entered}>
    {(entered) => (
      <section class="receipt">
        <p>{strings.ended.receipt((props.history.ended ?? entered()) - entered(), props.history.most)}</p>
        <p class="muted small">{strings.ended.keptNothing(props.host)}</p>
        <Show when={props.snapshot.chat.length + props.snapshot.unsent.length > 0}>
          <button type="button" class="quiet" aria-describedby="save-text" onClick={() => save(chatFileName(props.snapshot.title), new Blob([chatText(props.snapshot, entered())], { type: "text/plain;charset=utf-8" }))}>
            <Icon of={Download} />
            {strings.ended.save}
          </button>
          <p class="muted small" id="save-text">
            {strings.ended.saveText}
          </p>
        </Show>
      </section>
    )}
  </Show>
);
