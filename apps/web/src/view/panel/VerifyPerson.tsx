import { createEffect, createSignal, For, on, Show } from "solid-js";
import { BadgeAlert, BadgeCheck, ScanQrCode, ShieldAlert } from "lucide";
import type { Command, Media } from "../../api.ts";
import type { Member } from "../meeting/Tile.tsx";
import { clock, date } from "../format.ts";
import { Icon } from "../parts/Icon.tsx";
import { cutName, useNames } from "../names.ts";
import { strings } from "../strings.ts";
import { CameraCompare } from "./CameraCompare.tsx";

const all = strings.verify;

interface Props {
  member: Member;
  members: readonly Member[];
  known: boolean;
  media: Media;
  onCommand: (command: Command) => void;
}

/** What is known of one person by the key of their device, and the code by which the two verify each other for later meetings. `known`: one has a key oneself. */
export const VerifyPerson = (props: Props) => {
  const named = useNames();
  const name = () => named(props.member);
  const identity = () => props.member.identity;
  const recognition = () => props.member.recognition;
  const verified = () => { const now = recognition(); return now.kind === "verified" ? now : null; };
  const changed = () => { const now = recognition(); return now.kind === "changed" ? now : null; };
  const differs = () => { const now = recognition(); return now.kind === "differs" ? now : null; };
  const hasDevice = () => recognition().kind !== "guest" && changed()?.hasDevice !== false;
  const [asked, setAsked] = createSignal(false);
  let code: HTMLElement | undefined;
  let start: HTMLButtonElement | undefined;
  // The code takes a moment; who asked for it is taken there.
  createEffect(on(() => asked() && props.member.personCode !== undefined, (shown) => shown && code?.focus()));
  const ask = () => {
    setAsked(true);
    props.onCommand({ kind: "showPersonCode", identity: identity() });
  };
  const [camera, setCamera] = createSignal(false);
  let answered = false;
  const answer = (code: readonly string[], same: boolean) => {
    answered = true;
    props.onCommand({ kind: "comparePerson", identity: identity(), code: [...code], same });
    // The other may still have to scan one's own screen.
    if (!camera()) fold();
  };
  const fold = () => {
    answered = false;
    setAsked(false);
    queueMicrotask(() => start?.focus());
  };
  const closeCamera = () => {
    setCamera(false);
    if (answered) fold();
  };
  return (
    <div class="compare verify">
      <p class="small" classList={{ alarm: differs() !== null || changed()?.answered === false }} aria-live="polite">
        <Show when={verified()}>
          {(known) => (
            <>
              <span class="compared verified">
                <Icon of={BadgeCheck} />
              </span>
              <span>{all.since(date(known().since))}</span>
            </>
          )}
        </Show>
        <Show when={changed()}>
          {(was) => (
            <>
              <Icon of={BadgeAlert} />
              <span>{all.changed.text(cutName(was().name), date(was().since), was().hasDevice)}</span>
            </>
          )}
        </Show>
        <Show when={differs()}>
          {(found) => (
            <>
              <Icon of={ShieldAlert} />
              <span>{all.differs(clock(found().at))}</span>
            </>
          )}
        </Show>
        <Show when={recognition().kind === "guest" && props.known}>
          <span>{all.guest(name())}</span>
        </Show>
        <Show when={hasDevice() && !props.known && verified() === null}>
          <span>{all.first}</span>
        </Show>
      </p>
      <Show when={asked()}>
        <div class="codebox" ref={(element) => (code = element)} tabindex="-1" role="group" aria-label={all.codeOf(name())}>
          <Show when={props.member.personCode} fallback={<p class="muted small">{all.busy}</p>}>
            {(groups) => (
              <>
                <p class="muted small">{all.code(name())}</p>
                <div class="code" data-person-code>
                  <For each={groups()}>{(group) => <span>{group}</span>}</For>
                </div>
                <div class="compare">
                  <button type="button" class="quiet" aria-label={all.matchesNamed(name())} onClick={() => answer(groups(), true)}>
                    {all.matches}
                  </button>
                  <button type="button" class="quiet different" aria-label={all.differentNamed(name())} onClick={() => answer(groups(), false)}>
                    {all.different}
                  </button>
                  <button type="button" class="quiet by-camera" aria-label={strings.camera.verifyNamed(name())} onClick={() => setCamera(true)}>
                    <Icon of={ScanQrCode} />
                    {strings.camera.open}
                  </button>
                </div>
                <Show when={camera()}>
                  <CameraCompare kind="person" member={props.member} members={props.members} code={groups()} media={props.media} onAnswer={answer} onClose={closeCamera} />
                </Show>
              </>
            )}
          </Show>
        </div>
      </Show>
      <Show when={hasDevice() && props.known && !asked()}>
        <button type="button" class="quiet" ref={(element) => (start = element)} aria-label={all.startNamed(name())} onClick={ask}>
          {recognition().kind === "unverified" ? all.start : all.again}
        </button>
      </Show>
      <Show when={hasDevice() && verified() === null && props.member.comparison.kind === "both"}>
        <button type="button" class="quiet" aria-label={all.keepNamed(name())} onClick={() => props.onCommand({ kind: "keepCompared", identity: identity() })}>
          {all.keep}
        </button>
      </Show>
      <Show when={changed()?.answered === false}>
        <button type="button" class="quiet" aria-label={all.changed.stayNamed(name())} onClick={() => props.onCommand({ kind: "answerChange", identity: identity() })}>
          {all.changed.stay}
        </button>
      </Show>
      <Show when={verified()}>
        {(known) => (
          <button type="button" class="quiet" aria-label={all.forgetNamed(name())} onClick={() => props.onCommand({ kind: "forgetPerson", key: known().key })}>
            {all.forget}
          </button>
        )}
      </Show>
    </div>
  );
};
