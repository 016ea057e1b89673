import { createMemo, createSignal, Show } from "solid-js";
import { KeyRound } from "lucide";
import type { Snapshot } from "../../api.ts";
import { date } from "../format.ts";
import { cutName } from "../names.ts";
import { Dialog } from "../parts/Dialog.tsx";
import { Icon } from "../parts/Icon.tsx";
import { strings } from "../strings.ts";

const all = strings.verify.changed;

/**
 * Somebody has the name of a person one verified, and not that person's key: asked about once each. Who closes it has not answered, and the chip
 * stands. It begins at its title, since whoever is typing must not answer by chance.
 */
export const KeyChanged = (props: { snapshot: Snapshot; onStay: (identity: string) => void; onCompare: (identity: string) => void }) => {
  const [closed, setClosed] = createSignal<ReadonlySet<string>>(new Set());
  const next = createMemo(() => {
    const member = props.snapshot.members.find(({ identity, recognition }) => recognition.kind === "changed" && !recognition.answered && !closed().has(identity));
    return member?.recognition.kind === "changed" ? { identity: member.identity, called: member.name, ...member.recognition } : null;
  }, null, { equals: (a, b) => a?.identity === b?.identity });
  const close = (identity: string) => setClosed((before) => new Set([...before, identity]));
  return (
    <Show when={next()} keyed>
      {(who) => (
        <Dialog title={all.title(cutName(who.called), who.hasDevice)} fromTitle onClose={() => close(who.identity)}>
          <div class="key-changed">
            <span class="round">
              <Icon of={KeyRound} />
            </span>
            <p class="muted">{all.text(cutName(who.name), date(who.since), who.hasDevice)}</p>
          </div>
          <div class="actions">
            <button
              type="button"
              class="quiet"
              onClick={() => {
                props.onStay(who.identity);
                close(who.identity);
              }}
            >
              {all.stay}
            </button>
            <button
              type="button"
              class="primary"
              onClick={() => {
                close(who.identity);
                props.onCompare(who.identity);
              }}
            >
              {all.compare}
            </button>
          </div>
        </Dialog>
      )}
    </Show>
  );
};
