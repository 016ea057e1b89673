// The meeting of the product, from the link to the removal. Prints one JSON line a step; any failure ends it with code 1.
import { Browser } from "./browser.mjs";
import { Member } from "./member.mjs";

const { LINK, CLIENT, HOST_KEY } = process.env;
const say = (step, more = {}) => console.log(JSON.stringify({ step, ...more }));
const open = [];
const keep = (one) => (open.push(one), one);

const meet = async () => {
  const nadia = keep(new Member(CLIENT, LINK, "Nadia", ["--tone", "440", "--host-key-file", HOST_KEY]));
  await nadia.wait("is inside", (e) => e.event === "phase" && e.phase.kind === "inside");
  say("native member is inside");

  const amara = keep(await Browser.open("Amara", 660));
  await amara.join(LINK);
  const jonas = keep(await Browser.open("Jonas", 880));
  await jonas.join(LINK);
  say("both browsers are inside");

  say("Amara sees Jonas", await amara.sees("Jonas"));
  say("Amara sees Nadia", await amara.sees("Nadia"));
  say("Jonas sees Amara", await jonas.sees("Amara"));
  say("Jonas sees Nadia", await jonas.sees("Nadia"));
  say("Nadia sees Amara", await nadia.sees("Amara"));
  say("Nadia sees Jonas", await nadia.sees("Jonas"));
  await Promise.all([amara.hears(440), amara.hears(880), jonas.hears(440), jonas.hears(660)]);
  await Promise.all([nadia.hears("Amara", 660), nadia.hears("Jonas", 880)]);
  say("every tone is heard by everybody");
  await amara.shot("meeting");

  await amara.page.keyboard.press("c");
  await amara.page.getByLabel("Message everyone").fill("The draft is ready.");
  await amara.page.keyboard.press("Enter");
  await nadia.wait("reads the chat", (e) => e.event === "chat" && e.line.text === "The draft is ready.");
  nadia.say("Reading it now.");
  await amara.page.getByText("Reading it now.").first().waitFor({ timeout: 20_000 });
  await amara.shot("chat");
  say("chat arrives both ways");

  await amara.page.getByRole("button", { name: /^Safety/ }).click();
  await amara.page.getByText("Everyone here sees the same code").waitFor();
  await amara.shot("safety");
  const { code } = nadia.events.filter((e) => e.event === "safety").at(-1);
  for (const group of code) await amara.page.getByText(group, { exact: true }).first().waitFor({ timeout: 5_000 });
  say("the safety code is the same in the browser and natively");

  await jonas.page.getByRole("button", { name: /^Share screen/ }).click();
  say("Nadia sees the screen of Jonas", await nadia.sees("Jonas", "screen"));
  await amara.page.locator('video[data-source="screen"]').first().waitFor({ timeout: 30_000 });
  await amara.shot("share");

  const begun = Date.now();
  const late = keep(new Member(CLIENT, LINK, "Tomas", ["--tone", "550"]));
  await Promise.all(["Amara", "Jonas", "Nadia"].map((name) => late.sees(name)));
  say("a latecomer sees all", { afterMs: Date.now() - begun });

  nadia.say("/remove Tomas");
  await late.wait("is told", (e) => e.event === "phase" && e.phase.kind === "over" && e.phase.why === "removed");
  await amara.page.getByText("A host removed Tomas.").first().waitFor({ timeout: 20_000 });
  const after = late.events.slice(late.events.findIndex((e) => e.event === "phase" && e.phase.kind === "over"));
  if (after.some((e) => e.event === "media" && e.decoded > 0)) throw new Error("the removed member decoded something after its removal");
  say("the removed member is out");

  nadia.say("/remove Jonas");
  await jonas.page.getByText("A host removed you").waitFor({ timeout: 20_000 });
  await jonas.shot("removed");
  await amara.page.getByRole("button", { name: /^Leave/ }).click();
  await amara.page.getByText("You left").waitFor({ timeout: 20_000 });
  await amara.shot("left");
  say("done");
};

let code = 0;
try {
  await meet();
} catch (error) {
  say("failed", { error: `${error?.stack ?? error}` });
  for (const one of open) if (one instanceof Browser) await one.shot(`failed-${one.name}`).catch(() => {});
  code = 1;
}
for (const one of open) await (one.close?.() ?? one.end());
process.exit(code);
