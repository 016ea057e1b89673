import type { Capture } from "../api.ts";

/** The state of a capture that failed, from the name of the error (W3C Media Capture and Streams, 10.2.3). */
export const captureOf = (fault: unknown): Extract<Capture, "denied" | "missing" | "busy" | "unsupported"> => {
  const name = fault instanceof Error || fault instanceof DOMException ? fault.name : "";
  switch (name) {
    case "NotAllowedError":
    case "SecurityError":
      return "denied";
    case "NotFoundError":
    case "OverconstrainedError":
      return "missing";
    case "NotReadableError":
    case "AbortError":
      return "busy";
    default:
      return "unsupported";
  }
};
