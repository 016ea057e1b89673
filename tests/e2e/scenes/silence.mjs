// A host decides who is heard, in real browsers: mutes everybody else, who can unmute; lets only hosts unmute, and one guest beside them; silences
// that one again; and decides who writes in the chat and who shares a screen. Prints one JSON line a step.
import { Browser } from "../../kit/browser/browser.mjs";
import { check, run } from "../../kit/browser/script.mjs";

const { URL: SERVER } = process.env;
const patience = { timeout: 45_000 };
const [amaras, jonass, kims, noors] = ["Amara Okafor", "Jonas Lindqvist", "Kim Adeyemi", "Noor Haddad"];
const silencedMic = "Unmute: only hosts, and whom they let, speak now";
const silencedShare = "Share screen: only hosts, and whom they let, share now";

await run(async ({ say, keep }) => {
  const [amara, jonas, kim] = [keep(await Browser.open(amaras, 660)), keep(await Browser.open(jonass, 880)), keep(await Browser.open(kims, 440))];
  const button = ({ page }, name) => page.getByRole("button", { name, exact: true });
  const press = (one, name) => button(one, name).click(patience);
  const has = (one, name) => button(one, name).waitFor(patience);
  const reads = ({ page }, text) => page.getByText(text).first().waitFor(patience);
  const people = async (one) => {
    if ((await one.page.locator("aside.panel .people").count()) === 0) await one.page.getByRole("button", { name: /^People/u }).click(patience);
    await one.page.locator("aside.panel .people").waitFor(patience);
  };
  const decide = async (one, name, deed) => {
    await people(one);
    await press(one, `Decide about ${name}`);
    await one.page.locator(".deeds").getByRole("button", { name: deed }).click(patience);
  };
  const everybody = async (one, what, may) => {
    await people(one);
    const floor = one.page.locator("details.floor");
    if (!(await floor.evaluate((details) => details.open))) await floor.locator("summary").click(patience);
    await one.page.getByLabel(`Everybody may ${what}`).setChecked(may, patience);
  };
  const chat = ({ page }) => page.getByRole("button", { name: /^Chat/u }).click(patience);
  const silent = ({ page }, hertz) => page.waitForFunction((hertz) => !globalThis.heard().some((f) => Math.abs(f - hertz) < 25), hertz, { ...patience, polling: 200 });

  await amara.page.goto(SERVER);
  await press(amara, "Start a meeting");
  await amara.page.getByText("Nobody is inside yet.").waitFor(patience);
  const link = amara.page.url();
  await amara.page.getByLabel("Your name, as the others see it").fill(amaras);
  await press(amara, "Join");
  await reads(amara, "You are alone inside");
  await jonas.join(link);
  await kim.join(link);
  await amara.hears(880);
  await amara.hears(440);
  await jonas.hears(660);
  say("all hear each other");

  await people(amara);
  await press(amara, "Mute everybody else");
  await has(jonas, "Unmute");
  await has(kim, "Unmute");
  await jonas.page.locator(".toast").getByText("a host, muted you. You can unmute when you want to speak.").waitFor(patience);
  await jonas.shot("silence-muted");
  await silent(amara, 880);
  await silent(amara, 440);
  await has(amara, "Mute");
  await press(jonas, "Unmute");
  await amara.hears(880);
  say("a host mutes everybody else, and who wants to speak unmutes");

  await everybody(amara, "speak", false);
  await has(jonas, silencedMic);
  await has(kim, silencedMic);
  await silent(amara, 880);
  await silent(kim, 880);
  check("the button can be found by keyboard", (await button(jonas, silencedMic).getAttribute("aria-disabled")) === "true");
  await jonas.page.keyboard.press("m");
  await button(jonas, silencedMic).focus();
  await jonas.page.keyboard.press("Enter");
  await has(jonas, silencedMic);
  await people(jonas);
  await reads(jonas, "Only hosts, and whom they let, speak.");
  check("a guest can decide", (await jonas.page.getByLabel("Everybody may speak").count()) === 0);
  await jonas.shot("silence-only-hosts");
  await amara.page.locator(".people .person", { hasText: jonass }).getByText("may not speak").waitFor(patience);
  await amara.shot("silence-host");
  await jonas.hears(660);
  say("where only hosts unmute, guests find a button that says why it does nothing");

  await decide(amara, jonass, /^Let speak/u);
  await jonas.page.locator(".toast").getByText("A host lets you speak.").waitFor(patience);
  await has(jonas, "Unmute");
  await silent(amara, 880);
  await press(jonas, "Unmute");
  await amara.hears(880);
  await kim.hears(880);
  await has(kim, silencedMic);
  say("a host lets one guest speak, whose microphone waits for its person");

  await decide(amara, jonass, /^Do not let speak/u);
  await has(jonas, silencedMic);
  await silent(amara, 880);
  await silent(kim, 880);
  await everybody(amara, "speak", true);
  await press(kim, "Unmute");
  await amara.hears(440);
  await silent(amara, 880);
  say("silence begins and ends for one, and for all, and nobody is switched on by it");

  await everybody(amara, "write in the chat", false);
  await chat(kim);
  await reads(kim, "Only hosts, and whom they let, write now. You can read on.");
  check("who may not write can type", await kim.page.getByLabel("Message everyone").evaluate((field) => field.readOnly));
  await chat(amara);
  await amara.page.getByLabel("Message everyone").fill("Questions in a minute.");
  await amara.page.keyboard.press("Enter");
  await reads(kim, "Questions in a minute.");
  await kim.shot("silence-chat");
  await everybody(amara, "write in the chat", true);
  await reads(kim, "people. Who comes later does not see it.");
  await kim.page.getByLabel("Message everyone").fill("Here is one.");
  await kim.page.keyboard.press("Enter");
  await chat(jonas);
  await reads(jonas, "Here is one.");
  say("a host decides who writes");

  await everybody(amara, "share a screen", false);
  await has(jonas, silencedShare);
  await jonas.shot("silence-share");
  await everybody(amara, "share a screen", true);
  await has(jonas, "Share screen");
  say("and who shares");

  await people(amara);
  const choose = async (label, choice) => {
    await amara.page.getByLabel(label).selectOption({ label: choice }, patience);
    await amara.page.waitForFunction(([label, choice]) => [...document.querySelectorAll("aside.panel select")].some((select) => select.labels[0]?.textContent === label && select.selectedOptions[0]?.label === choice), [label, choice], patience);
  };
  await choose("Microphones of newcomers", "Off");
  const noor = keep(await Browser.open(noors, 550));
  const told = noor.page.locator(".toast").getByText("you came in muted").waitFor({ timeout: 90_000 });
  await noor.join(link);
  await told;
  await has(noor, "Unmute");
  await press(noor, "Unmute");
  await amara.hears(550);
  say("newcomers begin muted where a host wants it, and unmute by themselves");

  await choose("How many at once", "Up to 2 people");
  await press(noor, "Leave");
  await amara.page.locator(".people .person", { hasText: noors }).waitFor({ ...patience, state: "detached" });
  await press(noor, "Meet again");
  await press(noor, "Join");
  await reads(noor, "The meeting is full");
  await noor.shot("silence-full");
  await jonas.hears(660);
  say("a host says how many come in, and nobody beyond that does");
});
