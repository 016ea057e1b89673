// A server gives a session 72 seconds: two people are told before it ends, see that it did, and meet again by the same link. Whoever starts more
// meetings than the plan has is told. Prints one JSON line a step.
import { Browser } from "../../kit/browser/browser.mjs";
import { check, run } from "../../kit/browser/script.mjs";

const { URL: SERVER } = process.env;
const patience = { timeout: 90_000 };

await run(async ({ say, keep }) => {
  const [amara, jonas] = [keep(await Browser.open("Amara Okafor", 660)), keep(await Browser.open("Jonas Lindqvist", 880))];
  const press = ({ page }, name) => page.getByRole("button", { name, exact: true }).click(patience);
  const reads = ({ page }, text) => page.getByText(text).first().waitFor(patience);

  await amara.page.goto(SERVER);
  await press(amara, "Start a meeting");
  await reads(amara, "The server ends it 2 minutes after the first one came in.");
  const link = amara.page.url();
  await amara.join(link);
  await jonas.join(link);
  await amara.hears(880);
  say("whoever comes is told how long a session lasts");

  for (const one of [amara, jonas]) {
    await one.page.locator(".toast").getByText("This meeting ends in a minute, at").waitFor(patience);
    const aloud = one.page.locator("[aria-live], [role=status], [role=alert]").getByText("This meeting ends in a minute").first();
    await aloud.waitFor({ ...patience, state: "attached" });
    await one.page.locator(".top").getByText("Ends at").waitFor(patience);
  }
  const endsAt = await amara.page.locator(".top").getByText("Ends at").first().textContent();
  await amara.shot("plans-ends-soon");
  say("both are told a minute before it ends");

  for (const one of [amara, jonas]) await reads(one, "The time of this meeting is over");
  await reads(amara, "The link stays good");
  await amara.shot("plans-over");
  say("it ends for both, in words");

  await press(jonas, "Meet again");
  await press(jonas, "Join");
  await press(amara, "Meet again");
  await press(amara, "Join");
  await amara.hears(880);
  await amara.page.locator(".top").getByText("Ends at").first().waitFor(patience);
  check("the new session has the end of the old one", (await amara.page.locator(".top").getByText("Ends at").first().textContent()) !== endsAt);
  say("they meet again by the same link, with all of the time");

  await amara.page.goto(SERVER);
  await press(amara, "Start a meeting");
  await amara.page.getByText("Nobody is inside yet.").waitFor(patience);
  await amara.page.goto(SERVER);
  await press(amara, "Start a meeting");
  await reads(amara, "As many meetings were started from here");
  await amara.shot("plans-too-many");
  say("whoever starts more meetings than the plan has is told");
});
