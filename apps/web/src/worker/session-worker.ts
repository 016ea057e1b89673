// The page's side of the two workers.
import type { Readable } from "../api.ts";
import { ownScript } from "../trusted-types.ts";
import { Observable } from "../observable.ts";
import type { Binding, FromWorker, Made, ToCryptorWorker, Token, ToWorker, TransformOptions } from "./messages.ts";
import { apply, emptySnapshot } from "./snapshot.ts";
import type { Command, ReadLink, Snapshot } from "./wasm/conclave.js";
import cryptorScript from "./cryptor.ts?worker&url";
import script from "./worker.ts?worker&url";

export type { Binding, Made, Token };

/** A worker for the session and one for the frames; load at once, and then make meetings or open one link. */
export class SessionWorker {
  private readonly worker = new Worker(ownScript(script), { type: "module", name: "session" });
  private readonly cryptor = new Worker(ownScript(cryptorScript), { type: "module", name: "cryptor" });
  private readonly requests = new Map<number, (made: Made) => void>();
  private readonly reads = new Map<number, (read: ReadLink | Promise<never>) => void>();
  /** A worker did not load, or stopped: nothing is answered any more. */
  readonly failure = new Observable(false);
  private readonly cell = new Observable<Snapshot>(emptySnapshot());
  private next = 1;
  /** A token came, first or fresh. */
  onToken: (token: Token) => void = () => undefined;
  /** The connection to the media server must end; a token may follow. */
  onMediaDisconnect: () => void = () => undefined;
  /** Whose tracks are to be subscribed to, from now on. */
  onSubscribe: (identities: Set<string>) => void = () => undefined;
  /** A transform, or the whole worker, failed: nothing may flow. */
  onBroken: () => void = () => undefined;

  constructor() {
    this.worker.onmessage = (event: MessageEvent<FromWorker>) => this.heard(event.data);
    this.cryptor.onmessage = () => this.onBroken();
    for (const worker of [this.worker, this.cryptor]) {
      worker.onerror = () => this.failed();
      worker.onmessageerror = () => this.failed();
    }
    const { port1, port2 } = new MessageChannel();
    this.tell({ kind: "connect", cryptor: port1 }, [port1]);
    this.tellCryptor({ kind: "connect", session: port2 }, [port2]);
  }

  get snapshot(): Readable<Snapshot> {
    return this.cell;
  }

  create(origin: string): Promise<Made> {
    const request = this.next++;
    this.tell({ kind: "create", request, origin });
    return new Promise((done) => this.requests.set(request, done));
  }

  /** Finds the link in a text; one that names no server belongs to `here`. Rejects when the worker fails. */
  readLink(text: string, here: string): Promise<ReadLink> {
    const request = this.next++;
    this.tell({ kind: "readLink", request, text, here });
    return new Promise((done) => this.reads.set(request, done));
  }

  open(link: string, host: Uint8Array<ArrayBuffer> | undefined): void {
    this.tell({ kind: "open", link, host });
  }

  command(command: Command): void {
    this.tell({ kind: "command", command });
  }

  tokenWanted(): void {
    this.tell({ kind: "tokenWanted" });
  }

  /** What failed before is tried again at once. */
  online(): void {
    this.tell({ kind: "online" });
  }

  /** A transform that drops everything until it is bound. */
  transform(direction: TransformOptions["direction"]): Sealed {
    const transform = this.next++;
    const options: TransformOptions = { direction, transform };
    return {
      script: new RTCRtpScriptTransform(this.cryptor, options),
      bind: (to) => this.tellCryptor(to ? { kind: "bind", transform, to } : { kind: "unbind", transform }),
    };
  }

  close(): void {
    this.worker.terminate();
    this.cryptor.terminate();
  }

  private tell(message: ToWorker, moved: Transferable[] = []): void {
    this.worker.postMessage(message, moved);
  }

  private tellCryptor(message: ToCryptorWorker, moved: Transferable[] = []): void {
    this.cryptor.postMessage(message, moved);
  }

  private heard(message: FromWorker): void {
    switch (message.kind) {
      case "created":
        this.requests.get(message.request)?.(message.made);
        this.requests.delete(message.request);
        break;
      case "linkRead":
        this.reads.get(message.request)?.(message.read);
        this.reads.delete(message.request);
        break;
      case "update":
        this.cell.set(apply(this.cell.get(), message.update));
        break;
      case "token":
        this.onToken(message.token);
        break;
      case "mediaDisconnect":
        this.onMediaDisconnect();
        break;
      case "subscribe":
        this.onSubscribe(new Set(message.identities));
        break;
    }
  }

  private failed(): void {
    for (const done of this.requests.values()) done({ kind: "unreachable" });
    this.requests.clear();
    for (const done of this.reads.values()) done(Promise.reject(new Error("the worker failed")));
    this.reads.clear();
    this.failure.set(true);
    this.onBroken();
  }
}

/** A transform as the media layer handles it. */
export interface Sealed {
  readonly script: RTCRtpScriptTransform;
  /** Whose media passes; `undefined`: nobody's. */
  bind(to: Binding | undefined): void;
}
