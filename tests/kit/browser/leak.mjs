// Watches all that a page sends and reports for the key of the meeting's LINK: while somebody comes in, when the server is not there, and when a
// worker of the page fails. Prints one JSON line a step.
import { Browser } from "./browser.mjs";
import { check, run } from "./script.mjs";

const { LINK } = process.env;
const key = LINK.split("#")[1];

await run(async ({ say, keep }) => {
  check("a link holds 43 characters", key.length === 43);
  const bob = keep(await Browser.open("Bob", 440));
  const { context, page } = bob;
  /** Everything that leaves the page, or could be taken for a report: where, and what. */
  const seen = [];
  const note = (where, ...texts) => seen.push({ where, text: texts.map((text) => (text instanceof Buffer ? text.toString("latin1") : `${text}`)).join("\n") });
  const found = () => seen.filter(({ text }) => text.includes(key)).map(({ where }) => where);
  const saw = (where, text) => seen.some((one) => one.where === where && one.text.includes(text));
  const watch = (of) => {
    of.on("console", (message) => note("console", message.text(), message.location().url));
    of.on("pageerror", (error) => note("error", error.stack));
    of.on("websocket", (socket) => {
      note("socket", socket.url());
      socket.on("framesent", ({ payload }) => note("frame", Buffer.from(payload)));
    });
  };
  /** A browser sends no fragment, but Playwright tells of one where a page is opened. */
  const address = (request) => (request.isNavigationRequest() ? request.url().split("#")[0] : request.url());
  context.on("request", (request) => note("request", address(request), request.postDataBuffer() ?? ""));
  context.on("requestfinished", async (request) => note("headers", JSON.stringify(await request.allHeaders().catch(() => ({})))));
  context.on("requestfailed", (request) => note("failed", address(request), request.failure()?.errorText ?? ""));
  watch(page);
  const resources = (of) => of.evaluate(() => performance.getEntriesByType("resource").map(({ name }) => name).join(" "));

  await bob.join(LINK);
  note("performance", await resources(page));
  check("the way in was seen", saw("request", "/api/meetings/lookup") && saw("socket", "/api/live") && seen.some(({ where }) => where === "frame"));
  check(`the key is in: ${found()}`, found().length === 0);
  say("nothing that a page sends on its way in holds the key");

  const late = await context.newPage();
  watch(late);
  await late.route("**/api/**", (route) => route.abort());
  await late.goto(LINK);
  await late.getByRole("button", { name: "Try again", exact: true }).waitFor({ timeout: 60_000 });
  note("performance", await resources(late));
  await late.close();
  check("the failure was seen", saw("failed", "/api/meetings/lookup"));
  check(`the key is in: ${found()}`, found().length === 0);
  say("nothing that is said of a failure holds the key");

  for (const worker of page.workers()) {
    await worker.evaluate(() => {
      setTimeout(() => {
        throw new Error("a worker fails");
      });
      console.error("a worker says that it fails");
    });
  }
  while (!saw("console", "a worker says that it fails")) await page.waitForEvent("console", { timeout: 10_000 }).catch(() => {});
  note("page", await page.evaluate(() => document.body.innerText));
  check(`the key is in: ${found()}`, found().length === 0);
  say("nothing that a failing worker says holds the key");

  // It would have been found.
  await page.evaluate(async (key) => {
    console.log(key);
    await fetch(`/api/nothing?${key}`).catch(() => {});
  }, key);
  while (!found().includes("console")) await page.waitForEvent("console", { timeout: 10_000 }).catch(() => {});
  check(`the key was only found in: ${found()}`, found().includes("request"));
});
