import { createRoot } from "solid-js";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { Session, Snapshot } from "./api.ts";
import { start } from "./app.ts";
import { snapshotOf } from "./view/state.ts";
import type { FromWorker, ToWorker } from "./worker/messages.ts";
import type { Member, SnapshotUpdate } from "./worker/wasm/conclave.js";

// The connections that are sealed are made from the browser's own, which is looked up when the module loads.
const connections = vi.hoisted(() => {
  vi.stubGlobal("RTCPeerConnection", EventTarget);
  return { open: 0 };
});

/** A microphone that livekit-client would have opened, and a media server that takes everything. */
vi.mock("livekit-client", async (original) => ({
  ...(await original<object>()),
  createLocalAudioTrack: async () => ({ mediaStreamTrack: {}, getDeviceId: async () => "m1", on: () => undefined, stop: () => undefined }),
  LocalAudioTrack: class {
    sender = { transform: null, replaceTrack: async () => undefined };
    stop() {}
  },
  Room: class {
    state = "connected";
    remoteParticipants = new Map();
    localParticipant = { getTrackPublication: () => ({}) };
    on() {
      return this;
    }
    connect = async () => void (connections.open += 1);
    disconnect = async () => {
      await new Promise((done) => setTimeout(done, 20));
      connections.open -= 1;
    };
    removeAllListeners = () => undefined;
  },
}));

class FakeWorker {
  /** The sessions' workers. */
  static made: FakeWorker[] = [];
  onmessage: ((event: { data: FromWorker }) => void) | undefined;
  readonly heard: ToWorker[] = [];
  constructor(_script: string, { name }: { name: string }) {
    if (name === "session") FakeWorker.made.push(this);
  }
  postMessage(message: ToWorker) {
    this.heard.push(message);
  }
  terminate() {
    this.onmessage = undefined;
  }
  tell(message: FromWorker) {
    this.onmessage?.({ data: message });
  }
  commands() {
    return this.heard.flatMap((message) => (message.kind === "command" ? [message.command] : []));
  }

  /** What the others were last told of the own devices. */
  said() {
    return this.commands().findLast((command) => command.kind === "media");
  }
}

/** What the page listens to. */
const listeners = new Map<string, () => void>();

class Nothing {
  stream = { getAudioTracks: () => [{}] };
  addEventListener() {}
  start() {}
  connect() {}
  disconnect() {}
  async close() {}
  getFloatTimeDomainData() {}
}

beforeAll(() => {
  vi.useFakeTimers();
  const globals = {
    Worker: FakeWorker,
    AudioContext: Nothing,
    AnalyserNode: Nothing,
    MediaStreamAudioSourceNode: Nothing,
    MediaStreamAudioDestinationNode: Nothing,
    ConstantSourceNode: Nothing,
    MediaStream: Nothing,
    RTCRtpScriptTransform: Nothing,
    indexedDB: {},
    isSecureContext: true,
    document: html,
    location: { href: "https://meet.test/", origin: "https://meet.test", host: "meet.test" },
    navigator: { mediaDevices: { enumerateDevices: async () => [{ deviceId: "m1", kind: "audioinput", label: "Microphone" }], addEventListener: () => undefined, removeEventListener: () => undefined } },
    fetch: () => Promise.reject(new Error("offline")),
    addEventListener: (name: string, act: () => void) => void listeners.set(name, act),
    removeEventListener: (name: string) => void listeners.delete(name),
  };
  for (const [name, value] of Object.entries(globals)) vi.stubGlobal(name, value);
});

afterAll(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const nothing: SnapshotUpdate = { status: undefined, removed: [], members: [], chat: [], dropped: [], unsent: [], sent: [], notices: [] };
const status = (phase: Snapshot["phase"], title = ""): SnapshotUpdate["status"] => ({
  phase,
  title,
  security: { state: phase.kind === "inside" ? "secure" : "none", people: phase.kind === "inside" ? 2 : 0, verified: 0 },
  lost: [],
  safetyCode: undefined,
  comparable: false,
  epoch: phase.kind === "inside" ? 2 : 0,
  hidesSpeech: false,
  host: false,
  appoints: false,
  door: "open",
  waiting: [],
  declined: "",
  floor: { hostsOnly: [], muteAbove: undefined, limit: 0, most: 0 },
  mutes: 0,
  device: false,
  minutes: undefined,
  endsAt: undefined,
});
/** What the build wrote into the page's HTML. */
const html = { querySelector: (what: string) => (what === 'meta[name="bundle"]' ? { content: "0a".repeat(32) } : null) };
const member = (identity: string, me: boolean): Member => ({ identity, name: identity, me, host: false, mic: true, camera: true, screen: false, denied: [], awaySince: undefined, refusal: undefined, doubt: undefined, comparison: { kind: "none" }, recognition: { kind: "guest" }, software: undefined, personCode: undefined, looks: identity });

/** Opens a link as the page does, and goes in with the microphone on; `me` is this client's identity. */
const goIn = async (session: Session, worker: FakeWorker, me: string) => {
  const update = (more: Partial<SnapshotUpdate>) => worker.tell({ kind: "update", update: { ...nothing, ...more } });
  update({ status: status({ kind: "prejoin", inside: 1, limit: 50 }, `Meeting of ${me}`) });
  await session.media.microphone(true);
  session.command({ kind: "join", name: me });
  update({ status: status({ kind: "inside" }, `Meeting of ${me}`), members: [member("Amara", false), member(me, true)], chat: [{ id: 1, from: "Amara", name: "Amara", text: `to ${me}`, at: 1, mine: false }] });
  worker.tell({ kind: "token", token: { identity: me, jwt: "token", url: undefined } });
  await vi.advanceTimersByTimeAsync(50);
  return update;
};

/** A session of a link of one's own, and its worker. */
const open = (who: string, page = start()) => {
  const session = page.open(who.padEnd(43, "a"), false);
  const worker = FakeWorker.made.at(-1);
  if (!worker) throw new Error("no worker");
  return { session, worker };
};

describe("a second session in the same tab", () => {
  it("knows nothing of the first, goes in and has a microphone and a connection of its own", async () => {
    const page = start();
    const visit = async (me: string) => {
      const { session, worker } = open(me, page);
      const [shown, unmount] = createRoot((dispose) => [snapshotOf(session.snapshot), dispose] as const);
      expect(shown).toMatchObject({ phase: { kind: "lookingUp" }, title: "", members: [], chat: [], notices: [], security: { state: "none" }, epoch: 0 });
      expect(session.media.get()).toMatchObject({ microphone: "off", connection: "idle", tracks: [], unsealed: false });
      const update = await goIn(session, worker, me);
      expect(shown).toMatchObject({ phase: { kind: "inside" }, title: `Meeting of ${me}` });
      expect(shown.members.map((one) => one.identity)).toEqual(["Amara", me]);
      expect(shown.chat.map((line) => line.text)).toEqual([`to ${me}`]);
      expect(session.media.get()).toMatchObject({ microphone: "on", connection: "connected", selected: { microphone: "m1" } });
      expect(worker.commands()).toContainEqual({ kind: "join", name: me });
      expect(worker.said()).toEqual({ kind: "media", mic: true, camera: false, screen: false });
      return { session, worker, update, unmount, shown };
    };

    const first = await visit("Noor");
    first.session.command({ kind: "leave" });
    first.update({ status: status({ kind: "ended", reason: "left" }), removed: ["Amara", "Noor"] });
    expect(first.shown.phase).toEqual({ kind: "ended", reason: "left" });
    first.unmount();
    first.session.close();

    const second = await visit("Hanna");
    expect(second.worker).not.toBe(first.worker);
    await second.session.media.microphone(false);
    expect(second.session.media.get().microphone).toBe("off");
    expect(second.worker.said()).toEqual({ kind: "media", mic: false, camera: false, screen: false });
    // What the first still has to end must not touch the second.
    await vi.advanceTimersByTimeAsync(10_000);
    expect(second.session.media.get().connection).toBe("connected");
    second.unmount();
    second.session.close();
    await vi.advanceTimersByTimeAsync(1_000);
  });

  it("finds no connection of one that was left while it connected anew", async () => {
    const { session, worker } = open("Mei");
    await goIn(session, worker, "Mei");
    expect(connections.open).toBe(1);
    worker.tell({ kind: "token", token: { identity: "Mei again", jwt: "token", url: undefined } });
    session.close();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(connections.open).toBe(0);
  });
});

describe("start", () => {
  it("waits for nothing, and tells the release once it is known", async () => {
    vi.stubGlobal("fetch", async () => new Response('{"release":"1.4.0"}'));
    const before = FakeWorker.made.length;
    const { origin } = start();
    expect(FakeWorker.made.length).toBe(before + 1);
    expect(origin.release.get()).toBe("");
    await vi.waitFor(() => expect(origin.release.get()).toBe("1.4.0"));
  });
});

describe("a page that opens a meeting", () => {
  it("tells its session from where it came and what its own HTML says that it is", async () => {
    const { session, worker } = open("Ivo");
    await vi.advanceTimersByTimeAsync(0);
    const opened = worker.heard.find((message) => message.kind === "open");
    expect(opened).toMatchObject({ site: "meet.test", bundle: "0a".repeat(32) });
    session.close();
    await vi.advanceTimersByTimeAsync(1_000);
  });
});

describe("a page that has a network again, or is looked at again", () => {
  it("tries at once, and not when it is hidden", async () => {
    const { session, worker } = open("Ivo");
    const tries = () => worker.heard.filter((message) => message.kind === "online").length;
    listeners.get("online")?.();
    expect(tries()).toBe(1);
    vi.stubGlobal("document", { ...html, visibilityState: "hidden" });
    listeners.get("visibilitychange")?.();
    expect(tries()).toBe(1);
    vi.stubGlobal("document", { ...html, visibilityState: "visible" });
    listeners.get("visibilitychange")?.();
    expect(tries()).toBe(2);
    session.close();
    expect(listeners.size).toBe(0);
    await vi.advanceTimersByTimeAsync(1_000);
  });
});

describe("a page that goes", () => {
  it("says so in the meeting, and leaves no connection to the media server behind", async () => {
    const { session, worker } = open("Ada");
    await goIn(session, worker, "Ada");
    expect(connections.open).toBe(1);
    listeners.get("pagehide")?.();
    expect(worker.commands().at(-1)).toEqual({ kind: "leave" });
    await vi.advanceTimersByTimeAsync(1_000);
    expect(connections.open).toBe(0);
  });
});
