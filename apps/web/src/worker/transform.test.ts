import { describe, expect, it } from "vitest";
import type { EncodedFrame } from "./frame.ts";
import { ReceivedFrames, Transform, type Transformer } from "./transform.ts";
import type { FrameCryptor } from "./wasm/conclave.js";

const bytes = (...values: number[]): Uint8Array<ArrayBuffer> => new Uint8Array(values);
const amara = { identity: "amara", source: "camera", codec: "vp8" } as const;

/** A receiver's transform whose cryptor opens what begins with 1 and keeps the rest. */
const opening = () => {
  const received = new ReceivedFrames();
  const kept: number[] = [];
  const asked: string[] = [];
  const played: number[] = [];
  const cryptor = {
    receive: (_owner: string, _source: string, _codec: string, id: number, sealed: Uint8Array<ArrayBuffer>) => {
      if (sealed[0] === 1) return sealed;
      kept.push(id);
      return undefined;
    },
    requestKeyFrame: (owner: string, source: string) => asked.push(`${owner} ${source}`),
  } as unknown as FrameCryptor;
  let arrive: (frame: EncodedFrame) => void = () => undefined;
  const readable = new ReadableStream<EncodedFrame>({ start: (out) => void (arrive = (frame) => out.enqueue(frame)) });
  const writable = new WritableStream<EncodedFrame>({ write: (frame) => void played.push(new Uint8Array(frame.data)[1] ?? 0) });
  let requested = 0;
  const transformer: Transformer = { readable, writable, options: { direction: "open", transform: 7 }, sendKeyFrameRequest: () => Promise.resolve(requested++) };
  let broken = false;
  const transform = new Transform(transformer, { cryptor: () => cryptor, drain: () => undefined, received, broken: () => void (broken = true) });
  return {
    transform, received, kept, asked, played,
    requested: () => requested,
    broken: () => broken,
    arrive: async (...values: number[]) => {
      arrive({ data: bytes(...values).buffer, getMetadata: () => ({}) });
      await settled();
    },
  };
};

const settled = (): Promise<void> => new Promise((done) => setTimeout(done));

describe("a receiver's transform", () => {
  it("plays what opens at once, and what was kept when the cryptor says so", async () => {
    const { transform, received, kept, played, arrive, broken } = opening();
    transform.bind(amara);
    await arrive(1, 10);
    await arrive(0, 11);
    await arrive(0, 12);
    await arrive(0, 13);
    expect([played, kept.length]).toEqual([[10], 3]);
    const [first = 0, second = 0, third = 0] = kept;
    received.opened(first, bytes(9, 21));
    received.dropped(second);
    received.opened(second, bytes(9, 22));
    received.opened(third, bytes(9, 23));
    await settled();
    expect(played).toEqual([10, 21, 23]);
    expect(broken()).toBe(false);
  });

  it("plays nothing that was kept for somebody else", async () => {
    const { transform, received, kept, played, arrive } = opening();
    await arrive(1, 9);
    transform.bind(amara);
    await arrive(0, 10);
    transform.bind({ ...amara, identity: "bela" });
    received.opened(kept[0] ?? 0, bytes(9, 20));
    await settled();
    expect(played).toEqual([]);
  });

  it("asks for a key frame of its own track only", () => {
    const { transform, asked, requested } = opening();
    transform.bind(amara);
    expect(asked).toEqual(["amara camera"]);
    transform.requestKeyFrame("bela", "camera");
    transform.requestKeyFrame("amara", "screen");
    expect(requested()).toBe(0);
    transform.requestKeyFrame("amara", "camera");
    expect(requested()).toBe(1);
  });
});

describe("a sender's transform", () => {
  it("tells the layers of a track apart by the RTP stream that each is", async () => {
    const layers: number[] = [];
    const cryptor = { seal: (_source: string, layer: number, _codec: string, frame: Uint8Array<ArrayBuffer>) => (layers.push(layer), frame) } as unknown as FrameCryptor;
    let encode: (frame: EncodedFrame) => void = () => undefined;
    const readable = new ReadableStream<EncodedFrame>({ start: (out) => void (encode = (frame) => out.enqueue(frame)) });
    const transformer: Transformer = { readable, writable: new WritableStream(), options: { direction: "seal", transform: 7 } };
    const transform = new Transform(transformer, { cryptor: () => cryptor, drain: () => undefined, received: new ReceivedFrames(), broken: () => undefined });
    transform.bind(amara);
    for (const metadata of [{ synchronizationSource: 311907806 }, { synchronizationSource: 3917667432 }, {}]) encode({ data: bytes(1).buffer, getMetadata: () => metadata });
    await settled();
    expect(layers).toEqual([311907806, 3917667432, 0]);
  });
});
