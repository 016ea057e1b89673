import { createSignal, Show } from "solid-js";
import { KeyRound } from "lucide";
import type { Conclave, HostKeyTaken } from "../../api.ts";
import { FullPage } from "../parts/FullPage.tsx";
import { strings } from "../strings.ts";

const all = strings.becomeHost;
/** A second try may go better. */
const passing: ReadonlySet<string | null> = new Set([null, "unreachable", "failed"]);

/** A host link was opened. It works once, so it is not used unasked: whatever opens links to look at them would use it up. */
export const BecomeHost = (props: { conclave: Conclave; fragment: string; guest: string; onOpen: (fragment: string) => void; onHome: () => void }) => {
  const [busy, setBusy] = createSignal(false);
  const [failed, setFailed] = createSignal<Exclude<HostKeyTaken["kind"], "taken"> | null>(null);
  const use = async () => {
    setBusy(true);
    const { kind } = await props.conclave.takeHostKey(props.fragment, props.guest);
    setBusy(false);
    if (kind === "taken") props.onOpen(props.guest);
    else setFailed(kind);
  };
  const sentence = () => {
    const why = failed();
    return why === null ? "" : all.failed[why](props.conclave.origin.host);
  };
  const Else = () => (
    <>
      <button type="button" class="quiet" onClick={() => props.onOpen(props.guest)}>
        {all.guest}
      </button>
      <button type="button" class="quiet" onClick={() => props.onHome()}>
        {strings.ended.home}
      </button>
    </>
  );
  return (
    <Show
      when={passing.has(failed())}
      fallback={
        <FullPage icon={KeyRound} tone="warned" title={all.useless} text={sentence()}>
          <div class="actions">
            <Else />
          </div>
        </FullPage>
      }
    >
      <FullPage icon={KeyRound} tone="calm" title={all.title} text={all.text(props.conclave.origin.host)}>
        <Show when={failed()}>
          <p class="wrongly" role="alert">
            {sentence()}
          </p>
        </Show>
        <div class="actions">
          <button type="button" class="primary" disabled={busy()} onClick={() => void use()}>
            {busy() ? all.busy : all.use}
          </button>
          <Else />
        </div>
      </FullPage>
    </Show>
  );
};
