import { createSignal, For, Show } from "solid-js";
import {
  ChevronUp,
  Ellipsis,
  Keyboard,
  Link,
  Lock,
  Maximize,
  MessageSquare,
  Mic,
  MicOff,
  MonitorUp,
  MonitorX,
  PhoneOff,
  Settings2,
  Users,
  Video,
  VideoOff,
} from "lucide";
import type { DeviceKind, MediaState, Session } from "../../api.ts";
import { clock } from "../format.ts";
import { Control } from "../parts/Control.tsx";
import { Icon } from "../parts/Icon.tsx";
import { Choice, Menu } from "../parts/Menu.tsx";
import { isNarrow, ticking } from "../state.ts";
import { strings } from "../strings.ts";
import { PeopleButton } from "./PeopleButton.tsx";
import type { DialogName, PanelName } from "./panels.ts";

interface Props {
  session: Session;
  media: MediaState;
  title: string;
  panel: PanelName | null;
  unread: number;
  /** How many ask to come in. */
  knocking: number;
  onPanel: (panel: PanelName) => void;
  onDialog: (dialog: DialogName) => void;
}

type Open = "microphone" | "camera" | "more" | null;

/** What one does in a meeting. On a phone it is five: the rest moves into "More". */
export const Toolbar = (props: Props) => {
  const [open, setOpen] = createSignal<Open>(null);
  const narrow = isNarrow();
  const now = ticking();
  const mic = () => props.media.microphone === "on";
  const camera = () => props.media.camera === "on";
  const toggle = (menu: Open) => setOpen(open() === menu ? null : menu);

  const Chat = () => (
    <Control
      class={props.panel === "chat" ? "tool act" : "tool"}
      icon={MessageSquare}
      name={props.unread > 0 ? strings.toolbar.unread(props.unread) : strings.toolbar.chat}
      key="c"
      tip={narrow() ? "above" : "above-left"}
      expanded={props.panel === "chat"}
      onPress={() => props.onPanel("chat")}
    >
      <Show when={props.unread > 0}>
        <span class="unread">{props.unread > 99 ? "99+" : props.unread}</span>
      </Show>
    </Control>
  );

  return (
    <footer class="toolbar">
      <div class="about-now">
        <span class="count">{clock(now())}</span>
        <span aria-hidden="true">·</span>
        <h1 class="clip small" dir="auto">
          {props.title || strings.meeting.untitled}
        </h1>
      </div>
      <div class="tools" role="group" aria-label={strings.meeting.together}>
        <div class="split">
          <Control
            class={mic() ? "tool" : "tool off"}
            icon={mic() ? Mic : MicOff}
            name={mic() ? strings.toolbar.mute : props.media.microphone === "silenced" ? strings.toolbar.silenced : strings.toolbar.unmute}
            key="m"
            barred={props.media.microphone === "silenced"}
            disabled={props.media.microphone === "starting" || props.media.microphone === "unsupported"}
            onPress={() => void props.session.media.microphone(!mic())}
          />
          <span class="broad">
            <Control class="arrow" icon={ChevronUp} name={strings.toolbar.micDevices} menu expanded={open() === "microphone"} onPress={() => toggle("microphone")} />
          </span>
          <Show when={open() === "microphone"}>
            <Devices name={strings.toolbar.micDevices} kinds={["microphone", "speaker"]} session={props.session} media={props.media} onClose={() => setOpen(null)} />
          </Show>
        </div>
        <div class="split">
          <Control
            class={camera() ? "tool" : "tool off"}
            icon={camera() ? Video : VideoOff}
            name={camera() ? strings.toolbar.cameraOff : strings.toolbar.cameraOn}
            key="v"
            disabled={props.media.camera === "starting" || props.media.camera === "unsupported"}
            onPress={() => void props.session.media.camera(!camera())}
          />
          <span class="broad">
            <Control class="arrow" icon={ChevronUp} name={strings.toolbar.cameraDevices} menu expanded={open() === "camera"} onPress={() => toggle("camera")} />
          </span>
          <Show when={open() === "camera"}>
            <Devices name={strings.toolbar.cameraDevices} kinds={["camera"]} session={props.session} media={props.media} onClose={() => setOpen(null)} />
          </Show>
        </div>
        <Show when={!narrow() && props.media.screen !== "unsupported"}>
          <Share session={props.session} media={props.media} />
        </Show>
        <Show when={narrow()}>
          <Chat />
        </Show>
        <div class="tipped">
          <Control class="tool" icon={Ellipsis} name={strings.toolbar.more} menu expanded={open() === "more"} onPress={() => toggle("more")} />
          <Show when={open() === "more"}>
            <More {...props} narrow={narrow()} onClose={() => setOpen(null)} />
          </Show>
        </div>
        <button type="button" class="leave harm" aria-label={strings.toolbar.leave} onClick={() => props.session.command({ kind: "leave" })}>
          <Icon of={PhoneOff} />
          <span>{strings.toolbar.leave}</span>
        </button>
      </div>
      <div class="tools end broad">
        <Show when={!narrow()}>
          <PeopleButton class={props.panel === "people" ? "tool act" : "tool"} open={props.panel === "people"} knocking={props.knocking} onPress={() => props.onPanel("people")} />
          <Chat />
        </Show>
      </div>
    </footer>
  );
};

const Share = (props: { session: Session; media: MediaState }) => {
  const on = () => props.media.screen === "on";
  return (
    <Control
      class={on() ? "tool act" : "tool"}
      icon={on() ? MonitorX : MonitorUp}
      name={on() ? strings.toolbar.unshare : props.media.screen === "silenced" ? strings.toolbar.unshared : strings.toolbar.share}
      key="x"
      barred={props.media.screen === "silenced"}
      disabled={props.media.screen === "starting"}
      onPress={() => void props.session.media.share(!on())}
    />
  );
};

const Devices = (props: { name: string; kinds: readonly DeviceKind[]; session: Session; media: MediaState; onClose: () => void }) => (
  <Menu name={props.name} onClose={() => props.onClose()}>
    <For each={props.kinds}>
      {(kind) => (
        <Show when={props.media.devices[kind].length > 0}>
          <div role="group" aria-label={strings.prejoin[kind]}>
            <p class="title" aria-hidden="true">
              {strings.prejoin[kind]}
            </p>
            <For each={props.media.devices[kind]}>
              {(device) => (
                <Choice
                  label={device.label || strings.prejoin.standard}
                  chosen={device.id === props.media.selected[kind]}
                  onPress={() => {
                    void props.session.media.select(kind, device.id);
                    props.onClose();
                  }}
                />
              )}
            </For>
          </div>
        </Show>
      )}
    </For>
  </Menu>
);

const More = (props: Props & { narrow: boolean; onClose: () => void }) => {
  const then = (act: () => void) => () => {
    props.onClose();
    act();
  };
  const full = () => {
    if (document.fullscreenElement) void document.exitFullscreen();
    else void document.documentElement.requestFullscreen().catch(() => undefined);
  };
  const sharing = () => props.media.screen === "on";
  return (
    <Menu name={strings.toolbar.more} class="last" onClose={() => props.onClose()}>
      <Show when={props.narrow}>
        <Show when={props.media.screen !== "unsupported" && props.media.screen !== "silenced"}>
          <Choice icon={MonitorUp} label={sharing() ? strings.toolbar.unshare : strings.toolbar.share} onPress={then(() => void props.session.media.share(!sharing()))} />
        </Show>
        <Choice icon={Users} label={props.knocking > 0 ? strings.toolbar.knocking(props.knocking) : strings.toolbar.people} onPress={then(() => props.onPanel("people"))} />
        <Choice icon={Lock} label={strings.toolbar.safety} onPress={then(() => props.onPanel("safety"))} />
        <Choice icon={Settings2} label={strings.toolbar.devices} onPress={then(() => props.onDialog("devices"))} />
      </Show>
      <Choice icon={Link} label={strings.invite.title} {...(props.narrow ? {} : { key: "i" })} onPress={then(() => props.onDialog("invite"))} />
      <Show when={document.fullscreenEnabled}>
        <Choice icon={Maximize} label={document.fullscreenElement ? strings.toolbar.unfull : strings.toolbar.full} onPress={then(full)} />
      </Show>
      <Show when={!props.narrow}>
        <Choice icon={Keyboard} label={strings.toolbar.shortcuts} key="?" onPress={then(() => props.onDialog("shortcuts"))} />
      </Show>
    </Menu>
  );
};
