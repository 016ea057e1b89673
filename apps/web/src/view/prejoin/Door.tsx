import { onMount, Show } from "solid-js";
import { Lock } from "lucide";
import type { MediaState, Session, Snapshot } from "../../api.ts";
import { elapsed } from "../format.ts";
import { arrivalSound, wantArrivalSound } from "../meeting/arrival.ts";
import { Icon, Logo } from "../parts/Icon.tsx";
import { holdDoor } from "../parts/back.ts";
import { ticking } from "../state.ts";
import { strings } from "../strings.ts";
import { Devices } from "./Devices.tsx";
import { Level } from "./Level.tsx";
import { Preview } from "./Preview.tsx";

type AtTheDoor = Extract<Snapshot["phase"], { kind: "atTheDoor" }>;

interface Props {
  session: Session;
  phase: AtTheDoor;
  title: string;
  /** As which one asks. */
  name: string;
  /** One was inside before. */
  again: boolean;
  media: MediaState;
  onLeave: () => void;
}

/** Outside, until a host lets one in: what is known of it, and oneself as one will be seen. */
export const Door = (props: Props) => {
  const now = ticking();
  let heading: HTMLHeadingElement | undefined;
  holdDoor(() => props.media);
  onMount(() => heading?.focus());
  const title = () => (props.phase.locked ? strings.door.title.locked : props.again ? strings.door.title.back : props.phase.hosts ? strings.door.title.asks : strings.door.title.alone);
  const text = () => (props.phase.locked ? strings.door.locked : props.phase.hosts ? strings.door.asks(props.name) : strings.door.alone(props.name));
  return (
    <div class="prejoin door">
      <header>
        <span class="logo">
          <Logo />
          <span>{strings.product}</span>
        </span>
      </header>
      <main class="prejoin-main">
        <section class="about" aria-labelledby="door-title">
          <p class="muted small clip" dir="auto">
            {props.title || strings.home.untitled}
          </p>
          <h1 id="door-title" ref={(element) => (heading = element)} tabindex="-1">
            {title()}
          </h1>
          <div class="now" role="status">
            <Show when={props.again}>
              <p>{strings.door.back}</p>
            </Show>
            <p>{text()}</p>
          </div>
          <p class="muted small count">{strings.door.since(elapsed(props.phase.since, now()))}</p>
          <label class="switch small">
            <input type="checkbox" checked={arrivalSound()} onChange={(event) => wantArrivalSound(event.currentTarget.checked)} />
            {strings.door.sound}
          </label>
          <button type="button" class="quiet" onClick={() => props.onLeave()}>
            {strings.door.leave}
          </button>
          <p class="promise">
            <Icon of={Lock} />
            <span>{strings.door.unseen}</span>
          </p>
        </section>
        <section aria-label={strings.prejoin.preview}>
          <Preview session={props.session} media={props.media} />
          <Devices session={props.session} media={props.media} />
          <Level media={props.media} level={props.session.media.level} />
        </section>
      </main>
    </div>
  );
};
