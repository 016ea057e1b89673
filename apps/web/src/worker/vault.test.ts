import { expect, test } from "vitest";
import { decode, encode } from "./vault.ts";

test("a kept meeting survives being written down", () => {
  const kept = { title: "Tuesday", link: "https://meet.example/#x", createdAt: 7, host: Uint8Array.of(1, 2, 255) };
  expect(decode(encode(kept))).toEqual(kept);
});
