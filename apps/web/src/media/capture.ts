// Own microphone, camera and screen: what is captured, whether or not it is sent.
import { createLocalAudioTrack, createLocalVideoTrack, LocalAudioTrack, LocalVideoTrack, Track, VideoPresets } from "livekit-client";
import type { Capture as State, DeviceKind } from "../api.ts";
import type { Source } from "../worker/wasm/conclave.js";
import { captureOf } from "./errors.ts";
import type { Flow } from "./level.ts";
import { Microphone } from "./microphone.ts";

/** What this client sends. */
export type OwnTrack = LocalAudioTrack | LocalVideoTrack;
export type Own = "microphone" | "camera" | "screen";

/** What the user alone switches. */
interface Switch {
  on(): Promise<void>;
  off(): Promise<void>;
}

/** How long a device that may be used can take to open, in milliseconds. */
const opensWithin = 10_000;

export class Capture {
  readonly states: Record<Own, State> = { microphone: "off", camera: "off", screen: "off" };
  private readonly tracks = new Map<Source, OwnTrack>();
  private camera: Switch | undefined;
  private mic: Microphone | undefined;
  private readonly turns: Record<Own, Promise<void>> = { microphone: Promise.resolve(), camera: Promise.resolve(), screen: Promise.resolve() };
  private readonly chosen: Partial<Record<DeviceKind, string>> = {};
  private closed = false;

  constructor(
    private readonly changed: () => void,
    /** Send it, or send it no more. */
    private readonly publish: (track: OwnTrack) => Promise<void>,
    private readonly unpublish: (track: OwnTrack) => Promise<void>,
    private readonly flow: () => Flow,
    /** Whether something flows while the microphone is off. */
    private readonly flows: () => boolean,
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
    return this.mic?.has(track) ? "microphone" : undefined;
  }

  /** Sound is to be sent from now on, whether or not the microphone was ever on: what never flows is known to be off. */
  hideMicrophone(): void {
    if (!this.closed && this.flows()) this.tracks.set("microphone", this.microphone().sent);
  }

  /** Several requests for one source are carried out one after the other. */
  turn(own: Own, on: boolean): Promise<void> {
    this.turns[own] = this.turns[own].then(() => (this.closed ? undefined : own === "screen" ? this.screen(on) : this.device(own, on)));
    return this.turns[own];
  }

  async select(kind: DeviceKind, id: string): Promise<void> {
    this.chosen[kind] = id;
    if (kind === "camera") await this.tracks.get(kind)?.setDeviceId({ exact: id }).catch((fault: unknown) => this.failed(kind, fault));
    if (kind === "microphone") await this.reopen();
    this.changed();
  }

  /** The device that a track really uses. */
  async using(kind: "microphone" | "camera"): Promise<string | null> {
    const id = kind === "microphone" ? this.mic?.id() : this.tracks.get(kind)?.getDeviceId(false);
    return (await id) ?? this.chosen[kind] ?? null;
  }

  close(): void {
    this.closed = true;
    void this.mic?.close(false);
    for (const track of this.tracks.values()) track.stop();
    this.tracks.clear();
  }

  private async device(own: "microphone" | "camera", on: boolean): Promise<void> {
    if (!on) {
      // Until it is switched on again, nothing listens or watches.
      await (own === "microphone" ? this.mic?.close(this.flows()) : this.camera?.off());
      this.set(own, "off");
      return;
    }
    this.set(own, "starting");
    try {
      await (own === "microphone" ? this.openMicrophone() : this.openCamera());
    } catch (fault) {
      // Of one that was to be replaced nothing is left.
      if (own === "microphone") await this.mic?.close(this.flows());
      this.failed(own, fault);
    }
  }

  /** Another microphone was chosen, or this one was unplugged. One that is off takes what is there when its person switches it on. */
  private reopen(): Promise<void> {
    this.turns.microphone = this.turns.microphone.then(() => (this.closed || this.states.microphone !== "on" ? undefined : this.device("microphone", true)));
    return this.turns.microphone;
  }

  private async openMicrophone(): Promise<void> {
    const microphone = this.microphone();
    const deviceId = this.chosen.microphone;
    const opening = createLocalAudioTrack({ echoCancellation: true, noiseSuppression: true, autoGainControl: true, ...(deviceId !== undefined && { deviceId }) });
    const device = await inTime("microphone", opening);
    if (device === late) {
      void opening.then((opened) => opened.stop(), () => undefined);
      await microphone.close(this.flows());
      return this.set("microphone", "unresponsive");
    }
    if (this.closed) return device.stop();
    await microphone.use(device);
    await this.started("microphone", microphone.sent);
    this.set("microphone", "on");
  }

  private async openCamera(): Promise<void> {
    const deviceId = this.chosen.camera;
    const track = this.tracks.get("camera");
    const opening = track
      ? Promise.resolve(this.camera?.on()).then(() => track)
      : createLocalVideoTrack({ resolution: VideoPresets.h720.resolution, ...(deviceId !== undefined && { deviceId }) });
    const opened = await inTime("camera", opening);
    if (opened !== late) {
      if (!track && opened instanceof LocalVideoTrack) {
        this.camera = takeSwitch(opened);
        await this.started("camera", opened);
      }
      return this.set("camera", "on");
    }
    // The next try has a track of its own; what this one opens after all is closed again.
    void opening.then((opened) => opened.stop(), () => undefined);
    track?.stop();
    this.tracks.delete("camera");
    this.set("camera", "unresponsive");
    if (track) await this.unpublish(track).catch(() => undefined);
  }

  private microphone(): Microphone {
    return (this.mic ??= new Microphone(this.flow(), () => void this.reopen()));
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

export const late = Symbol("late");

/** What `opening` gives, or `late`; as long as somebody is asked for permission, nothing is late. */
export const inTime = async <T>(own: "microphone" | "camera", opening: Promise<T>): Promise<T | typeof late> => {
  const asked = async (): Promise<PermissionStatus> => navigator.permissions.query({ name: own as PermissionName });
  const permission = await asked().then(({ state }) => state, () => "prompt");
  if (permission !== "granted") return opening;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const over = new Promise<typeof late>((resolve) => {
    timer = setTimeout(() => resolve(late), opensWithin);
  });
  return Promise.race([opening, over]).finally(() => clearTimeout(timer));
};

/** From here on livekit-client mutes and unmutes nothing: it would whenever the media server says so. */
const takeSwitch = (track: LocalVideoTrack): Switch => {
  const [on, mute] = [track.unmute.bind(track), track.mute.bind(track)];
  const nothing = () => Promise.resolve(track);
  Object.assign(track, { mute: nothing, unmute: nothing });
  return {
    on: async () => void (await on()),
    off: async () => {
      await mute();
      track.mediaStreamTrack.stop();
    },
  };
};

const named = <T extends OwnTrack>(track: T, source: Track.Source): T => {
  track.source = source;
  return track;
};
