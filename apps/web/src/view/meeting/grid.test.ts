import { describe, expect, it } from "vitest";
import { cornerAfter, cornerAt, cornerBeside, corners, mirrored, narrowest, pair, places, widest } from "./grid.ts";

const stages = [
  { width: 1336, height: 680 },
  { width: 976, height: 680 },
  { width: 374, height: 692 },
  { width: 820, height: 270 },
  { width: 344, height: 400 },
];

describe("places", () => {
  it("keeps every tile on the stage, apart from the others, and between square and 16:9", () => {
    for (const stage of stages) {
      for (let count = 1; count <= 49; count += 1) {
        const tiles = places(count, stage, 10);
        expect(tiles).toHaveLength(count);
        for (const [index, tile] of tiles.entries()) {
          expect(tile.x).toBeGreaterThanOrEqual(0);
          expect(tile.y).toBeGreaterThanOrEqual(0);
          expect(tile.x + tile.width).toBeLessThanOrEqual(stage.width);
          expect(tile.y + tile.height).toBeLessThanOrEqual(stage.height);
          expect((tile.width + 1) / tile.height).toBeGreaterThanOrEqual(narrowest);
          expect(tile.width / (tile.height + 1)).toBeLessThanOrEqual(widest);
          // One assertion for all pairs: a hundred thousand take seconds.
          const overlapping = tiles
            .slice(index + 1)
            .filter((other) => other.x < tile.x + tile.width + 10 && tile.x < other.x + other.width + 10 && other.y < tile.y + tile.height + 10 && tile.y < other.y + other.height + 10);
          expect(overlapping).toEqual([]);
        }
      }
    }
  });

  it("gives two people on a wide stage a tile each side by side, on a tall one above each other", () => {
    const [left, right] = places(2, { width: 1336, height: 680 }, 10);
    expect(left?.y).toBe(right?.y);
    const [top, bottom] = places(2, { width: 374, height: 692 }, 10);
    expect(top?.x).toBe(bottom?.x);
  });

  it("gives three and four people tiles of 16:9 rather than square ones", () => {
    for (const count of [3, 4]) {
      const [tile] = places(count, { width: 1256, height: 580 }, 10);
      expect(tile).toMatchObject({ width: 506, height: 285 });
    }
  });

  it("wastes less than any other number of columns would", () => {
    const [tile] = places(6, { width: 976, height: 680 }, 10);
    // Three columns of two rows: 318 by 318 each.
    expect(tile).toMatchObject({ width: 318, height: 318 });
  });

  it("centres a last row that is not full", () => {
    const tiles = places(5, { width: 976, height: 680 }, 10);
    const last = tiles.slice(3);
    const left = last[0]?.x ?? 0;
    const right = 976 - ((last.at(-1)?.x ?? 0) + (last.at(-1)?.width ?? 0));
    expect(Math.abs(left - right)).toBeLessThanOrEqual(1);
  });

  it("places nothing where there is no room", () => {
    expect(places(3, { width: 0, height: 500 }, 10)).toEqual([]);
    expect(places(0, { width: 500, height: 500 }, 10)).toEqual([]);
  });
});

describe("mirrored", () => {
  it("has the first at the right, and a last row that is not full still centred", () => {
    const stage = { width: 1336, height: 680 };
    const from = places(5, stage, 10);
    const to = mirrored(from, stage);
    expect(to.map(({ x, width }) => stage.width - x - width)).toEqual(from.map(({ x }) => x));
    expect(to[0]?.x).toBeGreaterThan(to[1]?.x ?? 0);
    expect(mirrored(to, stage)).toEqual(from);
  });
});

describe("pair", () => {
  it("gives the other all of an upright stage, and else all that 16:9 allows", () => {
    expect(pair({ width: 374, height: 692 }, "top-left", 8)[0]).toEqual({ x: 0, y: 0, width: 374, height: 692 });
    expect(pair({ width: 1256, height: 580 }, "top-left", 10)[0]).toEqual({ x: 112, y: 0, width: 1031, height: 580 });
    // Beside an open chat: no wider than 16:9 already.
    expect(pair({ width: 896, height: 580 }, "top-left", 10)[0]).toEqual({ x: 0, y: 0, width: 896, height: 580 });
  });

  it("keeps the own tile small, on the stage and in its corner", () => {
    for (const stage of [...stages, { width: 2536, height: 1300 }]) {
      for (const corner of corners) {
        const [other, own] = pair(stage, corner, 10);
        if (!other || !own) throw new Error("two places are missing");
        expect(own.x >= 10 && own.y >= 10 && own.x + own.width <= stage.width - 10 && own.y + own.height <= stage.height - 10).toBe(true);
        expect(own.width * own.height).toBeLessThan(other.width * other.height * 0.18);
        expect(cornerAt({ x: own.x + own.width / 2, y: own.y + own.height / 2 }, stage)).toBe(corner);
      }
    }
  });

  it("moves by arrows to the corner on that side, and by presses around", () => {
    expect(cornerBeside("bottom-right", "ArrowUp")).toBe("top-right");
    expect(cornerBeside("top-right", "ArrowLeft")).toBe("top-left");
    expect(cornerBeside("top-left", "ArrowLeft")).toBe("top-left");
    expect(cornerBeside("top-left", "a")).toBeNull();
    expect(corners.map(cornerAfter)).toEqual(["top-right", "bottom-right", "bottom-left", "top-left"]);
  });

  it("places nobody where there is no room", () => expect(pair({ width: 0, height: 500 }, "top-left", 10)).toEqual([]));
});
