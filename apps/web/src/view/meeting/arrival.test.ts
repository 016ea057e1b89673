import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Snapshot } from "../../api.ts";

const one = { identity: "a", name: "Ana", me: true } as Snapshot["members"][number];
const at = (kind: "inside" | "reconnecting", count: number) => ({ phase: { kind, since: 0 } as Snapshot["phase"], members: Array.from({ length: count }, () => one) });

describe("isArrival", () => {
  beforeEach(() => vi.stubGlobal("localStorage", { getItem: () => null }));
  afterEach(() => vi.unstubAllGlobals());
  it.each([
    [at("inside", 1), at("inside", 2), true],
    [at("inside", 2), at("inside", 3), false],
    [at("inside", 2), at("inside", 1), false],
    [at("reconnecting", 1), at("inside", 3), false],
    [at("inside", 1), at("inside", 1), false],
  ])("is the first one to come, and nobody else", async (before, now, expected) => {
    const { isArrival } = await import("./arrival.ts");
    expect(isArrival(before, now)).toBe(expected);
  });
});
