// Two people in pages of one browser who speak, listen and mute themselves by a schedule. LINKS, NAMES and DEEDS are JSON lists with an
// entry for each of them, and a list of deeds is as long as there are windows of WINDOW milliseconds. Begins them when BEGIN is there.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium, chromiumFakes, chromiumOptions } from "./drivers.mjs";
import { wav } from "./fake-audio.mjs";
import { run } from "./script.mjs";

const [links, names, deeds] = ["LINKS", "NAMES", "DEEDS"].map((name) => JSON.parse(process.env[name]));
const { WINDOW, BEGIN } = process.env;
const later = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

/** Runs inside the page, before it: who says nothing has a device that goes on at its pace, and hears nothing. */
const quiet = () => {
  if (!navigator.mediaDevices) return;
  const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  let microphone;
  let speaks = true;
  navigator.mediaDevices.getUserMedia = async (wanted) => {
    const stream = await open(wanted);
    microphone = stream.getAudioTracks()[0] ?? microphone;
    if (microphone) microphone.enabled = speaks;
    return stream;
  };
  globalThis.speak = (on) => {
    speaks = on;
    if (microphone) microphone.enabled = on;
  };
};

await run(async ({ say, keep }) => {
  const folder = mkdtempSync(join(tmpdir(), "conclave-deeds-"));
  keep({ close: async () => rmSync(folder, { recursive: true, force: true }) });
  const sound = join(folder, "tone.wav");
  writeFileSync(sound, wav(440));
  const browser = await chromium.launch(chromiumOptions([...chromiumFakes, `--use-file-for-fake-audio-capture=${sound}`]));
  keep({ close: () => browser.close() });
  const pages = [];
  for (const [n, link] of links.entries()) {
    const context = await browser.newContext();
    await context.addInitScript(quiet);
    const page = await context.newPage();
    const press = (name) => page.getByRole("button", { name, exact: true }).click();
    await page.goto(link);
    await page.getByLabel("Your name, as the others see it").fill(names[n]);
    await press("Turn camera off");
    await press("Join");
    await page.getByText(/Locked from inside ·/).waitFor({ timeout: 60_000 });
    pages.push({ page, press, muted: false });
  }
  say("both are inside");
  while (!existsSync(BEGIN)) await later(50);
  for (const window of deeds[0].keys()) {
    const end = later(Number(WINDOW));
    say(`window ${window}`);
    await Promise.all(pages.map(async (person, n) => {
      const deed = deeds[n][window];
      await person.page.evaluate((on) => globalThis.speak(on), deed === "Speaks");
      const muted = deed === "Muted";
      if (muted !== person.muted) await person.press(muted ? "Mute" : "Unmute");
      person.muted = muted;
    }));
    await end;
  }
  say("all is done");
});
