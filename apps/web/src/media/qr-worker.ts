// Looks for a QR code in one picture after the other, beside the page: a picture takes some milliseconds, and a hard one longer.
import { decodeQR } from "qr/decode.js";

/** One picture, RGBA. */
export interface QrPicture {
  width: number;
  height: number;
  data: Uint8ClampedArray<ArrayBuffer>;
}

/** The worker's global scope, as far as it is used here. `null`: no code was found. */
interface Scope {
  postMessage(found: string | null): void;
  onmessage: ((event: MessageEvent<QrPicture>) => void) | null;
}
const scope = globalThis as unknown as Scope;

/** What further attempts at one picture may take, in milliseconds. */
const timeLimit = 60;

scope.onmessage = ({ data: picture }) => scope.postMessage(read(picture));

const read = (picture: QrPicture): string | null => {
  try {
    return decodeQR(picture, { format: "RGBA", timeLimit });
  } catch {
    return null;
  }
};
