// A meeting with a passphrase, in real browsers: chosen in the page, asked of whoever opens the link, wrong and right, and stopped where too
// many were tried. Prints one JSON line a step.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AxeBuilder } from "../../kit/browser/drivers.mjs";
import { Browser } from "../../kit/browser/browser.mjs";
import { Member } from "../../kit/browser/member.mjs";
import { check, run } from "../../kit/browser/script.mjs";

const { URL: SERVER, CLIENT, STOPPED } = process.env;
const patience = { timeout: 60_000 };
const [amaras, jonass] = ["Amara Okafor", "Jonas Lindqvist"];
const words = "violet harbour seventeen";

await run(async ({ say, keep }) => {
  const [amara, jonas] = [keep(await Browser.open(amaras, 660)), keep(await Browser.open(jonass, 880))];
  const press = ({ page }, name) => page.getByRole("button", { name, exact: true }).click(patience);
  const reads = ({ page }, text) => page.getByText(text).first().waitFor(patience);
  const accessible = async ({ page }, what) => {
    const { violations } = await new AxeBuilder({ page }).withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]).analyze();
    check(`${what}: ${JSON.stringify(violations.map((one) => [one.id, one.nodes.map((node) => node.target)]))}`, violations.length === 0);
  };
  const attempt = async (one, text) => {
    await one.page.getByLabel("Passphrase", { exact: true }).fill(text);
    await press(one, "Open");
  };
  /** Whatever leaves the page for the server. */
  const sent = [];
  const listenTo = ({ page }) => page.on("request", (request) => sent.push({ url: request.url(), body: request.postData() ?? "" }));
  for (const one of [amara, jonas]) listenTo(one);

  await amara.page.goto(SERVER);
  await amara.page.getByLabel("A passphrase beside the link").check();
  const chosen = amara.page.getByLabel("Passphrase that the others will need");
  await chosen.fill("violet");
  await press(amara, "Start a meeting");
  await reads(amara, "Take 12 letters or more");
  await chosen.fill("violet harbour");
  await reads(amara, "whoever guesses has to ask the server");
  await chosen.fill(words);
  await reads(amara, "Long enough even if whoever runs the server has the link");
  await accessible(amara, "choosing");
  await amara.shot("passphrase-choosing");
  await press(amara, "Start a meeting");
  await reads(amara, "Nobody is inside yet.");
  const link = amara.page.url();
  await amara.page.getByLabel("Your name, as the others see it").fill(amaras);
  await press(amara, "Join");
  await reads(amara, "You are alone inside");
  say("whoever chose the passphrase goes in without typing it again");

  await jonas.page.goto(link);
  await reads(jonas, "This meeting has a passphrase");
  await reads(jonas, "no server has it");
  await attempt(jonas, "violet harbour seventy");
  await reads(jonas, "That did not open it. Check for capital letters, then try again.");
  await accessible(jonas, "wrong");
  await jonas.shot("passphrase-did-not-open");
  await attempt(jonas, ` ${words} `);
  await reads(jonas, "You are about to join");
  await jonas.page.getByLabel("Your name, as the others see it").fill(jonass);
  await press(jonas, "Join");
  for (const one of [amara, jonas]) await reads(one, "Locked from inside · 2 people");
  say("a wrong one is said to be wrong, and the right one opens");

  const folder = mkdtempSync(join(tmpdir(), "conclave-e2e-"));
  keep({ close: async () => rmSync(folder, { recursive: true, force: true }) });
  const file = join(folder, "passphrase.txt");
  writeFileSync(file, `${words}\n`);
  const nadia = keep(new Member(CLIENT, link, "Nadia", ["--no-video", "--no-audio", "--passphrase-file", file]));
  await nadia.wait("is inside", (e) => e.event === "phase" && e.phase.kind === "inside");
  await reads(amara, "Locked from inside · 3 people");
  say("a native member reads it from a file");

  for (const secret of [words, encodeURIComponent(words), new URL(link).hash.slice(1)]) check("a secret left the page", !sent.some(({ url, body }) => url.includes(secret) || body.includes(secret)));
  const last = (path) => JSON.parse(sent.findLast(({ url }) => url.endsWith(path)).body);
  const { blinded } = last("/api/meetings/passphrase");

  const late = keep(await Browser.open("Late", 440, { colorScheme: "light" }));
  listenTo(late);
  await late.page.goto(STOPPED);
  await reads(late, "This meeting has a passphrase");
  // Somebody beside them guesses.
  const { meeting } = last("/api/meetings/lookup");
  const guess = () => fetch(`${SERVER}/api/meetings/passphrase`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ meeting, blinded }) });
  let guesses = 0;
  while ((await guess()).status === 200) check("guesses are not stopped", ++guesses < 100);
  await attempt(late, words);
  await reads(late, "Too many wrong passphrases were tried, by you or by others. You can try again at");
  await accessible(late, "stopped");
  await late.shot("passphrase-too-many");
  await late.page.getByRole("button", { name: "Open", exact: true, disabled: true }).waitFor(patience);
  // It thaws by itself.
  await late.page.getByRole("button", { name: "Open", exact: true, disabled: false }).waitFor(patience);
  await press(late, "Open");
  await reads(late, "You are about to join");
  say("where too many were tried one is told when the next is answered, and then it is");
});
