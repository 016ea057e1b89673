import { Show } from "solid-js";
import type { Member } from "../meeting/Tile.tsx";
import { strings } from "../strings.ts";
import { differs, isUnlogged, runs } from "./software.ts";

/** What a member says that it runs, below its name. */
export const Runs = (props: { member: Member }) => (
  <span class="note small runs" classList={{ muted: !differs(props.member) && !isUnlogged(props.member), other: differs(props.member) || isUnlogged(props.member) }} dir="auto">
    {runs(props.member)}
  </span>
);

/** How much that is worth, and what to do where not all say the same. */
export const AboutSoftware = (props: { members: readonly Member[] }) => (
  <div class="about-software small" role="status">
    <Show when={props.members.some(differs)}>
      <p>{strings.software.apart}</p>
    </Show>
    <Show when={!props.members.some(differs) && props.members.some(isUnlogged)}>
      <p>{strings.software.unlogged}</p>
    </Show>
    <p class="muted">{strings.software.about}</p>
  </div>
);
