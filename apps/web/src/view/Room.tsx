import { createEffect, createMemo, Match, onCleanup, Switch } from "solid-js";
import type { Conclave } from "../contract.ts";
import { Locked } from "./Locked.tsx";
import { Joining } from "./waiting/Joining.tsx";
import { Meeting } from "./meeting/Meeting.tsx";
import { Over } from "./Over.tsx";
import { mediaOf, snapshotOf } from "./state.ts";
import { Waiting } from "./waiting/Waiting.tsx";

/** One opened link: which screen its phase asks for. */
export const Room = (props: { conclave: Conclave; fragment: string; onHome: () => void; onAgain: () => void }) => {
  // App makes a new room for a new link.
  const session = props.conclave.open(props.fragment);
  onCleanup(() => session.close());
  const snapshot = snapshotOf(session.brain);
  const media = mediaOf(session.media);
  const kind = createMemo(() => snapshot.phase.kind);
  const wrong = () => (snapshot.phase.kind === "locked" ? snapshot.phase.wrong : 0);
  const why = () => (snapshot.phase.kind === "over" ? snapshot.phase.why : null);
  const leaving = () => {
    session.command({ kind: "leave" });
    props.onHome();
  };

  // Effects run once the screen is drawn: from here on the roster of this epoch is what people see.
  createEffect(() => {
    const epoch = snapshot.epoch;
    if (kind() === "inside") session.command({ kind: "shown", epoch });
  });

  return (
    <Switch>
      <Match when={kind() === "looking" || kind() === "ready"}>
        <Waiting session={session} snapshot={snapshot} media={media()} host={props.conclave.origin.host} onHome={props.onHome} />
      </Match>
      <Match when={kind() === "locked"}>
        <Locked wrong={wrong()} onTry={(text) => session.command({ kind: "passphrase", text })} onHome={props.onHome} />
      </Match>
      <Match when={snapshot.phase.kind === "joining" && snapshot.phase}>{(phase) => <Joining step={phase().step} onCancel={leaving} />}</Match>
      <Match when={kind() === "inside" || kind() === "reconnecting"}>
        <Meeting session={session} snapshot={snapshot} media={media()} origin={props.conclave.origin} link={`${location.origin}/#${props.fragment}`} />
      </Match>
      <Match when={why()}>{(reason) => <Over why={reason()} onHome={props.onHome} onAgain={props.onAgain} />}</Match>
    </Switch>
  );
};
