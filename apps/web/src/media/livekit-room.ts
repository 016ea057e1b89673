// The connection to the media server. Transport only: what livekit-client or the server say about encryption is not read.
import { ConnectionState, DisconnectReason, type LocalTrack, type RemoteParticipant, type RemoteTrack as Arrived, type RemoteTrackPublication, Room, RoomEvent, supportsVP9, Track, type TrackPublishOptions } from "livekit-client";
import type { MediaToken, Sealed } from "../worker/session-worker.ts";
import type { Source } from "../worker/wasm/conclave.js";
import type { MediaState } from "../api.ts";
import type { OwnTrack } from "./capture.ts";
import { sealedOf } from "./encrypted-peer-connection.ts";
import { codecOf, isSound, sourceOf } from "./source.ts";
import { watchTraffic } from "./traffic.ts";

export interface Playing {
  identity: string;
  source: Source;
  track: MediaStreamTrack;
}

export interface Size {
  width: number;
  height: number;
}

/** Wait before the n-th attempt to connect again, in milliseconds. */
const pauses = [0, 300, 1000, 2000, 4000, 8000];
/** Wait between livekit-client's attempts to resume, and how long it tries before it connects anew, in milliseconds. */
const resuming = { pause: 1000, within: 60_000 };

/** A track that is not drawn for this long, in milliseconds, is not sent to us any more. */
const goneAfter = 1000;
/** Sizes are told in steps, so that a window that is being resized does not tell each pixel. */
const step = (pixels: number): number => Math.ceil(pixels / 32) * 32;

export class LiveKitRoom {
  private state: MediaState["connection"] = "idle";
  private room: Room | undefined;
  /** The end of rooms that were left: until then own tracks have senders there. */
  private left = Promise.resolve();
  /** What is sent goes unanswered, though nothing has said yet that the connection is lost. */
  private stalled = false;
  private identity = "";
  private failures = 0;
  /** Sound and picture came once: only then can they come back. */
  private reached = false;
  private retry: ReturnType<typeof setTimeout> | undefined;
  private subscribed = new Set<string>();
  /** Own tracks that the server was asked to take, and has not answered for. */
  private publishing = new Set<OwnTrack>();
  private readonly playing = new Map<RemoteTrackPublication, Playing>();
  /** Which track each receiver was given to last. livekit-client forgets a track's receiver before it tells that the track is gone. */
  private readonly bound = new Map<Sealed, RemoteTrackPublication>();
  /** By identity and source; `null`: not drawn, missing: not said yet. */
  private readonly sizes = new Map<string, Size | null>();

  constructor(
    private readonly is: {
      changed(): void;
      /** Who is connected, whether or not they are in the group. */
      peers(identities: string[]): void;
      /** A track has no transform. */
      unsealed(): void;
      /** The old token is of no use any more. */
      tokenWanted(): void;
      /** What to send once connected. */
      own(): OwnTrack[];
    },
  ) {}

  get connection(): MediaState["connection"] {
    return this.stalled && this.state === "connected" ? "reconnecting" : this.state;
  }

  /** A connection to the media server. */
  watch(connection: RTCPeerConnection): void {
    watchTraffic(connection, (stalled) => {
      this.stalled = stalled;
      this.is.changed();
    });
  }

  tracks(): Playing[] {
    return [...this.playing.values()];
  }

  /** Connects; a token for the same identity while connected changes nothing, since the media server renews its own. */
  async connect(token: MediaToken): Promise<void> {
    const { identity } = token;
    if (this.room && this.identity === identity) return;
    this.identity = identity;
    await this.leave();
    // Another identity was wanted meanwhile, or none.
    if (this.identity !== identity) return;
    const room = new Room({
      singlePeerConnection: true,
      adaptiveStream: false,
      // Layers without a subscriber are not encoded.
      dynacast: true,
      stopLocalTrackOnUnpublish: false,
      reconnectPolicy: { nextRetryDelayInMs: ({ retryCount, elapsedMs }) => (elapsedMs > resuming.within ? null : retryCount === 0 ? 0 : resuming.pause) },
      publishDefaults: { videoCodec: "vp8", backupCodec: false, simulcast: true, red: false, dtx: false },
    });
    this.room = room;
    this.listen(room);
    // What failed is not told to go well before it does.
    if (this.state !== "failed") this.set(this.trying());
    try {
      // Whatever servers for ICE are named in the answer: a stranger's would learn who meets here.
      await room.connect(token.url, token.jwt, { autoSubscribe: false, maxRetries: 1, rtcConfig: { iceServers: [] } });
      if (this.room !== room) return;
      this.failures = 0;
      this.reached = true;
      this.set("connected");
      this.roster();
      await this.publishAll();
    } catch {
      if (this.room === room) this.lost();
    }
  }

  /** Only tracks of these are subscribed to. */
  setSubscribed(identities: Set<string>): void {
    this.subscribed = identities;
    for (const key of this.sizes.keys()) if (!identities.has(key.slice(0, key.indexOf(" ")))) this.sizes.delete(key);
    this.roster();
  }

  private async publishAll(): Promise<void> {
    await Promise.all(this.is.own().map((track) => this.publish(track)));
  }

  async publish(track: OwnTrack): Promise<void> {
    const room = this.room;
    if (!room || this.state !== "connected" || room.localParticipant.getTrackPublication(track.source)) return;
    const { publishing } = this;
    publishing.add(track);
    try {
      await room.localParticipant.publishTrack(track as LocalTrack, options(track.source));
    } catch (fault) {
      if (this.room === room) throw fault;
    } finally {
      publishing.delete(track);
    }
    // The room that took its place publishes anew.
    if (this.room !== room) return;
    // Stopped meanwhile: its sender is gone, or has nothing to send.
    if (!this.is.own().includes(track)) return this.unpublish(track);
    if (!track.sender || !sealedOf(track.sender)) return this.is.unsealed();
    // Switched meanwhile.
    if (track.sender.track !== track.mediaStreamTrack) await track.sender.replaceTrack(track.mediaStreamTrack);
  }

  async unpublish(track: OwnTrack): Promise<void> {
    await this.room?.localParticipant.unpublishTrack(track as LocalTrack, false);
  }

  /** How large a track is drawn, in pixels of the device; `null`: not drawn. */
  tile(identity: string, source: Source, size: Size | null): void {
    const key = `${identity} ${source}`;
    const rounded = size && { width: step(size.width), height: step(size.height) };
    this.sizes.set(key, rounded);
    const apply = (): void => {
      if (this.sizes.get(key) !== rounded) return;
      for (const [publication, playing] of this.playing) if (playing.identity === identity && playing.source === source) this.layer(publication, playing);
    };
    // What moves from one place on the page to another is gone for a moment.
    if (rounded) apply();
    else setTimeout(apply, goneAfter);
  }

  async close(): Promise<void> {
    // Whoever is about to connect finds that this is not wanted any more.
    this.identity = "";
    this.subscribed = new Set();
    await this.leave();
    this.set("idle");
  }

  /** Until another token comes. */
  async disconnect(): Promise<void> {
    this.identity = "";
    this.failures = 0;
    await this.leave();
    if (!this.room) this.set("idle");
  }

  private async leave(): Promise<void> {
    clearTimeout(this.retry);
    const room = this.room;
    this.room = undefined;
    this.publishing = new Set();
    this.playing.clear();
    this.bound.clear();
    room?.removeAllListeners();
    if (room) this.left = Promise.all([this.left, room.disconnect(false).catch(() => undefined)]).then(() => undefined);
    await this.left;
  }

  private listen(room: Room): void {
    const roster = (): void => this.roster();
    room
      .on(RoomEvent.ParticipantConnected, roster)
      .on(RoomEvent.ParticipantDisconnected, roster)
      .on(RoomEvent.TrackPublished, roster)
      .on(RoomEvent.TrackSubscribed, (track, publication, participant) => this.arrived(track, publication, participant))
      .on(RoomEvent.TrackUnsubscribed, (_, publication) => this.gone(publication))
      .on(RoomEvent.TrackUnpublished, (publication) => this.gone(publication))
      .on(RoomEvent.LocalTrackPublished, (publication) => {
        const sender = publication.track?.sender;
        if (sender && !sealedOf(sender)) this.is.unsealed();
      })
      .on(RoomEvent.ConnectionStateChanged, (state) => {
        // A room that starts from the beginning says that it is connected while it still holds events back, and never tells those: of
        // tracks that come then one would not hear. A new one takes its place.
        if (state === ConnectionState.Reconnecting) this.lost();
        // What the server was asked for on a WebSocket that broke it is not asked for again, and for 10 s livekit-client waits for its answer.
        if (state === ConnectionState.SignalReconnecting) {
          if (this.publishing.size > 0) this.lost();
          else this.set("reconnecting");
        }
        if (state === ConnectionState.Connected && this.state === "reconnecting") {
          this.set("connected");
          this.roster();
          // What was switched on meanwhile.
          this.publishAll().catch(() => this.room === room && this.lost());
        }
      })
      .on(RoomEvent.Disconnected, (reason) => {
        if (this.room !== room) return;
        // Removed, or replaced by itself: the session says what that means.
        if (reason === DisconnectReason.CLIENT_INITIATED) return;
        this.lost();
      });
  }

  private trying(): "connecting" | "reconnecting" {
    return this.reached ? "reconnecting" : "connecting";
  }

  private lost(): void {
    void this.leave();
    // Any token is one to connect with: the session may be back before the pause is over.
    this.identity = "";
    this.set(this.failures >= pauses.length ? "failed" : this.trying());
    const pause = pauses[Math.min(this.failures++, pauses.length - 1)] ?? 0;
    this.retry = setTimeout(() => this.is.tokenWanted(), pause);
  }

  private roster(): void {
    const room = this.room;
    if (!room || room.state === ConnectionState.Disconnected) return;
    // While it connects, nobody is listed yet: that is no list.
    if (room.state !== ConnectionState.Connecting) this.is.peers([...room.remoteParticipants.keys()]);
    for (const participant of room.remoteParticipants.values()) {
      const member = this.subscribed.has(participant.identity);
      for (const publication of participant.trackPublications.values()) {
        const wanted = member && sourceOf(publication.source) !== undefined;
        // `isDesired` is true before the first request, too.
        if (wanted && !publication.isSubscribed && !this.asked.has(publication)) {
          this.asked.add(publication);
          publication.setSubscribed(true);
        } else if (!wanted && this.asked.delete(publication)) publication.setSubscribed(false);
      }
    }
  }

  private readonly asked = new WeakSet<RemoteTrackPublication>();

  private arrived(track: Arrived, publication: RemoteTrackPublication, { identity }: RemoteParticipant): void {
    const source = sourceOf(publication.source);
    const sealed = track.receiver && sealedOf(track.receiver);
    if (!sealed) return this.is.unsealed();
    this.bound.delete(sealed);
    if (!source || !this.subscribed.has(identity) || isSound(source) !== (track.kind === Track.Kind.Audio)) return sealed.bind(undefined);
    this.bound.set(sealed, publication);
    sealed.bind({ identity, source, codec: codecOf(source, publication.mimeType) });
    const playing = { identity, source, track: track.mediaStreamTrack };
    this.playing.set(publication, playing);
    this.layer(publication, playing);
    this.is.changed();
  }

  /** Its receiver may carry another track at once: of that, nothing is this one's. */
  private gone(publication: RemoteTrackPublication): void {
    for (const [sealed, by] of this.bound) {
      if (by !== publication) continue;
      sealed.bind(undefined);
      this.bound.delete(sealed);
    }
    this.asked.delete(publication);
    if (this.playing.delete(publication)) this.is.changed();
  }

  private layer(publication: RemoteTrackPublication, { identity, source }: Playing): void {
    if (isSound(source)) return;
    const size = this.sizes.get(`${identity} ${source}`);
    if (size === undefined) return;
    publication.setEnabled(size !== null);
    if (size) publication.setVideoDimensions(size);
  }

  private set(state: MediaState["connection"]): void {
    this.state = state;
    this.is.changed();
  }
}

const options = (source: Track.Source): TrackPublishOptions => {
  switch (source) {
    case Track.Source.ScreenShare:
      // VP9 draws text sharper at the same rate; everybody who can seal can decode it.
      return { source, videoCodec: supportsVP9() ? "vp9" : "vp8", simulcast: false, degradationPreference: "maintain-resolution", screenShareEncoding: { maxBitrate: 2_500_000, maxFramerate: 15 } };
    case Track.Source.ScreenShareAudio:
      return { source, forceStereo: true, audioPreset: { maxBitrate: 96_000 } };
    case Track.Source.Microphone:
      // As many channels whatever device it is, or none.
      return { source, forceStereo: false };
    default:
      return { source };
  }
};
