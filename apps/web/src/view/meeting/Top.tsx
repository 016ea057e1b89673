import { Match, Show, Switch } from "solid-js";
import { DoorClosedLocked, Ear, KeyRound, Link, Lock, ShieldAlert, ShieldQuestionMark, Timer, Unlink, WifiOff } from "lucide";
import type { Snapshot } from "../../api.ts";
import { clock } from "../format.ts";
import { Tip } from "../parts/Control.tsx";
import { Icon } from "../parts/Icon.tsx";
import { strings } from "../strings.ts";
import { PeopleButton } from "./PeopleButton.tsx";
import type { PanelName } from "./panels.ts";

interface Props {
  security: Snapshot["security"];
  door: Snapshot["door"];
  /** When the session is over, shortly before it is. */
  endsAt: Snapshot["endsAt"];
  /** How many ask to come in. */
  knocking: number;
  /** What the chip would say cannot be known without a connection. */
  away: boolean;
  /** By a sheet. */
  covered: boolean;
  panel: PanelName | null;
  onPanel: (panel: PanelName) => void;
  onInvite: () => void;
}

/** The state of security, which is never shown before it is true, and the way to invite. */
export const Top = (props: Props) => (
  <header class="top" inert={props.covered}>
    <div class="grow">
      <Show when={props.security.state !== "none"}>
        <span class="tipped">
          <button
            type="button"
            class={`chip ${props.away ? "quiet" : { none: "", secure: "ok", unsure: "quiet", parted: "quiet", attacked: "warned", unproved: "warned", split: "alarmed", codeDiffers: "alarmed", keyChanged: "alarmed" }[props.security.state]}`}
            aria-expanded={props.panel === "safety"}
            aria-keyshortcuts="s"
            onClick={() => props.onPanel("safety")}
          >
            <Switch>
              <Match when={props.away}>
                <Icon of={WifiOff} />
                <span>{strings.security.away}</span>
              </Match>
              <Match when={props.security.state === "secure"}>
                <Icon of={Lock} />
                <span class="broad">{strings.security.secure(strings.count(props.security.people), props.security.people - 1, props.security.verified)}</span>
                <span class="narrow">{strings.count(props.security.people)}</span>
              </Match>
              <Match when={props.security.state === "unsure"}>
                <Icon of={Ear} />
                <span class="broad">{strings.security.unsure}</span>
                <span class="narrow">{strings.security.unsureShort}</span>
              </Match>
              <Match when={props.security.state === "parted"}>
                <Icon of={Unlink} />
                <span class="broad">{strings.security.parted}</span>
                <span class="narrow">{strings.security.partedShort}</span>
              </Match>
              <Match when={props.security.state === "attacked"}>
                <Icon of={ShieldAlert} />
                <span>{strings.security.attacked}</span>
              </Match>
              <Match when={props.security.state === "unproved"}>
                <Icon of={ShieldQuestionMark} />
                <span>{strings.security.unproved}</span>
              </Match>
              <Match when={props.security.state === "codeDiffers"}>
                <Icon of={ShieldAlert} />
                <span class="clip">{strings.security.codeDiffers}</span>
              </Match>
              <Match when={props.security.state === "keyChanged"}>
                <Icon of={KeyRound} />
                <span class="clip">{strings.security.keyChanged}</span>
              </Match>
              <Match when={props.security.state === "split"}>
                <Icon of={Unlink} />
                <span class="broad">{strings.security.split}</span>
                <span class="narrow">{strings.security.splitShort}</span>
              </Match>
            </Switch>
          </button>
          <Tip name={strings.security.open} key="s" place="below-right" />
        </span>
      </Show>
      <Show when={props.door === "locked" && !props.away}>
        <span class="tipped">
          <button type="button" class="chip quiet" aria-label={strings.door.chipOpen} aria-expanded={props.panel === "people"} onClick={() => props.onPanel("people")}>
            <Icon of={DoorClosedLocked} />
            <span class="broad">{strings.door.chip}</span>
          </button>
          <Tip name={strings.door.states.locked} place="below" />
        </span>
      </Show>
      <Show when={props.endsAt}>
        {(at) => (
          <span class="chip quiet still">
            <Icon of={Timer} />
            <span class="broad">{strings.meeting.endsAt(clock(at()))}</span>
            <span class="narrow">{clock(at())}</span>
          </span>
        )}
      </Show>
    </div>
    <span class="narrow">
      <PeopleButton tip="below-left" open={props.panel === "people"} knocking={props.knocking} onPress={() => props.onPanel("people")} />
    </span>
    <span class="tipped broad">
      <button type="button" class="chip quiet" aria-keyshortcuts="i" onClick={() => props.onInvite()}>
        <Icon of={Link} />
        {strings.toolbar.invite}
      </button>
      <Tip name={strings.invite.title} key="i" place="below-left" />
    </span>
  </header>
);
