// The page of the desktop program, a plain tab of the meeting server's page, and a native member: they see, hear and write to each other, and have one
// safety code. Prints one JSON line a step.
import { Browser } from "../../kit/browser/browser.mjs";
import { Member } from "../../kit/browser/member.mjs";
import { check, run } from "../../kit/browser/script.mjs";

const { LINK, ADDRESS, CLIENT } = process.env;
const [amaras, jonass] = ["Amara Okafor", "Jonas Lindqvist"];
const patience = { timeout: 30_000 };

await run(async ({ say, keep }) => {
  const nadia = keep(new Member(CLIENT, LINK, "Nadia", ["--tone", "440"]));
  await nadia.wait("is inside", (e) => e.event === "phase" && e.phase.kind === "inside");
  const amara = keep(await Browser.open(amaras, 660));
  /** From where scripts, styles and documents came. */
  const loaded = new Set();
  amara.context.on("response", (response) => {
    if (["document", "script", "stylesheet", "font"].includes(response.request().resourceType())) loaded.add(new URL(response.url()).origin);
  });
  await amara.join(ADDRESS);
  const jonas = keep(await Browser.open(jonass, 880));
  await jonas.join(LINK);
  say("all three are inside");
  const server = new URL(LINK).origin;
  check(`code came from ${[...loaded].join(" and ")}`, loaded.size === 1 && !loaded.has(server));
  const shown = new URL(amara.page.url());
  check("the address bar names the program's page", shown.origin === new URL(ADDRESS).origin && LINK.endsWith(shown.pathname + shown.hash));

  for (const [viewer, names] of [[amara, [jonass, "Nadia"]], [jonas, [amaras, "Nadia"]], [nadia, [amaras, jonass]]]) for (const name of names) await viewer.sees(name);
  await Promise.all([amara.hears(440), amara.hears(880), jonas.hears(440), jonas.hears(660), nadia.hears(amaras, 660)]);
  say("all see and hear each other");

  await amara.page.keyboard.press("c");
  await amara.page.getByLabel("Message everyone").fill("The draft is ready.");
  await amara.page.keyboard.press("Enter");
  await nadia.wait("reads the chat", (e) => e.event === "chat" && e.line.text === "The draft is ready.");
  nadia.say("Reading it now.");
  await amara.page.getByText("Reading it now.").first().waitFor(patience);
  say("chat arrives both ways");

  const runs = (of, name) => of.page.locator(".panel .person", { hasText: name }).locator(".runs");
  for (const { page } of [amara, jonas]) await page.getByRole("button", { name: /^People/u }).click();
  await runs(jonas, amaras).getByText(/^says they run the desktop program \d+\.\d+\.\d+$/u).waitFor(patience);
  await runs(amara, amaras).getByText(/^You run the desktop program \d+\.\d+\.\d+$/u).waitFor(patience);
  check("one bundle stands apart from itself", (await jonas.page.locator(".runs.other").count()) === 0);
  await jonas.shot("desktop-people");
  say("the list of people says who runs the desktop program, and that the bundle is the same");

  for (const { page } of [amara, jonas]) await page.getByRole("button", { name: /^Locked from inside/u }).click();
  const codes = await Promise.all([amara, jonas].map(({ page }) => page.locator("[data-safety-code]").textContent(patience)));
  const digits = codes.map((code) => code.replaceAll(/\s/gu, ""));
  const native = nadia.events.filter((e) => e.event === "safety").at(-1).code.join("");
  check(`the codes are ${digits.join(" and ")} and ${native}`, digits[0] === digits[1] && digits[0] === native && digits[0].length === 30);
  await amara.page.getByText(/^This page came with the desktop program; no code comes from /u).first().waitFor(patience);
  await amara.page.getByText(/cannot open it, if the desktop program is the published one\.$/u).waitFor(patience);
  await amara.shot("desktop");
  say("the safety code is the same for all");

  await amara.page.reload();
  await amara.page.getByText(/Locked from inside ·/).waitFor({ timeout: 60_000 });
  await amara.sees("Nadia");
  say("the page is loaded anew and comes back by its session");
});
