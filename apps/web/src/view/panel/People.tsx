import { createSignal, For, Show } from "solid-js";
import { Ellipsis, Link, Mic, MicOff, MonitorUp, VideoOff } from "lucide";
import type { Command, MediaState, Snapshot } from "../../api.ts";
import { Control } from "../parts/Control.tsx";
import { Icon } from "../parts/Icon.tsx";
import type { Member } from "../meeting/Tile.tsx";
import { useNames } from "../names.ts";
import { strings } from "../strings.ts";
import { Admission } from "./Admission.tsx";
import { AtTheDoor } from "./AtTheDoor.tsx";
import { Decide } from "./Decide.tsx";
import { Floor } from "./Floor.tsx";
import { Panel } from "./Panel.tsx";
import { Person } from "./Person.tsx";
import { AboutSoftware, Runs } from "./Software.tsx";

interface Props {
  snapshot: Snapshot;
  members: readonly Member[];
  media: MediaState;
  onCommand: (command: Command) => void;
  onInvite: () => void;
  onClose: () => void;
}

/** Everybody who is inside, and who asks to come in; a host decides about both. */
export const People = (props: Props) => {
  const [deciding, setDeciding] = createSignal<{ identity: string; name: string; host: boolean } | null>(null);
  let opener: HTMLElement | undefined;
  const close = () => {
    setDeciding(null);
    queueMicrotask(() => opener?.focus());
  };
  const named = useNames();
  const mic = (member: Member) => (member.me ? props.media.microphone === "on" : member.mic);
  const camera = (member: Member) => (member.me ? props.media.camera === "on" : member.camera);
  return (
    <Panel title={`${strings.people.title} · ${props.members.length}`} onClose={props.onClose}>
      <p class="meeting-title clip muted small" dir="auto">
        {props.snapshot.title || strings.meeting.untitled}
      </p>
      <div class="scroll" tabindex="0" role="region" aria-label={strings.people.title}>
        <AtTheDoor snapshot={props.snapshot} onCommand={props.onCommand} />
        <ul class="people">
          <For each={props.members}>
            {(member) => (
              <Person member={member} below={<Runs member={member} />} {...(member.denied.includes("speak") && { note: strings.people.silenced })}>
                <span class="icons">
                  <Show when={member.screen}>
                    <Icon of={MonitorUp} />
                    <span class="aloud">{strings.people.sharing}</span>
                  </Show>
                  <Show when={!camera(member)}>
                    <Icon of={VideoOff} />
                    <span class="aloud">{strings.people.cameraOff}</span>
                  </Show>
                  <Show when={mic(member)} fallback={<Icon of={MicOff} />}>
                    <Icon of={Mic} />
                  </Show>
                  <span class="aloud">{mic(member) ? strings.people.micOn : strings.people.micOff}</span>
                </span>
                <Show when={props.snapshot.host && !member.me}>
                  <Control
                    icon={Ellipsis}
                    name={strings.people.decide(named(member))}
                    tip="below-left"
                    ref={(button) => button.setAttribute("aria-haspopup", "dialog")}
                    onPress={() => {
                      if (document.activeElement instanceof HTMLElement) opener = document.activeElement;
                      setDeciding({ identity: member.identity, name: named(member), host: member.host });
                    }}
                  />
                </Show>
              </Person>
            )}
          </For>
        </ul>
        <AboutSoftware members={props.members} />
      </div>
      <div class="below">
        <Floor snapshot={props.snapshot} onCommand={props.onCommand} />
        <Admission snapshot={props.snapshot} onCommand={props.onCommand} />
        <button type="button" class="quiet wide" onClick={() => props.onInvite()}>
          <Icon of={Link} />
          {strings.invite.title}
        </button>
      </div>
      <Show when={deciding()} keyed>
        {(person) => <Decide {...person} snapshot={props.snapshot} onCommand={props.onCommand} onClose={close} />}
      </Show>
    </Panel>
  );
};
