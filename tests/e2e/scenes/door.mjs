// A host decides who is inside, in real browsers: newcomers ask, one is admitted and one declined with a word; sent back, locked out, let in
// again; who is removed does not return by the link with a new profile and name, but stands at the door; a guest who was made a host admits
// after the first host has left. Prints one JSON line a step.
import { Browser } from "../../kit/browser/browser.mjs";
import { check, run } from "../../kit/browser/script.mjs";

const { URL: SERVER } = process.env;
const patience = { timeout: 45_000 };
const [amaras, jonass, kims] = ["Amara Okafor", "Jonas Lindqvist", "Kim Adeyemi"];

await run(async ({ say, keep }) => {
  const [amara, jonas, kim] = [keep(await Browser.open(amaras, 660)), keep(await Browser.open(jonass, 880)), keep(await Browser.open(kims, 440))];
  const press = ({ page }, name, within = page) => within.getByRole("button", { name, exact: true }).click(patience);
  const reads = ({ page }, text) => page.getByText(text).first().waitFor(patience);
  const inside = (one, people) => one.page.getByText(`Locked from inside · ${people} people`).waitFor(patience);
  const asks = async (one, link) => {
    // To where one is already, one does not go.
    await one.page.goto("about:blank");
    await one.page.goto(link);
    await one.page.getByLabel("Your name, as the others see it").fill(one.name);
    await press(one, "Join");
  };
  const people = async (one) => {
    if ((await one.page.locator("aside.panel").count()) === 0) await one.page.keyboard.press("p");
    await one.page.locator("aside.panel").waitFor(patience);
  };
  const setDoor = async (one, choice) => {
    await people(one);
    await one.page.getByLabel("Who can come in").selectOption({ label: choice });
  };
  const decide = async (one, name, deed) => {
    await people(one);
    await press(one, `Decide about ${name}`);
    await one.page.locator(".deeds").getByRole("button", { name: deed }).click(patience);
  };
  const waits = (one, title) => one.page.getByRole("heading", { level: 1, name: title, exact: true }).waitFor(patience);
  const outside = async (one, when) => check(`${when}, ${one.name} sees who is inside`, (await one.page.locator(".tile").count()) === 0);
  const knocks = (host, name) => host.page.getByRole("button", { name: `Admit ${name}`, exact: true }).waitFor(patience);
  const nobodyKnocks = (host) => host.page.locator(".at-the-door").waitFor({ state: "detached", ...patience });

  await amara.page.goto(SERVER);
  await amara.page.getByLabel("People ask to come in").check();
  await press(amara, "Start a meeting");
  await amara.page.getByText("Nobody is inside yet.").waitFor(patience);
  const link = amara.page.url();

  // Before the host is there.
  await asks(jonas, link);
  await waits(jonas, "Waiting for a host");
  await jonas.shot("door-no-host");
  await amara.page.getByLabel("Your name, as the others see it").fill(amaras);
  await press(amara, "Join");
  await reads(amara, "You are alone inside");
  await waits(jonas, "Waiting to be let in");
  await outside(jonas, "waiting");
  await amara.page.locator(".toast").getByText(`${jonass} asks to come in.`).waitFor(patience);
  await amara.page.getByRole("button", { name: "People, 1 at the door", exact: true }).waitFor(patience);
  await amara.shot("door-knock");
  say("whoever comes before the host waits, and the host is told once it comes");

  await asks(kim, link);
  await waits(kim, "Waiting to be let in");
  await people(amara);
  await knocks(amara, jonass);
  await knocks(amara, kims);
  await amara.shot("door-two-wait");
  await kim.page.reload();
  await waits(kim, "Waiting to be let in");
  await reads(kim, `${kims} asks to come in.`);
  await knocks(amara, kims);
  say("who reloads at the door stands there again, under the same name");

  await press(amara, `Admit ${jonass}`);
  await inside(jonas, 2);
  await inside(amara, 2);
  await jonas.sees(amaras);
  await amara.hears(880);
  check("a guest is told who waits", (await jonas.page.getByRole("button", { name: /at the door/u }).count()) === 0);
  await people(jonas);
  await reads(jonas, "Whoever comes asks a host first.");
  check("a guest can decide", (await jonas.page.getByLabel("Who can come in").count()) + (await jonas.page.getByRole("button", { name: /^Decide about/u }).count()) === 0);
  say("one is admitted, and goes in by itself");

  // Nobody admits it a second time.
  await jonas.page.reload();
  await inside(jonas, 2);
  await inside(amara, 2);
  await jonas.sees(amaras);
  check("who was inside asks again", (await amara.page.getByRole("button", { name: `Admit ${jonass}`, exact: true }).count()) === 0);
  say("who reloads inside goes straight back in, through the door that asks");

  await press(amara, `Decline ${kims}`);
  await amara.page.getByLabel("A word to them, if you like").fill("We meet tomorrow at nine.");
  await press(amara, "Decline");
  await waits(kim, "A host did not let you in");
  await reads(kim, "We meet tomorrow at nine.");
  await kim.shot("door-declined");
  await nobodyKnocks(amara);
  say("one is declined, and reads the word of the host");

  await decide(amara, jonass, /^Send back/u);
  await waits(jonas, "You are back at the door");
  await outside(jonas, "sent back");
  await knocks(amara, jonass);
  await jonas.shot("door-sent-back");
  say("who is sent back stands at the door, and asks again");

  await setDoor(amara, "Nobody");
  await waits(jonas, "The meeting is locked");
  await amara.page.locator(".top").getByText("Door locked").waitFor(patience);
  await jonas.shot("door-locked");
  await setDoor(amara, "They ask first");
  await waits(jonas, "You are back at the door");
  await press(amara, `Admit ${jonass}`);
  await inside(jonas, 2);
  say("a locked door is not asked at; it opens again, and who waited is admitted");

  await setDoor(amara, "Anybody with the link");
  await asks(kim, link);
  await inside(kim, 3);
  await inside(amara, 3);
  await decide(amara, kims, /^Remove/u);
  await reads(amara, "the key they have is kept out, and newcomers ask from now on");
  check("the door is to stay open", !(await amara.page.getByLabel("Leave the door open").isChecked()));
  await amara.shot("door-remove");
  await press(amara, "Remove");
  await waits(kim, "A host removed you");
  await inside(jonas, 2);
  await reads(jonas, "Whoever comes asks a host first.");
  const again = keep(await Browser.open("Robin Vale", 550));
  await asks(again, link);
  await waits(again, "Waiting to be let in");
  await knocks(amara, again.name);
  await outside(again, "with a new profile");
  say("who is removed comes back with a new profile and name as far as the door");

  await decide(amara, jonass, /^Make host/u);
  await press(amara, "Make host");
  await reads(jonas, "You are a host now");
  await jonas.page.getByRole("button", { name: "People, 1 at the door", exact: true }).waitFor(patience);
  await press(amara, "Leave");
  await waits(amara, "You left");
  await people(jonas);
  await knocks(jonas, again.name);
  await jonas.shot("door-handed-over");
  await press(jonas, `Admit ${again.name}`);
  await inside(again, 2);
  await inside(jonas, 2);
  await again.sees(jonass);
  await jonas.hears(550);
  say("a guest who was made a host admits, after the first host has left");
});
