import { describe, expect, it } from "vitest";
import { steady } from "./state.ts";

describe("steady", () => {
  const stream = {} as MediaStream;
  const track = (identity: string) => ({ identity, source: "camera" as const, stream });
  it("keeps the list when nothing changed, so that no picture starts anew", () => {
    const before = [track("a"), track("b")];
    expect(steady(before, [track("a"), track("b")])).toBe(before);
  });
  it("keeps the tracks that stay when another goes", () => {
    const before = [track("a"), track("b")];
    const after = steady(before, [track("b")]);
    expect(after).toHaveLength(1);
    expect(after[0]).toBe(before[1]);
  });
});
