import { createEffect, createMemo, createSignal, Match, on, onCleanup, onMount, Show, Switch } from "solid-js";
import type { Conclave, MediaState, Session, Snapshot } from "../../api.ts";
import { announceNotices } from "../notices.ts";
import { Chat } from "../panel/Chat.tsx";
import { People } from "../panel/People.tsx";
import { Safety } from "../panel/Safety.tsx";
import { LinkBox } from "../parts/LinkBox.tsx";
import { createAnnouncer } from "../parts/Announcer.tsx";
import { strings } from "../strings.ts";
import { Dialogs } from "./Dialogs.tsx";
import { Banner } from "./Banner.tsx";
import { Toolbar } from "./Toolbar.tsx";
import { Grid } from "./Grid.tsx";
import { listen } from "./keys.ts";
import { Shared } from "./Shared.tsx";
import { Sound } from "./Sound.tsx";
import { Top } from "./Top.tsx";

export type Panel = "chat" | "people" | "safety";
export type Ask = "invite" | "shortcuts" | "devices";

interface Props {
  session: Session;
  snapshot: Snapshot;
  media: MediaState;
  origin: Conclave["origin"];
  link: string;
}

/** Inside: people, what they show, and what one can do. */
export const Meeting = (props: Props) => {
  const { announce, Announcer } = createAnnouncer();
  const [panel, setPanel] = createSignal<Panel | null>(null);
  const [ask, setAsk] = createSignal<Ask | null>(null);
  let opener: Element | null = null;

  // Own tile last; nobody else moves unless somebody joins or leaves.
  const members = createMemo(() => [...props.snapshot.members.filter((member) => !member.me), ...props.snapshot.members.filter((member) => member.me)]);
  const identities = createMemo(() => new Set(props.snapshot.members.map((member) => member.identity)));
  const me = () => props.snapshot.members.find((member) => member.me)?.identity;
  // A screen whose owner holds no keys is never shown; one's own would only mirror itself.
  const tracks = createMemo(() => props.media.tracks);
  const screens = createMemo(() => tracks().filter((track) => track.source === "screen" && track.identity !== me() && identities().has(track.identity)));

  const show = (next: Panel) => {
    if (panel() === next) close();
    else {
      if (panel() === null) opener = document.activeElement;
      setPanel(next);
    }
  };
  const close = () => {
    if (panel() === null) return;
    setPanel(null);
    if (opener instanceof HTMLElement && opener.isConnected) opener.focus();
  };

  const microphone = () => props.media.microphone;
  const camera = () => props.media.camera;
  listen(
    {
      m: () => void props.session.media.microphone(microphone() !== "on"),
      v: () => void props.session.media.camera(camera() !== "on"),
      x: () => void (props.media.screen !== "unsupported" && props.session.media.share(props.media.screen !== "on")),
      c: () => show("chat"),
      p: () => show("people"),
      s: () => show("safety"),
      i: () => setAsk("invite"),
      "?": () => setAsk("shortcuts"),
    },
    close,
  );

  // Off states are said aloud, and so is why a device did not start.
  const said = { microphone: [strings.announcements.micOn, strings.announcements.micOff], camera: [strings.announcements.cameraOn, strings.announcements.cameraOff] } as const;
  for (const what of ["microphone", "camera"] as const) {
    createEffect(
      on(
        // The media tell of each change of the level; what happened once is said once.
        createMemo(() => props.media[what]),
        (state) => {
          const why = strings.prejoin.capture(what, state);
          if (why !== null) announce.toast({ text: why, loud: true, silent: false });
          else if (state !== "starting") announce.aloud(said[what][state === "on" ? 0 : 1]);
        },
        { defer: true },
      ),
    );
  }
  createEffect(on(createMemo(() => props.media.screen === "on"), (sharing) => announce.aloud(sharing ? strings.announcements.shareOn : strings.announcements.shareOff), { defer: true }));
  createEffect(on(() => props.snapshot.phase.kind, (kind) => announce.aloud(kind === "reconnecting" ? strings.announcements.reconnecting : strings.announcements.back), { defer: true }));
  onMount(() => announce.aloud(strings.announcements.inside));

  // What happened before one came in is not news.
  let told = props.snapshot.notices.at(-1)?.id ?? 0;
  createEffect(() => {
    for (const news of announceNotices(props.snapshot.notices, told, props.snapshot.security.people)) {
      told = news.id;
      announce.toast(news);
    }
  });

  const [read, setRead] = createSignal(props.snapshot.chat.at(-1)?.id ?? 0);
  const unread = createMemo(() => props.snapshot.chat.filter((line) => line.id > read() && !line.mine).length);
  createEffect(
    on(
      () => props.snapshot.chat.at(-1)?.id ?? 0,
      (last) => {
        const line = props.snapshot.chat.at(-1);
        if (line && !line.mine) announce.aloud(strings.announcements.chat(line.name, line.text));
        if (panel() === "chat") setRead(last);
      },
      { defer: true },
    ),
  );
  createEffect(() => panel() === "chat" && setRead(props.snapshot.chat.at(-1)?.id ?? 0));
  createEffect(() => (document.title = unread() > 0 ? `(${unread()}) ${strings.product}` : strings.product));
  onCleanup(() => (document.title = strings.product));

  return (
    <div class="meeting" classList={{ broken: props.snapshot.phase.kind === "reconnecting" }}>
      <Top security={props.snapshot.security} panel={panel()} onPanel={show} onInvite={() => setAsk("invite")} />
      <div class="body">
        <main class="stage">
          <Show when={screens().length > 0} fallback={<Grid members={members()} media={props.media} layers={props.session.media} />}>
            <Shared screens={screens()} members={members()} media={props.media} layers={props.session.media} />
          </Show>
          <Banner phase={props.snapshot.phase} media={props.media} session={props.session} />
          <Show when={members().length === 1 && props.snapshot.phase.kind === "inside"}>
            <section class="card alone" aria-labelledby="alone">
              <h2 id="alone">{strings.meeting.alone}</h2>
              <p class="muted small">{strings.meeting.aloneText}</p>
              <LinkBox link={props.link} announce={announce} />
            </section>
          </Show>
        </main>
        <Show when={panel()}>
          <button type="button" class="shade" tabindex="-1" aria-hidden="true" onClick={close} />
        </Show>
        <Switch>
          <Match when={panel() === "chat"}>
            <Chat snapshot={props.snapshot} onSend={(text) => props.session.command({ kind: "chat", text })} onClose={close} />
          </Match>
          <Match when={panel() === "people"}>
            <People snapshot={props.snapshot} members={members()} media={props.media} onRemove={(identity) => props.session.command({ kind: "remove", identity })} onInvite={() => setAsk("invite")} onClose={close} />
          </Match>
          <Match when={panel() === "safety"}>
            <Safety snapshot={props.snapshot} members={members()} origin={props.origin} onClose={close} />
          </Match>
        </Switch>
      </div>
      <Toolbar session={props.session} media={props.media} title={props.snapshot.title} panel={panel()} unread={unread()} onPanel={show} onAsk={setAsk} />
      <Announcer />
      <Sound media={props.media} belongs={(identity) => identities().has(identity)} />
      <Dialogs ask={ask()} link={props.link} session={props.session} media={props.media} announce={announce} onClose={() => setAsk(null)} />
    </div>
  );
};
