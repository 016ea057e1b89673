import type { Codec } from "./wasm/conclave.js";

const codecs: Record<string, Codec> = { "audio/opus": "opus", "video/vp8": "vp8", "video/vp9": "vp9" };

/** The codec of an encoded frame as the browser names it; `fallback` where it names none; `undefined` for one that we do not seal. */
export const codecOf = (mimeType: string | undefined, fallback: Codec): Codec | undefined =>
  mimeType === undefined || mimeType === "" ? fallback : codecs[mimeType.toLowerCase()];

/** What the transforms need of both kinds of frame. Chromium and Firefox name the codec; older type definitions do not know it. */
export interface EncodedFrame {
  data: ArrayBuffer;
  readonly type?: "empty" | "key" | "delta";
  getMetadata(): { mimeType?: string; rtpTimestamp?: number; synchronizationSource?: number };
}
