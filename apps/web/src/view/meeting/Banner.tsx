import { Match, Show, Switch } from "solid-js";
import { LoaderCircle, ShieldAlert, WifiOff } from "lucide";
import type { MediaState } from "../../api.ts";
import { elapsed } from "../format.ts";
import { Icon } from "../parts/Icon.tsx";
import { after, ticking } from "../state.ts";
import { strings } from "../strings.ts";
import { type Away, isConnecting, timeToConnect } from "./connection.ts";

/** What is wrong with the connection; the gravest first, one at a time. */
export const Banner = (props: { away: Away | null; media: MediaState; host: string }) => {
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
        <Failed host={props.host} />
      </Match>
      <Match when={props.media.connection === "reconnecting"}>
        <div class="banner warned">
          <Icon of={LoaderCircle} class="turning" />
          <p>{strings.meeting.mediaReconnecting}</p>
        </div>
      </Match>
      <Match when={isConnecting(props.media)}>
        <Connecting host={props.host} />
      </Match>
    </Switch>
  );
};

const Failed = (props: { host: string }) => (
  <div class="banner alarmed" role="alert">
    <Icon of={WifiOff} />
    <p>{strings.meeting.mediaFailed(props.host)}</p>
  </div>
);

/** The first time: most often it takes no time that one would see, and else people are to know what they can do. */
const Connecting = (props: { host: string }) => {
  const late = after(timeToConnect.told);
  const blocked = after(timeToConnect.blocked);
  return (
    <Show when={!blocked()} fallback={<Failed host={props.host} />}>
      <Show when={late()}>
        <div class="banner warned" role="status">
          <Icon of={LoaderCircle} class="turning" />
          <p>{strings.meeting.mediaConnecting}</p>
        </div>
      </Show>
    </Show>
  );
};
