import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { holdEntry, isInside, keepKey, keepRejoin, keepWaiting, readRejoin } from "./rejoin.ts";

describe("the history's entry of a meeting", () => {
  const entries: unknown[] = [];
  beforeEach(() => {
    entries.splice(0, entries.length, null);
    vi.stubGlobal("history", {
      get state() {
        return entries.at(-1);
      },
      replaceState: (state: unknown) => entries.splice(-1, 1, state),
      pushState: (state: unknown) => entries.push(state),
    });
  });
  afterEach(() => vi.unstubAllGlobals());

  it("leads who waits at the door back to it after a reload, as it was", () => {
    keepWaiting(true, false);
    expect(readRejoin()).toMatchObject({ microphone: true, camera: false });
  });
  it("does not take the door for the inside: what stands in the way of Back comes once one is in", () => {
    keepWaiting(true, true);
    expect(isInside()).toBe(false);
    holdEntry("/m");
    expect([isInside(), entries.length]).toEqual([true, 2]);
  });
  it("keeps the key by which the others know this person, at the door and inside", () => {
    const key = { nonce: new Uint8Array(12), sealed: new ArrayBuffer(48) };
    keepKey(key);
    keepWaiting(true, true);
    expect(readRejoin()).toMatchObject({ key });
    keepRejoin(true, true);
    holdEntry("/m");
    expect(readRejoin()).toMatchObject({ key });
  });
  it("leaves the entry of the inside alone until that was left", () => {
    holdEntry("/m");
    keepRejoin(false, false);
    keepWaiting(true, true);
    expect(readRejoin()).toMatchObject({ microphone: false });
    expect(isInside()).toBe(true);
  });
});
