import { createResource, createSignal, For, Show } from "solid-js";
import { Copy, Lock, Smartphone, Trash2 } from "lucide";
import type { Conclave, KeptMeeting } from "../../api.ts";
import { day, fragmentOf } from "../format.ts";
import { Control } from "../parts/Control.tsx";
import { Confirm } from "../parts/Dialog.tsx";
import { Icon } from "../parts/Icon.tsx";
import type { Announce } from "../parts/Announcer.tsx";
import { copy } from "../state.ts";
import { strings } from "../strings.ts";
import { Files } from "./Files.tsx";
import { HostLink } from "./HostLink.tsx";

/** Meetings kept on this device, newest first. */
export const Mine = (props: { conclave: Conclave; announce: Announce; onOpen: (fragment: string) => void }) => {
  const [kept, { refetch }] = createResource(async () => {
    // Browsers may refuse storage; then there is nothing kept.
    const all = await props.conclave.kept().catch(() => []);
    return all.toSorted((a, b) => b.createdAt - a.createdAt);
  });
  const [moving, setMoving] = createSignal<KeptMeeting | null>(null);
  const [going, setGoing] = createSignal<KeptMeeting | null>(null);
  const say = (text: string) => props.announce.toast({ text, loud: false, silent: false, security: false });
  const named = (meeting: KeptMeeting) => meeting.title || strings.home.untitled;
  const forget = async (meeting: KeptMeeting) => {
    try {
      await props.conclave.forget(meeting.id);
    } catch {
      say(strings.home.forgetFailed);
    }
    await refetch();
  };
  /** In this tab without a load; a press that asks for another tab is the browser's. */
  const follow = (event: MouseEvent, meeting: KeptMeeting) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    props.onOpen(fragmentOf(meeting.link));
  };
  return (
    <section class="card mine" aria-labelledby="mine">
      <header>
        <h2 id="mine">{strings.home.mine}</h2>
        <span class="muted small">{strings.home.device}</span>
      </header>
      <Show when={(kept()?.length ?? 0) > 0} fallback={<Show when={!kept.loading}><Nothing /></Show>}>
        <ul>
          <For each={kept()}>
            {(meeting) => (
              <li class="item">
                <div class="date" aria-hidden="true">
                  <b>{day(meeting.createdAt).day}</b>
                  <span>{day(meeting.createdAt).month}</span>
                </div>
                <div class="grow">
                  <div class="name clip" dir="auto">
                    {named(meeting)}
                  </div>
                  <div class="muted small clip">{meeting.hosted ? strings.home.hosted : strings.home.guest}</div>
                </div>
                <Control icon={Copy} name={strings.home.copy(named(meeting))} tip="below" onPress={() => void copy(meeting.link).then((done) => say(done ? strings.copied : strings.notCopied))} />
                <Show when={meeting.hosted}>
                  <Control icon={Smartphone} name={strings.home.hostLink.open(named(meeting))} tip="below-left" onPress={() => setMoving(meeting)} />
                </Show>
                <Control icon={Trash2} name={strings.home.forget(named(meeting))} tip="below-left" onPress={() => setGoing(meeting)} />
                <a class="button quiet" href={meeting.link} onClick={(event) => follow(event, meeting)} aria-label={strings.home.openNamed(named(meeting))}>
                  {strings.home.open}
                </a>
              </li>
            )}
          </For>
        </ul>
      </Show>
      <Files conclave={props.conclave} kept={kept()?.length ?? 0} say={say} onLoaded={() => void refetch()} />
      <Show when={moving()} keyed>
        {(meeting) => <HostLink conclave={props.conclave} meeting={meeting} announce={props.announce} onClose={() => setMoving(null)} />}
      </Show>
      <Show when={going()} keyed>
        {(meeting) => (
          <Confirm
            title={strings.home.forgetTitle(named(meeting))}
            text={strings.home.forgetText}
            action={strings.home.forgetDo}
            onYes={() => void forget(meeting)}
            onClose={() => setGoing(null)}
          />
        )}
      </Show>
    </section>
  );
};

const Nothing = () => (
  <div class="none">
    <Icon of={Lock} />
    <p>{strings.home.none}</p>
  </div>
);
