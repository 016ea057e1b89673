import { createEffect, createMemo, For, onCleanup } from "solid-js";
import type { MediaState, RemoteTrack } from "../../api.ts";

/** What is heard: the sound of everybody who is in the group, and of nobody else. */
export const Sound = (props: { media: MediaState; belongs: (identity: string) => boolean }) => {
  const tracks = createMemo(() => props.media.tracks);
  const heard = createMemo(() => tracks().filter((track) => (track.source === "microphone" || track.source === "screenAudio") && props.belongs(track.identity)));
  return <For each={heard()}>{(track) => <AudioTrack track={track} speaker={props.media.selected.speaker} />}</For>;
};

const AudioTrack = (props: { track: RemoteTrack; speaker: string | null }) => {
  let audio: HTMLAudioElement | undefined;
  const play = () => audio?.play().catch(() => document.addEventListener("pointerdown", play, { once: true }));
  createEffect(() => {
    if (!audio) return;
    audio.srcObject = props.track.stream;
    // A browser that wants a gesture first gets the next one.
    void play();
  });
  createEffect(() => {
    if (props.speaker !== null && audio && "setSinkId" in audio) audio.setSinkId(props.speaker).catch(() => undefined);
  });
  onCleanup(() => {
    document.removeEventListener("pointerdown", play);
    if (audio) audio.srcObject = null;
  });
  return <audio ref={(element) => (audio = element)} autoplay data-identity={props.track.identity} data-source={props.track.source} />;
};
