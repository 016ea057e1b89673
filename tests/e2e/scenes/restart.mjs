// A browser and three native members, before and after their server died. Prints one JSON line a step; the test acts on some of them.
import { Browser } from "../../kit/browser/browser.mjs";
import { Member } from "../../kit/browser/member.mjs";
import { plainDevices } from "../../kit/browser/person.mjs";
import { watchPresence } from "../../kit/browser/presence.mjs";
import { check, run } from "../../kit/browser/script.mjs";

const { LINK, CLIENT } = process.env;

await run(async ({ say, keep }) => {
  const enter = async (name, more) => {
    const member = keep(new Member(CLIENT, LINK, name, more));
    await member.wait("is inside", (e) => e.event === "phase" && e.phase.kind === "inside");
    return member;
  };
  const nadia = await enter("Nadia", ["--tone", "440"]);
  const amara = keep(await Browser.open("Amara Okafor", 660, { colorScheme: "dark" }));
  const { page } = amara;
  const alarms = [];
  await watchPresence(amara.context, (text) => alarms.push(text));
  await amara.context.addInitScript(plainDevices);
  await amara.join(LINK);
  const people = (n) => page.getByText(`Locked from inside · ${n === 1 ? "1 person" : `${n} people`}`).waitFor({ timeout: 30_000 });
  const members = [nadia];
  for (const name of ["Tomas", "Ines"]) {
    members.push(await enter(name, ["--no-video", "--no-audio"]));
    await people(members.length + 1);
  }
  const order = () => page.evaluate(() => globalThis.presence().people.map(({ name }) => name).join());
  await amara.sees("Nadia");
  await nadia.sees("Amara Okafor");
  // Her own: a native member does not tell that it speaks.
  const ringed = (some) => page.waitForFunction((some) => some === [...document.querySelectorAll(".tile")].some((tile) => getComputedStyle(tile, "::after").opacity !== "0"), some, { timeout: 30_000 });
  // Whoever spoke before coming in is told to speak after the next pause.
  await page.keyboard.press("m");
  await page.locator('article[aria-label="You, microphone off, camera on"]').waitFor();
  await page.keyboard.press("m");
  await ringed(true);
  const before = await order();
  check(`the people stand in the order ${before}`, before === "Nadia,Tomas,Ines,You");
  await page.keyboard.press("c");
  await page.getByLabel("Message everyone").fill("Said before.");
  await page.keyboard.press("Enter");
  await nadia.wait("reads the chat", (e) => e.event === "chat" && e.line.text === "Said before.");
  say("they meet");

  await page.getByText(/The connection broke .* ago\. Trying again; you keep your place\./).waitFor({ timeout: 30_000 });
  await ringed(false);
  check("the people stand elsewhere while the server is away", (await order()) === before);
  await amara.shot("reconnecting");
  await page.getByLabel("Message everyone").fill("Said meanwhile.");
  await page.keyboard.press("Enter");
  // The page is to be back first, alone in a new group: what it says there nobody who joins later could read.
  for (const member of members) member.child.kill("SIGSTOP");
  say("the page tells of it");
  await people(1);
  // Back in the opposite order.
  for (const [index, member] of members.toReversed().entries()) {
    member.child.kill("SIGCONT");
    await people(index + 2);
  }

  await nadia.wait("reads what was said meanwhile", (e) => e.event === "chat" && e.line.text === "Said meanwhile.");
  await page.getByText("Said before.").first().waitFor();
  say("they are in one group again, and nothing that was said is lost");
  const after = await order();
  check(`the people stood in the order ${before}, and stand in ${after}`, after === before);
  const then = nadia.events.length;
  const { frames } = await amara.sees("Nadia");
  await nadia.sees("Amara Okafor", "camera", then);
  check(`the page was alarmed: ${JSON.stringify(alarms)}`, alarms.length === 0);
  say("they see each other again, each in the old place", { frames });
});
