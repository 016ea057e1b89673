import { createEffect, createMemo, createSignal, Match, onCleanup, Switch } from "solid-js";
import type { Conclave } from "../api.ts";
import { constants } from "../constants.ts";
import { Passphrase } from "./Passphrase.tsx";
import { Joining } from "./prejoin/Joining.tsx";
import { Meeting } from "./meeting/Meeting.tsx";
import { Elsewhere } from "./Elsewhere.tsx";
import { Ended } from "./Ended.tsx";
import type { Left } from "./home/Home.tsx";
import { type History, noHistory, readHistory } from "./history.ts";
import { nameAll, Names } from "./names.ts";
import { playArrival } from "./meeting/arrival.ts";
import { recall } from "./preferences.ts";
import { keepKey, takeRejoin } from "./rejoin.ts";
import { type EndReason, strings } from "./strings.ts";
import { mediaOf, signalOf, snapshotOf } from "./state.ts";
import { Door } from "./prejoin/Door.tsx";
import { Prejoin } from "./prejoin/Prejoin.tsx";

/** One opened link: which page its phase asks for. */
export const Session = (props: { conclave: Conclave; fragment: string; onHome: (left?: Left) => void; onAgain: () => void }) => {
  // The document was loaded anew while this tab was inside: it goes back in as it was.
  const rejoin = takeRejoin();
  // App makes a new Session for a new link.
  const session = props.conclave.open(props.fragment, recall("known") === "yes", rejoin?.key);
  void session.key.then(keepKey);
  onCleanup(() => keepKey(undefined));
  onCleanup(() => session.close());
  const snapshot = snapshotOf(session.snapshot);
  const media = mediaOf(session.media);
  const seat = props.conclave.seat(props.fragment);
  onCleanup(() => seat.close());
  const tab = signalOf(seat);
  const failed = signalOf(session.failed);
  const endReason = createMemo((): EndReason | "failed" | null => {
    if (tab() === "moved") return "replaced";
    if (snapshot.phase.kind === "ended") return snapshot.phase.reason;
    return failed() ? "failed" : null;
  });
  const kind = createMemo(() => (endReason() === null ? snapshot.phase.kind : "ended"));
  // Outlives the meeting, since its end tells of it.
  const history = createMemo((before: History) => readHistory(before, snapshot, Date.now()), noHistory);
  const names = createMemo(() => nameAll(snapshot.members, history().since));
  const inside = () => kind() === "inside" || kind() === "reconnecting";
  /** The newest notice from outside: it is no news inside, and what comes with the entry is. */
  const outside = createMemo((before: number) => (inside() ? before : (snapshot.notices.at(-1)?.id ?? before)), 0);
  const atDoor = () => kind() === "lookingUp" || kind() === "prejoin";
  /** Whoever just left can come back with a press; who was put out, or in danger, is not asked to. */
  const home = () => {
    const reason = endReason();
    const again = reason !== null && strings.ended.ends[reason].then === "again" && history().entered !== null;
    props.onHome(again ? { fragment: props.fragment, title: snapshot.title } : undefined);
  };
  const leaving = () => {
    session.command({ kind: "leave" });
    props.onHome();
  };

  // Effects run once the page is drawn: from here on the roster of this epoch is what people see.
  createEffect(() => {
    const epoch = snapshot.epoch;
    if (kind() === "inside") session.command({ kind: "shown", epoch });
  });

  // As which one is at the door.
  const [joined, setJoined] = createSignal("");
  const join = async (name: string) => {
    setJoined(name);
    if (await seat.take()) session.command({ kind: "join", name });
  };

  const name = recall("name") ?? "";
  const [returning, setReturning] = createSignal(rejoin !== null && name !== "");
  if (rejoin && returning()) {
    void session.media.microphone(rejoin.microphone);
    void session.media.camera(rejoin.camera);
  }
  createEffect(() => {
    if (returning() && kind() === "prejoin" && tab() === "free") void join(name);
  });
  // Whoever waits works in another window.
  createEffect((before: string) => {
    const now = kind();
    if (now === "atTheDoor" || now === "joining") return before === "atTheDoor" ? before : now;
    if (before === "atTheDoor" && now === "inside") playArrival();
    return now;
  }, "");
  createEffect(() => {
    if (tab() === "moved") session.command({ kind: "leave" });
    if (kind() === "ended") seat.close();
  });

  return (
    <Switch>
      <Match when={atDoor() && tab() === "elsewhere"}>
        <Elsewhere onMove={() => seat.moveHere()} onHome={props.onHome} />
      </Match>
      <Match when={atDoor() && returning()}>
        <Joining step="connecting" onCancel={() => setReturning(false)} />
      </Match>
      <Match when={atDoor() && tab() !== "asking"}>
        <Prejoin session={session} snapshot={snapshot} media={media()} host={props.conclave.origin.host} onJoin={(name) => void join(name)} onHome={props.onHome} />
      </Match>
      <Match when={kind() === "needsPassphrase" && snapshot.phase.kind === "needsPassphrase" && snapshot.phase}>
        {(phase) => <Passphrase wrong={phase().wrong} step={phase().step} host={props.conclave.origin.host} onTry={(text) => session.command({ kind: "passphrase", text })} onHome={props.onHome} />}
      </Match>
      <Match when={kind() === "joining" && snapshot.phase.kind === "joining" && snapshot.phase}>{(phase) => <Joining step={phase().step} onCancel={leaving} />}</Match>
      <Match when={kind() === "atTheDoor" && snapshot.phase.kind === "atTheDoor" && snapshot.phase}>
        {(phase) => <Door session={session} phase={phase()} title={snapshot.title} name={joined() || name} again={history().entered !== null} media={media()} onLeave={leaving} />}
      </Match>
      <Match when={inside()}>
        <Names.Provider value={names}>
          <Meeting session={session} snapshot={snapshot} told={outside()} history={history()} media={media()} origin={props.conclave.origin} link={`${props.conclave.origin.server}${constants.meetingPage}#${props.fragment}`} />
        </Names.Provider>
      </Match>
      <Match when={endReason()}>{(reason) => <Ended reason={reason()} snapshot={snapshot} history={history()} host={props.conclave.origin.host} onHome={home} onAgain={props.onAgain} />}</Match>
    </Switch>
  );
};
