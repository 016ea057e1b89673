import { createEffect, createSignal, For, on, Show } from "solid-js";
import { X } from "lucide";
import type { Command, Snapshot } from "../../api.ts";
import { constants } from "../../constants.ts";
import { elapsed } from "../format.ts";
import { cutName, twinOf } from "../names.ts";
import { Avatar } from "../parts/Avatar.tsx";
import { Control } from "../parts/Control.tsx";
import { Dialog } from "../parts/Dialog.tsx";
import { ticking } from "../state.ts";
import { strings } from "../strings.ts";

type Waiting = Snapshot["waiting"][number];

/** Who asks to come in, for hosts: admit one or all, or decline with a word. */
export const AtTheDoor = (props: { snapshot: Snapshot; onCommand: (command: Command) => void }) => {
  const now = ticking();
  const [declining, setDeclining] = createSignal<{ identity: string; name: string } | null>(null);
  let list: HTMLUListElement | undefined;
  let heading: HTMLHeadingElement | undefined;
  const waiting = () => props.snapshot.waiting;
  const admit = (identities: string[]) => props.onCommand({ kind: "admit", identities });
  // Whoever was pressed for is gone from the list, and the focus with them: it goes to who comes next.
  createEffect(
    on(
      () => waiting().length,
      (count, before) => {
        if (before === undefined || count >= before || document.activeElement !== document.body) return;
        const next = list?.querySelector("button") ?? heading ?? document.querySelector<HTMLElement>(".panel h2");
        next?.focus();
      },
    ),
  );
  return (
    <Show when={waiting().length > 0}>
      <section class="at-the-door" aria-labelledby="at-the-door">
        <div class="head">
          <h3 id="at-the-door" class="grow" ref={(element) => (heading = element)} tabindex="-1">
            {`${strings.door.list} · ${waiting().length}`}
          </h3>
          <Show when={waiting().length > 1}>
            <button type="button" class="quiet small" onClick={() => admit(waiting().map(({ identity }) => identity))}>
              {strings.door.admitAll}
            </button>
          </Show>
        </div>
        <p class="muted small">{strings.door.claims}</p>
        <ul class="people" ref={(element) => (list = element)}>
          <For each={waiting()}>{(one) => <Knocking one={one} snapshot={props.snapshot} now={now()} onAdmit={() => admit([one.identity])} onDecline={() => setDeclining({ identity: one.identity, name: cutName(one.name) })} />}</For>
        </ul>
      </section>
      <Show when={declining()} keyed>
        {(one) => <Decline name={one.name} onDecline={(word) => props.onCommand({ kind: "decline", identity: one.identity, word })} onClose={() => setDeclining(null)} />}
      </Show>
    </Show>
  );
};

const Knocking = (props: { one: Waiting; snapshot: Snapshot; now: number; onAdmit: () => void; onDecline: () => void }) => {
  const name = () => cutName(props.one.name);
  const twin = () => twinOf(props.one, props.snapshot.members, props.snapshot.waiting);
  return (
    <li class="person">
      <Avatar identity={props.one.identity} name={props.one.name} />
      <span class="grow clip" dir="auto">
        {name()}
        <span class="note muted small count" dir="auto">
          {strings.door.waits(elapsed(props.one.since, props.now))}
        </span>
        <Show when={twin()}>{(where) => <span class="note twin small" dir="auto">{strings.door.twin[where()]}</span>}</Show>
      </span>
      <button type="button" class="primary small" aria-label={strings.door.admitNamed(name())} onClick={() => props.onAdmit()}>
        {strings.door.admit}
      </button>
      <Control icon={X} name={strings.door.decline(name())} tip="below-left" onPress={() => props.onDecline()} />
    </li>
  );
};

const Decline = (props: { name: string; onDecline: (word: string) => void; onClose: () => void }) => {
  const [word, setWord] = createSignal("");
  return (
    <Dialog title={strings.door.declineTitle(props.name)} onClose={() => props.onClose()}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          props.onDecline(word().trim());
          props.onClose();
        }}
      >
        <p class="muted">{strings.door.declineText}</p>
        <label class="label word" for="word">
          {strings.door.wordFor}
        </label>
        <div class="field">
          <input id="word" dir="auto" autocomplete="off" maxlength={constants.declineChars} value={word()} onInput={(event) => setWord(event.currentTarget.value)} />
        </div>
        <div class="actions">
          <button type="button" class="quiet" onClick={() => props.onClose()}>
            {strings.cancel}
          </button>
          <button type="submit" class="harm">
            {strings.door.declineDo}
          </button>
        </div>
      </form>
    </Dialog>
  );
};
