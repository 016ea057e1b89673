// The page's side of the two workers.
import type { Readable } from "../api.ts";
import { ownScript } from "../trusted-types.ts";
import { Observable } from "../observable.ts";
import type { Answers, Binding, FromWorker, MediaToken, Opening, Question, ToCryptorWorker, Token, ToWorker, TransformOptions } from "./messages.ts";
import { apply, emptySnapshot } from "./snapshot.ts";
import type { Command, PeopleChange, Snapshot } from "./wasm/conclave.js";
import cryptorScript from "./cryptor.ts?worker&url";
import script from "./worker.ts?worker&url";

export type { Binding, MediaToken, Token };

/** A worker for the session and one for the frames; load at once, and then make meetings or open one link. */
export class SessionWorker {
  private readonly worker = new Worker(ownScript(script), { type: "module", name: "session" });
  private readonly cryptor = new Worker(ownScript(cryptorScript), { type: "module", name: "cryptor" });
  private readonly asked = new Map<number, { done: (answer: never) => void; fail: (why: Error) => void }>();
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
  /** Somebody was verified, or is to be forgotten. */
  onPeople: (change: PeopleChange) => void = () => undefined;
  /** A transform, or the whole worker, failed: nothing may flow. */
  onBroken: () => void = () => undefined;

  /** `server`: the origin of the meeting server. */
  constructor(server: string) {
    this.worker.onmessage = (event: MessageEvent<FromWorker>) => this.heard(event.data);
    this.cryptor.onmessage = () => this.onBroken();
    for (const worker of [this.worker, this.cryptor]) {
      worker.onerror = () => this.failed();
      worker.onmessageerror = () => this.failed();
    }
    const { port1, port2 } = new MessageChannel();
    this.tell({ kind: "connect", server, cryptor: port1 }, [port1]);
    this.tellCryptor({ kind: "connect", session: port2 }, [port2]);
  }

  get snapshot(): Readable<Snapshot> {
    return this.cell;
  }

  /** Rejects when the worker fails. */
  ask<K extends keyof Answers>(question: Extract<Question, { kind: K }>): Promise<Answers[K]> {
    const request = this.next++;
    this.tell({ kind: "ask", request, question });
    return new Promise((done, fail) => this.asked.set(request, { done, fail }));
  }

  open(opening: Opening): void {
    this.tell({ kind: "open", ...opening });
  }

  device(seed: Uint8Array<ArrayBuffer> | undefined): void {
    this.tell({ kind: "device", seed });
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
      case "answer":
        // Of the question's kind: the worker answers what was asked.
        this.asked.get(message.request)?.done(message.answer as never);
        this.asked.delete(message.request);
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
      case "people":
        this.onPeople(message.change);
        break;
      case "subscribe":
        this.onSubscribe(new Set(message.identities));
        break;
    }
  }

  private failed(): void {
    for (const { fail } of this.asked.values()) fail(new Error("the worker failed"));
    this.asked.clear();
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
