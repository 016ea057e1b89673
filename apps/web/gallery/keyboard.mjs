// What a keyboard must be able to do; returns what it could not.
import { readFile } from "node:fs/promises";

/** Name and ring of what has the focus. */
const focus = (page) =>
  page.evaluate(() => {
    const element = document.activeElement;
    const style = element ? getComputedStyle(element) : null;
    return {
      tag: element?.tagName ?? "",
      name: element?.getAttribute("aria-label") ?? element?.textContent?.trim() ?? "",
      ring: style !== null && (style.outlineStyle !== "none" || element?.closest(".field") !== null),
    };
  });

export const keyboard = async (page, open) => {
  const wrong = [];
  const expect = (fine, what) => {
    if (!fine) wrong.push(what);
  };
  const shown = (selector) => page.locator(selector).isVisible();

  for (const state of ["home", "prejoin", "meeting", "share-several", "passphrase"]) {
    await open(state);
    for (let step = 0; step < 12; step += 1) {
      await page.keyboard.press("Tab");
      const now = await focus(page);
      if (now.tag === "BODY") break;
      expect(now.name !== "" || now.tag === "SELECT" || now.tag === "INPUT", `${state}: focus ${step} on a nameless ${now.tag}`);
      expect(now.ring, `${state}: no ring on ${now.tag} "${now.name}"`);
    }
  }

  await open("meeting");
  const phone = (page.viewportSize()?.width ?? 0) <= 720;
  const leave = page.getByRole("button", { name: "More", exact: true });
  await leave.focus();
  await page.keyboard.press("s");
  expect((await focus(page)).name === "Safety", "S does not put the focus on Safety");
  await page.keyboard.press("p");
  expect((await shown("aside.panel h2")) && (await focus(page)).name.startsWith("People"), "P does not change the panel");
  await page.keyboard.press("Escape");
  expect(!(await shown("aside.panel")), "Escape does not close the panel");
  expect((await focus(page)).name === "More", "closing a panel does not give the focus back");
  await page.keyboard.press("m");
  expect(await page.getByRole("button", { name: "Unmute" }).isVisible(), "M does not mute");
  expect(((await page.locator("[role=log]").textContent()) ?? "").includes("Microphone off."), "muting is not said");
  await page.keyboard.press("c");
  if (phone) await page.getByLabel("Message everyone").focus();
  await page.keyboard.type("hm");
  expect((await page.getByLabel("Message everyone").inputValue()) === "hm", "letters typed in the chat act as keys");
  await page.keyboard.press("Enter");
  expect(await page.getByText("hm", { exact: true }).isVisible(), "Enter does not send");
  await page.locator(".panel .scroll").focus();
  await page.keyboard.press("Tab");
  while ((await focus(page)).tag === "A") await page.keyboard.press("Tab");
  expect((await focus(page)).name.startsWith("Who could read this"), "Tab does not reach who could read the last line");
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("Enter");
  expect((await page.locator("[data-line='5'] .names").count()) === 1, "arrows and Enter do not tell who could read a line");
  await page.getByLabel("Message everyone").fill("half a thought");
  await page.keyboard.press("Escape");
  await leave.focus();
  await page.keyboard.press("p");
  await page.keyboard.press("c");
  expect((await page.getByLabel("Message everyone").inputValue()) === "half a thought", "what was typed is gone once the panel was closed");
  if (phone) {
    await page.getByLabel("Message everyone").focus();
    await page.keyboard.press("Tab");
    if ((await focus(page)).name === "Send") await page.keyboard.press("Tab");
    expect((await focus(page)).name === "Unmute", "Tab does not reach the microphone from the sheet");
    await page.locator(".panel h2").focus();
    await page.keyboard.press("Shift+Tab");
    expect(!(await page.evaluate(() => document.activeElement.closest(".stage, .top") !== null)), "the keyboard reaches what a sheet covers");
  }
  await page.keyboard.press("Escape");
  await leave.focus();
  await page.keyboard.press("Enter");
  expect(await shown("[role=menu]"), "Enter does not open a menu");
  await page.keyboard.press("ArrowDown");
  expect((await page.locator("[role=menu] :focus").count()) === 1, "arrows do not move in a menu");
  await page.keyboard.press("Escape");
  expect(!(await shown("[role=menu]")) && (await focus(page)).name === "More", "Escape does not close a menu");
  await page.keyboard.press("?");
  expect(await shown("dialog[open]"), "? does not list the keys");
  await page.getByRole("checkbox").uncheck();
  await page.keyboard.press("Escape");
  expect(!(await shown("dialog[open]")), "Escape does not close a dialog");
  await page.keyboard.press("v");
  expect(await page.getByRole("button", { name: "Turn camera off" }).isVisible(), "single keys act though they are switched off");
  await page.evaluate(() => localStorage.clear());

  await open("meeting");
  await page.keyboard.press("c");
  await page.goBack();
  expect(!(await shown("aside.panel")) && (await shown(".meeting")), "Back does not close a panel");
  await page.getByRole("button", { name: "More", exact: true }).click();
  await page.goBack();
  expect(!(await shown("[role=menu]")) && (await shown(".meeting")), "Back does not close a menu");
  await page.goBack();
  expect((await shown(".meeting")) && (await page.getByText("Leave the meeting?").isVisible()), "Back does not ask before it leaves");
  await page.goBack();
  expect(!(await shown("dialog[open]")) && (await shown(".meeting")), "Back does not close a dialog");

  await page.addInitScript(() => {
    globalThis.tones = 0;
    const start = OscillatorNode.prototype.start;
    OscillatorNode.prototype.start = function (...at) {
      globalThis.tones += 1;
      start.apply(this, at);
    };
  });
  for (const [wanted, heard] of [[true, 2], [false, 0]]) {
    await open("alone");
    await page.getByLabel("Play a soft sound when somebody comes in").setChecked(wanted);
    await page.evaluate(() => globalThis.later());
    await page.locator(".alone").waitFor({ state: "detached" });
    expect((await page.evaluate(() => globalThis.tones)) === heard, `the first arrival is ${wanted ? "not heard" : "heard though the sound is off"}`);
  }
  await page.evaluate(() => localStorage.clear());
  await open("alone");
  const visible = (state) =>
    page.evaluate((value) => {
      Object.defineProperty(document, "visibilityState", { value, configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));
    }, state);
  await visible("hidden");
  await page.evaluate(() => globalThis.later());
  expect((await page.title()) === "Jonas Lindqvist came in", "the title does not tell who came meanwhile");
  await visible("visible");
  expect((await page.title()) === "Conclave", "the title still tells who came once one has looked");

  await open("left-receipt");
  await page.evaluate(() => globalThis.later());
  const saving = page.waitForEvent("download");
  await page.getByRole("button", { name: "Save chat" }).press("Enter");
  const saved = await saving;
  expect(saved.suggestedFilename() === "Chat - Editorial, Tuesday.txt", `the chat is saved as ${saved.suggestedFilename()}`);
  expect((await readFile(await saved.path(), "utf8")).includes("Noor: Then we can run it."), "the saved chat has not all lines");
  return wrong;
};
