import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { constants } from "../constants.ts";
import { apply, emptySnapshot } from "./snapshot.ts";
import type { ChatLine, Snapshot, SnapshotUpdate } from "./wasm/conclave.js";

// What Rust told of arbitrary changes, and now and then the snapshot that it had then: core/client/session/src/update.rs.
const path = "../../../../core/client/session/src/snapshots/conclave_session__update__tests__updates.snap";
const recorded = readFileSync(new URL(path, import.meta.url), "utf8").split("\n---\n")[1] ?? "";
const [first, ...record] = recorded.trim().split("\n").map((line) => JSON.parse(line) as Snapshot | SnapshotUpdate[]);
// JSON has no undefined.
const json = (value: unknown): unknown => JSON.parse(JSON.stringify(value, (_, of: unknown) => of ?? null));

describe("apply", () => {
  it("begins where Rust begins", () => expect(json(emptySnapshot())).toEqual(first));

  it("comes to the snapshot that Rust has", () => {
    let snapshot = emptySnapshot();
    let compared = 0;
    for (const step of record) {
      if (Array.isArray(step)) {
        for (const update of step) snapshot = apply(snapshot, update);
      } else {
        expect(json(snapshot)).toEqual(step);
        compared += 1;
      }
    }
    expect(compared).toBeGreaterThan(1);
    expect(snapshot.notices).toHaveLength(constants.notices);
  });

  const update: SnapshotUpdate = { status: undefined, removed: [], members: [], chat: [], dropped: [], unsent: [], sent: [], notices: [] };
  const line = (id: number): ChatLine => ({ id, from: "a", name: "Amara", text: "hello", at: 1, mine: true });

  it("drops the lines that Rust drops, wherever they stand", () => {
    const full = apply(emptySnapshot(), { ...update, chat: [line(1), line(2), line(3)] });
    const more = apply(full, { ...update, chat: [line(4), line(5)], dropped: [2, 4] });
    expect(more.chat).toEqual([line(1), line(3), line(5)]);
    expect(apply(more, { ...update, dropped: [1] }).chat).toEqual([line(3), line(5)]);
  });

  it("leaves what it was given as it was, and shares what did not change", () => {
    const before = apply(emptySnapshot(), { ...update, chat: [line(1)], unsent: [line(2), line(3)] });
    const copy = structuredClone(before);
    const after = apply(before, { ...update, chat: [line(2)], sent: [2] });
    expect(before).toEqual(copy);
    expect(after.chat).toEqual([line(1), line(2)]);
    expect(after.chat[0]).toBe(before.chat[0]);
    expect(after.unsent).toEqual([line(3)]);
    expect(after.members).toBe(before.members);
  });
});
