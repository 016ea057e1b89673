// Own microphone, camera and screen: what is captured, whether or not it is sent.
import { type AudioCaptureOptions, createLocalAudioTrack, createLocalVideoTrack, LocalAudioTrack, LocalVideoTrack, Track, VideoPresets } from "livekit-client";
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

/** How long a device that may be used can take to open, in milliseconds. */
const opensWithin = 10_000;

export class Capture {
  readonly states: Record<Own, State> = { microphone: "off", camera: "off", screen: "off" };
  private readonly tracks = new Map<Source, OwnTrack>();
  private readonly switches = new WeakMap<OwnTrack, Switch>();
  private readonly turns: Record<Own, Promise<void>> = { microphone: Promise.resolve(), camera: Promise.resolve(), screen: Promise.resolve() };
  private readonly silences = new WeakSet<MediaStreamTrack>();
  /** Tracks that never had a device. */
  private readonly deviceless = new WeakSet<OwnTrack>();
  private readonly chosen: Partial<Record<DeviceKind, string>> = {};
  private closed = false;

  constructor(
    private readonly changed: () => void,
    /** Send it, or send it no more. */
    private readonly publish: (track: OwnTrack) => Promise<void>,
    private readonly unpublish: (track: OwnTrack) => Promise<void>,
    /** A track of silence that flows while the microphone is off; `null` where nothing needs to flow. */
    private readonly silence: () => MediaStreamTrack | null,
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
    return this.silences.has(track) ? "microphone" : undefined;
  }

  /** Sound is to be sent from now on, whether or not the microphone was ever on: what never flows is known to be off. */
  hideMicrophone(): void {
    if (this.closed || this.tracks.has("microphone") || this.states.microphone === "starting") return;
    const silence = this.stillness();
    if (!silence) return;
    // livekit-client stops what it has when it opens a device: not that which is sent.
    const track = named(new LocalAudioTrack(silence.clone(), undefined, false), Track.Source.Microphone);
    this.deviceless.add(track);
    this.adopt("microphone", track);
  }

  /** Several requests for one source are carried out one after the other. */
  turn(own: Own, on: boolean): Promise<void> {
    this.turns[own] = this.turns[own].then(() => (this.closed ? undefined : own === "screen" ? this.screen(on) : this.device(own, on)));
    return this.turns[own];
  }

  async select(kind: DeviceKind, id: string): Promise<void> {
    this.chosen[kind] = id;
    const track = kind === "speaker" ? undefined : this.tracks.get(kind);
    // A microphone that is off takes the device that was chosen when it is switched on.
    if (track && (kind !== "microphone" || this.states.microphone === "on")) {
      await track.setDeviceId({ exact: id }).catch((fault: unknown) => this.failed(kind === "camera" ? "camera" : "microphone", fault));
    }
    this.changed();
  }

  /** The device that a track really uses. */
  async using(kind: "microphone" | "camera"): Promise<string | null> {
    const track = this.tracks.get(kind);
    const device = track && !this.deviceless.has(track) ? await track.getDeviceId(false) : undefined;
    return device ?? this.chosen[kind] ?? null;
  }

  close(): void {
    this.closed = true;
    for (const track of this.tracks.values()) track.stop();
    this.tracks.clear();
  }

  private async device(own: "microphone" | "camera", on: boolean): Promise<void> {
    const track = this.tracks.get(own);
    if (!on) {
      // Until it is switched on again, nothing listens or watches.
      if (track) await this.switches.get(track)?.off();
      this.set(own, "off");
      return;
    }
    this.set(own, "starting");
    const opening = track ? Promise.resolve(this.switches.get(track)?.on()).then(() => track) : this.open(own);
    try {
      const opened = await inTime(own, opening);
      if (opened === late) return await this.giveUp(own, opening);
      if (!track) await this.started(own, opened);
      this.set(own, "on");
    } catch (fault) {
      this.failed(own, fault);
    }
  }

  private open(own: "microphone" | "camera"): Promise<OwnTrack> {
    const deviceId = this.chosen[own];
    if (own === "microphone") return createLocalAudioTrack(this.voice());
    return createLocalVideoTrack({ resolution: VideoPresets.h720.resolution, ...(deviceId !== undefined && { deviceId }) });
  }

  /** What opens after all is closed again: its person was told that it does not, and has the next try with a track of its own. */
  private async giveUp(own: "microphone" | "camera", opening: Promise<OwnTrack>): Promise<void> {
    this.set(own, "unresponsive");
    void opening.then((opened) => opened.stop(), () => undefined);
    const track = this.tracks.get(own);
    if (!track) return;
    track.stop();
    this.tracks.delete(own);
    await this.unpublish(track).catch(() => undefined);
    if (own !== "microphone") return;
    this.hideMicrophone();
    const silence = this.tracks.get(own);
    if (silence) await this.publish(silence);
  }

  private voice(): AudioCaptureOptions {
    const deviceId = this.chosen.microphone;
    return { echoCancellation: true, noiseSuppression: true, autoGainControl: true, ...(deviceId !== undefined && { deviceId }) };
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
    this.adopt(source, track);
    this.changed();
    await this.publish(track);
  }

  private adopt(source: Source, track: OwnTrack): void {
    this.tracks.set(source, track);
    this.switches.set(track, source === "microphone" && track instanceof LocalAudioTrack ? this.takeMicrophone(track) : takeSwitch(track));
  }

  /**
   * A microphone that is off is a device that is closed, and silence in its place on the same sender. Nothing of it reaches livekit-client,
   * which would tell the media server, and opens devices by itself when they change or the page comes back: to that one the track is always on.
   */
  private takeMicrophone(track: LocalAudioTrack): Switch {
    takeSwitch(track);
    // The property stays the class's, which knows what it captures with.
    const device = (): MediaStreamTrack => Reflect.get(Object.getPrototypeOf(track) as object, "mediaStreamTrack", track) as MediaStreamTrack;
    const open = track.restartTrack.bind(track);
    let off = this.states.microphone !== "starting";
    Object.defineProperties(track, {
      // What is published, after a reconnection too.
      mediaStreamTrack: { get: () => (off ? this.stillness() : null) ?? device() },
      isUserProvided: { get: () => off },
      restartTrack: { value: (options?: AudioCaptureOptions) => (off ? Promise.resolve() : open(options)) },
      // The media server is told what the device can do, and silence can nothing.
      getSourceTrackSettings: { value: () => ({}) },
    });
    return {
      off: async () => {
        off = true;
        // A connection that is over takes no track, and the next one takes what is published.
        await track.sender?.replaceTrack(this.stillness()).catch(() => undefined);
        device().stop();
      },
      on: async () => {
        await open(this.voice());
        this.deviceless.delete(track);
        off = false;
      },
    };
  }

  private stillness(): MediaStreamTrack | null {
    const silence = this.silence();
    if (silence) this.silences.add(silence);
    return silence;
  }

  private failed(own: Own, fault: unknown): void {
    this.set(own, captureOf(fault));
  }

  private set(own: Own, state: State): void {
    this.states[own] = state;
    this.changed();
  }
}

const late = Symbol("late");

/** What `opening` gives, or `late`; as long as somebody is asked for permission, nothing is late. */
const inTime = async <T>(own: "microphone" | "camera", opening: Promise<T>): Promise<T | typeof late> => {
  const permission = await navigator.permissions.query({ name: own as PermissionName }).then(({ state }) => state, () => "prompt");
  if (permission !== "granted") return opening;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const over = new Promise<typeof late>((resolve) => {
    timer = setTimeout(() => resolve(late), opensWithin);
  });
  return Promise.race([opening, over]).finally(() => clearTimeout(timer));
};

/** From here on livekit-client mutes and unmutes nothing: it would whenever the media server says so. */
const takeSwitch = (track: OwnTrack): Switch => {
  const [on, mute] = [track.unmute.bind(track), track.mute.bind(track)];
  const nothing = () => Promise.resolve(track);
  Object.assign(track, { mute: nothing, unmute: nothing });
  const off = async (): Promise<void> => {
    await mute();
    track.mediaStreamTrack.stop();
  };
  return { on, off };
};

const named = <T extends OwnTrack>(track: T, source: Track.Source): T => {
  track.source = source;
  return track;
};
