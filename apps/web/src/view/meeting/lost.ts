import type { Snapshot } from "../../api.ts";

type Member = Snapshot["members"][number];

/** How somebody stands on the stage whose connection ended a moment ago: nothing of theirs is known, and nothing is played. */
export const lostTile = ({ identity, name, host, since }: Snapshot["lost"][number]): Member => ({
  identity,
  name,
  host,
  me: false,
  mic: true,
  camera: false,
  screen: false,
  speaking: false,
  awaySince: since,
  refusal: undefined,
  comparison: { kind: "none" },
});
