import type { Snapshot } from "../api.ts";

/** What hosts let everybody do, or only some. */
export type Permission = Snapshot["floor"]["hostsOnly"][number];

/** All of them, in the order in which they stand on the screen. */
export const permissions = ["speak", "chat", "share"] as const satisfies readonly Permission[];
