// A browser and a native member, before and after their server died. Prints one JSON line a step; the test acts on some of them.
import { Browser } from "../../kit/browser/browser.mjs";
import { Member } from "../../kit/browser/member.mjs";
import { run } from "../../kit/browser/script.mjs";

const { LINK, CLIENT } = process.env;

await run(async ({ say, keep }) => {
  const nadia = keep(new Member(CLIENT, LINK, "Nadia", ["--tone", "440"]));
  await nadia.wait("is inside", (e) => e.event === "phase" && e.phase.kind === "inside");
  const amara = keep(await Browser.open("Amara Okafor", 660, { colorScheme: "dark" }));
  await amara.join(LINK);
  await amara.sees("Nadia");
  await nadia.sees("Amara Okafor");
  await amara.page.keyboard.press("c");
  await amara.page.getByLabel("Message everyone").fill("Said before.");
  await amara.page.keyboard.press("Enter");
  await nadia.wait("reads the chat", (e) => e.event === "chat" && e.line.text === "Said before.");
  say("they meet");

  await amara.page.getByText(/The connection broke .* ago\. Trying again; you keep your place\./).waitFor({ timeout: 30_000 });
  await amara.shot("reconnecting");
  await amara.page.getByLabel("Message everyone").fill("Said meanwhile.");
  await amara.page.keyboard.press("Enter");
  // The page is to be back first, alone in a new group: what it says there nobody who joins later could read.
  nadia.child.kill("SIGSTOP");
  say("the page tells of it");
  await amara.page.getByText("Locked from inside · 1 person").waitFor({ timeout: 30_000 });
  nadia.child.kill("SIGCONT");

  await nadia.wait("reads what was said meanwhile", (e) => e.event === "chat" && e.line.text === "Said meanwhile.");
  await amara.page.getByText("Locked from inside · 2 people").waitFor({ timeout: 30_000 });
  await amara.page.getByText("Said before.").first().waitFor();
  say("they are in one group again, and nothing that was said is lost");
  const then = nadia.events.length;
  const { frames } = await amara.sees("Nadia");
  await nadia.sees("Amara Okafor", "camera", then);
  say("they see each other again", { frames });
});
