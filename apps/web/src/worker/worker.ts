// The session's worker: alone loads the WebAssembly module, alone holds keys, alone speaks with the server's session.
import { now } from "./clock.ts";
import { Driver, type MediaOutputs, post } from "./driver.ts";
import type { FromWorker, Made, ToWorker } from "./messages.ts";
import { ReceivedFrames, Transform, type TransformContext, type Transformer } from "./transform.ts";
import init, { Session, create } from "./wasm/conclave.js";
import module from "./wasm/conclave_bg.wasm?url";

/** The worker's global scope, as far as it is used here. */
interface Scope {
  postMessage(message: FromWorker): void;
  onmessage: ((event: MessageEvent<ToWorker>) => void) | null;
  onrtctransform: ((event: { transformer: Transformer }) => void) | null;
}
const scope = globalThis as unknown as Scope;

const tell = (message: FromWorker): void => scope.postMessage(message);
const random = (): Uint8Array<ArrayBuffer> => crypto.getRandomValues(new Uint8Array(32));

const ready = init({ module_or_path: new URL(module, location.href) });
const transforms = new Map<number, Transform>();
let driver: Driver | undefined;

const received = new ReceivedFrames();
const context: TransformContext = {
  session: () => driver?.session,
  drain: () => driver?.drain(),
  received,
  broken: (transform) => tell({ kind: "broken", transform }),
};

// Listens from the first moment, since transforms may be made while the module still loads: until then they drop everything.
scope.onrtctransform = ({ transformer }) => {
  const transform = new Transform(transformer, context);
  transforms.set(transform.id, transform);
  void transform.ended.then(() => transforms.delete(transform.id));
};

const made = async (title: string, origin: string): Promise<Made> => {
  const created = create(title, undefined, origin, random());
  if (typeof created === "string") return { kind: created };
  const answer = await post(created.path, created.body);
  if (!answer) return { kind: "unreachable" };
  return answer.status === 201 ? { kind: "made", link: created.link, host: created.host } : { kind: "refused" };
};

const media: MediaOutputs = {
  frameOpened: (id, frame) => received.opened(id, frame),
  frameDropped: (id) => received.dropped(id),
  generateKeyFrame: () => transforms.forEach((transform) => transform.generateKeyFrame()),
  requestKeyFrame: (owner, source) => transforms.forEach((transform) => transform.requestKeyFrame(owner, source)),
};

const take = async (message: ToWorker): Promise<void> => {
  switch (message.kind) {
    case "create":
      tell({ kind: "created", request: message.request, made: await made(message.title, message.origin) });
      break;
    case "open":
      driver = new Driver(Session.open_link(message.link, message.host, random(), now()), tell, media);
      break;
    case "command":
      driver?.command(message.command);
      break;
    case "tokenWanted":
      driver?.tokenWanted();
      break;
    case "bind":
      transforms.get(message.transform)?.bind(message.to);
      break;
    case "unbind":
      transforms.get(message.transform)?.bind(undefined);
      break;
  }
};

// In order: what comes while the module loads waits for it. A fault reaches the page as an error of the worker.
scope.onmessage = (event) => {
  void ready.then(() => take(event.data)).catch((fault: unknown) => reportError(fault));
};
