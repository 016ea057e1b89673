import { For, Show } from "solid-js";
import { Mic, Video, Volume2 } from "lucide";
import type { DeviceKind, MediaState, Session } from "../../api.ts";
import { Icon, type IconNode } from "../parts/Icon.tsx";
import { strings } from "../strings.ts";

const kinds: readonly { kind: DeviceKind; icon: IconNode }[] = [
  { kind: "microphone", icon: Mic },
  { kind: "camera", icon: Video },
  { kind: "speaker", icon: Volume2 },
];

/** A choice for each kind of device that there is. */
export const Devices = (props: { session: Session; media: MediaState }) => (
  <div class="devices">
    <For each={kinds}>
      {({ kind, icon }) => (
        <Show when={props.media.devices[kind].length > 0}>
          <div class="field">
            <Icon of={icon} />
            <select aria-label={strings.prejoin[kind]} onChange={(event) => void props.session.media.select(kind, event.currentTarget.value)}>
              <For each={props.media.devices[kind]}>
                {(device) => (
                  <option value={device.id} selected={device.id === props.media.selected[kind]}>
                    {device.label || strings.prejoin.standard}
                  </option>
                )}
              </For>
            </select>
          </div>
        </Show>
      )}
    </For>
  </div>
);
