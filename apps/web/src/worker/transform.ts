// Between encoder and network, and between network and decoder: every frame is sealed or opened here, or goes nowhere.
import { now } from "./clock.ts";
import { codecOf, type EncodedFrame } from "./frame.ts";
import type { Binding, TransformOptions } from "./messages.ts";
import { DuplicateFilter } from "./duplicate-filter.ts";
import type { Session, Codec, OpenRefusal } from "./wasm/conclave.js";

/** A frame of an epoch that is not known yet waits this long for the commit, in milliseconds. */
const epochWait = 1500;

export interface Transformer {
  readonly readable: ReadableStream<EncodedFrame>;
  readonly writable: WritableStream<EncodedFrame>;
  readonly options: TransformOptions;
  generateKeyFrame?(rid?: string): Promise<unknown>;
  sendKeyFrameRequest?(): Promise<unknown>;
}

/** What a transform needs of the worker that it runs in. */
export interface Keys {
  session(): Session | undefined;
  /** Resolves after the session took another input, or after `ms`. */
  changed(ms: number): Promise<void>;
  broken(transform: number): void;
}

type Verdict = Uint8Array<ArrayBuffer> | undefined | Promise<Uint8Array<ArrayBuffer> | undefined>;

export class Transform {
  readonly id: number;
  /** Resolves when its sender or receiver is gone; that is no fault. */
  readonly ended: Promise<void>;
  private binding: Binding | undefined;
  /** Own video: the last frame could not be sealed, so what follows lacks its beginning. */
  private dropped = false;
  /** Others' media: waiting for a key did not help; until a frame opens again, none waits. */
  private gaveUp = false;
  private readonly duplicates = new DuplicateFilter();

  constructor(
    private readonly transformer: Transformer,
    private readonly keys: Keys,
  ) {
    this.id = transformer.options.transform;
    const work = transformer.options.direction === "seal" ? this.seal : this.open;
    const through = new TransformStream<EncodedFrame, EncodedFrame>({ transform: (frame, out) => this.pass(frame, out, work) });
    this.ended = transformer.readable.pipeThrough(through).pipeTo(transformer.writable).catch(() => undefined);
  }

  bind(to: Binding | undefined): void {
    this.binding = to;
    this.gaveUp = false;
    // What came before was dropped: a decoder needs a beginning.
    if (to && this.transformer.options.direction === "open") this.requestKeyFrame();
  }

  /** Somebody new holds the keys from now on. */
  keyFrameWanted(): void {
    if (this.transformer.options.direction === "seal" && this.binding?.source !== "microphone" && this.binding?.source !== "screenAudio") this.generateKeyFrame();
  }

  private async pass(frame: EncodedFrame, out: TransformStreamDefaultController<EncodedFrame>, work: (frame: EncodedFrame, codec: Codec, to: Binding, session: Session) => Verdict): Promise<void> {
    try {
      const session = this.keys.session();
      const codec = this.binding && codecOf(frame.getMetadata().mimeType, this.binding.codec);
      if (!session || !this.binding || !codec || frame.data.byteLength === 0) {
        this.dropped = true;
        return;
      }
      const bytes = await work(frame, codec, this.binding, session);
      if (!bytes) return;
      frame.data = bytes.buffer;
      out.enqueue(frame);
    } catch (fault) {
      // Nothing is known about what would go out now: this transform ends, and with it its track.
      this.keys.broken(this.id);
      out.error(fault);
    }
  }

  private readonly seal = (frame: EncodedFrame, codec: Codec, to: Binding, session: Session): Verdict => {
    const sealed = session.seal(to.source, codec, new Uint8Array(frame.data), now());
    if (typeof sealed === "string") {
      this.dropped = true;
      return undefined;
    }
    if (this.dropped && frame.type === "delta") this.generateKeyFrame();
    this.dropped = false;
    return sealed;
  };

  private readonly open = (frame: EncodedFrame, codec: Codec, to: Binding, session: Session): Verdict => {
    const sealed = new Uint8Array(frame.data);
    if (this.duplicates.isDuplicate(frame.getMetadata().rtpTimestamp, sealed)) return undefined;
    const opened = session.open(to.identity, to.source, codec, sealed, now());
    if (opened === "epochUnknown" && !this.gaveUp) return this.wait(sealed, codec, to);
    return this.verdict(opened);
  };

  private async wait(sealed: Uint8Array, codec: Codec, to: Binding): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const until = now() + epochWait;
    for (let left = epochWait; left > 0; left = until - now()) {
      await this.keys.changed(left);
      const opened = this.binding === to ? this.keys.session()?.open(to.identity, to.source, codec, sealed, now()) : undefined;
      if (opened !== "epochUnknown") return opened && this.verdict(opened);
    }
    this.gaveUp = true;
    this.requestKeyFrame();
    return undefined;
  }

  private verdict(opened: Uint8Array<ArrayBuffer> | OpenRefusal): Uint8Array<ArrayBuffer> | undefined {
    if (typeof opened === "string") return undefined;
    // Frames were lost while the key was: the decoder starts over.
    if (this.gaveUp) this.requestKeyFrame();
    this.gaveUp = false;
    return opened;
  }

  private generateKeyFrame(): void {
    this.transformer.generateKeyFrame?.().catch(() => undefined);
  }

  private requestKeyFrame(): void {
    // Only receivers of video have it in use; for sound it rejects.
    this.transformer.sendKeyFrameRequest?.().catch(() => undefined);
  }
}
