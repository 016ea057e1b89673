import { createEffect, createMemo, createSignal, For, on, onCleanup, onMount, Show } from "solid-js";
import { ChevronLeft, ChevronRight } from "lucide";
import type { Media, MediaState } from "../../api.ts";
import { Control } from "../parts/Control.tsx";
import { recall, remember } from "../preferences.ts";
import { isNarrow, isStill, matches } from "../state.ts";
import { strings } from "../strings.ts";
import { type Corner, corners, isUpright, mirrored, pair, type Place, places } from "./grid.ts";
import { motion } from "./motion.ts";
import { Mover } from "./Mover.tsx";
import { type Shown, Tile } from "./Tile.tsx";

const gap = { wide: 10, narrow: 8 };
/** People on one page: more would be too small to know a face. */
const page = { wide: 36, low: 24, narrow: 12 };
/** A smaller change of the stage is somebody dragging the window: tiles follow at once. */
const leap = 100;

const [corner, setCorner] = createSignal<Corner>(corners.find((one) => one === recall("own-corner")) ?? "bottom-right");
const moveTo = (to: Corner) => {
  setCorner(to);
  remember("own-corner", to);
};

/** Everybody, as large as the stage allows. */
export const Grid = (props: { members: readonly Shown[]; media: MediaState; layers: Media }) => {
  let stage: HTMLDivElement | undefined;
  const [stageSize, setStageSize] = createSignal({ width: 0, height: 0, fromRight: false });
  const [at, setAt] = createSignal(0);
  const narrow = isNarrow();
  const low = matches("(max-height: 480px)");
  const still = isStill();
  onMount(() => {
    const element = stage;
    if (!element) return;
    const measure = () => setStageSize({ width: element.clientWidth, height: element.clientHeight, fromRight: getComputedStyle(element).direction === "rtl" });
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    onCleanup(() => observer.disconnect());
  });

  const size = () => (narrow() ? page.narrow : low() ? page.low : page.wide);
  const pages = createMemo(() => Math.max(1, Math.ceil(props.members.length / size())));
  const current = () => Math.min(at(), pages() - 1);
  const shown = createMemo(() => props.members.slice(current() * size(), (current() + 1) * size()));
  // One other and oneself, who comes last.
  const paired = () => props.members.length === 2;
  const layout = createMemo(() => {
    const between = narrow() ? gap.narrow : gap.wide;
    // A corner is where its name says, whichever way the page runs.
    if (paired()) return pair(stageSize(), corner(), between);
    const all = places(shown().length, stageSize(), between);
    return stageSize().fromRight ? mirrored(all, stageSize()) : all;
  });

  return (
    <div class="grid" classList={{ paged: pages() > 1, pair: paired(), upright: isUpright(stageSize()) }} data-corner={paired() ? corner() : undefined} ref={(element) => (stage = element)} role="group" aria-label={strings.meeting.stage}>
      <For each={shown()}>
        {(member, index) => <Placed member={member} media={props.media} layers={props.layers} place={layout()[index()]} count={shown().length} still={still()} movable={paired() && member.me} />}
      </For>
      <Show when={pages() > 1}>
        <div class="pager count">
          <Control icon={ChevronLeft} name={strings.meeting.earlier} disabled={current() === 0} onPress={() => setAt(current() - 1)} />
          <span aria-live="polite">{strings.meeting.page(current() + 1, pages())}</span>
          <Control icon={ChevronRight} name={strings.meeting.later} disabled={current() === pages() - 1} onPress={() => setAt(current() + 1)} />
        </div>
      </Show>
    </div>
  );
};

/** A tile at its place. When the grid changes it starts from where it was (FLIP), so nothing but transform moves. */
const Placed = (props: { member: Shown; media: MediaState; layers: Media; place: Place | undefined; count: number; still: boolean; movable: boolean }) => {
  let element: HTMLElement | undefined;
  createEffect(
    on(
      () => [props.place, props.count] as const,
      ([place, count], before) => {
        if (!element || !place) return;
        for (const [key, value] of [["left", place.x], ["top", place.y], ["width", place.width], ["height", place.height]] as const) {
          element.style.setProperty(key, `${value}px`);
        }
        if (props.still) return;
        const [from, had] = before ?? [];
        if (!from) element.animate([{ opacity: 0 }, { opacity: 1 }], motion);
        else if (had !== count || Math.abs(from.width - place.width) + Math.abs(from.x - place.x) + Math.abs(from.y - place.y) > leap) {
          const start = `translate(${from.x - place.x}px, ${from.y - place.y}px) scale(${from.width / place.width}, ${from.height / place.height})`;
          element.animate([{ transform: start }, { transform: "none" }], motion);
        }
      },
    ),
  );
  return (
    <Tile member={props.member} media={props.media} layers={props.layers} ref={(made) => (element = made)}>
      <Show when={props.movable}>
        <Mover corner={corner()} onMove={moveTo} />
      </Show>
    </Tile>
  );
};
