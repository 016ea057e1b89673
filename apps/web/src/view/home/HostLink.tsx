import { createEffect, createSignal, For, onCleanup, onMount, Show } from "solid-js";
import type { Conclave, KeptMeeting, MadeHostLink } from "../../api.ts";
import { weekdayAndTime } from "../format.ts";
import type { Announce } from "../parts/Announcer.tsx";
import { Dialog } from "../parts/Dialog.tsx";
import { LinkBox } from "../parts/LinkBox.tsx";
import { QrPicture } from "../parts/QrPicture.tsx";
import { strings } from "../strings.ts";

const all = strings.home.hostLink;
/** How often the server is asked what became of the links, in milliseconds, while somebody looks. */
const often = 3000;

/** Makes a link that makes another device a host of a meeting that is kept here, says what became of it, and takes back those that nobody has used. */
export const HostLink = (props: { conclave: Conclave; meeting: KeptMeeting; announce: Announce; onClose: () => void }) => {
  const [busy, setBusy] = createSignal(false);
  const [fresh, setFresh] = createSignal<{ url: string; id: string } | null>(null);
  const [links, setLinks] = createSignal<MadeHostLink[]>([]);
  const [wrong, setWrong] = createSignal<string | null>(null);
  const [said, setSaid] = createSignal("");
  /** Takes the focus when the button that had it is gone. */
  let maker: HTMLButtonElement | undefined;
  const during = async (work: () => Promise<string | null>) => {
    setBusy(true);
    setWrong(null);
    setSaid("");
    setWrong(await work().catch(() => all.unreachable));
    setBusy(false);
  };
  /** Gives whether the server answered. */
  const look = async (takeBack = false): Promise<boolean> => {
    const told = await props.conclave.hostLinks(props.meeting.id, takeBack);
    if (told) setLinks(told);
    return told !== null;
  };
  const make = () =>
    during(async () => {
      const offered = await props.conclave.offerHostKey(props.meeting.id);
      if (offered.kind !== "offered") return all[offered.kind];
      setFresh(offered);
      await look();
      return null;
    });
  const takeBack = () =>
    during(async () => {
      if (!(await look(true))) return all.unreachable;
      setSaid(all.takenBack);
      return null;
    }).then(() => maker?.focus());
  const of = (id: string) => links().find((one) => one.id === id)?.state.kind;
  createEffect(() => {
    const id = fresh()?.id;
    const became = id === undefined ? undefined : of(id);
    if (became === undefined || became === "waiting") return;
    setFresh(null);
    if (became === "used") setSaid(all.usedNow);
  });
  onMount(() => {
    void look().catch(() => undefined);
    const timer = setInterval(() => {
      if (!document.hidden && !busy()) void look().catch(() => undefined);
    }, often);
    onCleanup(() => clearInterval(timer));
  });
  return (
    <Dialog title={all.title(props.meeting.title || strings.home.untitled)} fromTitle onClose={() => props.onClose()}>
      <p class="muted">{all.text}</p>
      <Show when={fresh()?.url} keyed>
        {(url) => (
          <>
            <LinkBox link={url} announce={props.announce} />
            <QrPicture text={url} label={all.code} />
          </>
        )}
      </Show>
      <p class="host-link-said" role="status">
        {said()}
      </p>
      <Show when={wrong()}>
        <p class="wrongly" role="alert">
          {wrong()}
        </p>
      </Show>
      <Show when={links().length > 0}>
        <ul class="host-links small" aria-label={all.made}>
          <For each={links()}>{(link) => <li>{sentences(link).join(" ")}</li>}</For>
        </ul>
        <Show when={links().some(({ state }) => state.kind === "waiting")}>
          <button type="button" class="quiet" disabled={busy()} onClick={() => void takeBack()}>
            {all.takeBack}
          </button>
        </Show>
      </Show>
      <div class="actions">
        <button type="button" class="quiet" onClick={() => props.onClose()}>
          {strings.close}
        </button>
        <button ref={(element) => (maker = element)} type="button" class="primary" disabled={busy()} onClick={() => void make()}>
          {all.make}
        </button>
      </div>
    </Dialog>
  );
};

const sentences = ({ state, until, tried }: MadeHostLink): string[] => {
  const more = tried > 0 ? [all.tried(tried)] : [];
  switch (state.kind) {
    case "waiting":
      return [all.waiting(weekdayAndTime(until))];
    case "used":
      return [all.used(weekdayAndTime(state.at)), ...more];
    case "takenBack":
      return [all.back, ...more];
  }
};
