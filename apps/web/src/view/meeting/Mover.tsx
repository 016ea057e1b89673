import { createSignal } from "solid-js";
import { isStill } from "../state.ts";
import { strings } from "../strings.ts";
import { type Corner, cornerAfter, cornerAt, cornerBeside } from "./grid.ts";
import { motion } from "./motion.ts";

/** A press that moves less than this many pixels is no drag. */
const slack = 6;

/** Lies over the own tile: it is dragged to a corner, arrow keys move it too, and a press moves it to the next one. */
export const Mover = (props: { corner: Corner; onMove: (corner: Corner) => void }) => {
  const still = isStill();
  const [moved, setMoved] = createSignal(false);
  let start: { x: number; y: number } | null = null;
  let dragged = false;
  const move = (corner: Corner) => {
    setMoved(true);
    props.onMove(corner);
  };
  const drag = (event: PointerEvent & { currentTarget: HTMLElement }) => {
    const tile = event.currentTarget.parentElement;
    if (!start || !tile) return;
    const by = { x: event.clientX - start.x, y: event.clientY - start.y };
    dragged ||= Math.hypot(by.x, by.y) > slack;
    if (dragged) tile.style.setProperty("translate", `${by.x}px ${by.y}px`);
  };
  const drop = (event: PointerEvent & { currentTarget: HTMLElement }) => {
    const tile = event.currentTarget.parentElement;
    const stage = tile?.parentElement;
    if (start && dragged && tile && stage) {
      const from = { x: tile.offsetLeft + event.clientX - start.x, y: tile.offsetTop + event.clientY - start.y };
      tile.style.removeProperty("translate");
      if (event.type === "pointerup") {
        move(cornerAt({ x: from.x + tile.offsetWidth / 2, y: from.y + tile.offsetHeight / 2 }, { width: stage.clientWidth, height: stage.clientHeight }));
      }
      if (!still()) tile.animate([{ transform: `translate(${from.x - tile.offsetLeft}px, ${from.y - tile.offsetTop}px)` }, { transform: "none" }], motion);
    }
    start = null;
  };
  return (
    <>
      <button
        type="button"
        class="mover"
        aria-label={strings.meeting.move(props.corner)}
        onPointerDown={(event) => {
          if (event.button !== 0) return;
          start = { x: event.clientX, y: event.clientY };
          dragged = false;
          event.currentTarget.setPointerCapture(event.pointerId);
        }}
        onPointerMove={drag}
        onPointerUp={drop}
        onPointerCancel={drop}
        onClick={(event) => {
          // A key has no place; the press that ends a drag is none.
          if (event.detail === 0 || !dragged) move(cornerAfter(props.corner));
        }}
        onKeyDown={(event) => {
          const corner = cornerBeside(props.corner, event.key);
          if (corner === null) return;
          event.preventDefault();
          move(corner);
        }}
      />
      <span class="aloud" aria-live="polite">
        {moved() ? strings.meeting.corner[props.corner] : ""}
      </span>
    </>
  );
};
