import { createResource, createSignal, For, Show } from "solid-js";
import { BadgeCheck, Trash2 } from "lucide";
import type { Conclave, VerifiedPerson } from "../../api.ts";
import { date } from "../format.ts";
import { cutName } from "../names.ts";
import type { Announce } from "../parts/Announcer.tsx";
import { Control } from "../parts/Control.tsx";
import { Confirm } from "../parts/Dialog.tsx";
import { Icon } from "../parts/Icon.tsx";
import { recall, remember } from "../preferences.ts";
import { strings } from "../strings.ts";

const all = strings.verify.list;

/** Who was verified on this device, and how to forget them, and this device's own key. Nothing is there until it is used. */
export const Verified = (props: { conclave: Conclave; announce: Announce }) => {
  const [people, { refetch }] = createResource(() => props.conclave.verified().catch(() => []));
  const [known, setKnown] = createSignal((recall("known") ?? "") !== "");
  const [going, setGoing] = createSignal<VerifiedPerson | "device" | null>(null);
  const say = (text: string) => props.announce.toast({ text, loud: false, silent: false, security: false });
  const forget = async (what: VerifiedPerson | "device") => {
    try {
      if (what === "device") {
        await props.conclave.forgetDevice();
        remember("known", "");
        setKnown(false);
        say(all.erased);
      } else await props.conclave.forgetVerified(what.key);
    } catch {
      say(strings.home.forgetFailed);
    }
    await refetch();
  };
  return (
    <Show when={(people()?.length ?? 0) > 0 || known()}>
      <section class="card mine verified-people" aria-labelledby="verified">
        <header>
          <h2 id="verified">{all.title}</h2>
          <span class="muted small">{strings.home.device}</span>
        </header>
        <p class="muted small">{all.text}</p>
        <ul>
          <For each={people()}>
            {(person) => (
              <li class="item">
                <span class="compared verified">
                  <Icon of={BadgeCheck} />
                </span>
                <div class="grow">
                  <div class="name clip" dir="auto">
                    {cutName(person.name)}
                  </div>
                  <div class="muted small clip">{all.since(date(person.since))}</div>
                </div>
                <Control icon={Trash2} name={all.forget(cutName(person.name))} tip="below-left" onPress={() => setGoing(person)} />
              </li>
            )}
          </For>
        </ul>
        <Show when={known()}>
          <button type="button" class="quiet small" onClick={() => setGoing("device")}>
            {all.device}
          </button>
        </Show>
        <Show when={going()} keyed>
          {(what) =>
            what === "device" ? (
              <Confirm title={all.deviceTitle} text={all.deviceText} action={all.deviceDo} onYes={() => void forget(what)} onClose={() => setGoing(null)} />
            ) : (
              <Confirm title={all.forgetTitle(cutName(what.name))} text={all.forgetText} action={all.forgetDo} onYes={() => void forget(what)} onClose={() => setGoing(null)} />
            )
          }
        </Show>
      </section>
    </Show>
  );
};
