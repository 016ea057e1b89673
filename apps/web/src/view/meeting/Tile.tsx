import { createMemo, createSignal, type JSX, Show } from "solid-js";
import { KeyRound, MicOff, ShieldQuestionMark, ShieldX } from "lucide";
import type { Media, MediaState, Snapshot } from "../../api.ts";
import { elapsed } from "../format.ts";
import { Avatar } from "../parts/Avatar.tsx";
import { Compared } from "../parts/Compared.tsx";
import { Icon } from "../parts/Icon.tsx";
import { useNames } from "../names.ts";
import { after, ticking } from "../state.ts";
import { strings } from "../strings.ts";
import { isConnecting, timeToConnect } from "./connection.ts";
import { Picture } from "./Picture.tsx";

export type Member = Snapshot["members"][number];

/** Who has a tile. `lost`: nobody inside, but somebody whose connection ended and who may come back. */
export type Shown = Member & { lost?: true };

/** One person: picture or initials, name, and what is to be known of them now. */
export const Tile = (props: { member: Shown; media: MediaState; layers: Media; ref?: (element: HTMLElement) => void; children?: JSX.Element }) => {
  const named = useNames();
  const stream = createMemo(() => props.media.tracks.find((track) => track.source === "camera" && track.identity === props.member.identity)?.stream);
  const [drawn, setDrawn] = createSignal(false);
  const mic = () => (props.member.me ? props.media.microphone === "on" : props.member.mic);
  const camera = () => (props.member.me ? props.media.camera === "on" : props.member.camera);
  const name = () => (props.member.me ? strings.you : named(props.member));
  const refusal = () => (props.member.refusal?.source === "camera" || props.member.refusal?.source === "microphone" ? props.member.refusal : null);
  const doubt = () => (props.member.doubt?.source === "camera" || props.member.doubt?.source === "microphone" ? props.member.doubt : null);
  return (
    <article
      ref={(element) => props.ref?.(element)}
      class="tile"
      classList={{ speaking: mic() && props.media.speaking.includes(props.member.identity), mirror: props.member.me, away: props.member.awaySince != null }}
      data-identity={props.member.identity}
      data-lost={props.member.lost}
      aria-label={strings.meeting.tile(name(), mic(), camera())}
    >
      <Show when={!drawn()}>
        <Avatar identity={props.member.identity} name={props.member.name} />
      </Show>
      <Show when={camera() && stream()} keyed>
        {(picture) => (
          <Picture
            stream={picture}
            identity={props.member.identity}
            source="camera"
            onDrawn={setDrawn}
            onSize={(size) => {
              if (!props.member.me) props.layers.tile(props.member.identity, "camera", size);
            }}
          />
        )}
      </Show>
      <Show when={refusal()}>
        {(refused) => (
          <div class="refused" classList={{ slim: refused().source === "microphone", unkeyed: refused().reason === "noKey" }}>
            <Icon of={ShieldX} />
            <p>{strings.meeting.refused(named(props.member), refused())}</p>
          </div>
        )}
      </Show>
      <Show when={!refusal() && doubt()}>
        {(doubted) => (
          <div class="refused slim doubted">
            <Icon of={ShieldQuestionMark} />
            <p>{strings.meeting.doubted(named(props.member), doubted())}</p>
          </div>
        )}
      </Show>
      <Show when={props.member.me && mic() && (isConnecting(props.media) || props.media.connection === "failed")}>
        <Unheard />
      </Show>
      <Show when={props.member.awaySince}>{(since) => <Away since={since()} />}</Show>
      <div class="tag">
        <Show when={!mic()}>
          <Icon of={MicOff} />
        </Show>
        <span class="clip" dir="auto">
          {name()}
        </span>
        <Compared member={props.member} />
        <Show when={props.member.host}>
          <span class="host">
            <Icon of={KeyRound} />
            <span class="aloud">{strings.people.host}</span>
          </span>
        </Show>
      </div>
      {props.children}
    </article>
  );
};

const Away = (props: { since: number }) => {
  const now = ticking();
  return <div class="badge count">{strings.meeting.away(elapsed(props.since, now()))}</div>;
};

/** The own microphone looks live long before anybody can hear it. */
const Unheard = () => {
  const late = after(timeToConnect.told);
  return (
    <Show when={late()}>
      <div class="badge">{strings.meeting.unheard}</div>
    </Show>
  );
};
