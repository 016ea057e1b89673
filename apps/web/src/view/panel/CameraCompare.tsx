import { createEffect, createSignal, For, on, onCleanup, Show } from "solid-js";
import { BadgeCheck, ScanQrCode, ShieldAlert } from "lucide";
import type { Media, Scan, ScanState } from "../../api.ts";
import type { Member } from "../meeting/Tile.tsx";
import { Picture } from "../meeting/Picture.tsx";
import { Dialog } from "../parts/Dialog.tsx";
import { Icon } from "../parts/Icon.tsx";
import { QrPicture } from "../parts/QrPicture.tsx";
import { useNames } from "../names.ts";
import { strings } from "../strings.ts";
import { type CodeKind, differing, judge, type Judgement, writeCode } from "./compare-code.ts";

const all = strings.camera;

/** Two people, and the code that they compare. */
export interface Comparing {
  /** With whom. */
  member: Member;
  /** All who are inside. */
  members: readonly Member[];
  /** As one's own page shows it. */
  code: readonly string[];
  /** Why nothing can be answered now. */
  notYet?: string | undefined;
  media: Media;
  /** The session compares the digits once more: for the same they are those of the other's screen. */
  onAnswer: (code: string[], same: boolean) => void;
}

interface Props extends Comparing {
  kind: CodeKind;
  onClose: () => void;
}

/** What the last code that the camera saw came to. */
type Found = Judgement | { kind: "settling" } | { kind: "notYet"; why: string };

/** Two people compare a code without reading it: each scans what the other's screen shows. The camera runs from the press until there is an answer, at most as long as this is open. */
export const CameraCompare = (props: Props) => {
  const named = useNames();
  const name = () => named(props.member);
  const me = () => props.members.find((member) => member.me)?.identity ?? "";
  const [camera, setCamera] = createSignal<ScanState | null>(null);
  const [found, setFound] = createSignal<Found | null>(null);
  const stream = () => { const now = camera(); return now?.kind === "looking" ? now.stream : null; };
  const runs = () => camera()?.kind === "looking" || camera()?.kind === "starting";
  let scan: Scan | undefined;
  let telling: HTMLElement | undefined;
  // On a small screen the picture may be all that is in sight.
  createEffect(on(() => found()?.kind, (kind) => kind !== undefined && queueMicrotask(() => telling?.scrollIntoView({ block: "nearest" })), { defer: true }));

  const stop = () => {
    scan?.close();
    scan = undefined;
    setCamera(null);
  };
  onCleanup(stop);

  const show = () => {
    stop();
    setFound(null);
  };
  const start = () => {
    show();
    const differs = differing(props.kind);
    const begun = (scan = props.media.scan((text) => see(text, differs)));
    begun.subscribe((state) => scan === begun && setCamera(state));
  };

  const see = (text: string, differs: ReturnType<typeof differing>) => {
    if (props.notYet !== undefined) return setFound({ kind: "notYet", why: props.notYet });
    const others = props.members.map(({ identity }) => identity);
    const judged = judge(text, { kind: props.kind, code: props.code, me: me(), them: props.member.identity, others });
    if (judged.kind === "differs" && !differs(text, props.code.join(""), Date.now())) return setFound({ kind: "settling" });
    setFound(judged);
    if (judged.kind !== "same" && judged.kind !== "differs") return;
    stop();
    props.onAnswer(judged.kind === "same" ? judged.code : [...props.code], judged.kind === "same");
  };

  const differs = () => { const now = found(); return now?.kind === "differs" ? now : null; };
  const sentence = (): string => {
    const now = found();
    switch (now?.kind) {
      case undefined: {
        const state = camera();
        return state === null ? "" : all.states[state.kind];
      }
      case "differs":
        return "";
      case "notYet":
        return now.why;
      case "same":
        return all.same[props.kind](name());
      case "somebody":
        return all.somebody(named(props.members.find(({ identity }) => identity === now.identity) ?? { identity: now.identity, name: "" }), name());
      case "otherCode":
        return all.otherCode[props.kind];
      case "settling":
        return all.settling;
      case "foreign":
      case "version":
      case "own":
        return all[now.kind](name());
    }
  };

  return (
    <Dialog title={all.title(name())} fromTitle onClose={() => props.onClose()}>
      <div class="camera-compare">
        <Show when={camera() === null && found() === null}>
          <p class="muted">{all.text[props.kind]}</p>
        </Show>
        <div class="telling" ref={(element) => (telling = element)}>
          <p class="told" role="status">
            <Show when={found()?.kind === "same"}>
              <Icon of={BadgeCheck} />
            </Show>
            <span>{sentence()}</span>
          </p>
          <div role="alert">
            <Show when={differs()}>
              {(now) => (
                <p class="told alarm">
                  <Icon of={ShieldAlert} />
                  <span>{all.differs(now().elsewhere)}</span>
                </p>
              )}
            </Show>
          </div>
        </div>
        <Show when={stream()} keyed fallback={<QrPicture text={writeCode(props.kind, me(), props.code)} label={all.picture} />}>
          {(picture) => (
            <div class="finder" role="img" aria-label={all.finder}>
              <Picture stream={picture} />
              <span class="frame" />
            </div>
          )}
        </Show>
        <div class="code" role="group" aria-label={all.digits}>
          <For each={props.code}>{(group) => <span>{group}</span>}</For>
        </div>
      </div>
      <div class="actions">
        <button type="button" class="quiet" onClick={() => props.onClose()}>
          {strings.close}
        </button>
        <button type="button" class={found()?.kind === "same" ? "quiet" : "primary"} onClick={() => (runs() ? show() : start())}>
          <Show when={!runs()}>
            <Icon of={ScanQrCode} />
          </Show>
          {runs() ? all.show : found() === null && camera() === null ? all.scan : all.again}
        </button>
      </div>
    </Dialog>
  );
};
