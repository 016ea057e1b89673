// Own microphone, camera and screen: what is captured, whether or not it is sent.
import { createLocalAudioTrack, createLocalVideoTrack, LocalAudioTrack, LocalVideoTrack, Track, VideoPresets } from "livekit-client";
import type { Capture as State, DeviceKind } from "../api.ts";
import type { Source } from "../worker/wasm/conclave.js";
import { captureOf } from "./errors.ts";

/** What this client sends. */
export type OwnTrack = LocalAudioTrack | LocalVideoTrack;
export type Own = "microphone" | "camera" | "screen";

/** What the user alone switches. */
interface Switch {
  on(): Promise<unknown>;
  off(): Promise<unknown>;
}

export class Capture {
  readonly states: Record<Own, State> = { microphone: "off", camera: "off", screen: "off" };
  private readonly tracks = new Map<Source, OwnTrack>();
  private readonly switches = new WeakMap<OwnTrack, Switch>();
  private readonly turns: Record<Own, Promise<void>> = { microphone: Promise.resolve(), camera: Promise.resolve(), screen: Promise.resolve() };
  private readonly chosen: Partial<Record<DeviceKind, string>> = {};
  private closed = false;

  constructor(
    private readonly changed: () => void,
    /** Send it, or send it no more. */
    private readonly publish: (track: OwnTrack) => Promise<void>,
    private readonly unpublish: (track: OwnTrack) => Promise<void>,
  ) {
    if (!("getDisplayMedia" in navigator.mediaDevices)) this.states.screen = "unsupported";
  }

  get(source: Source): OwnTrack | undefined {
    return this.tracks.get(source);
  }

  all(): OwnTrack[] {
    return [...this.tracks.values()];
  }

  /** Which of the own media this track carries. */
  sourceOf(track: MediaStreamTrack): Source | undefined {
    for (const [source, own] of this.tracks) if (own.mediaStreamTrack === track) return source;
    return undefined;
  }

  /** Several requests for one source are carried out one after the other. */
  turn(own: Own, on: boolean): Promise<void> {
    this.turns[own] = this.turns[own].then(() => (this.closed ? undefined : own === "screen" ? this.screen(on) : this.device(own, on)));
    return this.turns[own];
  }

  async select(kind: DeviceKind, id: string): Promise<void> {
    this.chosen[kind] = id;
    const track = kind === "speaker" ? undefined : this.tracks.get(kind);
    if (track) {
      await track.setDeviceId({ exact: id }).catch((fault: unknown) => this.failed(kind === "camera" ? "camera" : "microphone", fault));
    }
    this.changed();
  }

  /** The device that a track really uses. */
  async using(kind: "microphone" | "camera"): Promise<string | null> {
    return (await this.tracks.get(kind)?.getDeviceId(false)) ?? this.chosen[kind] ?? null;
  }

  close(): void {
    this.closed = true;
    for (const track of this.tracks.values()) track.stop();
    this.tracks.clear();
  }

  private async device(own: "microphone" | "camera", on: boolean): Promise<void> {
    const track = this.tracks.get(own);
    if (!on) {
      if (track) await this.switches.get(track)?.off();
      // Until it is switched on again, nothing listens or watches.
      track?.mediaStreamTrack.stop();
      this.set(own, "off");
      return;
    }
    this.set(own, "starting");
    try {
      if (track) await this.switches.get(track)?.on();
      else await this.start(own);
      this.set(own, "on");
    } catch (fault) {
      this.failed(own, fault);
    }
  }

  private async start(own: "microphone" | "camera"): Promise<void> {
    const deviceId = this.chosen[own];
    const wanted = deviceId === undefined ? {} : { deviceId };
    const track =
      own === "microphone"
        ? await createLocalAudioTrack({ echoCancellation: true, noiseSuppression: true, autoGainControl: true, ...wanted })
        : await createLocalVideoTrack({ resolution: VideoPresets.h720.resolution, ...wanted });
    await this.started(own, track);
  }

  private async screen(on: boolean): Promise<void> {
    if (this.states.screen === "unsupported") return;
    if (!on) return this.stopScreen();
    if (this.tracks.has("screen")) return;
    this.set("screen", "starting");
    try {
      const stream = await navigator.mediaDevices.getDisplayMedia({ video: { frameRate: 15 }, audio: true });
      const [video] = stream.getVideoTracks();
      const [audio] = stream.getAudioTracks();
      if (!video) throw new DOMException("nothing to share", "NotFoundError");
      // The browser's own bar ends a share too.
      video.addEventListener("ended", () => void this.turn("screen", false));
      await this.started("screen", named(new LocalVideoTrack(video, undefined, true), Track.Source.ScreenShare));
      if (audio) await this.started("screenAudio", named(new LocalAudioTrack(audio, undefined, true), Track.Source.ScreenShareAudio));
      this.set("screen", "on");
    } catch (fault) {
      await this.stopScreen();
      // Closing the browser's chooser is a change of mind, no state to show.
      const state = captureOf(fault);
      this.set("screen", state === "denied" ? "off" : state);
    }
  }

  private async stopScreen(): Promise<void> {
    for (const source of ["screen", "screenAudio"] as const) {
      const track = this.tracks.get(source);
      this.tracks.delete(source);
      track?.stop();
      if (track) await this.unpublish(track).catch(() => undefined);
    }
    this.set("screen", "off");
  }

  private async started(source: Source, track: OwnTrack): Promise<void> {
    if (this.closed) {
      track.stop();
      return;
    }
    this.tracks.set(source, track);
    this.switches.set(track, takeSwitch(track));
    this.changed();
    await this.publish(track);
  }

  private failed(own: Own, fault: unknown): void {
    this.set(own, captureOf(fault));
  }

  private set(own: Own, state: State): void {
    this.states[own] = state;
    this.changed();
  }
}

/** From here on livekit-client mutes and unmutes nothing: it would whenever the media server says so. */
const takeSwitch = (track: OwnTrack): Switch => {
  const [on, off] = [track.unmute.bind(track), track.mute.bind(track)];
  const nothing = () => Promise.resolve(track);
  Object.assign(track, { mute: nothing, unmute: nothing });
  return { on, off };
};

const named = <T extends OwnTrack>(track: T, source: Track.Source): T => {
  track.source = source;
  return track;
};
