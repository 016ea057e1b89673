// Wheel, fingers, pointer and keys that enlarge a shared screen.
import { type Accessor, createSignal, onCleanup } from "solid-js";
import { isShortcut } from "./shortcuts.ts";
import { panBy, whole, type Zoom, zoomAt } from "./zoom.ts";

const step = 1.25;
const leap = 2.5;
const centre = { x: 0.5, y: 0.5 };
const arrows: Record<string, { x: number; y: number }> = { ArrowLeft: { x: 0.1, y: 0 }, ArrowRight: { x: -0.1, y: 0 }, ArrowUp: { x: 0, y: 0.1 }, ArrowDown: { x: 0, y: -0.1 } };

interface Lens {
  zoom: Accessor<Zoom>;
  enlarge: () => void;
  reduce: () => void;
  reset: () => void;
  /** From now on gestures on `box` act, and the keys +, - and 0 anywhere in the meeting. */
  attach: (box: HTMLElement) => void;
}

export const createLens = (): Lens => {
  const [zoom, setZoom] = createSignal(whole);
  const enlarge = () => setZoom(zoomAt(zoom(), step, centre));
  const reduce = () => setZoom(zoomAt(zoom(), 1 / step, centre));
  const reset = () => setZoom(whole);
  const attach = (box: HTMLElement) => {
    const fingers = new Map<number, { x: number; y: number }>();
    const at = (event: MouseEvent) => {
      const rect = box.getBoundingClientRect();
      return { x: (event.clientX - rect.x) / rect.width, y: (event.clientY - rect.y) / rect.height };
    };
    /** Their middle, and how far apart they are on the screen. */
    const grip = () => {
      const [a = centre, b = a] = fingers.values();
      return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2, apart: Math.hypot((a.x - b.x) * box.clientWidth, (a.y - b.y) * box.clientHeight) };
    };
    const onControl = (event: Event) => event.target instanceof Element && event.target.closest("button") !== null;
    const down = (event: PointerEvent) => {
      if (onControl(event) || (event.pointerType === "mouse" && event.button !== 0)) return;
      fingers.set(event.pointerId, at(event));
      box.setPointerCapture(event.pointerId);
    };
    const move = (event: PointerEvent) => {
      if (!fingers.has(event.pointerId)) return;
      const before = grip();
      fingers.set(event.pointerId, at(event));
      const now = grip();
      const moved = panBy(zoom(), { x: now.x - before.x, y: now.y - before.y });
      setZoom(before.apart > 0 && now.apart > 0 ? zoomAt(moved, now.apart / before.apart, now) : moved);
    };
    const up = (event: PointerEvent) => fingers.delete(event.pointerId);
    const wheel = (event: WheelEvent) => {
      event.preventDefault();
      const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
      // Fingers on a touchpad come as a wheel with Control, in small steps.
      setZoom(zoomAt(zoom(), Math.exp(-event.deltaY * lines * (event.ctrlKey ? 0.01 : 0.002)), at(event)));
    };
    const twice = (event: MouseEvent) => {
      if (!onControl(event)) setZoom(zoom().scale > 1 ? whole : zoomAt(zoom(), leap, at(event)));
    };
    box.addEventListener("pointerdown", down);
    box.addEventListener("pointermove", move);
    box.addEventListener("pointerup", up);
    box.addEventListener("pointercancel", up);
    box.addEventListener("wheel", wheel, { passive: false });
    box.addEventListener("dblclick", twice);

    const keys: Record<string, () => void> = { "+": enlarge, "=": enlarge, "-": reduce, "0": reset };
    const onKey = (event: KeyboardEvent) => {
      if (!isShortcut(event)) return;
      const by = document.activeElement === box ? arrows[event.key] : undefined;
      const act = by ? () => setZoom(panBy(zoom(), by)) : keys[event.key];
      if (!act) return;
      event.preventDefault();
      act();
    };
    window.addEventListener("keydown", onKey);
    onCleanup(() => window.removeEventListener("keydown", onKey));
  };
  return { zoom, enlarge, reduce, reset, attach };
};
