import { createSignal, onCleanup, Show } from "solid-js";
import { MonitorX } from "lucide";
import type { Conclave } from "../api.ts";
import { constants } from "../constants.ts";
import { Home } from "./home/Home.tsx";
import { hushTips } from "./parts/Control.tsx";
import { FullPage } from "./parts/FullPage.tsx";
import { Session } from "./Session.tsx";
import { strings } from "./strings.ts";

/** What a fragment is that nothing happened to: it is opened without waiting for the module. */
const whole = new RegExp(constants.linkPattern, "u");

/** Home without a fragment, a session with one. The fragment is the link; browsers do not send it. */
export const App = (props: { conclave: Conclave }) => {
  // Not said until a fragment that is not as it should be was read.
  const [visit, setVisit] = createSignal<{ fragment: string } | null>(null);
  const tidy = async (hash: string) => {
    const read = await props.conclave.readLink(hash);
    if (location.hash !== hash) return;
    // What is copied from the address bar is to be the link alone.
    if (read.kind === "link") history.replaceState(null, "", `#${read.fragment}`);
    setVisit({ fragment: location.hash.slice(1) });
  };
  const moved = () => {
    const fragment = location.hash.slice(1);
    if (fragment === "" || whole.test(fragment)) setVisit({ fragment });
    else void tidy(location.hash);
  };
  moved();
  window.addEventListener("hashchange", moved);
  onCleanup(() => window.removeEventListener("hashchange", moved));

  hushTips();

  const home = () => {
    history.pushState(null, "", location.pathname + location.search);
    moved();
  };
  return (
    <Show when={props.conclave.unsupported() === null} fallback={<Unsupported missing={props.conclave.unsupported() ?? ""} />}>
      <Show
        when={visit()?.fragment ? visit() : null}
        keyed
        fallback={<Show when={visit()}><Home conclave={props.conclave} /></Show>}
      >
        {(here) => <Session conclave={props.conclave} fragment={here.fragment} onHome={home} onAgain={moved} />}
      </Show>
    </Show>
  );
};

const Unsupported = (props: { missing: string }) => (
  <Show
    when={window.isSecureContext}
    fallback={<FullPage icon={MonitorX} tone="warned" title={strings.unsupported.insecure} text={strings.unsupported.insecureText} />}
  >
    <FullPage icon={MonitorX} tone="warned" title={strings.unsupported.title} text={strings.unsupported.text}>
      <p class="small muted">{strings.unsupported.detail(props.missing)}</p>
    </FullPage>
  </Show>
);
