import { describe, expect, it } from "vitest";
import { largest, panBy, whole, zoomAt } from "./zoom.ts";

describe("zoom", () => {
  it("keeps what is under the pointer where it is", () => {
    const point = { x: 0.25, y: 0.75 };
    const zoom = zoomAt(zoomAt(whole, 2, { x: 0.5, y: 0.5 }), 1.5, point);
    const before = zoomAt(whole, 2, { x: 0.5, y: 0.5 });
    expect((point.x - zoom.x) / zoom.scale).toBeCloseTo((point.x - before.x) / before.scale);
    expect((point.y - zoom.y) / zoom.scale).toBeCloseTo((point.y - before.y) / before.scale);
  });

  it("never shows less than the whole, nor more than single pixels", () => {
    expect(zoomAt(whole, 0.5, { x: 0.1, y: 0.1 })).toEqual(whole);
    expect(zoomAt(whole, 100, { x: 0, y: 0 }).scale).toBe(largest);
  });

  it("leaves no empty edge, however far it is moved", () => {
    const zoom = zoomAt(whole, 3, { x: 0.5, y: 0.5 });
    expect(panBy(zoom, { x: 9, y: -9 })).toEqual({ scale: 3, x: 0, y: -2 });
    expect(panBy(whole, { x: 0.4, y: 0.4 })).toEqual(whole);
    // Reduced at an edge, it comes back from there.
    expect(zoomAt(panBy(zoom, { x: -9, y: -9 }), 1 / 3, { x: 0, y: 0 })).toEqual(whole);
  });
});
