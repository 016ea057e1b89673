import { Show } from "solid-js";
import { BadgeCheck } from "lucide";
import type { Member } from "../meeting/Tile.tsx";
import { strings } from "../strings.ts";
import { Icon } from "./Icon.tsx";

/** Drawn beside the name of somebody who found the same safety code as oneself; no name can hold it. */
export const Compared = (props: { member: Member }) => (
  <Show when={props.member.comparison.kind === "both"}>
    <span class="compared">
      <Icon of={BadgeCheck} />
      <span class="aloud">{strings.compare.done}</span>
    </span>
  </Show>
);
