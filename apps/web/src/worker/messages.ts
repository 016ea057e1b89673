// What page and workers say to each other. Keys never reach the page: the session's worker holds them, and gives those of media, and the
// key with which this member signs its frames, to the frame cryptor's.
import type { Codec, Command, CreateError, Created, HostKeyAnswer, Kept, MadeHostLink, OpenedMeetings, Output, PeopleChange, ReadLink, SealedMeetings, SnapshotUpdate, Source, VerifiedPerson } from "./wasm/conclave.js";
import type { HostLinkOffered } from "../api.ts";

export type ToWorker =
  /** The origin of the meeting server, and the way to the frame cryptor. */
  | { kind: "connect"; server: string; cryptor: MessagePort }
  /** Answered by an "answer" with its number. */
  | { kind: "ask"; request: number; question: Question }
  | ({ kind: "open" } & Opening)
  /** The user wants to be known again by this key, or not. */
  | { kind: "device"; seed: Uint8Array<ArrayBuffer> | undefined }
  | { kind: "command"; command: Command }
  | { kind: "tokenWanted" }
  /** The network is back or may be another one. */
  | { kind: "online" };

/** What a session starts from: see `Session.open_link`. */
export interface Opening {
  link: string;
  host: Uint8Array<ArrayBuffer> | undefined;
  passphrase: string | undefined;
  signer: Uint8Array<ArrayBuffer>;
  device: Uint8Array<ArrayBuffer> | undefined;
  people: VerifiedPerson[];
  /** From where this page came, and what its own HTML says that its files are: see `Session.open_link`. */
  site: string;
  bundle: string | undefined;
}

export type Question =
  | { kind: "create"; lobby: boolean; passphrase: string | undefined; origin: string }
  | { kind: "offerHostKey"; meeting: Pick<Kept, "link" | "host">; origin: string }
  | { kind: "hostLinks"; meeting: Pick<Kept, "link" | "host">; takeBack: boolean }
  | { kind: "takeHostKey"; fragment: string; origin: string }
  | { kind: "readLink"; text: string; here: string }
  | { kind: "sealMeetings"; meetings: Kept[]; passphrase: string }
  | { kind: "openMeetings"; file: Uint8Array<ArrayBuffer>; passphrase: string };

/** By the kind of the question. */
export interface Answers {
  create: Made;
  offerHostKey: HostLinkOffered;
  hostLinks: MadeHostLink[] | null;
  takeHostKey: HostKeyAnswer;
  readLink: ReadLink;
  sealMeetings: SealedMeetings;
  openMeetings: OpenedMeetings;
}

export type ToCryptorWorker =
  /** The way to the session. */
  | { kind: "connect"; session: MessagePort }
  | { kind: "bind"; transform: number; to: Binding }
  /** What still comes through it is dropped in silence. */
  | { kind: "unbind"; transform: number };

export type FromWorker =
  | { kind: "answer"; request: number; answer: Answers[keyof Answers] }
  | { kind: "update"; update: SnapshotUpdate }
  | { kind: "token"; token: Token }
  /** The token's identity has no leaf in the group, or not in time. */
  | { kind: "mediaDisconnect" }
  /** To be kept, or kept no more. */
  | { kind: "people"; change: PeopleChange }
  /** Whose tracks are wanted, and no others. */
  | { kind: "subscribe"; identities: string[] };

/** A transform failed and passes nothing any more. */
export interface FromCryptorWorker {
  kind: "broken";
  transform: number;
}

/** The module first, compiled once for both; then the session's "cryptor" outputs, keys among them. Reports come back. */
export type SessionToCryptor = WebAssembly.Module | Uint8Array<ArrayBuffer>;

/** `closed`: only some people may make meetings there; `full`: it keeps as many as it may; `refused`: it did not take this one; `unreachable`: it did not answer. */
export type Made = ({ kind: "made" } & Pick<Created, "link" | "host">) | { kind: CreateError | "closed" | "full" | "tooMany" | "refused" | "unreachable" };

/** How to reach the media server; without `url`, at the meeting server's origin. */
export type Token = Extract<Output, { kind: "mediaToken" }>["value"];
/** With the address that follows. */
export type MediaToken = Token & { url: string };

/** Whose media a transform works on; for own media the identity is not used. */
export interface Binding {
  identity: string;
  source: Source;
  /** Taken when the browser does not say the codec of a frame. */
  codec: Codec;
}

/** Options of an RTCRtpScriptTransform: which way, and the number by which `bind` names it. */
export interface TransformOptions {
  direction: "seal" | "open";
  transform: number;
}
