// What each runs stands in the panel of people: a page and a native member, then somebody whom the server served another page. Prints one JSON line a
// step.
import { Browser } from "../../kit/browser/browser.mjs";
import { check, run } from "../../kit/browser/script.mjs";

const { LINK } = process.env;
const [amaras, jonass] = ["Amara Okafor", "Jonas Lindqvist"];
const patience = { timeout: 30_000 };
const host = new URL(LINK).host;

await run(async ({ say, keep }) => {
  const amara = keep(await Browser.open(amaras, 660));
  const runs = (of, name) => of.page.locator(".panel .person", { hasText: name }).locator(".runs");
  await amara.join(LINK);
  await amara.page.keyboard.press("p");
  await runs(amara, "Nora").getByText(/^says they run the native program \d+\.\d+\.\d+$/u).waitFor(patience);
  const own = await runs(amara, amaras).textContent(patience);
  check(`one's own row says ${own}`, new RegExp(`^You run the page of ${host}, \\d+\\.\\d+\\.\\d+$`, "u").test(own));
  await amara.page.getByText("It proves nothing: a changed one can say anything.").waitFor(patience);
  check("somebody stands apart", (await amara.page.locator(".runs.other").count()) === 0);
  await amara.page.emulateMedia({ colorScheme: "light" });
  await amara.shot("software");
  await amara.page.emulateMedia({ colorScheme: "dark" });
  await amara.shot("software-dark");
  say("a page and a native member say what they run");

  const jonas = keep(await Browser.open(jonass, 880));
  // What a server does that has another page for him.
  await jonas.page.route(/\/m$/u, async (route) => {
    const response = await route.fetch();
    const html = await response.text();
    const other = html.replace(/(<meta name="bundle" content=")[0-9a-f]{64}/u, `$1${"0b".repeat(32)}`);
    check("the page does not say what it is", other !== html);
    await route.fulfill({ response, body: other });
  });
  await jonas.join(LINK);
  await jonas.page.keyboard.press("p");
  for (const one of [amara, jonas]) {
    await runs(one, jonass).getByText("another build than others here: 0b0b0b0b").waitFor(patience);
    await runs(one, amaras).getByText("another build than others here: ").waitFor(patience);
    await one.page.getByText("Not everybody says they run the same build.").waitFor(patience);
    check("the native member stands apart from pages", (await runs(one, "Nora").locator("xpath=self::*[contains(@class, 'other')]").count()) === 0);
  }
  check("the lock says something else", (await amara.page.getByText(/^Locked from inside · 3 people$/u).count()) > 0);
  await amara.shot("software-other-dark");
  await amara.page.emulateMedia({ colorScheme: "light" });
  await amara.shot("software-other");
  await amara.page.setViewportSize({ width: 390, height: 844 });
  await amara.shot("software-other-phone");
  say("who was served another page is seen by all, and nothing is held back");

  await jonas.page.getByRole("button", { name: "Leave", exact: true }).first().click();
  await jonas.page.getByText("You left").waitFor(patience);
  await runs(amara, amaras).getByText(/^You run the page of [^;]+$/u).waitFor(patience);
  check("somebody still stands apart", (await amara.page.locator(".runs.other").count()) === 0);
  say("once that person is gone, nobody stands apart");
});
