import { createSignal, onCleanup, Show } from "solid-js";
import { MonitorX } from "lucide";
import type { Conclave } from "../api.ts";
import { Home } from "./home/Home.tsx";
import { hushTips } from "./parts/Control.tsx";
import { FullPage } from "./parts/FullPage.tsx";
import { Session } from "./Session.tsx";
import { strings } from "./strings.ts";

/** Home without a fragment, a session with one. The fragment is the link; browsers do not send it. */
export const App = (props: { conclave: Conclave }) => {
  const [visit, setVisit] = createSignal({ fragment: location.hash.slice(1) });
  const moved = () => setVisit({ fragment: location.hash.slice(1) });
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
        when={visit().fragment === "" ? null : visit()}
        keyed
        fallback={<Home conclave={props.conclave} />}
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
