// How tiles fill a stage: a pure function of their number and the size of the stage.

/** Tiles are between square and 16:9, width over height. */
export const narrowest = 1;
export const widest = 16 / 9;

export interface Place {
  x: number;
  y: number;
  width: number;
  height: number;
}

interface Fit {
  columns: number;
  rows: number;
  width: number;
  height: number;
}

const fit = (columns: number, count: number, stage: { width: number; height: number }, gap: number): Fit => {
  const rows = Math.ceil(count / columns);
  const cell = { width: (stage.width - gap * (columns - 1)) / columns, height: (stage.height - gap * (rows - 1)) / rows };
  return {
    columns,
    rows,
    width: Math.max(0, Math.min(cell.width, cell.height * widest)),
    height: Math.max(0, Math.min(cell.height, cell.width / narrowest)),
  };
};

/** Up to this many people, a picture of 16:9 is to be as large as it can be uncut: of more people, the whole tile. */
const few = 4;

/**
 * Places `count` equal tiles on `stage` (CSS pixels) with `gap` between them, so that the least of it is wasted.
 * A few people keep 16:9 before square. The block is centred, and so is a last row that is not full. Whole pixels, so that edges stay sharp.
 */
export const places = (count: number, stage: { width: number; height: number }, gap: number): Place[] => {
  if (count < 1 || stage.width <= 0 || stage.height <= 0) return [];
  let best = fit(1, count, stage, gap);
  for (let columns = 2; columns <= count; columns += 1) {
    const next = fit(columns, count, stage, gap);
    // No tile is wider than 16:9, so the widest one shows the most of such a picture.
    const [now, then] = count <= few ? [best.width, next.width] : [best.width * best.height, next.width * next.height];
    if (then > now) best = next;
  }
  const width = Math.floor(best.width);
  const height = Math.floor(best.height);
  const top = Math.floor((stage.height - best.rows * height - (best.rows - 1) * gap) / 2);
  return Array.from({ length: count }, (_, index) => {
    const row = Math.floor(index / best.columns);
    const inRow = row === best.rows - 1 ? count - row * best.columns : best.columns;
    const left = Math.floor((stage.width - inRow * width - (inRow - 1) * gap) / 2);
    return { x: left + (index % best.columns) * (width + gap), y: top + row * (height + gap), width, height };
  });
};

/** The first at the right instead of the left. */
export const mirrored = (all: readonly Place[], stage: { width: number }): Place[] => all.map((place) => ({ ...place, x: stage.width - place.x - place.width }));

export const corners = ["top-left", "top-right", "bottom-right", "bottom-left"] as const;
export type Corner = (typeof corners)[number];

/** Whether a stage stands upright, as a phone does. What is nearly square is not. */
export const isUpright = (stage: { width: number; height: number }): boolean => stage.height > stage.width * 1.25;

const between = (least: number, value: number, most: number): number => Math.floor(Math.max(least, Math.min(value, most)));

/** Places the other of two people as large as the stage allows, and oneself small in a corner. On an upright stage the other fills it. */
export const pair = (stage: { width: number; height: number }, corner: Corner, gap: number): Place[] => {
  if (stage.width <= 0 || stage.height <= 0) return [];
  const upright = isUpright(stage);
  const width = Math.floor(upright ? stage.width : Math.min(stage.width, stage.height * widest));
  const other = { x: Math.floor((stage.width - width) / 2), y: 0, width, height: stage.height };
  const own = upright ? { width: between(96, stage.width * 0.28, 150), ratio: 3 / 4 } : { width: between(144, stage.width * 0.18, 300), ratio: widest };
  const height = Math.floor(own.width / own.ratio);
  return [
    other,
    {
      x: corner.endsWith("left") ? gap : stage.width - own.width - gap,
      y: corner.startsWith("top") ? gap : stage.height - height - gap,
      width: own.width,
      height,
    },
  ];
};

/** The corner that a point of the stage is in. */
export const cornerAt = (point: { x: number; y: number }, stage: { width: number; height: number }): Corner =>
  `${point.y < stage.height / 2 ? "top" : "bottom"}-${point.x < stage.width / 2 ? "left" : "right"}`;

const sides: Record<string, string> = { ArrowUp: "top", ArrowDown: "bottom", ArrowLeft: "left", ArrowRight: "right" };

/** Where an arrow key moves from `corner`; null for any other key. */
export const cornerBeside = (corner: Corner, key: string): Corner | null => {
  const [row = "", column = ""] = corner.split("-");
  const side = sides[key];
  if (side === undefined) return null;
  return (side === "top" || side === "bottom" ? `${side}-${column}` : `${row}-${side}`) as Corner;
};

/** The next corner, clockwise. */
export const cornerAfter = (corner: Corner): Corner => corners[(corners.indexOf(corner) + 1) % corners.length] ?? corner;
