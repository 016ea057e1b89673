import type { Snapshot } from "../../api.ts";
import type { Shown } from "./Tile.tsx";

/** How somebody stands on the stage whose connection ended a moment ago: nothing of theirs is known, and nothing is played. */
export const lostTile = ({ identity, name, host, since }: Snapshot["lost"][number]): Shown => ({
  identity,
  name,
  host,
  me: false,
  mic: true,
  camera: false,
  screen: false,
  denied: [],
  awaySince: since,
  lost: true,
  refusal: undefined,
  doubt: undefined,
  comparison: { kind: "none" },
  recognition: { kind: "guest" },
  software: undefined,
  personCode: undefined,
  looks: "",
});
