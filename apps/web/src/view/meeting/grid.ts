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

/**
 * Places `count` equal tiles on `stage` (CSS pixels) with `gap` between them, so that the least of it is wasted.
 * The block is centred, and so is a last row that is not full. Whole pixels, so that edges stay sharp.
 */
export const places = (count: number, stage: { width: number; height: number }, gap: number): Place[] => {
  if (count < 1 || stage.width <= 0 || stage.height <= 0) return [];
  let best = fit(1, count, stage, gap);
  for (let columns = 2; columns <= count; columns += 1) {
    const next = fit(columns, count, stage, gap);
    if (next.width * next.height > best.width * best.height) best = next;
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
