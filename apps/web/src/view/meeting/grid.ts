// How tiles fill a stage: a pure function of their number and the room there is.

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

const fit = (columns: number, count: number, room: { width: number; height: number }, gap: number): Fit => {
  const rows = Math.ceil(count / columns);
  const cell = { width: (room.width - gap * (columns - 1)) / columns, height: (room.height - gap * (rows - 1)) / rows };
  return {
    columns,
    rows,
    width: Math.max(0, Math.min(cell.width, cell.height * widest)),
    height: Math.max(0, Math.min(cell.height, cell.width / narrowest)),
  };
};

/**
 * Places `count` equal tiles in `room` (CSS pixels) with `gap` between them, so that the least of the room is wasted.
 * The block is centred, and so is a last row that is not full. Whole pixels, so that edges stay sharp.
 */
export const places = (count: number, room: { width: number; height: number }, gap: number): Place[] => {
  if (count < 1 || room.width <= 0 || room.height <= 0) return [];
  let best = fit(1, count, room, gap);
  for (let columns = 2; columns <= count; columns += 1) {
    const next = fit(columns, count, room, gap);
    if (next.width * next.height > best.width * best.height) best = next;
  }
  const width = Math.floor(best.width);
  const height = Math.floor(best.height);
  const top = Math.floor((room.height - best.rows * height - (best.rows - 1) * gap) / 2);
  return Array.from({ length: count }, (_, index) => {
    const row = Math.floor(index / best.columns);
    const inRow = row === best.rows - 1 ? count - row * best.columns : best.columns;
    const left = Math.floor((room.width - inRow * width - (inRow - 1) * gap) / 2);
    return { x: left + (index % best.columns) * (width + gap), y: top + row * (height + gap), width, height };
  });
};
