import { createSignal, Show } from "solid-js";
import { Undo2, Video } from "lucide";
import type { Conclave } from "../../api.ts";
import { constants } from "../../constants.ts";
import { Icon, Logo } from "../parts/Icon.tsx";
import { createAnnouncer } from "../parts/Announcer.tsx";
import { signalOf } from "../state.ts";
import { strings } from "../strings.ts";
import { fragmentOf } from "../format.ts";
import { Mine } from "./Mine.tsx";
import { Paste } from "./Paste.tsx";

/** The meeting that was left last, for as long as this document is there. */
export interface Left {
  fragment: string;
  title: string;
}

/** Start a meeting, join one, find one's own again. */
export const Home = (props: { conclave: Conclave; left: Left | null; onOpen: (fragment: string) => void }) => {
  const { announce, Announcer } = createAnnouncer();
  const release = signalOf(props.conclave.origin.release);
  return (
    <div class="home">
      <header class="logo">
        <Logo />
        <span>{strings.product}</span>
      </header>
      <main class="hero">
        <div>
          <h1>{strings.home.title}</h1>
          <p class="lead muted">{strings.home.lead}</p>
          <div class="starts">
            <Show when={props.left}>
              {(left) => (
                <p class="card back">
                  <span class="grow">{strings.home.left(left().title)}</span>
                  <button type="button" class="quiet" onClick={() => props.onOpen(left().fragment)}>
                    <Icon of={Undo2} />
                    {strings.home.goBack}
                  </button>
                </p>
              )}
            </Show>
            <Start conclave={props.conclave} onOpen={props.onOpen} />
            <div class="or">{strings.home.or}</div>
            <Paste conclave={props.conclave} onOpen={props.onOpen} />
          </div>
        </div>
        <Mine conclave={props.conclave} announce={announce} onOpen={props.onOpen} />
      </main>
      <footer class="foot">{strings.home.from(props.conclave.origin.host, release())}</footer>
      <Announcer />
    </div>
  );
};

const Start = (props: { conclave: Conclave; onOpen: (fragment: string) => void }) => {
  const [busy, setBusy] = createSignal(false);
  const [failed, setFailed] = createSignal(false);
  const [title, setTitle] = createSignal("");
  const start = async (event: SubmitEvent) => {
    event.preventDefault();
    setBusy(true);
    setFailed(false);
    try {
      const made = await props.conclave.create(title().trim());
      props.onOpen(fragmentOf(made.link));
    } catch {
      setFailed(true);
      setBusy(false);
    }
  };
  return (
    <form onSubmit={(event) => void start(event)}>
      <div class="pair">
        <div class="field grow">
          <input
            aria-label={strings.home.name}
            placeholder={strings.home.name}
            maxlength={constants.titleChars}
            autocomplete="off"
            dir="auto"
            value={title()}
            onInput={(event) => setTitle(event.currentTarget.value)}
          />
        </div>
        <button type="submit" class="primary large" disabled={busy()}>
          <Icon of={Video} />
          {busy() ? strings.home.starting : strings.home.start}
        </button>
      </div>
      <p class="small muted" role="status">
        {title().length >= constants.titleChars ? strings.home.titleFull : ""}
      </p>
      <Show when={failed()}>
        <p class="wrongly" role="alert">
          {strings.home.failed(props.conclave.origin.host)}
        </p>
      </Show>
    </form>
  );
};
