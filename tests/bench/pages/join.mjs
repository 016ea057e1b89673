// Joins, one after the other: ours, and in turns livekit-client without any encryption between the ends. Prints one JSON line a join,
// and all times in the last one: {"ours":[ms],"plain":[ms],"cold":[ms]}.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { require } from "../../kit/browser/drivers.mjs";
import { placeOf } from "../../kit/browser/script.mjs";
import { fresh, launch, say, within } from "./chromium.mjs";

const { LINK, CLIENT, JOINS, COLD } = process.env;
const PLAIN = JSON.parse(process.env.PLAIN);
const HOST = "Nadia";
const ours = `article[aria-label^="${HOST}, "] video`;
const name = "Your name, as the others see it";

/** A native member, inside from the first join to the last one. */
class Native {
  #waiting = new Set();
  #members = 0;

  constructor() {
    this.child = spawn(CLIENT, ["join", LINK, "--name", HOST, "--json"], { stdio: ["pipe", "pipe", "inherit"] });
    createInterface({ input: this.child.stdout }).on("line", (line) => {
      const event = JSON.parse(line);
      if (event.event === "members") this.#members = event.members.length;
      if (this.#members === 1) for (const go of this.#waiting) go();
    });
  }

  /** Nobody else is inside: each join begins with the same group of one. */
  alone() {
    return within(60_000, "the member is alone again", new Promise((resolve) => (this.#members === 1 ? resolve() : this.#waiting.add(resolve))));
  }

  end() {
    this.child.kill();
  }
}

/** Runs in the page: from the next click to the first frame of a picture that `selector` finds. */
const watch = (selector) => {
  let clicked = 0;
  addEventListener("click", () => (clicked = performance.now()), { capture: true, once: true });
  globalThis.first = new Promise((resolve) => {
    const seen = new WeakSet();
    const look = () => {
      for (const video of document.querySelectorAll(selector)) {
        if (seen.has(video)) continue;
        seen.add(video);
        video.requestVideoFrameCallback(() => resolve(performance.now() - clicked));
      }
    };
    new MutationObserver(look).observe(document, { subtree: true, childList: true, attributes: true });
  });
};

/** Runs in the page before its own script: joins as soon as that is possible; times are from the start of the navigation. */
const hurry = () => {
  new MutationObserver((_, self) => {
    const button = [...document.querySelectorAll("button")].find((b) => b.textContent.trim() === "Join" && !b.disabled);
    const input = document.querySelector("form input");
    if (!button || !input) return;
    self.disconnect();
    input.value = "Cold";
    input.dispatchEvent(new Event("input", { bubbles: true }));
    button.click();
  }).observe(document, { subtree: true, childList: true, attributes: true });
};

const first = (page) => within(30_000, "the first picture", page.evaluate(() => globalThis.first));

const leave = async (page) => {
  await page.getByRole("button", { name: /^Leave/ }).click();
  await page.getByText("You left").waitFor();
  await page.context().close();
};

/** Our page: opened, with its own picture running, then joined. */
const joinOurs = async (browser, native) => {
  await native.alone();
  const page = await fresh(browser);
  await page.goto(LINK);
  await page.getByLabel(name).fill("Amara");
  await page.locator("video").first().waitFor();
  await page.evaluate(watch, ours);
  await page.getByRole("button", { name: "Join", exact: true }).click();
  const ms = await first(page);
  await leave(page);
  return ms;
};

/** livekit-client: opened, with its own picture running, then joined. */
const joinPlain = async (browser, site, token) => {
  const page = await fresh(browser);
  await page.goto(site);
  await page.evaluate((job) => globalThis.prepare(job), { url: PLAIN.url, token });
  await page.evaluate(watch, "#others video");
  await page.locator("#join").click();
  const ms = await first(page);
  await page.evaluate(() => globalThis.leave());
  await page.context().close();
  return ms;
};

/** A browser that was never here, from the address to the first picture. */
const joinCold = async (native) => {
  await native.alone();
  const browser = await launch();
  const page = await fresh(browser);
  await page.addInitScript(watch, ours);
  await page.addInitScript(hurry);
  await page.goto(LINK);
  const ms = await within(30_000, "the first picture", page.evaluate(async () => (await globalThis.first, performance.now())));
  await leave(page);
  await browser.close();
  return ms;
};

const serve = async () => {
  const files = {
    "/": ["text/html", '<!doctype html><title>plain</title><script src="/livekit.js"></script><script src="/plain.js"></script><button id="join">Join</button><div id="own"></div><div id="others"></div>'],
    "/livekit.js": ["text/javascript", readFileSync(require.resolve("livekit-client"))],
    "/plain.js": ["text/javascript", readFileSync(new URL("./plain.js", import.meta.url))],
  };
  const server = createServer((request, response) => {
    const [type, body] = files[request.url] ?? ["text/plain", ""];
    response.writeHead(200, { "content-type": type }).end(body);
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  return `http://localhost:${server.address().port}/`;
};

const native = new Native();
const times = { ours: [], plain: [], cold: [] };
let code = 0;
try {
  const site = await serve();
  const browser = await launch();
  for (let n = 0; n <= Number(JOINS); n++) {
    const [mine, plain] = [await joinOurs(browser, native), await joinPlain(browser, site, PLAIN.tokens[n])];
    say({ join: n, mine, plain });
    // The first of each warms the browser up.
    if (n > 0) (times.ours.push(mine), times.plain.push(plain));
  }
  await browser.close();
  for (let n = 0; n < Number(COLD); n++) times.cold.push(await joinCold(native));
  say(times);
} catch (error) {
  say({ failed: `${error?.message ?? error}`, at: placeOf(error) });
  code = 1;
}
native.end();
process.exit(code);
