import { createSignal, Show } from "solid-js";
import { Undo2, Video } from "lucide";
import type { Conclave } from "../../api.ts";
import { Icon, Logo } from "../parts/Icon.tsx";
import { createAnnouncer } from "../parts/Announcer.tsx";
import { signalOf } from "../state.ts";
import { strings } from "../strings.ts";
import { fragmentOf } from "../format.ts";
import { ChosenPassphrase } from "./ChosenPassphrase.tsx";
import { Mine } from "./Mine.tsx";
import { Paste } from "./Paste.tsx";
import { strengthOf } from "./strength.ts";
import { Verified } from "./Verified.tsx";

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
        <div class="kept">
          <Mine conclave={props.conclave} announce={announce} onOpen={props.onOpen} />
          <Verified conclave={props.conclave} announce={announce} />
        </div>
      </main>
      <footer class="foot">{strings.home.from(props.conclave.origin, release())}</footer>
      <Announcer />
    </div>
  );
};

const Start = (props: { conclave: Conclave; onOpen: (fragment: string) => void }) => {
  const [lobby, setLobby] = createSignal(false);
  /** `null`: there is to be none. */
  const [passphrase, setPassphrase] = createSignal<string | null>(null);
  const [tooWeak, setTooWeak] = createSignal(false);
  const [busy, setBusy] = createSignal(false);
  const [failed, setFailed] = createSignal<string>();
  const start = async () => {
    setFailed(undefined);
    const chosen = passphrase();
    if (chosen !== null && ["short", "same"].includes(strengthOf(chosen))) return setTooWeak(true);
    setBusy(true);
    try {
      const made = await props.conclave.create(lobby(), chosen ?? undefined);
      props.onOpen(fragmentOf(made.link));
    } catch (error) {
      setFailed(strings.home.failed(error instanceof Error ? error.message : "", props.conclave.origin.host));
      setBusy(false);
    }
  };
  return (
    <div>
      <button type="button" class="primary large" disabled={busy()} onClick={() => void start()}>
        <Icon of={Video} />
        {busy() ? strings.home.starting : strings.home.start}
      </button>
      <label class="switch small">
        <input type="checkbox" checked={lobby()} onChange={(event) => setLobby(event.currentTarget.checked)} />
        {strings.home.lobby}
      </label>
      <label class="switch small">
        <input
          type="checkbox"
          checked={passphrase() !== null}
          onChange={(event) => {
            setPassphrase(event.currentTarget.checked ? "" : null);
            setTooWeak(false);
          }}
        />
        {strings.home.passphrase.ask}
      </label>
      <Show when={passphrase() !== null}>
        <ChosenPassphrase
          value={passphrase() ?? ""}
          wrong={tooWeak()}
          onInput={(value) => {
            setPassphrase(value);
            setTooWeak(false);
          }}
        />
      </Show>
      <Show when={failed()}>
        <p class="wrongly" role="alert">
          {failed()}
        </p>
      </Show>
    </div>
  );
};
