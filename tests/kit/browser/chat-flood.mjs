// Reads the chat of LINK as Bob while somebody fills it, and writes into it.
import { Browser } from "./browser.mjs";
import { check, run } from "./script.mjs";

const { LINK, EARLIER, LATER, OWN } = process.env;
/** Of what is written without end, so many lines have come when it is looked at: several times what a page keeps. */
const flooded = 150;
/** So many of the longest lines fit into what a page keeps. */
const most = 34;

await run(async ({ say, keep }) => {
  const bob = keep(await Browser.open("Bob", 440, { devices: "none" }));
  const { page } = bob;
  await bob.join(LINK);
  await page.getByRole("button", { name: "Chat", exact: true }).click();
  const chat = page.getByRole("region", { name: "Chat", exact: true });
  say("is inside");
  await chat.getByText(EARLIER, { exact: true }).waitFor({ timeout: 60_000 });
  say("has read what was said before");
  await page.waitForFunction((flooded) => [...document.querySelectorAll("[data-line]")].some((line) => Number(line.dataset.line) > flooded), flooded, { timeout: 120_000 });
  say("is flooded");
  await chat.getByText(LATER, { exact: true }).waitFor({ timeout: 60_000 });
  check("what was said before the flood went", (await chat.getByText(EARLIER, { exact: true }).count()) === 1);
  const longest = await chat.locator("[data-line]", { hasText: "\u{1f4a3}" }).count();
  check(`the list holds ${longest} of the longest lines`, longest <= most);
  await page.getByLabel("Message everyone").fill(OWN);
  await page.keyboard.press("Enter");
  await bob.sees("Alice");
  await chat.getByText(OWN, { exact: true }).waitFor({ timeout: 60_000 });
  check("something is called an attack", (await page.locator(".top .chip").first().innerText()).startsWith("Locked from inside"));
});
