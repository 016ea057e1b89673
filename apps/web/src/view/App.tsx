import { createSignal, Match, onCleanup, Show, Switch } from "solid-js";
import { MonitorX, SearchX, Unlink } from "lucide";
import type { Conclave } from "../api.ts";
import { constants } from "../constants.ts";
import { BecomeHost } from "./home/BecomeHost.tsx";
import { Home, type Left } from "./home/Home.tsx";
import { Lost } from "./home/Lost.tsx";
import { hushTips } from "./parts/Control.tsx";
import { FullPage } from "./parts/FullPage.tsx";
import { Session } from "./Session.tsx";
import { strings } from "./strings.ts";

/** What a fragment is that nothing happened to: it is opened without waiting for the module. */
const whole = new RegExp(constants.linkPattern, "u");
const { meetingPage } = constants;

/** What the address asks for. */
type Visit = { page: "home" | "cut" | "notFound" } | { page: "session"; fragment: string } | { page: "hostLink"; fragment: string; guest: string };

/** Home, a meeting's page, or neither. The fragment is the link; browsers do not send it. */
export const App = (props: { conclave: Conclave }) => {
  // Not said until a fragment that is not as it should be was read.
  const [visit, setVisit] = createSignal<Visit | null>(null);
  const [left, setLeft] = createSignal<Left | null>(null);
  const known = () => location.pathname === "/" || location.pathname === meetingPage;
  const enter = (fragment: string) => {
    // What is copied from the address bar is to be the link alone.
    const link = `${meetingPage}#${fragment}`;
    if (location.pathname + location.search + location.hash !== link) history.replaceState(null, "", link);
    setVisit({ page: "session", fragment });
  };
  const tidy = async (hash: string) => {
    const read = await props.conclave.readLink(hash).catch(() => null);
    if (location.hash !== hash) return;
    if (read?.kind === "link" && read.guest !== undefined) setVisit({ page: "hostLink", fragment: read.fragment, guest: read.guest });
    else if (read?.kind === "link") enter(read.fragment);
    else setVisit(known() ? { page: "session", fragment: hash.slice(1) } : { page: "notFound" });
  };
  const moved = () => {
    const fragment = location.hash.slice(1);
    if (whole.test(fragment)) enter(fragment);
    else if (fragment !== "") void tidy(location.hash);
    else setVisit({ page: location.pathname === meetingPage ? "cut" : known() ? "home" : "notFound" });
  };
  moved();
  window.addEventListener("hashchange", moved);
  onCleanup(() => window.removeEventListener("hashchange", moved));

  hushTips();

  const open = (fragment: string) => {
    history.pushState(null, "", `${meetingPage}#${fragment}`);
    moved();
  };
  const home = (from?: Left) => {
    setLeft(from ?? null);
    history.pushState(null, "", "/");
    moved();
  };
  const session = () => {
    const now = visit();
    return now?.page === "session" ? now : null;
  };
  const hostLink = () => {
    const now = visit();
    return now?.page === "hostLink" ? now : null;
  };
  return (
    <Show when={props.conclave.unsupported() === null} fallback={<Unsupported missing={props.conclave.unsupported() ?? ""} />}>
      <Switch>
        <Match when={session()} keyed>
          {(here) => <Session conclave={props.conclave} fragment={here.fragment} onHome={home} onAgain={moved} />}
        </Match>
        <Match when={hostLink()} keyed>
          {(here) => <BecomeHost conclave={props.conclave} fragment={here.fragment} guest={here.guest} onOpen={enter} onHome={home} />}
        </Match>
        <Match when={visit()?.page === "home"}>
          <Home conclave={props.conclave} left={left()} onOpen={open} />
        </Match>
        <Match when={visit()?.page === "cut"}>
          <Lost icon={Unlink} {...strings.keyCut} conclave={props.conclave} onOpen={open} onHome={home} />
        </Match>
        <Match when={visit()?.page === "notFound"}>
          <Lost icon={SearchX} {...strings.notFound} conclave={props.conclave} onOpen={open} onHome={home} />
        </Match>
      </Switch>
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
