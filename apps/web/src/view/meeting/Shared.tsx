import { createMemo, createSignal, For, Show } from "solid-js";
import { MonitorUp, ShieldQuestionMark, ShieldX } from "lucide";
import type { Media, MediaState, RemoteTrack } from "../../api.ts";
import { Icon } from "../parts/Icon.tsx";
import { useNames } from "../names.ts";
import { strings } from "../strings.ts";
import { Picture } from "./Picture.tsx";
import { Screen } from "./Screen.tsx";
import { type Shown, Tile } from "./Tile.tsx";

/** One screen on the stage, the others and everybody's faces in a film strip beside it. */
export const Shared = (props: { screens: readonly RemoteTrack[]; members: readonly Shown[]; media: MediaState; layers: Media }) => {
  const [chosen, setChosen] = createSignal<string | null>(null);
  // The newest unless somebody chose another that is still there.
  const shown = createMemo(() => props.screens.find((track) => track.identity === chosen()) ?? props.screens.at(-1));
  const rest = createMemo(() => props.screens.filter((track) => track !== shown()));
  const owner = (track: RemoteTrack) => props.members.find((member) => member.identity === track.identity);
  const named = useNames();
  const name = (track: RemoteTrack) => {
    const person = owner(track);
    return person ? named(person) : "";
  };
  const refusal = () => {
    const track = shown();
    const found = track && owner(track)?.refusal;
    return found && (found.source === "screen" || found.source === "screenAudio") ? found : null;
  };
  const doubt = () => {
    const track = shown();
    const found = track && owner(track)?.doubt;
    return found && (found.source === "screen" || found.source === "screenAudio") ? found : null;
  };
  return (
    <div class="shared">
      <Show when={shown()} keyed>
        {(track) => (
          <Screen stream={track.stream} identity={track.identity} name={name(track)} onSize={(size) => props.layers.tile(track.identity, "screen", size)}>
            <Show when={refusal()}>
              {(refused) => (
                <div class="refused" classList={{ unkeyed: refused().reason === "noKey" }}>
                  <Icon of={ShieldX} />
                  <p>{strings.meeting.refused(name(track), refused())}</p>
                </div>
              )}
            </Show>
            <Show when={!refusal() && doubt()}>
              {(doubted) => (
                <div class="refused slim doubted">
                  <Icon of={ShieldQuestionMark} />
                  <p>{strings.meeting.doubted(name(track), doubted())}</p>
                </div>
              )}
            </Show>
          </Screen>
        )}
      </Show>
      <div class="strip" role="group" tabindex="0" aria-label={strings.meeting.strip}>
        <For each={rest()}>
          {(track) => (
            <button type="button" class="tile screen" aria-label={strings.meeting.showScreen(name(track))} onClick={() => setChosen(track.identity)}>
              <Picture stream={track.stream} identity={track.identity} source="screen" onSize={(size) => props.layers.tile(track.identity, "screen", size)} />
              <span class="tag">
                <Icon of={MonitorUp} />
                <span class="clip" dir="auto">
                  {name(track)}
                </span>
              </span>
            </button>
          )}
        </For>
        <For each={props.members}>{(member) => <Tile member={member} media={props.media} layers={props.layers} />}</For>
      </div>
    </div>
  );
};
