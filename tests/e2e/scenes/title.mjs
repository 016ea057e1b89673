// A host gives a meeting its title before going in, and later another one; whoever comes with the link reads it before going in and inside, and
// cannot change it. Prints one JSON line a step.
import { Browser } from "../../kit/browser/browser.mjs";
import { check, run } from "../../kit/browser/script.mjs";

const { URL: SERVER } = process.env;
const [first, second] = ["Editorial, Tuesday", "ישיבת מערכת, Wednesday"];

await run(async ({ say, keep }) => {
  const amara = keep(await Browser.open("Amara Okafor", 660));
  const page = amara.page;
  const press = (name, of = page) => of.getByRole("button", { name, exact: true }).click();
  const title = (of) => of.getByRole("heading", { level: 1 });
  const reads = async (of, wanted) => {
    await of.getByRole("heading", { level: 1, name: wanted, exact: true }).waitFor({ timeout: 30_000 });
    check(`the title is "${await title(of).textContent()}"`, (await title(of).textContent()) === wanted);
  };
  const name = async (text) => {
    const field = page.getByLabel("Title", { exact: true });
    await field.fill(text);
    const [kept] = await Promise.all([page.waitForResponse((answer) => answer.request().method() !== "GET" && answer.url().includes("/api/meetings")), field.press("Enter")]);
    check(`the server answers ${kept.status()} to a new title`, kept.ok());
    await reads(page, text);
    const sent = kept.request().postData() ?? "";
    check(`the server reads the title: ${sent}`, sent.length > 0 && !sent.includes(text.slice(0, 6)));
  };

  await page.goto(SERVER);
  await press("Start a meeting");
  await page.getByText("Nobody is inside yet.").waitFor({ timeout: 30_000 });
  await press("Give it a title");
  await name(first);
  await amara.shot("titled");
  const link = page.url();
  say("the host gives the meeting a title before going in");

  const jonas = keep(await Browser.open("Jonas Lindqvist", 880));
  await jonas.page.goto(link);
  await reads(jonas.page, first);
  await jonas.page.getByText("Nobody is inside yet.").waitFor({ timeout: 30_000 });
  check("a guest can change the title", (await jonas.page.getByRole("button", { name: /title/iu }).count()) === 0);
  await jonas.shot("titled-guest");
  await jonas.join(link);
  await jonas.page.locator(".about-now").getByText(first, { exact: true }).waitFor();
  say("who comes with the link reads the title before going in, and inside");

  await press("Change the title");
  await name(second);
  await amara.join(link);
  await page.locator(".about-now").getByText(second, { exact: true }).waitFor();
  await jonas.page.getByText("Locked from inside · 2 people").waitFor();
  await press("Leave", jonas.page);
  await press("Meet again", jonas.page);
  await reads(jonas.page, second);
  say("a title that was changed is read by who comes from then on");

  await press("Leave");
  await press("Back to start");
  await page.locator(".mine").getByText(second, { exact: true }).waitFor();
  say("the host finds the meeting again by its title");
});
