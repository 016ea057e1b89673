import { describe, expect, it } from "vitest";
import { countUnread } from "./unread.ts";

describe("countUnread", () => {
  const line = (id: number, mine = false) => ({ id, from: "a", name: "Ana", text: "", at: 0, mine });
  it("counts what others wrote since", () => expect(countUnread([line(1), line(2), line(3, true), line(4)], 1)).toBe(2));
});
