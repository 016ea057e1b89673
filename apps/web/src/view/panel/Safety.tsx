import { createEffect, createSignal, For, Match, on, onMount, Show, Switch } from "solid-js";
import { Ear, KeyRound, Lock, ShieldAlert, ShieldQuestionMark, Unlink } from "lucide";
import type { Conclave, Session, Snapshot } from "../../api.ts";
import { clock } from "../format.ts";
import type { Event, History, Since } from "../history.ts";
import { Icon, type IconNode } from "../parts/Icon.tsx";
import { KnownSwitch } from "../parts/KnownSwitch.tsx";
import type { Member } from "../meeting/Tile.tsx";
import { useNames } from "../names.ts";
import { rosterChange, sentence } from "../notices.ts";
import { signalOf } from "../state.ts";
import { strings } from "../strings.ts";
import { Compare } from "./Compare.tsx";
import { Panel } from "./Panel.tsx";
import { Person } from "./Person.tsx";
import { VerifyPerson } from "./VerifyPerson.tsx";

/** Without an entry nothing is known yet. */
const since = (known: Since | undefined): string => (!known ? "" : known.how === "before" ? strings.safety.since.before : strings.safety.since[known.how](clock(known.at)));

interface Props {
  session: Session;
  snapshot: Snapshot;
  members: readonly Member[];
  history: History;
  origin: Conclave["origin"];
  /** Whom one came to compare with. */
  first: string | null;
  onCompare: (identity: string, code: string[], same: boolean) => void;
  onClose: () => void;
}

const Sentence = (props: { icon: IconNode; tone?: "alarmed" | "warned"; lead: string; text: string }) => (
  <p class={`sentence ${props.tone ?? ""}`}>
    <Icon of={props.icon} />
    <span>
      <b>{props.lead}</b> {props.text}
    </span>
  </p>
);

/** What keeps the meeting safe, in one sentence; the code to compare; who holds keys; what happened; where the page came from. */
export const Safety = (props: Props) => {
  const all = strings.safety;
  const release = signalOf(props.origin.release);
  const state = () => props.snapshot.security.state;
  const named = useNames();
  const differing = () => props.members.filter(({ comparison, recognition }) => comparison.kind === "differs" || recognition.kind === "differs").map(named);
  const changed = () => props.members.filter(({ recognition }) => recognition.kind === "changed" && !recognition.answered).map(named);
  const notYet = () => (props.snapshot.comparable ? undefined : props.snapshot.phase.kind === "inside" ? strings.compare.fresh : strings.compare.away);
  const unkept = signalOf(props.session.unkept);
  let people: HTMLElement | undefined;
  onMount(() => {
    const row = props.first === null ? null : people?.querySelector<HTMLElement>(`[data-person="${CSS.escape(props.first)}"]`);
    row?.scrollIntoView({ block: "nearest" });
    row?.focus();
  });
  // Whoever was reading the code aloud when it changed has to see that, and why: else the next digit looks like an attack.
  const [replaced, setReplaced] = createSignal<{ code: string[]; noticed: number } | null>(null);
  const lastNotice = () => props.snapshot.notices.at(-1)?.id ?? 0;
  let noticed = lastNotice();
  createEffect(
    on(
      () => props.snapshot.safetyCode?.join(" "),
      (_, before) => {
        if (before !== undefined) setReplaced({ code: before.split(" "), noticed });
        noticed = lastNotice();
      },
    ),
  );
  return (
    <Panel title={all.title} onClose={props.onClose}>
      <div class="scroll" tabindex="0" role="region" aria-label={all.title}>
        <Switch>
          <Match when={state() === "split"}>
            <Sentence icon={Unlink} tone="alarmed" lead={all.split} text={all.splitText} />
          </Match>
          <Match when={state() === "codeDiffers"}>
            <Sentence icon={ShieldAlert} tone="alarmed" lead={all.codeDiffers} text={all.codeDiffersText(differing())} />
          </Match>
          <Match when={state() === "keyChanged"}>
            <Sentence icon={KeyRound} tone="alarmed" lead={all.keyChanged} text={all.keyChangedText(changed())} />
          </Match>
          <Match when={state() === "unsure"}>
            <Sentence icon={Ear} lead={all.unsure} text={all.unsureText} />
          </Match>
          <Match when={state() === "parted"}>
            <Sentence icon={Unlink} tone="warned" lead={all.parted} text={all.partedText} />
          </Match>
          <Match when={state() === "attacked"}>
            <Sentence icon={ShieldAlert} tone="warned" lead={all.attacked} text={all.attackedText} />
          </Match>
          <Match when={state() === "unproved"}>
            <Sentence icon={ShieldQuestionMark} tone="warned" lead={all.unproved} text={all.unprovedText} />
          </Match>
          <Match when={state() === "secure"}>
            <Sentence icon={Lock} lead={all.secure} text={all.secureText(props.snapshot.security.people, props.origin.host)} />
          </Match>
        </Switch>
        <div class="codebox">
          <Show when={props.snapshot.safetyCode} fallback={<p class="muted small">{all.none}</p>}>
            {(code) => (
              <>
                <p class="muted small">{state() === "split" ? all.check : all.same}</p>
                <div role="status">
                  <Show when={replaced()}>
                    {(old) => (
                      <>
                        <p class="aloud">{all.before}</p>
                        <div class="code old">
                          <For each={old().code}>{(group) => <span>{group}</span>}</For>
                        </div>
                        <p class="small">{all.changed(rosterChange(props.snapshot.notices, old().noticed) ?? all.somebody)}</p>
                      </>
                    )}
                  </Show>
                </div>
                <div class="code" data-safety-code>
                  <For each={code()}>{(group) => <span>{group}</span>}</For>
                </div>
                <p class="muted small">{all.compare}</p>
                <Show when={notYet()}>
                  {(why) => <p class="small">{why()}</p>}
                </Show>
              </>
            )}
          </Show>
        </div>
        <h3>{strings.verify.title}</h3>
        <KnownSwitch session={props.session} snapshot={props.snapshot} inside />
        <Show when={unkept()}>
          <p class="wrongly" role="alert">
            {strings.verify.unkept}
          </p>
        </Show>
        <h3>{all.here}</h3>
        <ul class="people" ref={(element) => (people = element)}>
          <For each={props.members}>
            {(member) => (
              <Person member={member} note={since(props.history.since.get(member.identity))}>
                <Show when={!member.me && props.snapshot.safetyCode}>
                  {(code) => (
                    <>
                      <Compare member={member} members={props.members} code={code()} notYet={notYet()} media={props.session.media} onAnswer={(compared, same) => props.onCompare(member.identity, compared, same)} />
                      <VerifyPerson member={member} members={props.members} known={props.snapshot.device} media={props.session.media} onCommand={(command) => props.session.command(command)} />
                    </>
                  )}
                </Show>
              </Person>
            )}
          </For>
        </ul>
        <h3>{all.happened}</h3>
        <ol class="happened" reversed>
          <For each={props.history.events.toReversed()}>
            {(event) => (
              <li>
                <time datetime={new Date(event.at).toISOString()}>{clock(event.at)}</time>
                <Happened event={event} />
              </li>
            )}
          </For>
        </ol>
        <p class="muted small">
          {props.history.cut ? `${all.cut} ` : ""}
          {all.happenedText}
        </p>
        <p class="muted small from">{strings.home.from(props.origin, release())}</p>
      </div>
    </Panel>
  );
};

const Happened = (props: { event: Event }) => {
  const told = (): { text: string; security: boolean } | null => {
    const { at, what } = props.event;
    return what.kind === "entered" || what.kind === "broke" || what.kind === "returned" ? { text: strings.safety[what.kind], security: false } : sentence([{ at, what }]);
  };
  return (
    <span class="grow" classList={{ alarm: told()?.security === true }}>
      {told()?.text}
    </span>
  );
};
