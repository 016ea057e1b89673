import { createSignal, For, Show } from "solid-js";
import { Link, Mic, MicOff, MonitorUp, UserX, VideoOff } from "lucide";
import type { MediaState, Snapshot } from "../../api.ts";
import { Control } from "../parts/Control.tsx";
import { Confirm } from "../parts/Dialog.tsx";
import { Icon } from "../parts/Icon.tsx";
import type { Member } from "../meeting/Tile.tsx";
import { useNames } from "../names.ts";
import { strings } from "../strings.ts";
import { Panel } from "./Panel.tsx";
import { Person } from "./Person.tsx";

interface Props {
  snapshot: Snapshot;
  members: readonly Member[];
  media: MediaState;
  onRemove: (identity: string) => void;
  onInvite: () => void;
  onClose: () => void;
}

/** Everybody who is inside; a host can take somebody out. */
export const People = (props: Props) => {
  const [going, setGoing] = createSignal<{ identity: string; name: string } | null>(null);
  const named = useNames();
  const mic = (member: Member) => (member.me ? props.media.microphone === "on" : member.mic);
  const camera = (member: Member) => (member.me ? props.media.camera === "on" : member.camera);
  return (
    <Panel title={`${strings.people.title} · ${props.members.length}`} onClose={props.onClose}>
      <p class="meeting-title clip muted small" dir="auto">
        {props.snapshot.title || strings.meeting.untitled}
      </p>
      <div class="scroll" tabindex="0" role="region" aria-label={strings.people.title}>
        <ul class="people">
          <For each={props.members}>
            {(member) => (
              <Person member={member}>
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
                  <Control icon={UserX} name={strings.people.remove(named(member))} tip="below-left" onPress={() => setGoing({ identity: member.identity, name: named(member) })} />
                </Show>
              </Person>
            )}
          </For>
        </ul>
      </div>
      <div class="below">
        <button type="button" class="quiet wide" onClick={() => props.onInvite()}>
          <Icon of={Link} />
          {strings.invite.title}
        </button>
      </div>
      <Show when={going()} keyed>
        {(person) => (
          <Confirm
            title={strings.people.removeTitle(person.name)}
            text={strings.people.removeText}
            action={strings.people.removeDo}
            onYes={() => props.onRemove(person.identity)}
            onClose={() => setGoing(null)}
          />
        )}
      </Show>
    </Panel>
  );
};
