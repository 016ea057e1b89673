import { For, Match, Show, Switch } from "solid-js";
import { Lock, ShieldAlert, Unlink } from "lucide";
import type { Conclave, Snapshot } from "../../api.ts";
import { Icon } from "../parts/Icon.tsx";
import type { Member } from "../meeting/Tile.tsx";
import { strings } from "../strings.ts";
import { Panel } from "./Panel.tsx";
import { Person } from "./Person.tsx";

/** What keeps the meeting safe, in one sentence; the code to compare; who holds keys; where the page came from. */
export const Safety = (props: { snapshot: Snapshot; members: readonly Member[]; origin: Conclave["origin"]; onClose: () => void }) => {
  const all = strings.safety;
  const state = () => props.snapshot.security.state;
  return (
    <Panel title={all.title} onClose={props.onClose}>
      <div class="scroll" tabindex="0" role="region" aria-label={all.title}>
        <Switch>
          <Match when={state() === "split"}>
            <p class="sentence alarmed">
              <Icon of={Unlink} />
              <span>
                <b>{all.split}</b> {all.splitText}
              </span>
            </p>
          </Match>
          <Match when={state() === "attacked"}>
            <p class="sentence warned">
              <Icon of={ShieldAlert} />
              <span>
                <b>{all.attacked}</b> {all.attackedText}
              </span>
            </p>
          </Match>
          <Match when={state() === "secure"}>
            <p class="sentence">
              <Icon of={Lock} />
              <span>
                <b>{all.secure}</b> {all.secureText(props.snapshot.security.people, props.origin.host)}
              </span>
            </p>
          </Match>
        </Switch>
        <div class="codebox">
          <Show when={props.snapshot.safetyCode} fallback={<p class="muted small">{all.none}</p>}>
            {(code) => (
              <>
                <p class="muted small">{state() === "split" ? all.check : all.same}</p>
                <div class="code" data-safety-code>
                  <For each={code()}>{(group) => <span>{group}</span>}</For>
                </div>
                <p class="muted small">{all.compare}</p>
              </>
            )}
          </Show>
        </div>
        <h3>{all.here}</h3>
        <ul class="people">
          <For each={props.members}>{(member) => <Person member={member} />}</For>
        </ul>
        <p class="muted small from">{strings.home.from(props.origin.host, props.origin.release)}</p>
      </div>
    </Panel>
  );
};
