// Puts worker and media together, and gives the view what api.ts describes.
import { SessionWorker } from "./worker/session-worker.ts";
import { PeopleVault } from "./worker/people-vault.ts";
import { type Kept, type VaultSealed, Vault } from "./worker/vault.ts";
import type { Command, ReadLink, Snapshot } from "./worker/wasm/conclave.js";
import type { Conclave, FileRefusal, HostKeyTaken, HostLinkOffered, KeptMeeting, MadeHostLink, PageOrigin, Seat, Session, VerifiedPerson } from "./api.ts";
import { constants } from "./constants.ts";
import { desktopSite, type Loader } from "./loader.ts";
import { LiveMedia } from "./media/media.ts";
import { Observable } from "./observable.ts";
import { TabSeat } from "./seat.ts";

/** What differs between deployments; the same for everybody who asks, so it names no meeting. */
interface Config {
  release?: string;
}

/** Nothing of it waits for the server: the page is there as soon as its script is. `loader`: what serves it, if that is the desktop program. */
export const start = (loader?: Loader): Conclave => {
  const release = new Observable("");
  void config().then((told) => release.set(told.release ?? "unknown"));
  const server = loader?.server ?? location.origin;
  return new Page({ host: new URL(server).host, server, release, desktop: loader !== undefined }, loader);
};

const config = async (): Promise<Config> => {
  try {
    const answer = await fetch("/config.json", { credentials: "omit", referrerPolicy: "no-referrer" });
    return answer.ok ? ((await answer.json()) as Config) : {};
  } catch {
    return {};
  }
};

class Page implements Conclave {
  private readonly vault: Vault;
  private readonly people: PeopleVault;
  /** Loads before anybody asks, so that a click does not wait for it. */
  private spare: SessionWorker | undefined;
  /** Whoever has just chosen a passphrase does not type it again to go in. */
  private chosen: { fragment: string; passphrase: string | undefined } | undefined;

  constructor(
    readonly origin: PageOrigin,
    private readonly loader?: Loader,
  ) {
    this.vault = new Vault(loader?.key);
    this.people = new PeopleVault(this.vault);
    if (this.unsupported() === null) this.spare = new SessionWorker(origin.server);
  }

  unsupported(): string | null {
    return missing();
  }

  async create(lobby: boolean, passphrase?: string): Promise<KeptMeeting> {
    const made = await this.worker()
      .ask({ kind: "create", lobby, passphrase, origin: this.origin.server })
      .catch(() => ({ kind: "unreachable" as const }));
    if (made.kind !== "made") throw new Error(made.kind);
    this.chosen = { fragment: new URL(made.link).hash.slice(1), passphrase };
    const kept: Kept = { title: "", link: made.link, createdAt: Date.now(), host: made.host };
    return listed(await this.vault.keep(kept), kept);
  }

  async kept(): Promise<KeptMeeting[]> {
    return (await this.vault.all()).map((meeting) => listed(meeting.id, meeting));
  }

  forget(id: string): Promise<void> {
    return this.vault.forget(id);
  }

  async saveMeetings(passphrase: string): Promise<Blob | FileRefusal> {
    try {
      const meetings = (await this.vault.all()).map(({ title, link, createdAt, host }) => ({ title, link, createdAt, host }));
      const sealed = await this.worker().ask({ kind: "sealMeetings", meetings, passphrase });
      return sealed.kind === "sealed" ? new Blob([sealed.file], { type: "application/octet-stream" }) : sealed.reason;
    } catch {
      return "failed";
    }
  }

  async loadMeetings(file: Blob, passphrase: string): Promise<number | FileRefusal> {
    if (file.size > constants.fileBytes) return "notOurs";
    try {
      const bytes = new Uint8Array(await file.arrayBuffer());
      const opened = await this.worker().ask({ kind: "openMeetings", file: bytes, passphrase });
      if (opened.kind !== "opened") return opened.reason;
      const here = opened.meetings.filter(({ link }) => new URL(link).origin === this.origin.server);
      return here.length === 0 && opened.meetings.length > 0 ? "elsewhere" : await this.vault.add(here);
    } catch {
      return "failed";
    }
  }

  async offerHostKey(id: string): Promise<HostLinkOffered> {
    const meeting = await this.mine(id);
    return meeting ? this.worker().ask({ kind: "offerHostKey", meeting, origin: this.origin.server }) : { kind: "refused" };
  }

  async hostLinks(id: string, takeBack: boolean): Promise<MadeHostLink[] | null> {
    const meeting = await this.mine(id);
    return meeting ? this.worker().ask({ kind: "hostLinks", meeting, takeBack }) : null;
  }

  async takeHostKey(fragment: string, guest: string): Promise<HostKeyTaken> {
    try {
      // What works once is not used where it is not needed, nor where nothing can be kept.
      if (await this.vault.find(guest)) return { kind: "taken" };
      const taken = await this.worker().ask({ kind: "takeHostKey", fragment, origin: this.origin.server });
      if (taken.kind === "refused") return { kind: taken.reason };
      await this.vault.add([{ title: "", link: taken.link, createdAt: Date.now(), host: taken.host }]);
      return { kind: "taken" };
    } catch {
      return { kind: "failed" };
    }
  }

  private async mine(id: string): Promise<Pick<Kept, "link" | "host"> | undefined> {
    const meeting = (await this.vault.all()).find((one) => one.id === id);
    return meeting && { link: meeting.link, host: meeting.host };
  }

  readLink(text: string): Promise<ReadLink> {
    return this.worker().ask({ kind: "readLink", text, here: this.origin.server });
  }

  verified(): Promise<VerifiedPerson[]> {
    return this.people.all();
  }

  forgetVerified(key: string): Promise<void> {
    return this.people.apply({ kind: "forgotten", key });
  }

  forgetDevice(): Promise<void> {
    return this.people.forgetDevice();
  }

  open(fragment: string, known: boolean, before?: VaultSealed): Session {
    const worker = this.worker();
    this.spare = undefined;
    // The host key, if the meeting was made on this device. Without storage one is a guest.
    const kept = this.vault.find(fragment).catch(() => undefined);
    const key = this.signer(fragment, before);
    const passphrase = this.chosen?.fragment === fragment ? this.chosen.passphrase : undefined;
    this.chosen = undefined;
    const device = known ? this.people.device().catch(() => undefined) : undefined;
    const verified = this.people.all().catch(() => []);
    void Promise.all([kept, key, device, verified]).then(([meeting, { signer }, seed, people]) => worker.open({ link: fragment, host: meeting?.host, passphrase, signer, device: seed, people, site: this.origin.desktop ? desktopSite : location.host, bundle: ownBundle() }));
    const onTitle = (title: string) => void kept.then((meeting) => meeting && this.vault.setTitle(meeting, title)).catch(() => undefined);
    return new Opened(worker, this.origin.server, key.then(({ sealed }) => sealed), onTitle, this.people);
  }

  /** By which the others know this person. Without storage, another one after each reload. */
  private async signer(fragment: string, before?: VaultSealed): Promise<{ signer: Uint8Array<ArrayBuffer>; sealed: VaultSealed | undefined }> {
    const known = before && (await this.vault.openKey(fragment, before));
    if (known) return { signer: known, sealed: before };
    const signer = crypto.getRandomValues(new Uint8Array(32));
    return { signer, sealed: await this.vault.sealKey(fragment, signer).catch(() => undefined) };
  }

  async visit(url: string): Promise<void> {
    if (this.loader) await this.loader.visit(url);
    else location.assign(url);
  }

  seat(fragment: string): Seat {
    return new TabSeat(fragment);
  }

  private worker(): SessionWorker {
    // What failed is not asked again: the line may be back.
    if (!this.spare || this.spare.failure.get()) this.spare = new SessionWorker(this.origin.server);
    return this.spare;
  }
}

/** What stands in this page's HTML since it was built (vite.config.ts); nothing in a page that a developer's server makes. */
const ownBundle = (): string | undefined => document.querySelector<HTMLMetaElement>('meta[name="bundle"]')?.content;

const listed = (id: string, { title, link, createdAt }: Kept): KeptMeeting => ({ id, title, link, createdAt, hosted: true });

class Opened implements Session {
  readonly snapshot;
  readonly media: LiveMedia;
  readonly failed;
  readonly unkept = new Observable(false);
  private readonly stops: (() => void)[];
  private said = "";
  private inside = false;
  private mutes = 0;
  private title = "";

  constructor(
    private readonly worker: SessionWorker,
    server: string,
    readonly key: Promise<VaultSealed | undefined>,
    /** The host's meeting has this title. */
    private readonly onTitle: (title: string) => void,
    private readonly people: PeopleVault,
  ) {
    this.snapshot = worker.snapshot;
    this.failed = worker.failure;
    this.media = new LiveMedia(worker, (command) => {
      if (this.inside) this.command(command);
    });
    worker.onToken = (token) => this.media.connect({ ...token, url: token.url ?? server });
    worker.onMediaDisconnect = () => this.media.disconnect();
    worker.onSubscribe = (identities) => this.media.setSubscribed(identities);
    worker.onPeople = (change) => void this.people.apply(change).catch(() => this.unkept.set(true));
    worker.onBroken = () => this.media.stop();
    this.stops = [this.snapshot.subscribe((snapshot) => this.changed(snapshot)), this.media.subscribe(() => this.report())];
    addEventListener("pagehide", this.gone);
    addEventListener("online", this.online);
    addEventListener("visibilitychange", this.seen);
  }

  command(command: Command): void {
    this.worker.command(command);
  }

  async beKnown(on: boolean): Promise<boolean> {
    try {
      this.worker.device(on ? await this.people.device() : undefined);
      return true;
    } catch {
      return false;
    }
  }

  close(): void {
    removeEventListener("pagehide", this.gone);
    removeEventListener("online", this.online);
    removeEventListener("visibilitychange", this.seen);
    for (const stop of this.stops) stop();
    if (this.inside || this.snapshot.get().phase.kind === "atTheDoor") this.command({ kind: "leave" });
    this.media.close();
    // The last words are on their way to the worker; it gets a moment to send them.
    setTimeout(() => this.worker.close(), 500);
  }

  private changed({ phase, members, host, title, hidesSpeech, mutes }: Snapshot): void {
    this.media.setHidesSpeech(hidesSpeech);
    const me = members.find((member) => member.me);
    if (mutes !== this.mutes) void this.media.microphone(false);
    this.mutes = mutes;
    this.media.setSilenced([...(me?.denied.includes("speak") ? (["microphone"] as const) : []), ...(me?.denied.includes("share") ? (["screen"] as const) : [])]);
    if (host && title !== this.title) this.onTitle(title);
    this.title = title;
    const was = this.inside;
    this.inside = phase.kind === "inside";
    this.media.setIdentity(me?.identity ?? "");
    if (phase.kind === "ended") this.media.close();
    if (this.inside && !was) {
      this.said = "";
      this.report();
    }
  }

  /** Others see whether microphone, camera and screen are on. */
  private report(): void {
    const { microphone, camera, screen } = this.media.get();
    const command: Command = { kind: "media", mic: microphone === "on", camera: camera === "on", screen: screen === "on" };
    const said = JSON.stringify(command);
    if (!this.inside || said === this.said) return;
    this.said = said;
    this.command(command);
  }

  private readonly online = (): void => this.worker.online();

  /** A page that nobody looked at may have slept, and lost its connection unawares. */
  private readonly seen = (): void => {
    if (document.visibilityState === "visible") this.worker.online();
  };

  private readonly gone = (): void => {
    this.command({ kind: "leave" });
    // livekit-client does so by itself only once it is connected; until then the server would keep who reloads for a ghost.
    this.media.disconnect();
  };
}

/** What this browser lacks. */
const missing = (): string | null => {
  const needs: [string, boolean][] = [
    ["secure context", globalThis.isSecureContext],
    ["WebAssembly", "WebAssembly" in globalThis],
    ["crypto.subtle", "crypto" in globalThis && "subtle" in crypto],
    ["indexedDB", "indexedDB" in globalThis],
    ["RTCPeerConnection", "RTCPeerConnection" in globalThis],
    ["RTCRtpScriptTransform", "RTCRtpScriptTransform" in globalThis],
    ["mediaDevices", "mediaDevices" in navigator],
  ];
  return needs.find(([, there]) => !there)?.[0] ?? null;
};
