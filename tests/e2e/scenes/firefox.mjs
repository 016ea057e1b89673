// Firefox and a native member, media both ways, chat both ways; then Firefox's line is cut, WebSockets alone, media alone and everything, and
// mended. Prints one JSON line a step.
import { launchFirefox } from "../../kit/browser/drivers.mjs";
import { Line, takeDetour } from "../../kit/browser/line.mjs";
import { Member } from "../../kit/browser/member.mjs";
import { watch } from "../../kit/browser/probe.mjs";
import { shotAt } from "../../kit/browser/screenshots.mjs";
import { check, run } from "../../kit/browser/script.mjs";

const { LINK, CLIENT, MEDIA } = process.env;

/** Runs inside the page, before it: the server is far away, so that a new connection stands before own tracks are agreed on. It must stand on its own. */
const delayAnswers = () => {
  const { setRemoteDescription } = RTCPeerConnection.prototype;
  RTCPeerConnection.prototype.setRemoteDescription = async function (answer) {
    if (this.remoteDescription) await new Promise((done) => setTimeout(done, 400));
    return setRemoteDescription.call(this, answer);
  };
};

await run(async ({ say, keep }) => {
  const nadia = keep(new Member(CLIENT, LINK, "Nadia", ["--tone", "440"]));
  await nadia.wait("is inside", (e) => e.event === "phase" && e.phase.kind === "inside");

  const browser = keep(Object.assign(await launchFirefox(), { name: "Mei" }));
  const page = await browser.newPage();
  browser.shot = (name) => page.screenshot({ path: shotAt(name) });
  page.on("pageerror", (error) => console.log(JSON.stringify({ pageerror: `${error}` })));
  page.on("console", (message) => message.type() === "error" && console.log(JSON.stringify({ console: message.text() })));
  const says = (text) => page.waitForFunction((text) => document.body.innerText.includes(text), { timeout: 60_000 }, text);

  const line = keep(await Line.open(LINK, MEDIA));
  await page.evaluateOnNewDocument(takeDetour, line.detour);
  await page.evaluateOnNewDocument(delayAnswers);
  await page.goto(line.link(LINK));
  await page.locator("#name").fill("Mei-Lin Zhao");
  await page.locator("form button[type=submit]").click();
  await says("Locked from inside · 2 people");
  say("Firefox is inside");

  const video = await page.waitForSelector('article[aria-label^="Nadia, "] video', { timeout: 60_000 });
  const { width, height, change } = await video.evaluate(watch);
  say("Firefox sees Nadia", { width, height, change });
  check(`the picture has ${width}x${height}`, `${width}x${height}` === "640x360");
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

  for (const [what, how] of Object.entries({ WebSockets: { tcp: "closed" }, media: { udp: "dead" }, everything: { tcp: "closed", udp: "dead" } })) {
    const start = Date.now();
    await line.cut(how);
    await says(what === "media" ? "Sound and picture are coming back" : "The connection broke");
    const told = Date.now() - start;
    // 3 s, and some for a machine that has much to do; browsers alone take 8 s and more.
    check(`without ${what} it took ${told} ms until the page said so`, told < 7500);
    await browser.shot(`away-firefox-${what}`);
    const accused = await page.$$eval(".refused, .alarmed", (all) => all.filter((one) => one.checkVisibility()).map((one) => one.innerText));
    check(`without ${what} Firefox accuses somebody: ${accused}`, accused.length === 0);
    // Until the page gives the connection up: one that merely comes back is no new one.
    if (what === "media") await page.waitForFunction(() => !document.querySelector('article[aria-label^="Nadia, "] video'), { timeout: 60_000 });
    const from = nadia.events.length;
    await line.cut({});
    await says("Locked from inside · 2 people");
    await nadia.sees("Mei-Lin Zhao", "camera", from);
    const again = await page.waitForSelector('article[aria-label^="Nadia, "] video', { timeout: 60_000 });
    const { change } = await again.evaluate(watch);
    await page.waitForFunction(() => document.querySelector(".banner") === null, { timeout: 60_000 });
    say(`Firefox lost ${what}, said so, and is back`, { told, change });
  }
});
