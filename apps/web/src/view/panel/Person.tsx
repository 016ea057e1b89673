import { type JSX, type ParentProps, Show } from "solid-js";
import type { Member } from "../meeting/Tile.tsx";
import { Avatar } from "../parts/Avatar.tsx";
import { Compared } from "../parts/Compared.tsx";
import { useNames } from "../names.ts";
import { strings } from "../strings.ts";

/** Who it is, in a list; more about them comes as children. */
export const Person = (props: ParentProps<{ member: Member; note?: string; below?: JSX.Element }>) => {
  const named = useNames();
  return (
    <li class="person" data-person={props.member.identity} tabindex="-1">
      <Avatar identity={props.member.identity} name={props.member.name} />
      <span class="grow clip" dir="auto">
        {named(props.member)}
        <Show when={props.member.me}>
          <span class="muted"> ({strings.people.me})</span>
        </Show>
        <Show when={props.note}>
          <span class="note muted small" dir="auto">{props.note}</span>
        </Show>
        {props.below}
      </span>
      <Compared member={props.member} />
      <Show when={props.member.host}>
        <span class="mark">{strings.people.host}</span>
      </Show>
      {props.children}
    </li>
  );
};
