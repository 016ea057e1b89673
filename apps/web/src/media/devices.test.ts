import { expect, test } from "vitest";
import { settle } from "./devices.ts";

test("an unplugged device gives way to the first one", () => {
  const devices = [{ id: "a", label: "A" }, { id: "b", label: "B" }];
  expect(settle("b", devices)).toBe("b");
  expect(settle("c", devices)).toBe("a");
  expect(settle("c", [])).toBeNull();
});
