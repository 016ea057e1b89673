import { createEffect, createSignal, onMount, Show, untrack } from "solid-js";
import { ChevronDown, Lock, Settings2 } from "lucide";
import type { MediaState, Session, Snapshot } from "../../api.ts";
import { constants } from "../../constants.ts";
import { Icon, Logo } from "../parts/Icon.tsx";
import { KnownSwitch } from "../parts/KnownSwitch.tsx";
import { takeEarly } from "../early.ts";
import { recall, remember } from "../preferences.ts";
import { after, matches } from "../state.ts";
import { strings } from "../strings.ts";
import { Devices } from "./Devices.tsx";
import { Help } from "./Help.tsx";
import { Level } from "./Level.tsx";
import { Preview } from "./Preview.tsx";
import { Title } from "./Title.tsx";

/** Before one joins: look at oneself, choose devices, say who one is. */
export const Prejoin = (props: { session: Session; snapshot: Snapshot; media: MediaState; host: string; onJoin: (name: string) => void; onHome: () => void }) => {
  const before = takeEarly();
  const [name, setName] = createSignal(before.name || (recall("name") ?? ""));
  // Join was pressed before the meeting was found: it is kept.
  const [early, setEarly] = createSignal(before.joined);
  const [missing, setMissing] = createSignal(false);
  const slow = after(1000);
  const small = matches("(max-width: 860px), (max-height: 620px)");
  let input: HTMLInputElement | undefined;
  const ready = () => (props.snapshot.phase.kind === "prejoin" ? props.snapshot.phase : null);

  onMount(() => {
    input?.focus();
    if (before.selection) input?.setSelectionRange(...before.selection);
    // The browser asks for both at once; what it refuses shows in the state of the media.
    void props.session.media.microphone(true);
    void props.session.media.camera(true);
  });

  const join = () => {
    const typed = name().trim();
    setMissing(typed === "");
    if (typed === "") {
      setEarly(false);
      input?.focus();
      return;
    }
    remember("name", typed);
    setEarly(!ready());
    if (ready()) props.onJoin(typed);
  };
  createEffect(() => {
    if (early() && ready()) untrack(join);
  });

  return (
    <div class="prejoin">
      <header>
        <a class="logo button" href="/" onClick={(event) => (event.preventDefault(), props.onHome())}>
          <Logo />
          <span>{strings.product}</span>
        </a>
      </header>
      <main class="prejoin-main">
        <section aria-label={strings.prejoin.preview}>
          <Preview session={props.session} media={props.media} />
          <Show when={small()} fallback={<Devices session={props.session} media={props.media} />}>
            <Show when={Object.values(props.media.devices).some((devices) => devices.length > 0)}>
              <details class="choose" onToggle={({ currentTarget }) => currentTarget.open && currentTarget.scrollIntoView({ block: "nearest" })}>
                <summary class="field">
                  <Icon of={Settings2} />
                  <span class="grow">{strings.toolbar.devices}</span>
                  <Icon of={ChevronDown} />
                </summary>
                <Devices session={props.session} media={props.media} />
              </details>
            </Show>
          </Show>
          <Level media={props.media} level={props.session.media.level} />
          <Help media={props.media} />
        </section>
        <section class="about" aria-labelledby="meeting-title">
          <p class="muted small">{strings.prejoin.about}</p>
          <Title
            title={props.snapshot.title}
            unnamed={ready() ? strings.home.untitled : strings.meeting.untitled}
            host={props.snapshot.host && ready() !== null}
            onTitle={(title) => props.session.command({ kind: "setTitle", title })}
          />
          <p class="muted" aria-live="polite">
            <Show when={ready()} fallback={early() ? strings.prejoin.early : slow() ? strings.prejoin.looking : "\u00a0"}>
              {(phase) => strings.prejoin.inside(phase().inside)}
            </Show>
            <Show when={props.snapshot.minutes}>{(minutes) => ` ${strings.prejoin.lasts(minutes())}`}</Show>
          </p>
          <form class="join" onSubmit={(event) => (event.preventDefault(), join())}>
            <div>
              <label class="label" for="name">
                {strings.prejoin.name}
              </label>
              <div class="field" classList={{ wrong: missing() }}>
                <input
                  id="name"
                  ref={(element) => (input = element)}
                  maxlength={constants.nameChars}
                  autocomplete="nickname"
                  dir="auto"
                  aria-invalid={missing()}
                  aria-describedby={missing() ? "name-missing" : undefined}
                  value={name()}
                  onInput={(event) => {
                    setName(event.currentTarget.value);
                    setMissing(false);
                  }}
                />
              </div>
              <Show when={missing()}>
                <p class="wrongly" id="name-missing" role="alert">
                  {strings.prejoin.nameMissing}
                </p>
              </Show>
            </div>
            <button type="submit" class="primary large wide">
              {strings.prejoin.join}
            </button>
          </form>
          <KnownSwitch session={props.session} snapshot={props.snapshot} inside={false} />
          <p class="promise">
            <Icon of={Lock} />
            <span>{strings.prejoin.promise(props.host)}</span>
          </p>
        </section>
      </main>
    </div>
  );
};
