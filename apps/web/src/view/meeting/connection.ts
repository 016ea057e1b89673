// What the page may say of the connection: whose trouble it is, and since when.
import { type Accessor, createMemo, createSignal, onCleanup } from "solid-js";
import type { MediaState, Snapshot } from "../../api.ts";

/** `broke`: this page lost the server. `silent`: nothing comes from anybody, which may be one’s own line. */
export interface Away {
  kind: "broke" | "silent";
  since: number;
}

/** Others who fall silent one after the other within this many milliseconds did so at once: heartbeats are not in step. */
const atOnce = 15_000;

/** Whether one's own connection is away; null while it is not. `offline`: since when the browser has no network. */
export const connectionAway = ({ phase, members }: Pick<Snapshot, "phase" | "members">, offline: number | null): Away | null => {
  if (phase.kind === "reconnecting") return { kind: "broke", since: phase.since };
  if (offline !== null) return { kind: "broke", since: offline };
  const silent = members.filter((member) => !member.me).map((member) => member.awaySince ?? Infinity);
  const since = Math.max(...silent);
  // One other alone may as well have gone.
  return silent.length > 1 && since < Infinity && since - Math.min(...silent) <= atOnce ? { kind: "silent", since } : null;
};

/**
 * An alarm that a lost connection does not explain. Without the log one misses keys and who came in; nobody's frames become those of
 * somebody else by it, no group is parted, and no code becomes another.
 */
export const isEvident = ({ security, members }: Pick<Snapshot, "security" | "members">): boolean =>
  security.state === "split" || security.state === "codeDiffers" || security.state === "keyChanged" || members.some(({ refusal, doubt }) => (refusal && refusal.reason !== "noKey") || doubt?.forged);

/** See {@link connectionAway}. */
export const createAway = (snapshot: Accessor<Snapshot>): Accessor<Away | null> => {
  const [offline, setOffline] = createSignal(navigator.onLine ? null : Date.now());
  const lost = () => setOffline(Date.now());
  const found = () => setOffline(null);
  window.addEventListener("offline", lost);
  window.addEventListener("online", found);
  onCleanup(() => {
    window.removeEventListener("offline", lost);
    window.removeEventListener("online", found);
  });
  return createMemo(() => connectionAway(snapshot(), offline()), null, { equals: (a, b) => a?.kind === b?.kind && a?.since === b?.since });
};

/** Sound and picture have never been there, and nothing ended: they connect for the first time. */
export const isConnecting = ({ connection, unsealed }: Pick<MediaState, "connection" | "unsealed">): boolean => !unsealed && (connection === "idle" || connection === "connecting");

/** After how many milliseconds it is told that they connect, and that they will not. */
export const timeToConnect = { told: 3_000, blocked: 10_000 };
