import { createSignal, Show } from "solid-js";
import { Link, Video } from "lucide";
import type { Conclave } from "../../api.ts";
import { constants } from "../../constants.ts";
import { Icon, Logo } from "../parts/Icon.tsx";
import { createAnnouncer } from "../parts/Announcer.tsx";
import { signalOf } from "../state.ts";
import { strings } from "../strings.ts";
import { Mine } from "./Mine.tsx";

/** Start a meeting, join one, find one's own again. */
export const Home = (props: { conclave: Conclave }) => {
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
            <Start conclave={props.conclave} />
            <div class="or">{strings.home.or}</div>
            <Paste conclave={props.conclave} />
          </div>
        </div>
        <Mine conclave={props.conclave} announce={announce} />
      </main>
      <footer class="foot">{strings.home.from(props.conclave.origin.host, release())}</footer>
      <Announcer />
    </div>
  );
};

const Start = (props: { conclave: Conclave }) => {
  const [busy, setBusy] = createSignal(false);
  const [failed, setFailed] = createSignal(false);
  const [title, setTitle] = createSignal("");
  const start = async (event: SubmitEvent) => {
    event.preventDefault();
    setBusy(true);
    setFailed(false);
    try {
      const made = await props.conclave.create(title().trim());
      location.hash = new URL(made.link, location.href).hash;
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

const Paste = (props: { conclave: Conclave }) => {
  const [wrong, setWrong] = createSignal<string | null>(null);
  const [text, setText] = createSignal("");
  const go = async (event: SubmitEvent) => {
    event.preventDefault();
    const pasted = text();
    const read = await props.conclave.readLink(pasted);
    if (pasted !== text()) return;
    if (read.kind === "refused") {
      // An address of this page without its secret was a link once.
      const cut = read.reason === "cut" || (read.reason === "missing" && pasted.includes(location.host));
      setWrong(cut ? strings.home.cutLink : read.reason === "several" ? strings.home.severalLinks : strings.home.notLink);
    } else if (read.url.startsWith(`${location.origin}/`)) location.hash = read.fragment;
    else location.assign(read.url);
  };
  return (
    <form onSubmit={(event) => void go(event)}>
      <div class="pair">
        <div class="field grow" classList={{ wrong: wrong() !== null }}>
          <Icon of={Link} />
          <input
            aria-label={strings.home.paste}
            placeholder={strings.home.paste}
            aria-invalid={wrong() !== null}
            aria-describedby={wrong() === null ? undefined : "paste-wrong"}
            autocomplete="off"
            autocapitalize="off"
            spellcheck={false}
            inputmode="url"
            value={text()}
            onInput={(event) => {
              setText(event.currentTarget.value);
              setWrong(null);
            }}
          />
        </div>
        <button type="submit" class="quiet large" disabled={text().trim() === ""}>
          {strings.home.join}
        </button>
      </div>
      <Show when={wrong()}>
        <p class="wrongly" id="paste-wrong" role="alert">
          {wrong()}
        </p>
      </Show>
    </form>
  );
};
