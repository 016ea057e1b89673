// Firefox and a native member, media both ways, chat both ways. Prints one JSON line a step.
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { Member } from "./member.mjs";
import { rehearse, shotAt } from "./rehearse.mjs";
import { watch } from "./witness.mjs";

const puppeteer = createRequire(fileURLToPath(new URL("../../apps/web/package.json", import.meta.url)))("puppeteer-core");
const { LINK, CLIENT } = process.env;

await rehearse(async ({ say, keep }) => {
  const nadia = keep(new Member(CLIENT, LINK, "Nadia", ["--tone", "440"]));
  await nadia.wait("is inside", (e) => e.event === "phase" && e.phase.kind === "inside");

  const browser = keep(
    Object.assign(
      await puppeteer.launch({
        browser: "firefox",
        executablePath: process.env.FIREFOX ?? "/usr/bin/firefox-esr",
        headless: true,
        defaultViewport: { width: 1360, height: 820 },
        extraPrefsFirefox: {
          "media.navigator.streams.fake": true,
          "media.navigator.permission.disabled": true,
          "media.autoplay.default": 0,
          "media.autoplay.blocking_policy": 0,
          "media.peerconnection.ice.obfuscate_host_addresses": false,
        },
      }),
      { name: "Mei" },
    ),
  );
  const page = await browser.newPage();
  browser.shot = (name) => page.screenshot({ path: shotAt(name) });
  page.on("pageerror", (error) => console.log(JSON.stringify({ pageerror: `${error}` })));
  page.on("console", (message) => message.type() === "error" && console.log(JSON.stringify({ console: message.text() })));
  const says = (text) => page.waitForFunction((text) => document.body.innerText.includes(text), { timeout: 60_000 }, text);

  await page.goto(LINK);
  await page.locator("#name").fill("Mei-Lin Zhao");
  await page.locator("form button[type=submit]").click();
  await says("Locked from inside · 2 people");
  say("Firefox is inside");

  const video = await page.waitForSelector('article[aria-label^="Nadia, "] video', { timeout: 60_000 });
  const { width, height, change } = await video.evaluate(watch);
  say("Firefox sees Nadia", { width, height, change });
  if (`${width}x${height}` !== "640x360") throw new Error(`the picture has ${width}x${height}`);
  const sees = await nadia.sees("Mei-Lin Zhao");
  say("Nadia sees Firefox", { width: sees.width, height: sees.height, change: sees.change });
  const hears = await nadia.wait("hears Firefox's tone", (e) => e.event === "media" && e.name === "Mei-Lin Zhao" && e.source === "microphone" && e.decoded > 20 && e.frequency > 0);
  say("Nadia hears Firefox", { frequency: hears.frequency, loudness: hears.loudness });
  // Firefox has no sound card here, so that nothing pulls the sound: what was decoded is counted.
  await page.waitForFunction(() => [...document.querySelectorAll("audio")].some((audio) => audio.srcObject?.getAudioTracks().some((track) => !track.muted)), { timeout: 60_000 });
  say("Firefox has Nadia's sound");

  await page.keyboard.press("c");
  await page.locator('[aria-label="Message everyone"]').fill("From Firefox.");
  await page.keyboard.press("Enter");
  await nadia.wait("reads the chat", (e) => e.event === "chat" && e.line.text === "From Firefox.");
  nadia.say("From the command line.");
  await says("From the command line.");
  await browser.shot("meeting-firefox");
  say("chat arrives both ways");
});
