import { Show } from "solid-js";
import { CloudOff, Copy, DoorClosed, DoorClosedLocked, Link, RefreshCw, SearchX, ShieldAlert, Timer, Unlink, UserX, Users } from "lucide";
import type { Snapshot } from "../api.ts";
import type { History } from "./history.ts";
import type { IconNode } from "./parts/Icon.tsx";
import { Receipt } from "./Receipt.tsx";
import { FullPage } from "./parts/FullPage.tsx";
import { type EndReason, strings } from "./strings.ts";

const icons: Record<EndReason | "failed", IconNode> = {
  failed: CloudOff,
  left: DoorClosed,
  removed: UserX,
  declined: DoorClosedLocked,
  linkCut: Unlink,
  notFound: SearchX,
  timeOver: Timer,
  linkWrong: Link,
  hostMismatch: ShieldAlert,
  full: Users,
  version: RefreshCw,
  replaced: Copy,
  refused: CloudOff,
  unreachable: CloudOff,
  logBroken: ShieldAlert,
};

interface Props {
  reason: EndReason | "failed";
  snapshot: Snapshot;
  history: History;
  host: string;
  onHome: () => void;
  onAgain: () => void;
}

/** It is over for this client: the reason, and what now. */
export const Ended = (props: Props) => (
  <Show when={props.reason} keyed>
    {(reason) => {
      const end = strings.ended.ends[reason];
      return (
        <FullPage icon={icons[reason]} tone={end.tone} title={end.title} text={reason === "left" && props.history.since.size === 1 ? strings.ended.leftEmpty : end.text}>
          <Show when={reason === "declined" && props.snapshot.declined}>
            {(word) => (
              <figure class="host-word">
                <figcaption class="muted small">{strings.door.word}</figcaption>
                <blockquote dir="auto">{word()}</blockquote>
              </figure>
            )}
          </Show>
          <div class="actions">
            <Show when={end.then === "again"}>
              <button type="button" class="primary" onClick={() => props.onAgain()}>
                {reason === "unreachable" || reason === "full" ? strings.ended.retry : reason === "left" || reason === "timeOver" ? strings.ended.meet : strings.ended.again}
              </button>
            </Show>
            <Show when={end.then === "reload"}>
              <button type="button" class="primary" onClick={() => location.reload()}>
                {strings.ended.reload}
              </button>
            </Show>
            <button type="button" class={end.then === "home" ? "primary" : "quiet"} onClick={() => props.onHome()}>
              {strings.ended.home}
            </button>
          </div>
          <Receipt snapshot={props.snapshot} history={props.history} host={props.host} />
        </FullPage>
      );
    }}
  </Show>
);
