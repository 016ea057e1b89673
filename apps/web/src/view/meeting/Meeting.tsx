import { createMemo, createSignal, Match, Show, Switch, untrack } from "solid-js";
import type { Conclave, MediaState, Session, Snapshot } from "../../api.ts";
import { Chat } from "../panel/Chat.tsx";
import { type Crossings, noCrossings, readCrossings } from "../panel/chat-flow.ts";
import { People } from "../panel/People.tsx";
import { noReaders, type Readers, readReaders } from "../panel/readers.ts";
import { Safety } from "../panel/Safety.tsx";
import type { History } from "../history.ts";
import { holdBack, holdPlace } from "../parts/back.ts";
import { isNarrow } from "../state.ts";
import { createAnnouncer } from "../parts/Announcer.tsx";
import { LinkBox } from "../parts/LinkBox.tsx";
import { strings } from "../strings.ts";
import { createAnnouncements } from "./announcements.ts";
import { arrivalSound, createArrivalSound, wantArrivalSound } from "./arrival.ts";
import { Banner } from "./Banner.tsx";
import { createAway, isEvident } from "./connection.ts";
import { Dialogs } from "./Dialogs.tsx";
import { Grid } from "./Grid.tsx";
import { KeyChanged } from "./KeyChanged.tsx";
import { lostTile } from "./lost.ts";
import { createPanel, type DialogName } from "./panels.ts";
import { Presenting } from "./Presenting.tsx";
import { bySeat, type Seat, takeSeats } from "./seats.ts";
import { Shared } from "./Shared.tsx";
import { createShortcuts } from "./shortcuts.ts";
import { Sound } from "./Sound.tsx";
import { createTitle } from "./title.ts";
import { Toolbar } from "./Toolbar.tsx";
import { Top } from "./Top.tsx";
import { createUnread } from "./unread.ts";

interface Props {
  session: Session;
  snapshot: Snapshot;
  /** The newest notice that is no news. */
  told: number;
  history: History;
  media: MediaState;
  origin: Conclave["origin"];
  link: string;
}

/** Inside: people, what they show, and what one can do. */
export const Meeting = (props: Props) => {
  const { announce, Announcer } = createAnnouncer();
  const { panel, togglePanel, closePanel } = createPanel();
  const [dialog, setDialog] = createSignal<DialogName | null>(null);
  /** With whom one is about to compare: the panel begins there. */
  const [comparing, setComparing] = createSignal<string | null>(null);
  // Outlives the panel, and goes with the meeting.
  const [draft, setDraft] = createSignal("");
  // A sheet covers all but the toolbar, which becomes its last row.
  const narrow = isNarrow();
  const covered = () => narrow() && panel() !== null;
  const { unread, see } = createUnread(() => props.snapshot.chat);
  createTitle(() => props.snapshot.notices, unread);
  createArrivalSound(() => props.snapshot);
  createShortcuts({ media: props.session.media, state: () => props.media, togglePanel, closePanel, openDialog: setDialog });
  holdBack(() => setDialog("leave"));
  holdPlace(() => props.media);
  const away = createAway(() => props.snapshot);
  createAnnouncements(
    announce,
    () => props.snapshot,
    props.told,
    () => props.media,
    () => away() !== null,
    {
      admit: (identity) => props.session.command({ kind: "admit", identities: [identity] }),
      showPeople: () => panel() !== "people" && togglePanel("people"),
      seesPeople: () => panel() === "people",
    },
  );

  // For the whole meeting, since the snapshot drops old notices and the panel is not always open.
  const crossings = createMemo((before: Crossings) => readCrossings(before, props.snapshot.chat, props.snapshot.notices), noCrossings);
  const readers = createMemo((before: Readers) => readReaders(before, props.snapshot.chat, props.snapshot.unsent, props.snapshot.members), noReaders);
  const cameLater = untrack(() => props.snapshot.members[0]?.me === false);

  // Own tile last; nobody else moves unless somebody joins or leaves.
  const seats = createMemo((before: readonly Seat[]) => takeSeats(before, [...props.snapshot.members, ...props.snapshot.lost]), []);
  const others = createMemo(() => props.snapshot.members.filter((member) => !member.me));
  const own = createMemo(() => props.snapshot.members.filter((member) => member.me));
  const members = createMemo(() => [...bySeat(seats(), others()), ...own()]);
  // Who is lost keeps a tile for a while; it has no keys, and no place among the people.
  const tiles = createMemo(() => [...bySeat(seats(), [...others(), ...props.snapshot.lost.map(lostTile)]), ...own()]);
  const identities = createMemo(() => new Set(props.snapshot.members.map((member) => member.identity)));
  const me = () => props.snapshot.members.find((member) => member.me)?.identity;
  // A screen whose owner holds no keys is never shown; one's own would only mirror itself.
  const tracks = createMemo(() => props.media.tracks);
  const screens = createMemo(() => tracks().filter((track) => track.source === "screen" && track.identity !== me() && identities().has(track.identity)));
  const ownScreen = createMemo(() => tracks().find((track) => track.source === "screen" && track.identity === me()));

  return (
    <div class="meeting" classList={{ broken: away() !== null || props.media.connection === "reconnecting", offline: away() !== null }}>
      <Top security={props.snapshot.security} door={props.snapshot.door} endsAt={props.snapshot.endsAt} knocking={props.snapshot.waiting.length} away={away() !== null && !isEvident(props.snapshot)} covered={covered()} panel={panel()} onPanel={togglePanel} onInvite={() => setDialog("invite")} />
      <div class="body">
        <main class="stage">
          <Show when={props.media.screen === "on"}>
            <Presenting stream={ownScreen()?.stream} covered={covered()} session={props.session} />
          </Show>
          <div class="scene" inert={covered()}>
            <Show when={screens().length > 0} fallback={<Grid members={tiles()} media={props.media} layers={props.session.media} />}>
              <Shared screens={screens()} members={tiles()} media={props.media} layers={props.session.media} />
            </Show>
            <Show when={tiles().length === 1 && props.snapshot.phase.kind === "inside"}>
              <section class="card alone" aria-labelledby="alone">
                <h2 id="alone">{strings.meeting.alone}</h2>
                <p class="muted small">{strings.meeting.aloneText(props.snapshot.door)}</p>
                <LinkBox link={props.link} announce={announce} />
                <label class="switch small">
                  <input type="checkbox" checked={arrivalSound()} onChange={(event) => wantArrivalSound(event.currentTarget.checked)} />
                  {strings.meeting.arrivalSound}
                </label>
              </section>
            </Show>
          </div>
          <Banner away={away()} media={props.media} host={props.origin.host} />
          <Announcer />
        </main>
        <Show when={panel()}>
          <button type="button" class="shade" tabindex="-1" aria-hidden="true" onClick={closePanel} />
        </Show>
        <Switch>
          <Match when={panel() === "chat"}>
            <Chat
              snapshot={props.snapshot}
              away={away() !== null}
              dividers={crossings().dividers}
              readers={readers().of}
              cameLater={cameLater}
              draft={draft()}
              onDraft={setDraft}
              unread={unread()}
              onSeen={see}
              onSend={(text) => props.session.command({ kind: "chat", text })}
              onClose={closePanel}
            />
          </Match>
          <Match when={panel() === "people"}>
            <People snapshot={props.snapshot} members={members()} media={props.media} onCommand={(command) => props.session.command(command)} onInvite={() => setDialog("invite")} onClose={closePanel} />
          </Match>
          <Match when={panel() === "safety"}>
            <Safety
              session={props.session}
              snapshot={props.snapshot}
              members={members()}
              history={props.history}
              origin={props.origin}
              first={comparing()}
              onCompare={(identity, code, same) => props.session.command({ kind: "compare", identity, code, same })}
              onClose={closePanel}
            />
          </Match>
        </Switch>
      </div>
      <Toolbar session={props.session} media={props.media} title={props.snapshot.title} panel={panel()} unread={unread()} knocking={props.snapshot.waiting.length} onPanel={togglePanel} onDialog={setDialog} />
      <KeyChanged
        snapshot={props.snapshot}
        onStay={(identity) => props.session.command({ kind: "answerChange", identity })}
        onCompare={(identity) => {
          setComparing(identity);
          if (panel() !== "safety") togglePanel("safety");
        }}
      />
      <Sound media={props.media} belongs={(identity) => identities().has(identity)} />
      <Dialogs dialog={dialog()} link={props.link} title={props.snapshot.title} door={props.snapshot.door} session={props.session} media={props.media} announce={announce} onClose={() => setDialog(null)} />
    </div>
  );
};
