import { expect, test } from "vitest";
import { captureOf } from "./errors.ts";

test("each refusal of the browser has its own state", () => {
  const named = (name: string) => captureOf(new DOMException("", name));
  expect(named("NotAllowedError")).toBe("denied");
  expect(named("NotFoundError")).toBe("missing");
  expect(named("NotReadableError")).toBe("busy");
  expect(captureOf("odd")).toBe("unsupported");
});
