import { Track } from "livekit-client";
import type { Codec, Source } from "../worker/wasm/conclave.js";

const sources: [Track.Source, Source][] = [
  [Track.Source.Camera, "camera"],
  [Track.Source.Microphone, "microphone"],
  [Track.Source.ScreenShare, "screen"],
  [Track.Source.ScreenShareAudio, "screenAudio"],
];

/** Which of a member's media a track claims to be; the frames themselves must prove it. */
export const sourceOf = (source: Track.Source): Source | undefined => sources.find(([theirs]) => theirs === source)?.[1];

export const isSound = (source: Source): boolean => source === "microphone" || source === "screenAudio";

/** What a track's frames are taken for where the browser does not name their codec. */
export const codecOf = (source: Source, mimeType: string | undefined): Codec => (isSound(source) ? "opus" : mimeType?.toLowerCase() === "video/vp9" ? "vp9" : "vp8");
