import { Match, Switch } from "solid-js";
import { LoaderCircle, MonitorUp, ShieldAlert, WifiOff } from "lucide";
import type { MediaState, Session } from "../../api.ts";
import { elapsed } from "../format.ts";
import { Icon } from "../parts/Icon.tsx";
import { ticking } from "../state.ts";
import { strings } from "../strings.ts";
import type { Away } from "./connection.ts";

/** What is wrong with the connection, or that one shows one's screen; the gravest first, one at a time. */
export const Banner = (props: { away: Away | null; media: MediaState; session: Session }) => {
  const now = ticking();
  return (
    <Switch>
      <Match when={props.media.unsealed}>
        <div class="banner alarmed" role="alert">
          <Icon of={ShieldAlert} />
          <p>{strings.meeting.unsealed}</p>
        </div>
      </Match>
      <Match when={props.away}>
        {(away) => (
          <div class="banner warned count">
            <Icon of={LoaderCircle} class="turning" />
            <p>{strings.meeting.connectionAway[away().kind](elapsed(away().since, now()))}</p>
          </div>
        )}
      </Match>
      <Match when={props.media.connection === "failed"}>
        <div class="banner alarmed" role="alert">
          <Icon of={WifiOff} />
          <p>{strings.meeting.mediaFailed}</p>
        </div>
      </Match>
      <Match when={props.media.connection === "reconnecting"}>
        <div class="banner warned">
          <Icon of={LoaderCircle} class="turning" />
          <p>{strings.meeting.mediaReconnecting}</p>
        </div>
      </Match>
      <Match when={props.media.screen === "on"}>
        <div class="banner">
          <Icon of={MonitorUp} />
          <p>{strings.meeting.yourScreen}</p>
          <button type="button" class="quiet" onClick={() => void props.session.media.share(false)}>
            {strings.toolbar.unshare}
          </button>
        </div>
      </Match>
    </Switch>
  );
};
