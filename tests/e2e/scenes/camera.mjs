// Two people in two browsers compare their code by camera: what one's screen shows, the other's camera films. A third person is inside. What is no code
// of the other's screen gives words and no mark; the right code marks the right person; a code as somebody in between would make the other's screen
// show it is loud. Prints one JSON line a step.
import { Browser } from "../../kit/browser/browser.mjs";
import { filmOfCode, qrOf } from "../../kit/browser/qr.mjs";
import { check, run } from "../../kit/browser/script.mjs";

const { LINK } = process.env;
const [amaras, jonass, kims] = ["Amara Okafor", "Jonas Lindqvist", "Kim Adeyemi"];
const patience = { timeout: 30_000 };

/** Runs inside the page, before it: keeps what cameras were opened. */
const keepCameras = () => {
  if (!navigator.mediaDevices) return;
  const getUserMedia = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  globalThis.cameras = [];
  navigator.mediaDevices.getUserMedia = async (wanted) => {
    const stream = await getUserMedia(wanted);
    globalThis.cameras.push(...stream.getVideoTracks());
    return stream;
  };
};
const noneRuns = () => globalThis.cameras.every((track) => track.readyState === "ended");
const oneRuns = () => globalThis.cameras.some((track) => track.readyState === "live");

/** The QR code that a page shows, filmed. */
const filmed = async (page) => {
  const rows = await page.locator("dialog .code-picture").evaluate((picture) => {
    const size = picture.viewBox.baseVal.width;
    const rows = Array.from({ length: size }, () => Array(size).fill(false));
    for (const [, x, y] of picture.querySelector("path").getAttribute("d").matchAll(/M(\d+) (\d+)/gu)) rows[y][x] = true;
    return rows;
  });
  return filmOfCode(rows);
};

await run(async ({ say, keep }) => {
  const [amara, jonas] = [keep(await Browser.open(amaras, 660, { devices: "denied" })), keep(await Browser.open(jonass, 880))];
  await jonas.page.addInitScript(keepCameras);
  const button = (of, name) => of.page.getByRole("button", { name, exact: true });
  const dialog = (of) => of.page.getByRole("dialog");
  const told = (of, sentence) => dialog(of).locator(".told").getByText(sentence).waitFor(patience);
  const chip = (of, sentence) => of.page.locator(".top .chip").getByText(sentence).first().waitFor(patience);
  const marks = (of, name = "") => of.page.locator(`article[aria-label*="${name}"] .compared`);
  const closed = () => jonas.page.waitForFunction(noneRuns, null, patience);
  /** Jonas's camera films this from the next press on. */
  const scan = async (film, press = "Scan again") => {
    jonas.film(film);
    await dialog(jonas).getByRole("button", { name: press }).click();
  };
  const unmarked = async (when) => {
    for (const one of [amara, jonas]) check(`${when}, somebody is marked for ${one.name}`, (await one.page.locator(".compared").count()) === 0);
  };

  for (const one of [amara, jonas]) {
    await one.page.goto(LINK);
    await one.page.getByLabel("Let people know me again").check();
    // The camera that is free to scan is not that of the meeting.
    if (one === jonas) await button(one, "Turn camera off").click();
    await one.page.getByLabel("Your name, as the others see it").fill(one.name);
    await button(one, "Join").click();
    await one.page.locator(".meeting").waitFor(patience);
  }
  for (const one of [amara, jonas]) await button(one, "Locked from inside · 3 people").click(patience);
  await closed();
  await button(amara, `Verify ${jonass} for later meetings`).click();
  await button(jonas, `Verify ${amaras} for later meetings`).click();
  await button(amara, `Verify ${jonass} by camera`).click(patience);
  const opener = button(jonas, `Verify ${amaras} by camera`);
  await opener.press("Enter", patience);
  const [right, own] = [await filmed(amara.page), await filmed(jonas.page)];
  const digits = await Promise.all([amara, jonas].map((one) => dialog(one).locator(".code").textContent()));
  check(`beside the pictures stands ${digits.join(" and ")}`, digits[0] === digits[1] && /^\d{30}$/u.test(digits[0]));
  check("a camera runs before anybody asked for it", await jonas.page.evaluate(noneRuns));
  await amara.shot("camera-shows");
  say("each shows a QR code with the digits beside, and no camera runs");

  await dialog(amara).getByRole("button", { name: "Scan theirs" }).click();
  await told(amara, "Your camera is blocked.");
  check("the picture and the digits are gone", (await dialog(amara).locator(".code-picture").isVisible()) && (await dialog(amara).locator(".code").isVisible()));
  say("whose camera is blocked is told what to do, and goes on showing");

  await scan(qrOf("https://example.org/menu"), "Scan theirs");
  await told(jonas, "This QR code is no code to compare.");
  check("the camera does not run", await jonas.page.evaluate(oneRuns));
  await jonas.shot("camera-foreign");
  await jonas.page.keyboard.press("Escape");
  await dialog(jonas).waitFor({ ...patience, state: "detached" });
  await closed();
  check("the focus is not where it was", await opener.evaluate((one) => one === document.activeElement));
  await unmarked("after a foreign code");
  await opener.press("Enter");
  await scan(own, "Scan theirs");
  await told(jonas, "This is your own screen.");
  await dialog(jonas).getByRole("button", { name: "Show mine" }).click();
  await closed();
  await unmarked("after one's own code");
  say("a foreign code and one's own give words and no mark, and closing closes the camera");

  await scan(right, "Scan theirs");
  await told(jonas, `The code is the same. You verified ${amaras}.`);
  await closed();
  await marks(jonas, amaras).first().waitFor(patience);
  check("somebody else is marked", (await marks(jonas, kims).count()) === 0 && (await marks(amara).count()) === 0);
  check("the others see a camera", (await amara.page.locator(`article[aria-label^="${jonass}"]`).getAttribute("aria-label"))?.endsWith("camera off"));
  await jonas.shot("camera-same");
  say("the code of the other's screen marks the other, on one's own page alone");

  // As the friend's screen would have it if somebody stood between the two: of another meeting, and of other keys.
  const between = `conclave/1 person code ${"M".repeat(22)} ${[...digits[0]].map((digit) => (Number(digit) + 3) % 10).join("")}`;
  await scan(qrOf(between));
  await dialog(jonas).getByRole("alert").getByText("The code differs, and theirs is of another meeting").waitFor(patience);
  await closed();
  await chip(jonas, "The safety code differs");
  await jonas.shot("camera-differs");
  check("the mark stays", (await marks(jonas).count()) === 0);
  // It was not so.
  await scan(right);
  await told(jonas, "The code is the same.");
  await marks(jonas, amaras).first().waitFor(patience);
  for (const one of [amara, jonas]) await dialog(one).getByRole("button", { name: "Close" }).click();
  say("the code of somebody in between takes the mark and is loud, and a slip is mended");

  await button(amara, `Compare with ${jonass} by camera`).click();
  await button(jonas, `Compare with ${amaras} by camera`).click();
  const safety = await filmed(amara.page);
  await scan(right, "Scan theirs");
  await told(jonas, "This is the code for later meetings.");
  await dialog(jonas).getByRole("button", { name: "Show mine" }).click();
  await closed();
  await scan(safety, "Scan theirs");
  await told(jonas, `The code is the same, and ${amaras} is told so.`);
  await closed();
  await amara.page.locator(".compare").getByText(/^Jonas Lindqvist found the same code at /u).waitFor(patience);
  say("the safety code is compared in the same way, and the other is told");
});
