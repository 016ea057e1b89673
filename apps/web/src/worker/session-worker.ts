// The page's side of the session's worker.
import type { Readable } from "../api.ts";
import { ownScript } from "../trusted-types.ts";
import { Observable } from "../observable.ts";
import type { Binding, FromWorker, Made, Token, ToWorker, TransformOptions } from "./messages.ts";
import { apply, emptySnapshot } from "./snapshot.ts";
import type { Command, Snapshot } from "./wasm/conclave.js";
import script from "./worker.ts?worker&url";

export type { Binding, Made, Token };

/** One worker; loads at once, and then makes meetings or opens one link. */
export class SessionWorker {
  private readonly worker = new Worker(ownScript(script), { type: "module", name: "session" });
  private readonly requests = new Map<number, (made: Made) => void>();
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
    this.worker.onerror = () => this.failed();
    this.worker.onmessageerror = () => this.failed();
  }

  get snapshot(): Readable<Snapshot> {
    return this.cell;
  }

  create(title: string, origin: string): Promise<Made> {
    const request = this.next++;
    this.tell({ kind: "create", request, title, origin });
    return new Promise((done) => this.requests.set(request, done));
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

  /** A transform that drops everything until it is bound. */
  transform(direction: TransformOptions["direction"]): Sealed {
    const transform = this.next++;
    const options: TransformOptions = { direction, transform };
    return {
      script: new RTCRtpScriptTransform(this.worker, options),
      bind: (to) => this.tell(to ? { kind: "bind", transform, to } : { kind: "unbind", transform }),
    };
  }

  close(): void {
    this.worker.terminate();
  }

  private tell(message: ToWorker): void {
    this.worker.postMessage(message);
  }

  private heard(message: FromWorker): void {
    switch (message.kind) {
      case "created":
        this.requests.get(message.request)?.(message.made);
        this.requests.delete(message.request);
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
      case "broken":
        this.onBroken();
        break;
    }
  }

  private failed(): void {
    for (const done of this.requests.values()) done({ kind: "unreachable" });
    this.requests.clear();
    this.onBroken();
  }
}

/** A transform as the media layer handles it. */
export interface Sealed {
  readonly script: RTCRtpScriptTransform;
  /** Whose media passes; `undefined`: nobody's. */
  bind(to: Binding | undefined): void;
}
