import { For, Show } from "solid-js";
import { Check, Circle, DoorOpen, LoaderCircle } from "lucide";
import { Icon } from "../parts/Icon.tsx";
import { FullPage } from "../parts/FullPage.tsx";
import { after } from "../state.ts";
import { type Step, strings } from "../strings.ts";

const order: readonly Step[] = ["connecting", "catchingUp", "committing"];

/** On the way in. What is going on is told only when it takes more than a second. */
export const Joining = (props: { step: Step; onCancel: () => void }) => {
  const long = after(1000);
  const at = () => order.indexOf(props.step);
  return (
    <FullPage icon={DoorOpen} tone="calm" title={strings.joining.title}>
      <Show when={long()}>
        <ol class="steps" aria-live="polite">
          <For each={order}>
            {(step, index) => (
              <li classList={{ now: index() === at(), done: index() < at() }} aria-current={index() === at() ? "step" : undefined}>
                <Show when={index() >= at()} fallback={<Icon of={Check} />}>
                  <Show when={index() === at()} fallback={<Icon of={Circle} />}>
                    <Icon of={LoaderCircle} class="turning" />
                  </Show>
                </Show>
                {strings.joining.steps[step]}
              </li>
            )}
          </For>
        </ol>
        <div class="actions">
          <button type="button" class="quiet" onClick={() => props.onCancel()}>
            {strings.joining.cancel}
          </button>
        </div>
      </Show>
    </FullPage>
  );
};
