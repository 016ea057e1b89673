// How far a picture is enlarged within its box, and which part of it shows. Pure; lengths are fractions of the box.

export interface Zoom {
  scale: number;
  /** Where the picture's left upper corner stands, from that of the box. */
  x: number;
  y: number;
}

interface Point {
  x: number;
  y: number;
}

export const whole: Zoom = { scale: 1, x: 0, y: 0 };

/** More shows nothing but single pixels. */
export const largest = 8;

const clamp = (least: number, value: number, most: number): number => Math.min(most, Math.max(least, value));

/** The picture always fills its box. */
const within = ({ scale, x, y }: Zoom): Zoom => ({ scale, x: clamp(1 - scale, x, 0), y: clamp(1 - scale, y, 0) });

/** Enlarges by `factor`; what is shown at `point` stays there. */
export const zoomAt = (zoom: Zoom, factor: number, point: Point): Zoom => {
  const scale = clamp(1, zoom.scale * factor, largest);
  const by = scale / zoom.scale;
  return within({ scale, x: point.x - (point.x - zoom.x) * by, y: point.y - (point.y - zoom.y) * by });
};

export const panBy = (zoom: Zoom, by: Point): Zoom => within({ ...zoom, x: zoom.x + by.x, y: zoom.y + by.y });
