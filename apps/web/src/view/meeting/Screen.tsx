import { createEffect, createSignal, type JSX, onCleanup, onMount, Show } from "solid-js";
import { Maximize, Minimize, MonitorUp, ZoomIn, ZoomOut } from "lucide";
import { Control, Tip } from "../parts/Control.tsx";
import { Icon } from "../parts/Icon.tsx";
import { strings } from "../strings.ts";
import { createLens } from "./lens.ts";
import { Picture } from "./Picture.tsx";

/** After this many milliseconds without a move, label and controls leave the content alone. */
const rest = 3_000;

interface Props {
  stream: MediaStream;
  identity: string;
  /** Of its owner. */
  name: string;
  onSize: (size: { width: number; height: number } | null) => void;
  children?: JSX.Element;
}

/** A shared screen on the stage, which can be enlarged, moved about, and shown on the full screen. */
export const Screen = (props: Props) => {
  let box: HTMLElement | undefined;
  const lens = createLens();
  const [resting, setResting] = createSignal(false);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const wake = () => {
    setResting(false);
    clearTimeout(timer);
    timer = setTimeout(() => setResting(true), rest);
  };
  onCleanup(() => clearTimeout(timer));

  // The stage as a whole, so that what is told over it is told there, too.
  const stage = () => box?.closest(".stage");
  const isFull = () => document.fullscreenElement !== null && document.fullscreenElement === stage();
  const [full, setFull] = createSignal(false);
  const turnFull = () => {
    if (isFull()) void document.exitFullscreen();
    else void stage()?.requestFullscreen().catch(() => undefined);
  };
  const turned = () => setFull(isFull());
  onMount(() => {
    wake();
    if (box) lens.attach(box);
    document.addEventListener("fullscreenchange", turned);
  });
  onCleanup(() => {
    document.removeEventListener("fullscreenchange", turned);
    if (full()) void document.exitFullscreen();
  });

  createEffect(() => {
    const { scale, x, y } = lens.zoom();
    const video = box?.querySelector("video");
    video?.style.setProperty("transform", `translate(${x * 100}%, ${y * 100}%) scale(${scale})`);
  });
  const percent = () => `${Math.round(lens.zoom().scale * 100)} %`;

  return (
    <figure
      class="shown"
      classList={{ resting: resting(), enlarged: lens.zoom().scale > 1 }}
      ref={(element) => (box = element)}
      tabindex="0"
      aria-label={strings.meeting.screenOf(props.name)}
      onPointerMove={wake}
      onPointerDown={wake}
      onFocusIn={wake}
      onKeyDown={wake}
    >
      <Picture stream={props.stream} identity={props.identity} source="screen" onSize={props.onSize} />
      {props.children}
      <div class="lens" role="group" aria-label={strings.screen.controls}>
        <Control icon={ZoomOut} name={strings.screen.reduce} tip="below" onPress={lens.reduce} />
        <span class="tipped">
          <button type="button" class="bare count" aria-label={strings.screen.whole(percent())} onClick={lens.reset}>
            {percent()}
          </button>
          <Tip name={strings.screen.wholeShort} place="below" />
        </span>
        <Control icon={ZoomIn} name={strings.screen.enlarge} tip={document.fullscreenEnabled ? "below" : "below-left"} onPress={lens.enlarge} />
        <Show when={document.fullscreenEnabled}>
          <Control icon={full() ? Minimize : Maximize} name={full() ? strings.toolbar.unfull : strings.toolbar.full} tip="below-left" onPress={turnFull} />
        </Show>
        <span class="aloud" aria-live="polite">
          {lens.zoom().scale > 1 ? percent() : ""}
        </span>
      </div>
      <figcaption class="tag">
        <Icon of={MonitorUp} />
        <span class="clip">{strings.meeting.screenOf(props.name)}</span>
      </figcaption>
    </figure>
  );
};
