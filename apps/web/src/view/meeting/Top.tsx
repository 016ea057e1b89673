import { Match, Show, Switch } from "solid-js";
import { Link, Lock, ShieldAlert, Unlink, Users } from "lucide";
import type { Snapshot } from "../../api.ts";
import { Control, Tip } from "../parts/Control.tsx";
import { Icon } from "../parts/Icon.tsx";
import { words } from "../strings.ts";
import type { Panel } from "./Meeting.tsx";

interface Props {
  security: Snapshot["security"];
  panel: Panel | null;
  onPanel: (panel: Panel) => void;
  onInvite: () => void;
}

/** The lock chip, which is never shown before it is true, and the way to invite. */
export const Top = (props: Props) => (
  <header class="top">
    <div class="grow">
      <Show when={props.security.state !== "none"}>
        <span class="tipped">
          <button
            type="button"
            class={`chip ${{ none: "", secure: "ok", attacked: "warned", split: "alarmed" }[props.security.state]}`}
            aria-expanded={props.panel === "safety"}
            aria-keyshortcuts="s"
            onClick={() => props.onPanel("safety")}
          >
            <Switch>
              <Match when={props.security.state === "secure"}>
                <Icon of={Lock} />
                <span class="broad">{words.security.secure(words.count(props.security.people))}</span>
                <span class="narrow">{words.count(props.security.people)}</span>
              </Match>
              <Match when={props.security.state === "attacked"}>
                <Icon of={ShieldAlert} />
                <span>{words.security.attacked}</span>
              </Match>
              <Match when={props.security.state === "split"}>
                <Icon of={Unlink} />
                <span class="clip">{words.security.split}</span>
              </Match>
            </Switch>
          </button>
          <Tip name={words.security.open} key="s" place="below-right" />
        </span>
      </Show>
    </div>
    <span class="narrow">
      <Control icon={Users} name={words.dock.people} key="p" tip="below-left" expanded={props.panel === "people"} onPress={() => props.onPanel("people")} />
    </span>
    <span class="tipped broad">
      <button type="button" class="chip quiet" aria-keyshortcuts="i" onClick={() => props.onInvite()}>
        <Icon of={Link} />
        {words.dock.invite}
      </button>
      <Tip name={words.invite.title} key="i" place="below-left" />
    </span>
  </header>
);
