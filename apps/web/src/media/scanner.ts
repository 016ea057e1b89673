// A camera that looks for QR codes. Its picture is shown on this page and read in a worker of its own; nothing of it goes to a meeting.
import type { Scan, ScanState } from "../api.ts";
import { Observable } from "../observable.ts";
import { ownScript } from "../trusted-types.ts";
import { inTime, late } from "./capture.ts";
import { captureOf } from "./errors.ts";
import type { QrPicture } from "./qr-worker.ts";
import script from "./qr-worker.ts?worker&url";

/** Between two looks, in milliseconds. */
const pause = 125;
/** A code that fills a third of the picture can be read at this; a larger picture takes longer to read than it helps. */
const longestSide = 960;

export class Scanner extends Observable<ScanState> implements Scan {
  private stream: MediaStream | undefined;
  private worker: Worker | undefined;
  private readonly video = document.createElement("video");
  private readonly canvas = document.createElement("canvas");
  private timer: ReturnType<typeof setInterval> | undefined;
  /** The worker has a picture: it gets the next one afterwards. */
  private reading = false;
  private closed = false;

  constructor(private readonly onText: (text: string) => void) {
    super({ kind: "starting" });
    void this.open().catch((fault: unknown) => this.fail(captureOf(fault)));
  }

  close(): void {
    this.closed = true;
    clearInterval(this.timer);
    this.worker?.terminate();
    this.video.srcObject = null;
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.stream = undefined;
  }

  private async open(): Promise<void> {
    // A telephone's camera that looks away from its person, if there is one.
    const opening = navigator.mediaDevices.getUserMedia({ audio: false, video: { facingMode: { ideal: "environment" }, width: { ideal: 1280 }, height: { ideal: 720 } } });
    const stream = await inTime("camera", opening);
    if (stream === late) {
      void opening.then(stop, () => undefined);
      return this.fail("unresponsive");
    }
    if (this.closed) return stop(stream);
    this.stream = stream;
    stream.getVideoTracks()[0]?.addEventListener("ended", () => this.fail("missing"));
    this.worker = new Worker(ownScript(script), { type: "module", name: "qr" });
    this.worker.onerror = () => this.fail("failed");
    this.worker.onmessage = ({ data }: MessageEvent<string | null>) => {
      this.reading = false;
      if (data !== null && !this.closed) this.onText(data);
    };
    Object.assign(this.video, { muted: true, playsInline: true, srcObject: stream });
    // Refused only when it is closed meanwhile.
    this.video.play().catch(() => undefined);
    this.timer = setInterval(() => this.look(), pause);
    this.set({ kind: "looking", stream });
  }

  private look(): void {
    const { videoWidth, videoHeight } = this.video;
    if (this.reading || this.video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA || videoWidth === 0) return;
    const scale = Math.min(1, longestSide / Math.max(videoWidth, videoHeight));
    const [width, height] = [Math.max(1, Math.round(videoWidth * scale)), Math.max(1, Math.round(videoHeight * scale))];
    if (this.canvas.width !== width || this.canvas.height !== height) Object.assign(this.canvas, { width, height });
    const context = this.canvas.getContext("2d", { willReadFrequently: true });
    if (!context) return this.fail("unsupported");
    context.drawImage(this.video, 0, 0, width, height);
    const { data } = context.getImageData(0, 0, width, height);
    this.reading = true;
    this.worker?.postMessage({ width, height, data } satisfies QrPicture, [data.buffer]);
  }

  private fail(kind: Exclude<ScanState["kind"], "looking">): void {
    if (this.closed) return;
    this.close();
    this.set({ kind });
  }
}

const stop = (stream: MediaStream): void => stream.getTracks().forEach((track) => track.stop());
