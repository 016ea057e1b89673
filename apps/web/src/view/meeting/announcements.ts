import { type Accessor, createEffect, createMemo, on, onMount } from "solid-js";
import type { MediaState, Snapshot } from "../../api.ts";
import { cutName } from "../names.ts";
import { announceNotices } from "../notices.ts";
import type { Announce } from "../parts/Announcer.tsx";
import { strings } from "../strings.ts";
import { playArrival } from "./arrival.ts";

const captures = {
  microphone: { on: strings.announcements.micOn, off: strings.announcements.micOff },
  camera: { on: strings.announcements.cameraOn, off: strings.announcements.cameraOff },
} as const;

/** What a host can do about who asks to come in. */
export interface Acts {
  admit: (identity: string) => void;
  showPeople: () => void;
  /** The list of those who wait is in sight. */
  seesPeople: Accessor<boolean>;
}

/** One toast for all who wait, whenever somebody new does; it goes when it is true no more. */
const createKnocks = (announce: Announce, snapshot: Accessor<Snapshot>, act: Acts): void => {
  const key = "door";
  createEffect(() => act.seesPeople() && announce.withdraw(key));
  createEffect(
    on(
      () => snapshot().waiting.map(({ identity }) => identity),
      (now, before = []) => {
        if (now.join() === before.join()) return;
        announce.withdraw(key);
        const fresh = snapshot().waiting.find(({ identity }) => !before.includes(identity));
        if (!fresh) return;
        const { identity } = fresh;
        const name = cutName(fresh.name);
        if (before.length === 0) playArrival();
        const admit = { label: strings.door.admit, name: strings.door.admitNamed(name), press: () => act.admit(identity) };
        const show = { label: strings.door.show, name: strings.toolbar.knocking(now.length), press: act.showPeople };
        announce.toast({ text: strings.door.asksIn(name, now.length - 1), loud: false, silent: act.seesPeople(), security: false, key, action: now.length === 1 ? admit : show });
      },
    ),
  );
};

/** Announces what happens in a meeting while the caller is on the page: own capture, the connection, notices above the id `told`, chat. */
export const createAnnouncements = (announce: Announce, snapshot: Accessor<Snapshot>, told: number, media: Accessor<MediaState>, away: Accessor<boolean>, act: Acts): void => {
  // Memos, since the state of which each is a part changes for other reasons too: what happened once is announced once.
  for (const kind of ["microphone", "camera"] as const) {
    createEffect(
      on(
        createMemo(() => media()[kind]),
        (state) => {
          const fault = strings.meeting.capture(kind, state);
          if (fault !== null) announce.toast({ text: fault, loud: true, silent: false, security: false });
          else if (state !== "starting") announce.aloud(captures[kind][state === "on" ? "on" : "off"]);
        },
        { defer: true },
      ),
    );
  }
  createEffect(
    on(
      createMemo(() => media().screen === "on"),
      (sharing) => announce.aloud(sharing ? strings.announcements.shareOn : strings.announcements.shareOff),
      { defer: true },
    ),
  );
  createEffect(
    on(
      createMemo(() => snapshot().phase.kind),
      (kind) => announce.aloud(kind === "reconnecting" ? strings.announcements.reconnecting : strings.announcements.back),
      { defer: true },
    ),
  );
  onMount(() => announce.aloud(strings.announcements.inside));

  let announced = told;
  createEffect(() => {
    const { notices, security } = snapshot();
    // Keys that are missing while the log cannot be read are nobody's fault.
    const news = away() ? notices.filter(({ what }) => what.kind !== "mediaRefused" || what.reason !== "noKey") : notices;
    for (const { id, ...announcement } of announceNotices(news, announced, security.people)) {
      announced = id;
      announce.toast(announcement);
    }
    announced = notices.at(-1)?.id ?? announced;
  });

  createKnocks(announce, snapshot, act);

  createEffect(
    on(
      createMemo(() => snapshot().chat.findLast(({ mine }) => !mine)),
      (line) => line && announce.aloud(strings.announcements.chat(cutName(line.name), line.text)),
      { defer: true },
    ),
  );
};
