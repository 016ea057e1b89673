// Drives one session: gives it what the network brings, and does what it asks for.
import { constants } from "../constants.ts";
import { now, WakeUp } from "./clock.ts";
import type { FromWorker } from "./messages.ts";
import type { Command, Session } from "./wasm/conclave.js";

/** Where the meetings are. */
let server = location.origin;
export const setServer = (origin: string): void => void (server = origin);

export class Driver {
  private socket: WebSocket | undefined;
  private readonly wakeUp = new WakeUp(() => {
    this.session.timeout(now());
    this.drain();
  });

  constructor(
    readonly session: Session,
    private readonly tell: (message: FromWorker) => void,
    private readonly cryptor: MessagePort,
  ) {
    cryptor.onmessage = ({ data: report }: MessageEvent<Uint8Array<ArrayBuffer>>) => {
      this.session.frameReport(report, now());
      this.drain();
    };
    this.drain();
  }

  command(command: Command): void {
    this.session.command(command, now());
    this.drain();
  }

  device(seed: Uint8Array<ArrayBuffer> | undefined): void {
    this.session.device(seed, now());
    this.drain();
  }

  tokenWanted(): void {
    this.session.tokenWanted(now());
    this.drain();
  }

  online(): void {
    this.session.online(now());
    this.drain();
  }

  /** Does what the session asks for, until it is idle. */
  drain(): void {
    for (;;) {
      const step = this.session.poll();
      if (step.kind === "idle") return this.wakeUp.at(step.value);
      const output = step.value;
      switch (output.kind) {
        case "http":
          void this.post(output.value.path, output.value.body);
          break;
        case "connect":
          this.connect();
          break;
        case "send":
          if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(output.value);
          break;
        case "disconnect":
          this.drop();
          break;
        case "update":
          this.tell({ kind: "update", update: output.value });
          break;
        case "mediaToken":
          this.tell({ kind: "token", token: output.value });
          break;
        case "mediaDisconnect":
          this.tell({ kind: "mediaDisconnect" });
          break;
        case "people":
          this.tell({ kind: "people", change: output.value });
          break;
        case "subscribe":
          this.tell({ kind: "subscribe", identities: output.value });
          break;
        case "cryptor":
          // Moved, not copied: keys stay nowhere on the way.
          this.cryptor.postMessage(output.value, [output.value.buffer]);
          break;
      }
    }
  }

  private connect(): void {
    this.drop();
    const url = new URL(constants.websocketPath, server);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(url, server === location.origin ? [] : [constants.loaderMark]);
    socket.binaryType = "arraybuffer";
    const current = (act: () => void) => () => {
      if (this.socket !== socket) return;
      act();
      this.drain();
    };
    socket.onopen = current(() => this.session.opened(now()));
    socket.onmessage = (event: MessageEvent<unknown>) => {
      const { data } = event;
      // Text is not of this protocol.
      if (data instanceof ArrayBuffer) current(() => this.session.received(new Uint8Array(data), now()))();
    };
    socket.onclose = current(() => {
      this.socket = undefined;
      this.session.closed(now());
    });
    this.socket = socket;
  }

  private drop(): void {
    const socket = this.socket;
    this.socket = undefined;
    socket?.close();
  }

  private async post(path: string, body: Uint8Array<ArrayBuffer>): Promise<void> {
    const answer = await post(path, body);
    if (answer) this.session.httpDone(answer.status, answer.body, now());
    else this.session.httpFailed(now());
    this.drain();
  }
}

/** POSTs JSON to the server; `undefined` when no answer came, or none of a sane size. */
export const post = async (path: string, body: Uint8Array<ArrayBuffer>): Promise<{ status: number; body: Uint8Array<ArrayBuffer> } | undefined> => {
  try {
    const answer = await fetch(new URL(path, server), {
      method: "POST",
      headers: { "content-type": "application/json", ...(server === location.origin ? {} : { [constants.loaderMark]: "1" }) },
      body,
      credentials: "omit",
      cache: "no-store",
      redirect: "error",
      referrerPolicy: "no-referrer",
      signal: AbortSignal.timeout(15_000),
    });
    const bytes = new Uint8Array(await answer.arrayBuffer());
    // The server sends no answer over this limit.
    return bytes.length > constants.httpBody ? undefined : { status: answer.status, body: bytes };
  } catch {
    return undefined;
  }
};
