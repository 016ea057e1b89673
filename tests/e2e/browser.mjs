// A browser of its own for each person: Chromium with a fake camera and a tone of its own as microphone.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const { chromium } = createRequire(fileURLToPath(new URL("../../apps/web/package.json", import.meta.url)))("playwright-core");
const shots = fileURLToPath(new URL("../../out/screens/", import.meta.url));
mkdirSync(shots, { recursive: true });

/** 16-bit mono WAV of one second of a tone; Chromium loops it. */
const wav = (hertz, rate = 48_000) => {
  const data = Buffer.alloc(rate * 2);
  for (let i = 0; i < rate; i++) data.writeInt16LE(Math.round(12_000 * Math.sin((2 * Math.PI * hertz * i) / rate)), i * 2);
  const head = Buffer.alloc(44);
  head.write("RIFF", 0).toString();
  head.writeUInt32LE(36 + data.length, 4);
  head.write("WAVEfmt ", 8);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(rate, 24);
  head.writeUInt32LE(rate * 2, 28);
  head.writeUInt16LE(2, 32);
  head.writeUInt16LE(16, 34);
  head.write("data", 36);
  head.writeUInt32LE(data.length, 40);
  return Buffer.concat([head, data]);
};

export class Browser {
  static async open(name, hertz) {
    const browser = new Browser();
    browser.name = name;
    browser.profile = mkdtempSync(join(tmpdir(), "conclave-e2e-"));
    const tone = join(browser.profile, "tone.wav");
    writeFileSync(tone, wav(hertz));
    browser.context = await chromium.launchPersistentContext(join(browser.profile, "profile"), {
      executablePath: process.env.CHROMIUM ?? "/usr/lib/chromium/chromium",
      ignoreDefaultArgs: ["--mute-audio"],
      viewport: { width: 1360, height: 820 },
      args: [
        "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--no-default-browser-check", "--disable-background-networking", "--disable-component-update",
        "--disable-sync", "--disable-extensions", "--disable-background-timer-throttling", "--disable-renderer-backgrounding", "--disable-backgrounding-occluded-windows",
        "--autoplay-policy=no-user-gesture-required", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream", `--use-file-for-fake-audio-capture=${tone}`,
        "--auto-accept-this-tab-capture", "--auto-select-desktop-capture-source=Entire screen",
        "--disable-features=LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests",
      ],
    });
    browser.page = browser.context.pages()[0] ?? (await browser.context.newPage());
    browser.page.on("pageerror", (error) => console.log(JSON.stringify({ name, pageerror: `${error}` })));
    browser.page.on("console", (message) => {
      if (message.type() === "error") console.log(JSON.stringify({ name, console: message.text() }));
    });
    await browser.page.addInitScript(listen);
    return browser;
  }

  shot(name) {
    return this.page.screenshot({ path: join(shots, `${name}.png`) });
  }

  async join(link) {
    await this.page.goto(link);
    await this.page.getByLabel("Your name, as the others see it").fill(this.name);
    await this.shot(`waiting-${this.name}`);
    await this.page.getByRole("button", { name: "Join", exact: true }).click();
    await this.page.getByText(/Locked from inside ·/).waitFor({ timeout: 60_000 });
  }

  /** Pictures of `name` are decoded, have a size, and change. */
  async sees(name) {
    const video = this.page.locator(`article[aria-label^="${name}, "] video`);
    await video.waitFor({ timeout: 60_000 });
    return video.evaluate(watch);
  }

  /** Frequencies that are heard now, the strongest of each incoming track. */
  async hears(hertz) {
    await this.page.waitForFunction((hertz) => globalThis.heard().some((f) => Math.abs(f - hertz) < 25), hertz, { timeout: 60_000, polling: 200 });
  }

  async close() {
    await this.context.close();
    rmSync(this.profile, { recursive: true, force: true });
  }
}

/** Runs in the page: 20 decoded frames, a size, and pixels that change. */
const watch = (video) =>
  new Promise((resolve, reject) => {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [64, 36];
    const context = canvas.getContext("2d", { willReadFrequently: true });
    let frames = 0;
    let before = null;
    let change = 0;
    const timer = setTimeout(() => reject(new Error(`only ${frames} frames, change ${change}`)), 60_000);
    const next = () => {
      frames += 1;
      context.drawImage(video, 0, 0, 64, 36);
      const now = context.getImageData(0, 0, 64, 36).data;
      if (before) change += now.reduce((sum, value, i) => sum + Math.abs(value - before[i]), 0) / now.length;
      before = now;
      if (frames >= 20 && change > 0) {
        clearTimeout(timer);
        resolve({ width: video.videoWidth, height: video.videoHeight, frames, change });
      } else video.requestVideoFrameCallback(next);
    };
    video.requestVideoFrameCallback(next);
  });

/** Runs before the page: an analyser on every sound track that a peer connection hands out. */
const listen = () => {
  const analysers = [];
  const Native = globalThis.RTCPeerConnection;
  globalThis.RTCPeerConnection = class extends Native {
    constructor(...args) {
      super(...args);
      this.addEventListener("track", ({ track }) => {
        if (track.kind !== "audio") return;
        const context = new AudioContext();
        const analyser = context.createAnalyser();
        analyser.fftSize = 8192;
        context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
        analysers.push({ analyser, context });
      });
    }
  };
  globalThis.heard = () =>
    analysers.map(({ analyser, context }) => {
      const bins = new Float32Array(analyser.frequencyBinCount);
      analyser.getFloatFrequencyData(bins);
      const best = bins.reduce((top, value, i) => (value > bins[top] ? i : top), 0);
      return bins[best] > -70 ? (best * context.sampleRate) / analyser.fftSize : 0;
    });
};
