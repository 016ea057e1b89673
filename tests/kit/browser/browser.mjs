// A browser of its own for each person: Chromium with a camera and a microphone that show and sound like nobody else's.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium, chromiumFakes, chromiumOptions, desktop } from "./drivers.mjs";
import { wav } from "./fake-audio.mjs";
import { film } from "./fake-video.mjs";
import { listen, watch } from "./probe.mjs";
import { shotAt } from "./screenshots.mjs";

/** The own tab is shared without a question, and a name without TLS is this machine. */
const flags = ["--auto-accept-this-tab-capture", "--auto-select-desktop-capture-source=Entire screen", "--host-resolver-rules=MAP conclave.test 127.0.0.1"];

export class Browser {
  /**
   * `devices`: "granted", "denied" by the person, or "none" plugged in. Everything else goes to Playwright's context.
   * The wall behind the person has the colour `wall`, red, green and blue.
   */
  static async open(name, hertz, { wall = [96, 118, 160], devices = "granted", ...context } = {}) {
    const browser = new Browser();
    browser.name = name;
    browser.profile = mkdtempSync(join(tmpdir(), "conclave-e2e-"));
    const file = (called, bytes) => {
      const path = join(browser.profile, called);
      writeFileSync(path, bytes);
      return path;
    };
    const fake = {
      granted: () => [...chromiumFakes, `--use-file-for-fake-audio-capture=${file("tone.wav", wav(hertz))}`, `--use-file-for-fake-video-capture=${file("film.y4m", film(wall))}`],
      denied: () => ["--use-fake-device-for-media-stream", "--deny-permission-prompts"],
      none: () => ["--use-fake-ui-for-media-stream"],
    };
    browser.context = await chromium.launchPersistentContext(join(browser.profile, "profile"), {
      viewport: desktop,
      ...context,
      ...chromiumOptions([...flags, ...fake[devices]()]),
    });
    browser.page = browser.context.pages()[0] ?? (await browser.context.newPage());
    browser.page.on("pageerror", (error) => console.log(JSON.stringify({ name, pageerror: `${error}` })));
    browser.page.on("console", (message) => {
      if (message.type() === "error") console.log(JSON.stringify({ name, console: message.text() }));
    });
    await browser.page.addInitScript(listen);
    return browser;
  }

  /** From when its camera is opened next, it films this. */
  film(bytes) {
    writeFileSync(join(this.profile, "film.y4m"), bytes);
  }

  /** A picture, once nothing moves any more. */
  async shot(name) {
    await this.page.evaluate(async () => {
      // What was just changed begins to move with the next frame.
      await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
      const ends = document.getAnimations().filter((one) => one.effect?.getComputedTiming().endTime !== Infinity);
      await Promise.allSettled(ends.map((one) => one.finished));
    });
    await this.page.screenshot({ path: shotAt(name) });
  }

  async join(link) {
    await this.page.goto(link);
    await this.page.getByLabel("Your name, as the others see it").fill(this.name);
    await this.page.getByRole("button", { name: "Join", exact: true }).click();
    await this.page.getByText(/Locked from inside ·/).waitFor({ timeout: 60_000 });
  }

  /** Pictures of `name` are decoded, have a size, and change. */
  async sees(name, source = "camera") {
    const video = this.page.locator(source === "screen" ? 'video[data-source="screen"]' : `article[aria-label^="${name}, "] video`).first();
    for (;;) {
      await video.waitFor({ timeout: 60_000 });
      const seen = await video.evaluate(watch);
      if (seen) return seen;
    }
  }

  /** A tone of this frequency is among what is heard. */
  async hears(hertz) {
    await this.page.waitForFunction((hertz) => globalThis.heard().some((f) => Math.abs(f - hertz) < 25), hertz, { timeout: 60_000, polling: 200 });
  }

  /** Kills its processes, as a crash does. */
  crash() {
    for (const pid of execFileSync("pgrep", ["--full", this.profile], { encoding: "utf8" }).trim().split("\n")) {
      try {
        process.kill(Number(pid), "SIGKILL");
      } catch {
        // It went with its parent.
      }
    }
  }

  async close() {
    await this.context.close();
    rmSync(this.profile, { recursive: true, force: true });
  }
}
