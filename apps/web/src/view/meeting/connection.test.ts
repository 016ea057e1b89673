import { describe, expect, it } from "vitest";
import type { Snapshot } from "../../api.ts";
import { connectionAway } from "./connection.ts";

describe("connectionAway", () => {
  const member = (identity: string, awaySince?: number) => ({ identity, me: identity === "me", awaySince }) as Snapshot["members"][number];
  const inside = (...members: Snapshot["members"]) => ({ phase: { kind: "inside" } as const, members: [member("me"), ...members] });
  it("says nothing while somebody is heard", () => {
    expect(connectionAway(inside(member("a", 1000), member("b")), null)).toBeNull();
    expect(connectionAway(inside(), null)).toBeNull();
  });
  it("takes silence of all others at once for its own", () => {
    expect(connectionAway(inside(member("a", 1000), member("b", 9000)), null)).toEqual({ kind: "silent", since: 9000 });
  });
  it("does not when they fell silent one after the other, or when there is one other alone", () => {
    expect(connectionAway(inside(member("a", 1000), member("b", 60_000)), null)).toBeNull();
    expect(connectionAway(inside(member("a", 1000)), null)).toBeNull();
  });
  it("knows that it broke from the session, or from the browser", () => {
    expect(connectionAway({ ...inside(), phase: { kind: "reconnecting", since: 5 } }, 7)).toEqual({ kind: "broke", since: 5 });
    expect(connectionAway(inside(member("a")), 7)).toEqual({ kind: "broke", since: 7 });
  });
});
