// Between encoder and network, and between network and decoder: every frame is sealed or opened here, or goes nowhere.
import { now } from "./clock.ts";
import { codecOf, type EncodedFrame } from "./frame.ts";
import type { Binding, TransformOptions } from "./messages.ts";
import { DuplicateFilter } from "./duplicate-filter.ts";
import type { Codec, FrameCryptor, Source } from "./wasm/conclave.js";

export interface Transformer {
  readonly readable: ReadableStream<EncodedFrame>;
  readonly writable: WritableStream<EncodedFrame>;
  readonly options: TransformOptions;
  generateKeyFrame?(rid?: string): Promise<unknown>;
  sendKeyFrameRequest?(): Promise<unknown>;
}

/** What a transform needs of the worker that it runs in. */
export interface TransformContext {
  cryptor(): FrameCryptor | undefined;
  /** Does what the frame cryptor asks for; after each call of one of its methods. */
  drain(): void;
  /** Frames that the frame cryptor has not given back yet, and how each goes on to its decoder. */
  readonly received: ReceivedFrames;
  broken(transform: number): void;
}

/** Frames that wait in the frame cryptor, by number: what it says of one happens here. */
export class ReceivedFrames {
  private readonly waiting = new Map<number, (opened: Uint8Array<ArrayBuffer>) => void>();
  private last = 0;

  /** A number for a frame. */
  number(): number {
    return (this.last = (this.last + 1) >>> 0);
  }

  wait(id: number, decode: (opened: Uint8Array<ArrayBuffer>) => void): void {
    this.waiting.set(id, decode);
  }

  opened(id: number, frame: Uint8Array<ArrayBuffer>): void {
    this.waiting.get(id)?.(frame);
    this.waiting.delete(id);
  }

  dropped(id: number): void {
    this.waiting.delete(id);
  }
}

type Out = TransformStreamDefaultController<EncodedFrame>;

export class Transform {
  readonly id: number;
  /** Resolves when its sender or receiver is gone; that is no fault. */
  readonly ended: Promise<void>;
  private binding: Binding | undefined;
  /** Own video: the last frame could not be sealed, so what follows lacks its beginning. */
  private dropped = false;
  private readonly duplicates = new DuplicateFilter();

  constructor(
    private readonly transformer: Transformer,
    private readonly context: TransformContext,
  ) {
    this.id = transformer.options.transform;
    const work = transformer.options.direction === "seal" ? this.seal : this.open;
    const through = new TransformStream<EncodedFrame, EncodedFrame>({ transform: (frame, out) => this.pass(frame, out, work) });
    this.ended = transformer.readable.pipeThrough(through).pipeTo(transformer.writable).catch(() => undefined);
  }

  bind(to: Binding | undefined): void {
    this.binding = to;
    if (!to || this.transformer.options.direction === "seal") return;
    // What came before was dropped: a decoder needs a beginning.
    this.context.cryptor()?.requestKeyFrame(to.identity, to.source, now());
    this.context.drain();
  }

  /** Somebody new holds the keys from now on. */
  generateKeyFrame(): void {
    if (this.transformer.options.direction === "seal" && this.binding?.source !== "microphone" && this.binding?.source !== "screenAudio") this.transformer.generateKeyFrame?.().catch(() => undefined);
  }

  /** Pictures of this track were lost. */
  requestKeyFrame(owner: string, source: Source): void {
    const { binding } = this;
    if (this.transformer.options.direction === "open" && binding?.identity === owner && binding.source === source) this.transformer.sendKeyFrameRequest?.().catch(() => undefined);
  }

  private pass(frame: EncodedFrame, out: Out, work: (frame: EncodedFrame, codec: Codec, to: Binding, cryptor: FrameCryptor, out: Out) => void): void {
    try {
      const cryptor = this.context.cryptor();
      const codec = this.binding && codecOf(frame.getMetadata().mimeType, this.binding.codec);
      if (!cryptor || !this.binding || !codec || frame.data.byteLength === 0) {
        this.dropped = true;
        return;
      }
      work(frame, codec, this.binding, cryptor, out);
    } catch (fault) {
      // Nothing is known about what would go out now: this transform ends, and with it its track.
      this.context.broken(this.id);
      out.error(fault);
    }
  }

  private readonly seal = (frame: EncodedFrame, codec: Codec, to: Binding, cryptor: FrameCryptor, out: Out): void => {
    // Each simulcast layer is an RTP stream of its own, which receivers get whole or not at all.
    const sealed = cryptor.seal(to.source, frame.getMetadata().synchronizationSource ?? 0, codec, new Uint8Array(frame.data), now());
    if (typeof sealed === "string") {
      this.dropped = true;
      return;
    }
    if (this.dropped && frame.type === "delta") this.generateKeyFrame();
    this.dropped = false;
    enqueue(frame, sealed, out);
  };

  private readonly open = (frame: EncodedFrame, codec: Codec, to: Binding, cryptor: FrameCryptor, out: Out): void => {
    const sealed = new Uint8Array(frame.data);
    if (this.duplicates.isDuplicate(frame.getMetadata().rtpTimestamp, sealed)) return;
    const id = this.context.received.number();
    const opened = cryptor.receive(to.identity, to.source, codec, id, sealed, now());
    if (opened) return enqueue(frame, opened, out);
    this.context.received.wait(id, (late) => {
      if (this.binding !== to) return;
      try {
        enqueue(frame, late, out);
      } catch {
        // Its receiver has gone meanwhile.
      }
    });
    this.context.drain();
  };
}

const enqueue = (frame: EncodedFrame, bytes: Uint8Array<ArrayBuffer>, out: Out): void => {
  frame.data = bytes.buffer;
  out.enqueue(frame);
};
