import { createSignal, Show } from "solid-js";
import { BadgeCheck, ScanQrCode, ShieldAlert } from "lucide";
import type { Member } from "../meeting/Tile.tsx";
import { clock } from "../format.ts";
import { Control } from "../parts/Control.tsx";
import { Icon } from "../parts/Icon.tsx";
import { useNames } from "../names.ts";
import { strings } from "../strings.ts";
import { CameraCompare, type Comparing } from "./CameraCompare.tsx";

/** What became of comparing the code with one person. */
const result = ({ comparison }: Member, name: string): string => {
  switch (comparison.kind) {
    case "none":
      return "";
    case "mine":
    case "theirs":
      return strings.compare[comparison.kind](name, clock(comparison.at));
    case "both":
      return strings.compare.both(clock(comparison.at));
    case "differs":
      return strings.compare.differs(comparison.byMe ? null : name, clock(comparison.at));
  }
};

/** The two answers to whether somebody has the same code, and what they came to. */
export const Compare = (props: Comparing) => {
  const named = useNames();
  const kind = () => props.member.comparison.kind;
  const byMe = () => props.member.comparison.kind === "differs" && props.member.comparison.byMe;
  // Stays in focus while it cannot be pressed: the code may change at any moment.
  const answer = (same: boolean) => {
    if (props.notYet === undefined) props.onAnswer([...props.code], same);
  };
  const [camera, setCamera] = createSignal(false);
  return (
    <div class="compare">
      <p class="small" classList={{ alarm: kind() === "differs" }} aria-live="polite">
        <Show when={kind() === "both"}>
          <Icon of={BadgeCheck} />
        </Show>
        <Show when={kind() === "differs"}>
          <Icon of={ShieldAlert} />
        </Show>
        <span>{result(props.member, named(props.member))}</span>
      </p>
      <button type="button" class="quiet" aria-label={strings.compare.sameAs(named(props.member))} aria-pressed={kind() === "mine" || kind() === "both"} aria-disabled={props.notYet !== undefined} onClick={() => answer(true)}>
        {strings.compare.same}
      </button>
      <button type="button" class="quiet different" aria-label={strings.compare.differentFrom(named(props.member))} aria-pressed={byMe()} aria-disabled={props.notYet !== undefined} onClick={() => answer(false)}>
        {strings.compare.different}
      </button>
      <Control class="quiet icon" icon={ScanQrCode} name={strings.camera.openNamed(named(props.member))} tip="below-left" onPress={() => setCamera(true)} />
      <Show when={camera()}>
        <CameraCompare kind="safety" {...props} onClose={() => setCamera(false)} />
      </Show>
    </div>
  );
};
