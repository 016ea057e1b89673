import { Show } from "solid-js";
import { CloudOff, Copy, DoorClosed, Link, RefreshCw, SearchX, ShieldAlert, Unlink, UserX, Users } from "lucide";
import type { IconNode } from "./parts/Icon.tsx";
import { Screen } from "./parts/Screen.tsx";
import { type Why, words } from "./words.ts";

const icons: Record<Why, IconNode> = {
  left: DoorClosed,
  removed: UserX,
  linkCut: Unlink,
  notFound: SearchX,
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
  why: Why;
  onHome: () => void;
  onAgain: () => void;
}

/** It is over for this client: why, and what now. */
export const Over = (props: Props) => (
  <Show when={props.why} keyed>
    {(why) => {
      const end = words.over.ends[why];
      return (
        <Screen icon={icons[why]} tone={end.tone} title={end.title} text={end.text}>
          <div class="actions">
            <Show when={end.then === "again"}>
              <button type="button" class="primary" onClick={() => props.onAgain()}>
                {why === "unreachable" || why === "full" ? words.over.retry : words.over.again}
              </button>
            </Show>
            <Show when={end.then === "reload"}>
              <button type="button" class="primary" onClick={() => location.reload()}>
                {words.over.reload}
              </button>
            </Show>
            <button type="button" class={end.then === "home" ? "primary" : "quiet"} onClick={() => props.onHome()}>
              {words.over.home}
            </button>
          </div>
        </Screen>
      );
    }}
  </Show>
);
