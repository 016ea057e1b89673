// The one seam between what draws (view/) and what works (worker/, media/). Snapshot and Command are generated from Rust.
import type { VaultSealed } from "./worker/vault.ts";
import type { Command, HostLinkError, MadeHostLink, MeetingsFileError, ReadLink, Snapshot, Source, VerifiedPerson } from "./worker/wasm/conclave.js";

export type { Command, MadeHostLink, ReadLink, VaultSealed, VerifiedPerson, Snapshot, Source };

/** One opened link, from the prejoin page to the end. */
export interface Session {
  readonly snapshot: Readable<Snapshot>;
  readonly media: Media;
  /** A part of the page did not load, or stopped: nothing goes on. */
  readonly failed: Readable<boolean>;
  /** The key by which the others know this person, for the tab's next document; undefined where nothing can be stored. */
  readonly key: Promise<VaultSealed | undefined>;
  /** Somebody was verified or forgotten, and this browser did not keep that: it holds for as long as the page is open. */
  readonly unkept: Readable<boolean>;
  command(command: Command): void;
  /** Lets those who verify this device know it again, or not, which is possible until one is inside; false when this browser keeps no key. */
  beKnown(on: boolean): Promise<boolean>;
  /** Ends everything: connection, capture, worker. */
  close(): void;
}

export interface Readable<T> {
  get(): T;
  /** Calls at once and on every change; returns the way to stop. */
  subscribe(listener: (value: T) => void): () => void;
}

/** Capture, devices, and the tracks to draw. */
export interface Media extends Readable<MediaState> {
  /** Own microphone, 0 to 1, up to ten times a second; 0 while it is off. */
  readonly level: Readable<number>;
  microphone(on: boolean): Promise<void>;
  camera(on: boolean): Promise<void>;
  share(on: boolean): Promise<void>;
  select(kind: DeviceKind, id: string): Promise<void>;
  /** How large a track is drawn, in CSS pixels; null when it is not drawn. Chooses the layer. */
  tile(identity: string, source: Source, size: { width: number; height: number } | null): void;
  /** Opens a camera that looks for QR codes, and tells the text of each as often as it is seen: anybody can have written it. What it films is never sent. */
  scan(onText: (text: string) => void): Scan;
}

/** A camera that looks for QR codes, until it is closed. */
export interface Scan extends Readable<ScanState> {
  close(): void;
}

/** `looking` with what it films; then why it does not, closed by itself. `failed`: a part of the page did not load. */
export type ScanState = { kind: "looking"; stream: MediaStream } | { kind: "starting" | "failed" | Exclude<Capture, "on" | "off" | "starting" | "silenced"> };

export type DeviceKind = "microphone" | "camera" | "speaker";
export interface Device { id: string; label: string }

/** What one's own capture is doing; `silenced`: it is off, and hosts do not let it be on. */
export type Capture = "off" | "starting" | "on" | "denied" | "missing" | "busy" | "unresponsive" | "unsupported" | "silenced";

export interface MediaState {
  devices: Record<DeviceKind, Device[]>;
  selected: Record<DeviceKind, string | null>;
  microphone: Capture;
  camera: Capture;
  screen: Capture;
  /** Everything that can be drawn or heard; own camera and screen included, own microphone not. */
  tracks: RemoteTrack[];
  /** Identities of those who speak, as it is heard here. */
  speaking: string[];
  connection: "idle" | "connecting" | "connected" | "reconnecting" | "failed";
  /** A sender or receiver had no transform: media was stopped. */
  unsealed: boolean;
}

export interface RemoteTrack {
  identity: string;
  source: Source;
  stream: MediaStream;
}

/** Meetings kept on this device, sealed with a key that the browser does not hand out. */
export interface KeptMeeting { id: string; title: string; link: string; createdAt: number; hosted: boolean }

/** Why there is no file, or nothing was taken from it; `elsewhere`: all its meetings are of other servers; `failed`: something in this browser did not work. */
export type FileRefusal = MeetingsFileError | "elsewhere" | "failed";

/** A host link, or why there is none. */
export type HostLinkOffered = { kind: "offered"; url: string; id: string } | { kind: "refused" | "unreachable" };

/** What became of a host link. */
export type HostKeyTaken = { kind: "taken" | HostLinkError | "failed" };

/** Which tab of this browser is inside a meeting: not known yet, none, this one, another, or another by now. */
export type SeatState = "asking" | "free" | "here" | "elsewhere" | "moved";

/** One's place in a meeting among the tabs of this browser. */
export interface Seat extends Readable<SeatState> {
  /** Before one joins; false when another tab is inside. */
  take(): Promise<boolean>;
  /** Asks the other tab to let go; then the seat is free. */
  moveHere(): void;
  close(): void;
}

/** Where the meetings are, and what this page is; the release is asked for, and empty until it is told. */
export interface PageOrigin {
  /** Of the meeting server. */
  host: string;
  /** Its origin, with which links begin. */
  server: string;
  release: Readable<string>;
  /** The desktop program serves the page, and no code comes from the server. */
  desktop: boolean;
}

/** Implemented by app.ts; the view is given one, the gallery of states gives a fake one. */
export interface Conclave {
  /** Makes a meeting and keeps it with its host key on this device. `lobby`: newcomers ask from the beginning; `passphrase`: stands beside the link, and is asked for by {@link open} unless that follows in this document. Rejects with an error whose message is `closed` or `full` when that is the server's answer. */
  create(lobby: boolean, passphrase?: string): Promise<KeptMeeting>;
  kept(): Promise<KeptMeeting[]>;
  forget(id: string): Promise<void>;
  /** All of them with their host keys, as a file that opens with this passphrase. */
  saveMeetings(passphrase: string): Promise<Blob | FileRefusal>;
  /** Adds those in such a file that are of this server. Gives how many were not here yet. */
  loadMeetings(file: Blob, passphrase: string): Promise<number | FileRefusal>;
  /** A link that makes another device a host of this meeting, which is kept here: it works once, for a day. `unreachable` when the server did not answer, `refused` when it does not keep the meeting any more. */
  offerHostKey(id: string): Promise<HostLinkOffered>;
  /** What became of the host links of this meeting, newest first, after taking back those that nobody has used if `takeBack`; null when the server did not say. */
  hostLinks(id: string, takeBack: boolean): Promise<MadeHostLink[] | null>;
  /** Uses a host link, by its fragment and that of the meeting's own link: this device keeps the meeting and its host key from then on. `failed`: something in this browser did not work. */
  takeHostKey(fragment: string, guest: string): Promise<HostKeyTaken>;
  /** Finds the meeting's link in a text that somebody pasted, or in the address bar. Rejects when a part of the page did not load. */
  readLink(text: string): Promise<ReadLink>;
  /** Opens a link by its fragment. `known`: as {@link Session.beKnown}. `before`: {@link Session.key} of the tab's former document. */
  open(fragment: string, known: boolean, before?: VaultSealed): Session;
  /** Who was verified on this device, the newest first. */
  verified(): Promise<VerifiedPerson[]>;
  forgetVerified(key: string): Promise<void>;
  /** Erases the key of this device: to those who verified it, it is another one from then on. */
  forgetDevice(): Promise<void>;
  seat(fragment: string): Seat;
  /** null when this browser can do all that is needed; else what is missing, in words for programmers. */
  unsupported(): string | null;
  /** Goes to a link of another server. Rejects when that cannot be. */
  visit(url: string): Promise<void>;
  origin: PageOrigin;
}
