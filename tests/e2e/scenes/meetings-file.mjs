// A host saves the meetings of one device to a file, and goes on as host on another one. Prints one JSON line a step.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Browser } from "../../kit/browser/browser.mjs";
import { check, run } from "../../kit/browser/script.mjs";

const { URL: SERVER } = process.env;
const passphrase = "violet harbour seventeen";

await run(async ({ say, keep }) => {
  const folder = mkdtempSync(join(tmpdir(), "conclave-e2e-"));
  keep({ close: async () => rmSync(folder, { recursive: true, force: true }) });
  const { page } = keep(await Browser.open("Amara Okafor", 660));
  const press = (name, of = page) => of.getByRole("button", { name, exact: true }).click();
  /** Toasts: they are also read out. */
  const says = (text, of = page) => of.getByRole("region", { name: "News" }).getByText(text, { exact: true }).waitFor();
  const fill = (label, text, of = page) => of.getByLabel(label, { exact: true }).fill(text);

  await page.goto(SERVER);
  await press("Start a meeting");
  await page.getByText("Nobody is inside yet.").waitFor({ timeout: 30_000 });
  const link = page.url();
  await page.goto(SERVER);
  await press("Save to a file");
  await fill("Passphrase of the file", passphrase);
  await fill("The same once more", `${passphrase}!`);
  await press("Save");
  await page.getByText("The two are not the same.").waitFor();
  await fill("The same once more", passphrase);
  const [download] = await Promise.all([page.waitForEvent("download"), press("Save")]);
  const file = join(folder, "meetings.conclave");
  await download.saveAs(file);
  await says("Saved. Keep the file and its passphrase apart.");
  const bytes = readFileSync(file);
  check("the file shows a link", !bytes.includes(new URL(link).hash.slice(1)) && !bytes.includes(new URL(link).host));
  say("the meetings of one device are saved to a file");

  // The first one is lost.
  const other = keep(await Browser.open("Amara Okafor", 880)).page;
  await other.goto(SERVER);
  const load = async (path) => {
    await other.locator('input[type="file"]').setInputFiles(path);
    await fill("Passphrase of the file", passphrase, other);
    await press("Load", other);
  };
  const damaged = join(folder, "damaged.conclave");
  writeFileSync(damaged, Buffer.from(bytes.map((byte, at) => (at === bytes.length - 1 ? byte ^ 1 : byte))));
  await load(damaged);
  await other.getByText("It does not open. Check the passphrase; or the file was changed.").waitFor();
  await press("Cancel", other);
  await other.getByText("Meetings that you start are kept here, on this device only.").waitFor();
  say("a file that was changed adds nothing");

  await load(file);
  await says("1 meeting is kept here now.", other);
  await other.locator(".mine").getByRole("link", { name: "Open Untitled meeting" }).click();
  await other.getByRole("button", { name: "Give it a title", exact: true }).waitFor({ timeout: 30_000 });
  check(`another meeting was opened: ${other.url()}`, other.url() === link);
  say("on another device one is the host");

  await other.goto(SERVER);
  await load(file);
  await says("All of them were here already.", other);
  check("a meeting is there twice", (await other.locator(".mine .item").count()) === 1);
  say("what is there already is not added again");
});
