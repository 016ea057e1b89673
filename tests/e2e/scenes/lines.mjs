// One person's line, really cut: media alone, from the beginning and in the middle; WebSockets alone; everything. The others are native members
// whose lines hold. Prints one JSON line a step.
import { Browser } from "../../kit/browser/browser.mjs";
import { Line, takeDetour } from "../../kit/browser/line.mjs";
import { Member } from "../../kit/browser/member.mjs";
import { watchPresence } from "../../kit/browser/presence.mjs";
import { check, run } from "../../kit/browser/script.mjs";

const { LINK, CLIENT, MEDIA } = process.env;
const name = "Amara Okafor";
/** The server's whole patience with a line that says nothing, and more. */
const patience = 60_000;

await run(async ({ say, keep }) => {
  const others = ["Nadia", "Tomas"].map((who, i) => keep(new Member(CLIENT, LINK, who, ["--tone", `${440 + 110 * i}`])));
  const [nadia] = others;
  for (const other of others) await other.wait("is inside", (e) => e.event === "phase" && e.phase.kind === "inside");

  const line = await Line.open(LINK, MEDIA);
  const link = line.link(LINK);
  const amara = keep(await Browser.open(name, 660, { colorScheme: "dark" }));
  const alarms = [];
  await watchPresence(amara.context, (text) => alarms.push(text));
  await amara.context.addInitScript(takeDetour, line.detour);
  const { page } = amara;
  const says = (text) => page.getByText(text).first().waitFor({ timeout: patience });
  const isQuiet = () => page.locator(".banner").waitFor({ state: "detached", timeout: patience });
  /** Both ways, with everybody, from now on. */
  const meets = async () => {
    const from = nadia.events.length;
    await page.locator(".top .chip.ok").waitFor({ timeout: patience });
    await says("Locked from inside · 3 people");
    for (const other of others) await amara.sees(other.name);
    await Promise.all([amara.hears(440), amara.hears(550)]);
    await nadia.sees(name, "camera", from);
    // Some sound: a tone that lasts Chromium takes for noise, and lowers it.
    await nadia.wait("hears Amara", (e) => e.event === "media" && e.name === name && e.source === "microphone" && e.decoded > 20 && e.loudness > -60, { from });
    await isQuiet();
  };
  const isCalm = (when) => check(`${when}: ${JSON.stringify(alarms)}`, alarms.length === 0);

  await line.cut({ udp: "dead" });
  await amara.join(link);
  await says("Connecting sound and picture…");
  await page.locator(".tile.mirror").getByText("Nobody hears you yet").waitFor();
  isCalm("connecting");
  await amara.shot("media-connecting");
  await page.reload();
  await says(/^You reach localhost:\d+, but sound and picture do not get through to it\. Try another network, or switch a VPN off\./);
  await amara.shot("media-blocked");
  check(`one alarm: ${JSON.stringify(alarms)}`, alarms.splice(0).length === 1);
  const ghosts = others.flatMap(({ events }) => events.filter((e) => e.event === "notice" && e.what.kind === "ghost"));
  check("whoever reloads while media connect is called a ghost", ghosts.length === 0);
  await line.cut({});
  await meets();
  say("where media cannot pass, the page names the hop; they come once it can");

  const start = Date.now();
  await line.cut({ udp: "dead" });
  await says("Sound and picture are coming back. Chat still works.");
  const told = Date.now() - start;
  // 3 s, and some for a machine that has much to do; a browser alone takes 8 s and more.
  check(`without UDP it took ${told} ms until the page said so`, told < 7500);
  await amara.shot("media-lost");
  await page.keyboard.press("c");
  await page.getByLabel("Message everyone").fill("Do you hear me?");
  await page.keyboard.press("Enter");
  await nadia.wait("reads the chat", (e) => e.event === "chat" && e.line.text === "Do you hear me?");
  await page.keyboard.press("Escape");
  await line.cut({});
  await meets();
  isCalm("without UDP");
  say("without UDP the chat works, and media come back");

  for (const [what, how] of Object.entries({ "without WebSockets": { tcp: "closed" }, "without any line": { tcp: "dead", udp: "dead" } })) {
    await line.cut(how);
    await says(/^The connection broke .* ago\. Trying again; you keep your place\.$/);
    await says("No connection");
    check(`${what}: one banner`, (await page.locator(".banner").count()) === 1);
    check(`${what}: a badge on a tile`, (await page.locator(".tile .badge:visible").count()) === 0);
    await amara.shot(`away-${what.replaceAll(" ", "-")}`);
    await line.cut({});
    await meets();
    isCalm(what);
    say(`${what} the page speaks of its own connection and of nobody, and they meet again`);
  }
});
