import { ConnectionState, RoomEvent } from "livekit-client";
import { beforeEach, expect, test, vi } from "vitest";
import type { OwnTrack } from "./capture.ts";
import { LiveKitRoom } from "./livekit-room.ts";

interface FakeRoom {
  emit(event: RoomEvent, ...args: unknown[]): void;
}

const server = vi.hoisted(() => {
  vi.stubGlobal("RTCPeerConnection", EventTarget);
  return { reachable: true, rooms: [] as FakeRoom[], published: [] as (() => void)[], unpublished: [] as unknown[], left: Promise.resolve() };
});

/** A media server that takes its time to take a track. */
vi.mock("livekit-client", async (original) => ({
  ...(await original<object>()),
  Room: class implements FakeRoom {
    state = "connected";
    remoteParticipants = new Map();
    localParticipant = {
      getTrackPublication: () => undefined,
      publishTrack: () => new Promise<void>((done) => server.published.push(done)),
      unpublishTrack: async (track: unknown) => void server.unpublished.push(track),
    };
    private listeners = new Map<RoomEvent, (...args: unknown[]) => void>();
    constructor() {
      server.rooms.push(this);
    }
    on(event: RoomEvent, listener: () => void) {
      this.listeners.set(event, listener);
      return this;
    }
    emit(event: RoomEvent, ...args: unknown[]) {
      this.listeners.get(event)?.(...args);
    }
    removeAllListeners() {
      this.listeners.clear();
    }
    async connect() {
      if (server.reachable) return;
      this.emit(RoomEvent.Disconnected);
      throw new Error("out of reach");
    }
    disconnect = () => server.left;
  },
}));

vi.mock("./encrypted-peer-connection.ts", () => ({ sealedOf: (end: { sealed?: unknown }) => end.sealed }));

const token = { identity: "me", jwt: "token", url: "https://meet.test" };
const own: OwnTrack[] = [];
const unsealed = vi.fn();
const tokenWanted = vi.fn();
const open = () => new LiveKitRoom({ changed: () => undefined, peers: () => undefined, unsealed, tokenWanted, own: () => own });

beforeEach(() => {
  Object.assign(server, { reachable: true, rooms: [], published: [], unpublished: [], left: Promise.resolve() });
  own.length = 0;
  vi.clearAllMocks();
});

test("a share that was stopped while it was being published is taken back, and is no reason to stop everything", async () => {
  const screen = { source: "screen_share_audio", sender: undefined } as unknown as OwnTrack;
  own.push(screen);
  const connected = open().connect(token);
  await vi.waitFor(() => expect(server.published.length).toBe(1));
  own.pop();
  server.published[0]?.();
  await connected;
  expect(unsealed).not.toHaveBeenCalled();
  expect(server.unpublished).toEqual([screen]);
});

test("a room that starts from the beginning is left, and a new one connects once that has ended", async () => {
  const room = open();
  await room.connect(token);
  let end = (): void => undefined;
  server.left = new Promise((done) => (end = done));
  server.rooms[0]?.emit(RoomEvent.ConnectionStateChanged, ConnectionState.Reconnecting);
  expect(room.connection).toBe("reconnecting");
  await vi.waitFor(() => expect(tokenWanted).toHaveBeenCalledOnce());
  const connected = room.connect(token);
  // Own tracks have their senders in the old one until then.
  await new Promise((done) => setTimeout(done));
  expect(server.rooms.length).toBe(1);
  end();
  await connected;
  expect([server.rooms.length, room.connection]).toEqual([2, "connected"]);
});

test("a room whose WebSocket breaks while a track is being published is left, and the next one publishes it", async () => {
  own.push({ source: "camera", sender: undefined } as unknown as OwnTrack);
  const room = open();
  void room.connect(token);
  await vi.waitFor(() => expect(server.published.length).toBe(1));
  server.rooms[0]?.emit(RoomEvent.ConnectionStateChanged, ConnectionState.SignalReconnecting);
  expect(room.connection).toBe("reconnecting");
  await vi.waitFor(() => expect(tokenWanted).toHaveBeenCalledOnce());
  void room.connect(token);
  await vi.waitFor(() => expect(server.published.length).toBe(2));
  server.published[0]?.();
  await new Promise((done) => setTimeout(done));
  // A sender of the old room says nothing of this one.
  expect([server.rooms.length, unsealed.mock.calls.length]).toEqual([2, 0]);
});

test("what is switched on while the WebSocket is away is published once it is back", async () => {
  const room = open();
  await room.connect(token);
  server.rooms[0]?.emit(RoomEvent.ConnectionStateChanged, ConnectionState.SignalReconnecting);
  const camera = { source: "camera", sender: undefined } as unknown as OwnTrack;
  own.push(camera);
  await room.publish(camera);
  expect(server.published.length).toBe(0);
  server.rooms[0]?.emit(RoomEvent.ConnectionStateChanged, ConnectionState.Connected);
  await vi.waitFor(() => expect(server.published.length).toBe(1));
  expect(room.connection).toBe("connected");
});

test("an attempt to connect again that fails is one failure", async () => {
  const room = open();
  await room.connect(token);
  server.reachable = false;
  server.rooms[0]?.emit(RoomEvent.Disconnected);
  for (const attempt of [1, 2, 3, 4]) await room.connect({ ...token, identity: `me ${attempt}` });
  expect(room.connection).toBe("reconnecting");
});

test("a connection that stands and does not answer is on its way back", async () => {
  vi.useFakeTimers();
  const room = open();
  const connection = { signalingState: "stable", getStats: async () => new Map([["1", { type: "outbound-rtp", packetsSent: performance.now() }]]) };
  room.watch(connection as unknown as RTCPeerConnection);
  await room.connect(token);
  expect(room.connection).toBe("connected");
  await vi.advanceTimersByTimeAsync(3000);
  expect(room.connection).toBe("reconnecting");
  connection.signalingState = "closed";
  await vi.advanceTimersByTimeAsync(500);
  expect(room.connection).toBe("connected");
  vi.useRealTimers();
});

test("a receiver is nobody's once its track is gone, and its next track's after that", async () => {
  const room = open();
  await room.connect(token);
  room.setSubscribed(new Set(["ada", "ben"]));
  const bind = vi.fn();
  const receiver = { sealed: { bind } };
  const arrive = (identity: string) => {
    const track = { kind: "audio", receiver: receiver as typeof receiver | undefined, mediaStreamTrack: {} };
    const publication = { source: "microphone", mimeType: "audio/opus", track };
    server.rooms[0]?.emit(RoomEvent.TrackSubscribed, track, publication, { identity });
    return { track, publication };
  };
  const { track, publication } = arrive("ada");
  expect(bind).toHaveBeenLastCalledWith(expect.objectContaining({ identity: "ada" }));
  // As livekit-client does before it tells.
  track.receiver = undefined;
  server.rooms[0]?.emit(RoomEvent.TrackUnsubscribed, track, publication);
  expect(bind).toHaveBeenLastCalledWith(undefined);
  arrive("ben");
  // Told once more, and late.
  server.rooms[0]?.emit(RoomEvent.TrackUnpublished, publication);
  expect(bind).toHaveBeenLastCalledWith(expect.objectContaining({ identity: "ben" }));
});
