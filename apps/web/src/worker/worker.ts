// The session's worker: alone loads the WebAssembly module, alone holds the group's keys, alone speaks with the server's session.
import type { HostLinkOffered } from "../api.ts";
import { now } from "./clock.ts";
import { Driver, post, setServer } from "./driver.ts";
import type { Answers, FromWorker, Made, Question, ToWorker } from "./messages.ts";
import init, { CreationWithPassphrase, HostLink, Session, askHostLinks, create, offerHostKey, openMeetings, readHostLinks, readLink, sealMeetings } from "./wasm/conclave.js";
import type { CreateResult, HostKeyAnswer, Kept, MadeHostLink } from "./wasm/conclave.js";
import module from "./wasm/conclave_bg.wasm?url";

/** The worker's global scope, as far as it is used here. */
interface Scope {
  postMessage(message: FromWorker): void;
  onmessage: ((event: MessageEvent<ToWorker>) => void) | null;
}
const scope = globalThis as unknown as Scope;

const tell = (message: FromWorker): void => scope.postMessage(message);
const random = (): Uint8Array<ArrayBuffer> => crypto.getRandomValues(new Uint8Array(32));

const ready = WebAssembly.compileStreaming(fetch(new URL(module, location.href))).then(async (compiled) => {
  await init({ module_or_path: compiled });
  return compiled;
});
let cryptor: MessagePort | undefined;
let driver: Driver | undefined;

/** The server does its part of the passphrase first. */
const createWith = async (passphrase: string, lobby: boolean, origin: string): Promise<CreateResult | "refused" | "unreachable"> => {
  const creation = new CreationWithPassphrase("", passphrase, lobby, random());
  const request = creation.request();
  if (typeof request === "string") return request;
  const evaluated = await post(request.path, request.body);
  if (!evaluated) return "unreachable";
  return evaluated.status === 200 ? creation.finish(evaluated.body, origin) : "refused";
};

/** Its host gives it a title later. */
const made = async (lobby: boolean, passphrase: string | undefined, origin: string): Promise<Made> => {
  const created = passphrase === undefined ? create("", lobby, origin, random()) : await createWith(passphrase, lobby, origin);
  if (typeof created === "string") return { kind: created };
  const answer = await post(created.path, created.body);
  if (!answer) return { kind: "unreachable" };
  switch (answer.status) {
    case 201:
      return { kind: "made", link: created.link, host: created.host };
    case 403:
      return { kind: "closed" };
    case 429:
      return { kind: "tooMany" };
    case 503:
      return { kind: "unreachable" };
    case 507:
      return { kind: "full" };
    default:
      return { kind: "refused" };
  }
};

const offered = async ({ link, host }: Pick<Kept, "link" | "host">, origin: string): Promise<HostLinkOffered> => {
  const { url, id, request } = offerHostKey(link, host, origin, random(), now());
  const told = await post(request.path, request.body);
  if (!told) return { kind: "unreachable" };
  return told.status === 204 ? { kind: "offered", url, id } : { kind: "refused" };
};

const hostLinks = async ({ link, host }: Pick<Kept, "link" | "host">, takeBack: boolean): Promise<MadeHostLink[] | null> => {
  const { path, body } = askHostLinks(link, host, takeBack);
  const told = await post(path, body);
  return (told && readHostLinks(told.status, told.body).links) ?? null;
};

const taken = async (fragment: string, origin: string): Promise<HostKeyAnswer> => {
  const link = new HostLink(fragment);
  const { path, body } = link.request();
  const told = await post(path, body);
  return told ? link.finish(told.status, told.body, origin) : { kind: "refused", reason: "unreachable" };
};

const answer = async (question: Question): Promise<Answers[keyof Answers]> => {
  switch (question.kind) {
    case "create":
      return made(question.lobby, question.passphrase, question.origin);
    case "offerHostKey":
      return offered(question.meeting, question.origin);
    case "hostLinks":
      return hostLinks(question.meeting, question.takeBack);
    case "takeHostKey":
      return taken(question.fragment, question.origin);
    case "readLink":
      return readLink(question.text, question.here);
    case "sealMeetings":
      return sealMeetings(question.meetings, question.passphrase, random());
    case "openMeetings":
      return openMeetings(question.file, question.passphrase);
  }
};

const take = async (message: ToWorker, compiled: WebAssembly.Module): Promise<void> => {
  switch (message.kind) {
    case "connect":
      cryptor = message.cryptor;
      setServer(message.server);
      cryptor.postMessage(compiled);
      break;
    case "ask":
      tell({ kind: "answer", request: message.request, answer: await answer(message.question) });
      break;
    case "open":
      if (cryptor) driver = new Driver(Session.open_link(message.link, message.host, message.passphrase, message.signer, message.device, message.people, message.site, message.bundle, random(), now()), tell, cryptor);
      break;
    case "device":
      driver?.device(message.seed);
      break;
    case "command":
      driver?.command(message.command);
      break;
    case "tokenWanted":
      driver?.tokenWanted();
      break;
    case "online":
      driver?.online();
      break;
  }
};

// In order: what comes while the module loads waits for it. A fault reaches the page as an error of the worker.
scope.onmessage = (event) => {
  void ready.then((compiled) => take(event.data, compiled)).catch((fault: unknown) => reportError(fault));
};
