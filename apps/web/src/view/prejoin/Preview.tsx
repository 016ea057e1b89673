import { createMemo, Show } from "solid-js";
import { Mic, MicOff, Video, VideoOff } from "lucide";
import type { Capture, MediaState, Session } from "../../api.ts";
import { Control } from "../parts/Control.tsx";
import { Picture } from "../meeting/Picture.tsx";
import { strings } from "../strings.ts";

/** Captures that a press can switch on. */
const can = (state: Capture): boolean => state !== "unsupported" && state !== "starting";

/** One's own picture, mirrored, with the two switches. */
export const Preview = (props: { session: Session; media: MediaState }) => {
  const stream = createMemo(() => props.media.tracks.find((track) => track.source === "camera")?.stream);
  const sentence = () => {
    if (props.media.camera === "starting") return strings.prejoin.asking;
    return strings.prejoin.capture("camera", props.media.camera) ?? strings.prejoin.cameraOff;
  };
  const mic = () => props.media.microphone === "on";
  const camera = () => props.media.camera === "on";
  return (
    <div class="preview">
      <Show when={camera() && stream()} keyed fallback={<div class="said"><p>{sentence()}</p></div>}>
        {(picture) => <Picture stream={picture} />}
      </Show>
      <div class="tools">
        <Control
          class={mic() ? "tool" : "tool off"}
          icon={mic() ? Mic : MicOff}
          name={mic() ? strings.toolbar.mute : strings.toolbar.unmute}
          disabled={!can(props.media.microphone)}
          onPress={() => void props.session.media.microphone(!mic())}
        />
        <Control
          class={camera() ? "tool" : "tool off"}
          icon={camera() ? Video : VideoOff}
          name={camera() ? strings.toolbar.cameraOff : strings.toolbar.cameraOn}
          disabled={!can(props.media.camera)}
          onPress={() => void props.session.media.camera(!camera())}
        />
      </div>
    </div>
  );
};
