// Somebody in the meeting LINK verifies OTHER by camera, which films a screen that shows TEXT as a QR code, of a person in between. Prints one JSON line.
import { Browser } from "./browser.mjs";
import { qrOf } from "./qr.mjs";
import { check, run } from "./script.mjs";

const { LINK, NAME, OTHER, TEXT } = process.env;
const patience = { timeout: 30_000 };

await run(async ({ say, keep }) => {
  const one = keep(await Browser.open(NAME, 660));
  const button = (name) => one.page.getByRole("button", { name, exact: true });
  await one.page.goto(LINK);
  await one.page.getByLabel("Let people know me again").check();
  await button("Turn camera off").click();
  await one.page.getByLabel("Your name, as the others see it").fill(NAME);
  await button("Join").click();
  await button("Locked from inside · 2 people").click();
  await button(`Verify ${OTHER} for later meetings`).click(patience);
  await button(`Verify ${OTHER} by camera`).click(patience);
  one.film(qrOf(TEXT));
  await button("Scan theirs").click();
  await one.page.getByRole("alert").getByText("The code differs, and theirs is of another meeting").waitFor(patience);
  await one.page.locator(".top .chip").getByText("The safety code differs").first().waitFor(patience);
  check("somebody is marked", (await one.page.locator(".compared").count()) === 0);
  say("is told loudly that the code differs, and marks nobody");
});
