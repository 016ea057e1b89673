// Capture, devices and the connection, as the view sees them.
import { setLogLevel } from "livekit-client";
import type { MediaToken, SessionWorker } from "../worker/session-worker.ts";
import type { Command, Source } from "../worker/wasm/conclave.js";
import { Observable } from "../observable.ts";
import type { DeviceKind, Media, MediaState, RemoteTrack, Scan } from "../api.ts";
import { Capture, type Own } from "./capture.ts";
import { listDevices, onDeviceChange, settle } from "./devices.ts";
import { Sounds } from "./level.ts";
import { LiveKitRoom, type Size } from "./livekit-room.ts";
import { sealConnections } from "./encrypted-peer-connection.ts";
import { Scanner } from "./scanner.ts";
import { codecOf } from "./source.ts";
import { Speaking } from "./speaking.ts";

// It writes tokens, identities and addresses to the console.
setLogLevel("silent");

const start: MediaState = {
  devices: { microphone: [], camera: [], speaker: [] },
  selected: { microphone: null, camera: null, speaker: null },
  microphone: "off",
  camera: "off",
  screen: "off",
  tracks: [],
  speaking: [],
  connection: "idle",
  unsealed: false,
};

/** Own cameras need a name in the list of tracks before the group gave one. */
const nobody = "";

/** Somebody whose sound is listened to. */
interface Voice {
  readonly identity: string;
  readonly speech: Speaking;
  speaks: boolean;
  stop: () => void;
}

export class LiveMedia extends Observable<MediaState> implements Media {
  readonly level = new Observable(0);
  private readonly capture: Capture;
  private readonly room: LiveKitRoom;
  private readonly streams = new WeakMap<MediaStreamTrack, MediaStream>();
  private readonly stops: (() => void)[] = [];
  private readonly sounds = new Sounds();
  /** Whose sound is listened to for speech, by what is heard of it. */
  private readonly measured = new Map<MediaStreamTrack, Voice>();
  private me = nobody;
  private hidesSpeech = false;
  private silenced: readonly Own[] = [];
  private devices = start.devices;
  private selected = start.selected;
  private unsealed = false;
  private closed = false;

  constructor(
    private readonly worker: Pick<SessionWorker, "transform" | "tokenWanted">,
    /** What the session is to know. */
    private readonly tell: (command: Command) => void,
  ) {
    super(start);
    this.room = new LiveKitRoom({
      changed: () => this.refresh(),
      peers: (identities) => this.tell({ kind: "mediaPeers", identities }),
      unsealed: () => this.stop(),
      tokenWanted: () => this.worker.tokenWanted(),
      own: () => this.capture.all(),
    });
    this.capture = new Capture(
      () => this.refresh(),
      (track) => this.room.publish(track),
      (track) => this.room.unpublish(track),
      () => this.sounds.flow(),
      () => this.hidesSpeech,
    );
    sealConnections({
      made: (connection) => this.room.watch(connection),
      transform: (direction) => this.worker.transform(direction),
      bindSender: (track, sealed) => {
        const source = this.capture.sourceOf(track);
        if (!source) throw new TypeError("not a track of ours");
        sealed.bind({ identity: nobody, source, codec: codecOf(source, undefined) });
      },
      unsealed: () => this.stop(),
      hidesSpeech: () => this.hidesSpeech,
    });
    this.stops.push(onDeviceChange(() => void this.refreshDevices()));
  }

  microphone(on: boolean): Promise<void> {
    return this.turn("microphone", on);
  }

  camera(on: boolean): Promise<void> {
    return this.turn("camera", on);
  }

  share(on: boolean): Promise<void> {
    return this.turn("screen", on);
  }

  async select(kind: DeviceKind, id: string): Promise<void> {
    this.selected = { ...this.selected, [kind]: id };
    await this.capture.select(kind, id);
    await this.refreshSelected();
  }

  tile(identity: string, source: Source, size: Size | null): void {
    const ratio = globalThis.devicePixelRatio || 1;
    this.room.tile(identity, source, size && { width: Math.round(size.width * ratio), height: Math.round(size.height * ratio) });
  }

  scan(onText: (text: string) => void): Scan {
    return new Scanner(onText);
  }

  connect(token: MediaToken): void {
    if (this.closed || this.unsealed) return;
    this.capture.hideMicrophone();
    void this.room.connect(token);
  }

  /** What hosts do not let this client send is off, and stays off until its person switches it on again when they do. */
  setSilenced(silenced: readonly Own[]): void {
    if (this.silenced.join() === silenced.join()) return;
    this.silenced = silenced;
    for (const own of silenced) void this.capture.turn(own, false);
    this.refresh();
  }

  /** Whether the meeting hides who speaks and whose microphone is on. */
  setHidesSpeech(hides: boolean): void {
    this.hidesSpeech = hides;
  }

  /** This client has no leaf in the group, or not in time. */
  disconnect(): void {
    void this.room.disconnect();
  }

  /** Who this client is in the group. */
  setIdentity(me: string): void {
    if (this.me === me) return;
    this.me = me;
    this.refresh();
  }

  /** Whose tracks are subscribed to, from now on. */
  setSubscribed(identities: Set<string>): void {
    this.room.setSubscribed(identities);
    this.refresh();
  }

  /** Something flows, or might, that is not sealed: everything ends. */
  stop(): void {
    this.unsealed = true;
    this.capture.close();
    void this.room.close();
    this.refresh();
  }

  close(): void {
    this.closed = true;
    for (const stop of this.stops) stop();
    this.capture.close();
    void this.room.close();
    this.sounds.close();
  }

  private async turn(own: Own, on: boolean): Promise<void> {
    if (on && this.silenced.includes(own)) return;
    await this.capture.turn(own, on);
    // The browser names devices only to a page that may capture.
    if (on) await this.refreshDevices();
  }

  private async refreshDevices(): Promise<void> {
    this.devices = await listDevices();
    await this.refreshSelected();
  }

  /** What is selected is what is in use, or the chosen one as long as it is plugged in. */
  private async refreshSelected(): Promise<void> {
    this.selected = {
      microphone: settle((await this.capture.using("microphone")) ?? this.selected.microphone, this.devices.microphone),
      camera: settle((await this.capture.using("camera")) ?? this.selected.camera, this.devices.camera),
      speaker: settle(this.selected.speaker, this.devices.speaker),
    };
    this.refresh();
  }

  private refresh(): void {
    if (this.closed) return;
    this.measure();
    const { microphone, camera, screen } = this.capture.states;
    const off = this.unsealed;
    this.set({
      devices: this.devices,
      selected: this.selected,
      microphone: off ? "off" : this.silenced.includes("microphone") ? "silenced" : microphone,
      camera: off ? "off" : camera,
      screen: off ? "off" : this.silenced.includes("screen") && screen !== "unsupported" ? "silenced" : screen,
      speaking: off ? [] : [...this.measured.values()].filter((voice) => voice.speaks).map((voice) => voice.identity),
      tracks: off ? [] : [...this.own(), ...this.room.tracks().map(({ identity, source, track }) => this.withStream(identity, source, track))],
      connection: this.room.connection,
      unsealed: this.unsealed,
    });
  }

  private own(): RemoteTrack[] {
    const shown: RemoteTrack[] = [];
    for (const source of ["camera", "screen"] as const) {
      const track = this.capture.get(source);
      if (track && this.capture.states[source] === "on") shown.push(this.withStream(this.me, source, track.mediaStreamTrack));
    }
    return shown;
  }

  /** One stream a track, so that an element is not given the same picture twice. */
  private withStream(identity: string, source: Source, track: MediaStreamTrack): RemoteTrack {
    let stream = this.streams.get(track);
    if (!stream) this.streams.set(track, (stream = new MediaStream([track])));
    return { identity, source, stream };
  }

  /** Who speaks is what is heard here: nobody has to tell, so nobody can read from that who does. */
  private measure(): void {
    const heard = new Map<MediaStreamTrack, string>();
    const own = this.capture.states.microphone === "on" ? this.capture.get("microphone")?.mediaStreamTrack : undefined;
    if (own) heard.set(own, this.me);
    for (const { identity, source, track } of this.room.tracks()) if (source === "microphone") heard.set(track, identity);
    for (const [track, voice] of this.measured) {
      if (heard.get(track) === voice.identity) continue;
      voice.stop();
      this.measured.delete(track);
    }
    for (const [track, identity] of heard) {
      if (this.measured.has(track)) continue;
      const voice: Voice = { identity, speech: new Speaking(), speaks: false, stop: () => undefined };
      this.measured.set(track, voice);
      voice.stop = this.sounds.measure(track, (level) => this.onLevel(voice, level, track === own));
    }
    if (!own && this.level.get() !== 0) this.level.set(0);
  }

  private onLevel(voice: Voice, level: number, own: boolean): void {
    const speaks = voice.speech.sample(level, performance.now());
    if (speaks !== voice.speaks) {
      voice.speaks = speaks;
      this.refresh();
    }
    // A change that nobody would see is none.
    if (own && Math.abs(level - this.level.get()) >= 0.01) this.level.set(level);
  }
}
