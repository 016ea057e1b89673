import { describe, expect, it } from "vitest";
import type { Snapshot } from "../api.ts";
import { type History, kept, noHistory, readHistory } from "./history.ts";

type Member = Snapshot["members"][number];
type What = Snapshot["notices"][number]["what"];

const member = (identity: string, name: string, me = false): Member => ({ identity, name, me, host: false, mic: true, camera: true, screen: false, denied: [], awaySince: undefined, refusal: undefined, doubt: undefined, comparison: { kind: "none" }, recognition: { kind: "guest" }, software: undefined, personCode: undefined, looks: identity });
const noor = member("me", "Noor", true);
const ana = member("a", "Ana");
const kim = member("k", "Kim");
const inside = { kind: "inside" as const };
const notice = (id: number, at: number, what: What) => ({ id, at, what });
const kinds = ({ events }: History) => events.map(({ what }) => what.kind);

describe("readHistory", () => {
  const entered = readHistory(noHistory, { phase: inside, members: [ana, noor], notices: [] }, 100);

  it("says of whom it does not know since when, and of the others when they came", () => {
    const later = readHistory(entered, { phase: inside, members: [ana, noor, kim], notices: [notice(1, 200, { kind: "joined", name: "Kim" })] }, 205);
    expect([...later.since]).toEqual([["a", { at: 100, how: "before" }], ["me", { at: 100, how: "seen" }], ["k", { at: 200, how: "seen" }]]);
    expect(kinds(later)).toEqual(["entered", "joined"]);
    expect(later.most).toBe(3);
  });
  it("does not claim to have seen who came while it was away", () => {
    const broke = readHistory(entered, { phase: { kind: "reconnecting", since: 150 }, members: [ana, noor], notices: [] }, 160);
    const back = readHistory(broke, { phase: inside, members: [ana, kim, noor], notices: [] }, 300);
    expect(back.since.get("k")).toEqual({ at: 300, how: "meanwhile" });
    expect(back.since.get("a")).toEqual({ at: 100, how: "before" });
    expect(back.events.slice(1)).toMatchObject([{ at: 150, what: { kind: "broke" } }, { at: 300, what: { kind: "returned" } }]);
  });
  it("takes who went and came again for one who holds keys since then", () => {
    const gone = readHistory(entered, { phase: inside, members: [noor], notices: [notice(1, 200, { kind: "left", name: "Ana" })] }, 200);
    const again = readHistory(gone, { phase: inside, members: [noor, { ...ana, identity: "a2" }], notices: [notice(1, 200, { kind: "left", name: "Ana" }), notice(2, 400, { kind: "joined", name: "Ana" })] }, 401);
    expect(again.since.get("a2")).toEqual({ at: 400, how: "seen" });
    expect(again.since.has("a")).toBe(false);
    expect(kinds(again)).toEqual(["entered", "left", "joined"]);
  });
  it("accuses nobody of keys that are missing while the connection is away", () => {
    const refused = notice(1, 200, { kind: "mediaRefused", name: "Ana", source: "camera", reason: "noKey" });
    const phase = { kind: "reconnecting" as const, since: 190 };
    expect(kinds(readHistory(entered, { phase, members: [ana, noor], notices: [refused] }, 200))).toEqual(["entered", "broke"]);
    expect(kinds(readHistory(entered, { phase: inside, members: [ana, noor], notices: [refused] }, 200))).toEqual(["entered", "mediaRefused"]);
  });
  it("keeps what the snapshot has dropped, and an alarm longer than comings and goings", () => {
    let history = readHistory(entered, { phase: inside, members: [noor], notices: [notice(1, 200, { kind: "ghost" })] }, 200);
    for (let id = 2; id < 700; id += 1) {
      history = readHistory(history, { phase: inside, members: [noor], notices: [notice(id, 200 + id, id % 2 === 0 ? { kind: "joined", name: "Kim" } : { kind: "left", name: "Kim" })] }, 200 + id);
    }
    expect(history.events).toHaveLength(kept);
    expect(history.events[0]?.what.kind).toBe("ghost");
    expect(history.events.at(-1)?.at).toBe(899);
    expect(history.cut).toBe(true);
  });
  it("is the same object when nothing happened", () => {
    expect(readHistory(entered, { phase: inside, members: [ana, { ...noor, mic: false }], notices: [] }, 500)).toBe(entered);
  });
  it("ends once, and only for who was inside", () => {
    const phase = { kind: "ended" as const, reason: "left" as const };
    const ended = readHistory(entered, { phase, members: [], notices: [] }, 900);
    expect(readHistory(ended, { phase, members: [], notices: [] }, 950)).toMatchObject({ entered: 100, ended: 900, most: 2 });
    expect(readHistory(noHistory, { phase, members: [], notices: [] }, 900).ended).toBeNull();
  });
});
