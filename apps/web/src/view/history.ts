// What happened in a meeting while this client was inside, and since when each holds the keys. Pure, and bounded.
import type { Snapshot } from "../api.ts";
import { connectionAway } from "./meeting/connection.ts";

type Told = Pick<Snapshot, "phase" | "members" | "notices">;
type Notice = Snapshot["notices"][number];

export interface Event {
  /** Rises. */
  id: number;
  at: number;
  /** The notice, or what became of the own connection. */
  what: Notice["what"] | { kind: "entered" } | { kind: "broke" } | { kind: "returned" };
}

/** `seen`: came in at that moment. `before`: was inside when this client came. `meanwhile`: came while it was away, at that moment at the latest. */
export interface Since {
  at: number;
  how: "seen" | "before" | "meanwhile";
}

export interface History {
  /** When this client came in and when it was over for it. */
  entered: number | null;
  ended: number | null;
  events: readonly Event[];
  /** Older events were dropped. */
  cut: boolean;
  /** By identity, of those who hold keys now. */
  since: ReadonlyMap<string, Since>;
  /** How many held keys at once, at most. */
  most: number;
  /** Id of the last notice that was read. */
  noticed: number;
}

export const noHistory: History = { entered: null, ended: null, events: [], cut: false, since: new Map(), most: 0, noticed: 0 };

/** Events that are kept. */
export const kept = 500;

const calm: ReadonlySet<Event["what"]["kind"]> = new Set(["entered", "broke", "returned", "joined", "left", "lost", "removed", "sentBack", "knocked", "door", "appointed"]);

/** The newest ones; coming and going again and again must not push an alarm out. */
const bound = (events: Event[]): Event[] => {
  let over = events.length - kept;
  return over <= 0 ? events : events.filter(({ what }) => !(calm.has(what.kind) && over-- > 0)).slice(-kept);
};

const isAway = (events: readonly Event[]): boolean => events.findLast(({ what }) => what.kind === "broke" || what.kind === "returned")?.what.kind === "broke";

/** Since when each of `members` holds keys. A notice has a name only, so the newest of that name counts. */
const sinceOf = (before: History, members: Snapshot["members"], fresh: readonly Notice[], now: number): ReadonlyMap<string, Since> => {
  if (members.length === before.since.size && members.every(({ identity }) => before.since.has(identity))) return before.since;
  const first = (name: string, me: boolean): Since => {
    if (me) return { at: now, how: "seen" };
    const came = fresh.findLast(({ what }) => what.kind === "joined" && what.name === name);
    return came ? { at: came.at, how: "seen" } : { at: now, how: before.entered === null ? "before" : "meanwhile" };
  };
  return new Map(members.map(({ identity, name, me }) => [identity, before.since.get(identity) ?? first(name, me)]));
};

/** Reads on: what is new in the snapshot becomes events. Gives `before` when nothing is. */
export const readHistory = (before: History, { phase, members, notices }: Told, now: number): History => {
  if (phase.kind === "ended" && before.entered !== null && before.ended === null) return { ...before, ended: now };
  if (phase.kind !== "inside" && phase.kind !== "reconnecting") return before;
  const fresh = notices.filter(({ id }) => id > before.noticed);
  const since = sinceOf(before, members, fresh, now);
  // Keys that are missing while the log cannot be read are nobody's fault.
  const away = connectionAway({ phase, members }, null) !== null;
  const told = fresh.filter(({ what }) => !(away && what.kind === "mediaRefused" && what.reason === "noKey"));
  const found: Omit<Event, "id">[] = [...told];
  if (before.entered === null) found.unshift({ at: now, what: { kind: "entered" } });
  const broken = phase.kind === "reconnecting";
  if (broken && !isAway(before.events)) found.push({ at: phase.since, what: { kind: "broke" } });
  if (!broken && isAway(before.events)) found.unshift({ at: now, what: { kind: "returned" } });
  if (found.length === 0 && since === before.since && fresh.length === 0) return before;
  const next = (before.events.at(-1)?.id ?? 0) + 1;
  const events = bound([...before.events, ...found.map(({ at, what }, index) => ({ id: next + index, at, what: { ...what } }))]);
  return {
    entered: before.entered ?? now,
    ended: null,
    events,
    cut: before.cut || events.length < before.events.length + found.length,
    since,
    most: Math.max(before.most, members.length),
    noticed: notices.at(-1)?.id ?? before.noticed,
  };
};
