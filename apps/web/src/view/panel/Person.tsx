import { type ParentProps, Show } from "solid-js";
import type { Member } from "../meeting/Tile.tsx";
import { Avatar } from "../parts/Avatar.tsx";
import { strings } from "../strings.ts";

/** Who it is, in a list; more about them comes as children. */
export const Person = (props: ParentProps<{ member: Member }>) => (
  <li class="person">
    <Avatar identity={props.member.identity} name={props.member.name} />
    <span class="grow clip">
      {props.member.name}
      <Show when={props.member.me}>
        <span class="muted"> ({strings.people.me})</span>
      </Show>
    </span>
    <Show when={props.member.host}>
      <span class="mark">{strings.people.host}</span>
    </Show>
    {props.children}
  </li>
);
