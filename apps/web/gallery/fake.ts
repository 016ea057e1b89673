// A Conclave that works nowhere and shows everything: it holds one state and plays along with what is pressed.
import type { Capture, Conclave, HostKeyTaken, KeptMeeting, MadeHostLink, MediaState, Readable, ScanState, SeatState, Session, Snapshot, VerifiedPerson } from "../src/api.ts";

/** When what the states show happened. */
export const morning = new Date(2026, 10, 24, 14, 21).getTime();

export class Value<T> implements Readable<T> {
  readonly #listeners = new Set<(value: T) => void>();
  #value: T;
  constructor(value: T) {
    this.#value = value;
  }
  get = () => this.#value;
  subscribe = (listener: (value: T) => void) => {
    this.#listeners.add(listener);
    listener(this.#value);
    return () => this.#listeners.delete(listener);
  };
  update(change: (value: T) => T) {
    this.#value = change(this.#value);
    for (const listener of this.#listeners) listener(this.#value);
  }
}

export interface State {
  snapshot?: Snapshot;
  media?: MediaState;
  /** Of the own microphone; 0.5 unless said. */
  level?: number;
  kept?: KeptMeeting[];
  /** What became of the host links of each meeting. */
  hostLinks?: MadeHostLink[];
  /** Who is verified on this device. */
  verified?: VerifiedPerson[];
  /** This browser keeps nothing. */
  unkept?: boolean;
  /** What becomes of the host link that is opened. */
  hostKey?: HostKeyTaken["kind"];
  unsupported?: string;
  /** Notices that arrive once the page is up. */
  news?: Snapshot["notices"];
  failing?: boolean;
  /** No meeting is made here, and why. */
  refusing?: "closed" | "full";
  /** Of the address, where it matters. */
  path?: string;
  /** Another tab is inside. */
  elsewhere?: boolean;
  /** What becomes of a camera that is to scan; and the QR code that it sees, again and again. */
  scan?: ScanState;
  scanned?: string;
  /** What changes in the snapshot at the step `later`. */
  later?: Partial<Snapshot>;
  /** The same of the media. */
  laterMedia?: Partial<MediaState>;
  /** Keys to press and controls to click (by accessible name) before the picture is taken; `text>` types, `file>` chooses a file, `press>` clicks a selector, `open>` opens it where it can be folded, `top>` and `end>` scroll a selector, `wait>` waits as many milliseconds, `later` see above. */
  then?: string[];
  /** What must be in sight then, and what must not: a text, or a selector of a class. */
  shows?: string[];
  hides?: string[];
}

const session = (state: State, snapshot: Snapshot, media: MediaState): Session => {
  const store = new Value(snapshot);
  const capture = new Value(media);
  const set = (what: "microphone" | "camera" | "screen") => async (on: boolean) => {
    const now = capture.get()[what];
    if (now !== "on" && now !== "off") return;
    capture.update((value) => ({ ...value, [what]: (on ? "on" : "off") satisfies Capture }));
  };
  const news = state.news;
  if (news) setTimeout(() => store.update((value) => ({ ...value, notices: [...value.notices, ...news] })), 150);
  Object.assign(globalThis, {
    later: () => {
      store.update((value) => ({ ...value, ...state.later }));
      capture.update((value) => ({ ...value, ...state.laterMedia }));
    },
  });
  const still = snapshot.phase.kind === "prejoin" || snapshot.phase.kind === "lookingUp";
  return {
    snapshot: store,
    media: {
      get: capture.get,
      subscribe: capture.subscribe,
      level: new Value(state.level ?? 0.5),
      // The prejoin page switches both on; a state of the gallery stays what it is.
      microphone: still ? async () => undefined : set("microphone"),
      camera: still ? async () => undefined : set("camera"),
      share: set("screen"),
      select: async (kind, id) => capture.update((value) => ({ ...value, selected: { ...value.selected, [kind]: id } })),
      tile: () => undefined,
      scan: (onText) => {
        const { scanned } = state;
        const timer = scanned === undefined ? undefined : setInterval(() => onText(scanned), 50);
        return Object.assign(new Value<ScanState>(state.scan ?? { kind: "starting" }), { close: () => clearInterval(timer) });
      },
    },
    failed: new Value(state.failing ?? false),
    key: Promise.resolve(undefined),
    unkept: new Value(state.unkept ?? false),
    beKnown: async (on) => {
      if (!state.unkept) store.update((value) => ({ ...value, device: on }));
      return !state.unkept;
    },
    command: (command) => {
      if (command.kind === "join") store.update((value) => ({ ...value, phase: { kind: "joining", step: "connecting" } }));
      if (command.kind === "compare") {
        const { identity, same } = command;
        const comparison = same ? { kind: "mine" as const, at: morning } : { kind: "differs" as const, at: morning, byMe: true };
        store.update((value) => ({ ...value, members: value.members.map((member) => (member.identity === identity ? { ...member, comparison } : member)) }));
      }
      const change = (identity: string, more: Partial<Snapshot["members"][number]>) => store.update((value) => ({ ...value, members: value.members.map((member) => (member.identity === identity ? { ...member, ...more } : member)) }));
      if (command.kind === "showPersonCode") change(command.identity, { personCode: ["69463", "27917", "34427", "49867", "04693", "13170"] });
      if (command.kind === "comparePerson") change(command.identity, { recognition: command.same ? { kind: "verified", key: "k", name: store.get().members.find(({ identity }) => identity === command.identity)?.name ?? "", since: morning } : { kind: "differs", at: morning } });
      if (command.kind === "answerChange") {
        const { identity } = command;
        const was = store.get().members.find((member) => member.identity === identity)?.recognition;
        if (was?.kind === "changed") change(identity, { recognition: { ...was, answered: true } });
        store.update((value) => ({ ...value, security: { ...value.security, state: "secure" } }));
      }
      if (command.kind === "setDoor") store.update((value) => ({ ...value, door: command.door }));
      const seen = command.kind === "admit" ? command.identities : command.kind === "decline" ? [command.identity] : [];
      if (seen.length > 0) store.update((value) => ({ ...value, waiting: value.waiting.filter(({ identity }) => !seen.includes(identity)) }));
      if (command.kind === "setTitle") store.update((value) => ({ ...value, title: command.title }));
      if (command.kind !== "chat") return;
      const id = Math.max(0, ...[...store.get().chat, ...store.get().unsent].map((line) => line.id)) + 1;
      store.update((value) => ({ ...value, unsent: [...value.unsent, { id, from: "me", name: "Noor", text: command.text, at: Date.now(), mine: true }] }));
    },
    close: () => undefined,
  };
};

export const fake = (state: State): Conclave => ({
  create: () => (state.refusing || state.failing ? Promise.reject(new Error(state.refusing ?? "unreachable")) : new Promise(() => undefined)),
  kept: async () => state.kept ?? [],
  forget: async () => undefined,
  saveMeetings: async () => new Promise(() => undefined),
  loadMeetings: async () => "closed",
  offerHostKey: async () => (state.failing ? { kind: "unreachable" } : { kind: "offered", id: "1", url: `https://meet.example.org/m#${"a".repeat(43)}.${"b".repeat(22)}` }),
  hostLinks: async (_, takeBack) => (state.failing ? null : (state.hostLinks ?? []).map((link) => (takeBack && link.state.kind === "waiting" ? { ...link, state: { kind: "takenBack" } } : link))),
  takeHostKey: async () => ({ kind: state.hostKey ?? "gone" }),
  verified: async () => state.verified ?? [],
  forgetVerified: async () => undefined,
  forgetDevice: async () => undefined,
  readLink: async (text) =>
    text.includes(".bbb") ? { kind: "link", fragment: text.replace("#", ""), url: `https://meet.example.org/m${text}`, guest: "a".repeat(43) } : { kind: "refused", reason: text.split("#").length > 2 ? "several" : text.includes("#") ? "cut" : "missing" },
  open: () => {
    if (!state.snapshot || !state.media) throw new Error("this state has no session");
    return session(state, state.snapshot, state.media);
  },
  seat: () => {
    const seat = new Value<SeatState>(state.elsewhere ? "elsewhere" : "free");
    return { get: seat.get, subscribe: seat.subscribe, take: async () => true, moveHere: () => seat.update(() => "free"), close: () => undefined };
  },
  unsupported: () => state.unsupported ?? null,
  visit: () => Promise.resolve(),
  origin: { host: "meet.example.org", server: "https://meet.example.org", desktop: false, release: new Value("1.4.0") },
});
