// Two people in two browsers verify each other by a code that is theirs alone, leave, and know each other again in another meeting. Then somebody comes
// under one of their names from a browser that was never there: that is told at once, stops nothing, and stands until it is answered. Prints one JSON
// line a step.
import { Browser } from "../../kit/browser/browser.mjs";
import { check, run } from "../../kit/browser/script.mjs";

const { FIRST, SECOND, SERVER } = process.env;
const [amaras, jonass] = ["Amara Okafor", "Jonas Lindqvist"];
const patience = { timeout: 30_000 };

await run(async ({ say, keep }) => {
  const [amara, jonas] = [keep(await Browser.open(amaras, 660)), keep(await Browser.open(jonass, 880, { wall: [150, 100, 90] }))];
  const button = (of, name) => of.page.getByRole("button", { name, exact: true });
  const chip = (of, sentence) => of.page.locator(".top .chip").getByText(sentence).first().waitFor(patience);
  const mark = (of, name, kind) => of.page.locator(`article[aria-label*="${name}"] .compared.${kind}`).first().waitFor(patience);
  const leave = async (of) => {
    await button(of, "Leave").first().click();
    await of.page.getByText("You left").waitFor(patience);
  };

  // One says so on the waiting page, the other inside.
  await amara.page.goto(FIRST);
  await amara.page.getByLabel("Let people know me again").check();
  await amara.page.getByText("The server cannot.").waitFor(patience);
  await amara.shot("known-waiting");
  await amara.page.getByLabel("Your name, as the others see it").fill(amaras);
  await button(amara, "Join").click();
  await amara.page.getByText("Locked from inside · 1 person").waitFor(patience);
  await jonas.join(FIRST);
  await button(jonas, "Locked from inside · 2 people").click();
  await button(amara, "Locked from inside · 2 people").click();
  check("a guest can be verified", (await button(amara, `Verify ${jonass} for later meetings`).count()) === 0);
  await jonas.page.getByLabel("Let people know me again").check();
  await button(amara, `Verify ${jonass} for later meetings`).waitFor(patience);
  say("one lets people know oneself again before one goes in, or inside");

  await button(amara, `Verify ${jonass} for later meetings`).click();
  await button(jonas, `Verify ${amaras} for later meetings`).click();
  const codes = await Promise.all([amara, jonas].map(({ page }) => page.locator("[data-person-code]").textContent(patience)));
  check(`the codes are ${codes.join(" and ")}`, codes[0] === codes[1] && /^\d{30}$/u.test(codes[0].replaceAll(/\s/gu, "")));
  check("it is the code of all", codes[0] !== (await amara.page.locator("[data-safety-code]").textContent()));
  await amara.shot("verify-code");
  say("two browsers show one code that is of these two alone");

  await button(amara, `The code of ${jonass} matches`).click();
  await mark(amara, jonass, "verified");
  await chip(amara, "Locked from inside · all verified");
  check("one's own answer marks the other's page", (await jonas.page.locator(".compared.verified").count()) === 0);
  await button(jonas, `The code of ${amaras} matches`).click();
  await mark(jonas, amaras, "verified");
  await amara.shot("verified");
  say("each verifies for oneself");

  for (const one of [amara, jonas]) await leave(one);
  await amara.join(SECOND);
  await jonas.join(SECOND);
  await mark(amara, jonass, "verified");
  await mark(jonas, amaras, "verified");
  for (const one of [amara, jonas]) await chip(one, "Locked from inside · all verified");
  await amara.shot("known-again");
  say("in another meeting both have the mark at once");

  await leave(jonas);
  const other = keep(await Browser.open(jonass, 990, { wall: [90, 120, 80] }));
  await other.join(SECOND);
  const dialog = amara.page.getByRole("dialog");
  await dialog.getByText(`${jonass} is not known again`).waitFor(patience);
  await chip(amara, "Someone’s key changed");
  await amara.shot("key-changed");
  check("what is typed answers it", await dialog.getByRole("heading").evaluate((heading) => heading === document.activeElement));
  await amara.page.keyboard.press("Escape");
  await chip(amara, "Someone’s key changed");
  await mark(amara, jonass, "changed");
  await other.page.keyboard.press("c");
  await other.page.getByLabel("Message everyone").fill("It is me.");
  await other.page.keyboard.press("Enter");
  await button(amara, "Chat, 1 unread").waitFor(patience);
  say("somebody else under the name is told of at once, and nothing of theirs is held back");

  // Now with a key, which is another one.
  await leave(other);
  // To the address where one is already a browser does not go.
  await other.page.goto(SERVER);
  await other.page.goto(SECOND);
  await other.page.getByLabel("Let people know me again").check();
  await other.page.getByLabel("Your name, as the others see it").fill(jonass);
  await button(other, "Join").click();
  await dialog.getByText(`${jonass} has a new key`).waitFor(patience);
  await amara.shot("key-changed-new");
  await button(amara, "Compare now").click();
  await amara.page.getByText("Somebody is not known again.").waitFor(patience);
  await button(amara, `Stay, without the mark for ${jonass}`).click();
  await chip(amara, "Locked from inside");
  await amara.shot("key-changed-answered");
  check("who has another key has the mark", (await amara.page.locator(".compared.verified").count()) === 0);
  say("it stands until it is answered, and gives no mark");

  await leave(amara);
  await amara.page.goto(SERVER);
  await amara.page.getByRole("heading", { name: "People you verified" }).waitFor(patience);
  await amara.shot("verified-list");
  await button(amara, `Forget ${jonass}`).click();
  await amara.page.getByRole("dialog").getByRole("button", { name: "Forget", exact: true }).click();
  await amara.page.locator(".verified-people li").first().waitFor({ ...patience, state: "detached" });
  say("who is verified stands on the start page, and can be forgotten");
});
