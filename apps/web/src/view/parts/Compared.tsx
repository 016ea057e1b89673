import { Match, Show, Switch } from "solid-js";
import { BadgeAlert, BadgeCheck } from "lucide";
import type { Member } from "../meeting/Tile.tsx";
import { cutName } from "../names.ts";
import { strings } from "../strings.ts";
import { Icon } from "./Icon.tsx";

/**
 * Drawn beside a name, where no name can draw it: of whom one verified, with the name of then if it is another now; of whom one found the same safety
 * code in this stay; of who has the name of somebody verified and is not known to be that person.
 */
export const Compared = (props: { member: Member }) => {
  const of = <K extends Member["recognition"]["kind"]>(kind: K) => (props.member.recognition.kind === kind ? (props.member.recognition as Extract<Member["recognition"], { kind: K }>) : null);
  return (
    <Switch>
      <Match when={of("verified")}>
        {(known) => (
          <>
            <span class="compared verified">
              <Icon of={BadgeCheck} />
              <span class="aloud">{strings.verify.mark}</span>
            </span>
            <Show when={known().name !== props.member.name}>
              <span class="known-as small" dir="auto">
                {strings.verify.knownAs(cutName(known().name))}
              </span>
            </Show>
          </>
        )}
      </Match>
      <Match when={props.member.comparison.kind === "both"}>
        <span class="compared">
          <Icon of={BadgeCheck} />
          <span class="aloud">{strings.compare.done}</span>
        </span>
      </Match>
      <Match when={of("changed")}>
        {(changed) => (
          <span class="compared changed" classList={{ answered: changed().answered }}>
            <Icon of={BadgeAlert} />
            <span class="aloud">{strings.verify.notThem(cutName(changed().name))}</span>
          </span>
        )}
      </Match>
    </Switch>
  );
};
