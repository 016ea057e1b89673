// Two people in two browsers compare the safety code: Same on one side is told and no mark, on both it is a mark; Different is told to both, and
// stands until whoever said so says Same. Prints one JSON line a step.
import { Browser } from "../../kit/browser/browser.mjs";
import { check, run } from "../../kit/browser/script.mjs";

const { LINK } = process.env;
const [amaras, jonass] = ["Amara Okafor", "Jonas Lindqvist"];
const patience = { timeout: 30_000 };

await run(async ({ say, keep }) => {
  const [amara, jonas] = [keep(await Browser.open(amaras, 660)), keep(await Browser.open(jonass, 880))];
  const both = [
    { ...amara, page: amara.page, other: jonass },
    { ...jonas, page: jonas.page, other: amaras },
  ];
  await amara.join(LINK);
  await jonas.join(LINK);
  await amara.page.getByText("Locked from inside · 2 people").waitFor(patience);

  const answer = (of, what, name) => of.page.getByRole("button", { name: `${what} ${name}`, exact: true });
  const says = (of, sentence) => of.page.locator(".compare").getByText(sentence).waitFor(patience);
  const marks = ({ page }, name) => page.locator(`article[aria-label*="${name}"] .compared`);
  const chip = (of, sentence) => of.page.locator(".top .chip").getByText(sentence).first().waitFor(patience);
  const notMarked = async (when) => {
    for (const { page, name } of both) check(`${when}, somebody is marked for ${name}`, (await page.locator(".compared").count()) === 0);
  };

  for (const { page } of both) await page.getByRole("button", { name: /^Locked from inside/u }).click();
  const codes = await Promise.all(both.map(({ page }) => page.locator("[data-safety-code]").textContent(patience)));
  check(`the codes are ${codes.join(" and ")}`, codes[0] === codes[1] && /^\d{30}$/u.test(codes[0].replaceAll(/\s/gu, "")));
  for (const { page } of both) await page.locator('.compare button[aria-disabled="false"]').first().waitFor(patience);
  say("two browsers show one code, and ask once it can have been read");

  await answer(amara, "Same code as", jonass).click();
  await says(amara, /^You compared with Jonas Lindqvist at .+ Their answer is not here yet\.$/u);
  await says(jonas, /^Amara Okafor found the same code at .+ And you\?$/u);
  await notMarked("with one answer");
  say("one answer is told to both, and is no mark");

  await answer(jonas, "Same code as", amaras).click();
  for (const one of both) {
    await says(one, /^Compared at /u);
    await marks(one, one.other).first().waitFor(patience);
    await chip(one, "Locked from inside");
  }
  await amara.shot("compared-both");
  await jonas.shot("compared-both-other");
  say("two answers are a mark on both sides, in the list and on the tile");

  await answer(jonas, "Different code from", amaras).click();
  const told = [
    [amara, "Jonas Lindqvist found another safety code than yours.", /^Jonas Lindqvist found a different code at /u],
    [jonas, "You found another safety code than Amara Okafor", /^You found a different code at /u],
  ];
  for (const [one, notice, sentence] of told) {
    await says(one, sentence);
    await chip(one, "The safety code differs");
    await one.page.locator(".happened").getByText(notice).waitFor(patience);
    await one.page.locator(".sentence.alarmed").getByText("did not find the same code: somebody may be in between.").waitFor(patience);
  }
  await notMarked("with a different code");
  await amara.shot("differs-both");
  await jonas.shot("differs-both-other");
  say("Different is told to both, in the chip, the panel and what happened, and takes the marks away");

  // The other's Same does not take it back. In the log everything has its place: what Amara writes is read after her answer.
  await answer(amara, "Same code as", jonass).click();
  await amara.page.keyboard.press("c");
  await amara.page.getByLabel("Message everyone").fill("I have the same.");
  await amara.page.keyboard.press("Enter");
  await jonas.page.getByRole("button", { name: "Chat, 1 unread" }).waitFor(patience);
  await amara.page.locator(".lines .line:not(.unsent)").getByText("I have the same.").waitFor(patience);
  await amara.page.getByRole("button", { name: "The safety code differs" }).click();
  for (const one of both) {
    await chip(one, "The safety code differs");
    check(`${one.name} is told nothing of Different any more`, (await one.page.locator(".compare .alarm").count()) === 1);
  }
  await notMarked("while one says Different");
  await answer(jonas, "Same code as", amaras).click();
  for (const one of both) {
    await says(one, /^Compared at /u);
    await chip(one, "Locked from inside");
  }
  say("a slip is mended by whoever made it");
});
