// The frame cryptor's worker: every frame is sealed or opened here, and none waits for the work of the group, which another worker does.
import { now, WakeUp } from "./clock.ts";
import type { FromCryptorWorker, SessionToCryptor, ToCryptorWorker } from "./messages.ts";
import { ReceivedFrames, Transform, type TransformContext, type Transformer } from "./transform.ts";
import init, { FrameCryptor } from "./wasm/conclave.js";

/** The worker's global scope, as far as it is used here. */
interface Scope {
  postMessage(message: FromCryptorWorker): void;
  onmessage: ((event: MessageEvent<ToCryptorWorker>) => void) | null;
  onrtctransform: ((event: { transformer: Transformer }) => void) | null;
}
const scope = globalThis as unknown as Scope;

const transforms = new Map<number, Transform>();
const received = new ReceivedFrames();
let cryptor: FrameCryptor | undefined;
let session: MessagePort | undefined;
const wakeUp = new WakeUp(() => {
  cryptor?.timeout(now());
  drain();
});

/** Does what the frame cryptor asks for, until it is idle. */
const drain = (): void => {
  for (;;) {
    const step = cryptor?.poll();
    if (!step || step.kind === "idle") return wakeUp.at(step?.value);
    const output = step.value;
    switch (output.kind) {
      case "frameOpened":
        received.opened(output.value.id, output.value.frame);
        break;
      case "frameDropped":
        received.dropped(output.value.id);
        break;
      case "requestKeyFrame":
        transforms.forEach((transform) => transform.requestKeyFrame(output.value.owner, output.value.source));
        break;
      case "generateKeyFrame":
        transforms.forEach((transform) => transform.generateKeyFrame());
        break;
      case "report":
        session?.postMessage(output.value);
        break;
    }
  }
};

const context: TransformContext = {
  cryptor: () => cryptor,
  drain,
  received,
  broken: (transform) => scope.postMessage({ kind: "broken", transform }),
};

// Transforms may be made while the module still loads: until then they drop everything.
scope.onrtctransform = ({ transformer }) => {
  const transform = new Transform(transformer, context);
  transforms.set(transform.id, transform);
  void transform.ended.then(() => transforms.delete(transform.id));
};

const take = async (message: SessionToCryptor): Promise<void> => {
  if (message instanceof WebAssembly.Module) {
    await init({ module_or_path: message });
    cryptor = new FrameCryptor();
    return;
  }
  cryptor?.handle(message, now());
  // It may have held a key.
  message.fill(0);
  drain();
};

const connect = (port: MessagePort): void => {
  session = port;
  // In order: what comes while the module is made ready waits for it. A fault reaches the page as an error of the worker.
  let before = Promise.resolve();
  port.onmessage = (event: MessageEvent<SessionToCryptor>) => {
    before = before.then(() => take(event.data)).catch((fault: unknown) => reportError(fault));
  };
};

scope.onmessage = ({ data: message }) => {
  switch (message.kind) {
    case "connect":
      connect(message.session);
      break;
    case "bind":
      transforms.get(message.transform)?.bind(message.to);
      break;
    case "unbind":
      transforms.get(message.transform)?.bind(undefined);
      break;
  }
};
