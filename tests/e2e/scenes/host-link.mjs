// The host key goes to another device by a host link, in real browsers and natively: it works once, survives a reload, and not after it was
// taken back; the second device admits and removes; the first is told when it is used, who tries it later, and who comes in with it. Prints one JSON line a step.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AxeBuilder } from "../../kit/browser/drivers.mjs";
import { Browser } from "../../kit/browser/browser.mjs";
import { Member } from "../../kit/browser/member.mjs";
import { check, run } from "../../kit/browser/script.mjs";

const { URL: SERVER, CLIENT } = process.env;
const patience = { timeout: 60_000 };

await run(async ({ say, keep }) => {
  const amara = keep(await Browser.open("Amara Okafor", 660));
  const press = ({ page }, name) => page.getByRole("button", { name, exact: true }).click(patience);
  const reads = ({ page }, text) => page.getByText(text).first().waitFor(patience);
  const accessible = async ({ page }, what) => {
    const { violations } = await new AxeBuilder({ page }).withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]).analyze();
    check(`${what}: ${JSON.stringify(violations.map((one) => [one.id, one.nodes.map((node) => node.target)]))}`, violations.length === 0);
  };
  const native = (link, name, ...more) => keep(new Member(CLIENT, link, name, ["--no-video", "--no-audio", ...more]));
  await amara.page.goto(SERVER);
  await amara.page.getByLabel("People ask to come in").check();
  await press(amara, "Start a meeting");
  await reads(amara, "Nobody is inside yet.");
  const link = amara.page.url();
  const sent = [];
  const links = async () => {
    await amara.page.goto(SERVER);
    await press(amara, "Be host of Untitled meeting on another device");
  };
  amara.page.on("request", (request) => sent.push(`${request.url()} ${request.postData() ?? ""}`));
  await links();
  const made = new Set();
  const make = async () => {
    await press(amara, "Make a host link");
    await amara.page.waitForFunction((made) => ![undefined, ...made].includes(document.querySelector("dialog input")?.value), [...made], patience);
    const url = await amara.page.locator("dialog input").inputValue();
    made.add(url);
    return url;
  };
  const first = await make();
  await amara.page.locator("dialog .code-picture").waitFor(patience);
  await reads(amara, "Not used yet.");
  await accessible(amara, "host link");
  await amara.shot("host-link");
  check(`another meeting: ${first}`, first.startsWith(`${link}.`));
  check("the link's secret was sent", !sent.some((request) => request.includes(new URL(link).hash.slice(1)) || request.includes(first.split(".").at(-1))));

  // On a phone, say.
  const phone = keep(await Browser.open("Amara, phone", 880, { colorScheme: "light" }));
  await phone.page.goto(first);
  await reads(phone, "Be host on this device");
  await accessible(phone, "becoming host");
  await phone.shot("host-link-opened");
  await press(phone, "Become host");
  await phone.page.getByRole("button", { name: "Give it a title", exact: true }).waitFor(patience);
  check(`the key of the host link stays in the address: ${phone.page.url()}`, phone.page.url() === link);
  await reads(amara, "Your host link was just used.");
  check("a link that was used is offered still", (await amara.page.locator("dialog .code-picture").count()) === 0);
  await amara.shot("host-link-used");
  say("the first device shows that the host link was used");

  await phone.page.reload();
  await phone.page.getByRole("button", { name: "Give it a title", exact: true }).waitFor(patience);
  await phone.page.getByLabel("Your name, as the others see it").fill(phone.name);
  await press(phone, "Join");
  await reads(phone, "You are alone inside");
  const guest = native(link, "Kim");
  await press(phone, "Admit Kim");
  await guest.wait("is inside", (e) => e.event === "phase" && e.phase.kind === "inside");
  await phone.page.keyboard.press("p");
  await press(phone, "Decide about Kim");
  await phone.page.locator(".deeds").getByRole("button", { name: /^Remove/u }).click(patience);
  await press(phone, "Remove");
  await guest.wait("is removed", (e) => e.event === "phase" && e.phase.kind === "ended" && e.phase.reason === "removed");
  say("a second device founds the meeting as its host, after a reload too, admits and removes");

  const late = keep(await Browser.open("Late", 440));
  const uses = async (url, told) => {
    await late.page.goto("about:blank");
    await late.page.goto(url);
    await press(late, "Become host");
    await reads(late, told);
  };
  await uses(first, "It was used before.");
  await accessible(late, "a used host link");
  await late.shot("host-link-gone");
  await reads(amara, "Tried once since then: somebody has this link who should not.");
  say("a host link works once, and the first device shows who tries it again");

  const second = await make();
  await press(amara, "Take back unused links");
  await reads(amara, "No host link of this meeting works any more.");
  await uses(second, "It was taken back, or is older than a day.");
  await press(late, "Join as a guest");
  await late.page.getByLabel("Your name, as the others see it").waitFor(patience);
  check("a guest is host", (await late.page.getByRole("button", { name: "Give it a title", exact: true }).count()) === 0);
  say("a host link that was taken back makes nobody host");

  const folder = mkdtempSync(join(tmpdir(), "conclave-e2e-"));
  keep({ close: async () => rmSync(folder, { recursive: true, force: true }) });
  const file = join(folder, "host.key");
  const isHost = (member) => member.wait("is host", (e) => e.event === "door" && e.host === true);
  await isHost(native(await make(), "Nadia", "--host-key-file", file));
  await phone.page.locator(".toast").getByText("Nadia came in with this meeting").waitFor(patience);
  await phone.shot("host-link-elsewhere");
  say("a native member is host by a host link, and whoever has the host key is told inside");

  const printed = (...more) => execFileSync(CLIENT, ["host-link", "-", "--host-key-file", file, ...more], { input: `${link}\n`, encoding: "utf8" }).trim();
  const natives = printed();
  check("the list lacks something", printed("--list").split("\n").filter((line) => line.includes("whoever opened it is a host")).length === 2 && printed("--list").includes("not used yet"));
  await late.page.goto("about:blank");
  await late.page.goto(natives);
  await press(late, "Become host");
  await late.page.getByRole("button", { name: "Give it a title", exact: true }).waitFor(patience);
  printed();
  check("a host link is not taken back", !printed("--take-back").includes("not used yet"));
  say("a page is host by the host link of a native member");
});
