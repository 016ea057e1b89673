// Pictures of every state, and what axe and the page's own policy say of them.
//   npm run gallery                    all states in all views, into out/gallery
//   npm run gallery -- safety two      some of them; "keyboard" tries the keys
//   npm run gallery -- phone rtl       all states in some views, by size and direction
// CHROMIUM names another browser.
import { createServer } from "node:http";
import { mkdir, readFile, rm } from "node:fs/promises";
import { extname, join, resolve } from "node:path";
import { AxeBuilder } from "@axe-core/playwright";
import { chromium } from "playwright-core";
import { build } from "vite";
import { expectations } from "./expectations.mjs";
import { keyboard } from "./keyboard.mjs";
import { layout, standing, unmirrored } from "./layout.mjs";

const here = import.meta.dirname;
const out = resolve(here, "../../../out");
const site = join(out, "gallery-site");
const pictures = join(out, "gallery");
const policy =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; media-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types conclave";
const sizes = [
  { size: "desktop", viewport: { width: 1280, height: 720 }, keys: true },
  { size: "phone", viewport: { width: 390, height: 844 }, keys: true },
  { size: "small", viewport: { width: 360, height: 640 } },
  { size: "landscape", viewport: { width: 844, height: 390 } },
  // A laptop's window at 200 %.
  { size: "zoomed", viewport: { width: 680, height: 410 } },
  { size: "large", viewport: { width: 2560, height: 1440 } },
];
/** From right to left stands the page as a translation into Hebrew or Arabic would have it, with English words. */
const directions = ["ltr", "rtl"];
const schemes = ["light", "dark"];
const types = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".woff2": "font/woff2" };

await build({ configFile: join(here, "vite.config.ts"), logLevel: "warn", build: { outDir: site } });
await mkdir(pictures, { recursive: true });

const server = createServer(async (request, response) => {
  const path = new URL(request.url ?? "/", "http://localhost").pathname;
  const file = join(site, path === "/" ? "index.html" : path);
  try {
    if (!file.startsWith(site)) throw new Error("outside");
    const bytes = await readFile(file);
    response.writeHead(200, { "content-type": types[extname(file)] ?? "application/octet-stream", "content-security-policy": policy }).end(bytes);
  } catch {
    response.writeHead(404).end();
  }
});
await new Promise((done) => server.listen(0, "127.0.0.1", done));
const base = `http://127.0.0.1:${server.address().port}/`;

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/lib/chromium/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-extensions", "--autoplay-policy=no-user-gesture-required"],
});
const asked = process.argv.slice(2);
const among = (names) => {
  const some = names.filter((name) => asked.includes(name));
  return some.length > 0 ? some : names;
};
const views = among(sizes.map(({ size }) => size)).flatMap((name) => among(directions).map((direction) => ({ ...sizes.find(({ size }) => size === name), direction, name: `${name}-${direction}` })));
const wanted = asked.filter((one) => !directions.includes(one) && !sizes.some(({ size }) => size === one));
const wrong = new Set();
const began = Date.now();
let shot = 0;
/** What stands where, in a state and a size, from left to right and from right to left. */
const seen = {};

const told = async (page, what) => JSON.parse((await page.locator("body").getAttribute(`data-${what}`)) ?? "[]");
/** What a state says must be in sight, or must not be, and is not as it says. */
const amiss = async (page) => {
  const seen = (what) => (what.startsWith(".") ? page.locator(what) : page.getByText(what)).first().isVisible();
  const found = [];
  for (const what of await told(page, "shows")) if (!(await seen(what))) found.push(`does not show "${what}"`);
  for (const what of await told(page, "hides")) if (await seen(what)) found.push(`shows "${what}"`);
  return found;
};

const addressOf = (state, view) => `${base}?state=${state}&dir=${view.direction}`;

/** Runs in the page, until it knows: it is told of a scroll with the next frame. */
const toTop = (element) =>
  new Promise((done) => {
    if (element.scrollTop === 0) return done();
    element.addEventListener("scroll", () => requestAnimationFrame(done), { once: true });
    element.scrollTo({ top: 0 });
  });

const prepare = async (page, name, view) => {
  await page.emulateMedia({ colorScheme: schemes[0] });
  // Not until all is loaded: a picture that never comes would hold that up.
  await page.goto(addressOf(name, view), { waitUntil: "domcontentloaded" });
  await page.evaluate(() => document.fonts.ready);
  const steps = await told(page, "then");
  for (const step of steps) {
    const [how, what, text] = step.split(">");
    if (how === "key") await page.keyboard.press(what);
    else if (how === "wait") await page.waitForTimeout(Number(what));
    else if (how === "top") await page.locator(what).evaluate(toTop);
    else if (how === "end") await page.locator(what).evaluate((element) => element.scrollTo({ top: element.scrollHeight }));
    else if (how === "press") await page.locator(what).click();
    else if (how === "open") for (const one of await page.locator(what).all()) await one.locator("summary").click();
    else if (how === "later") await page.evaluate(() => globalThis.later());
    else if (how === "file") await page.locator(`input[type="file"][aria-label="${what}"]`).setInputFiles({ name: "a.conclave", mimeType: "application/octet-stream", buffer: Buffer.alloc(1) });
    else if (how === "text") await page.getByLabel(what).fill(text ?? "");
    else {
      const control = page.getByRole("button", { name: step, exact: true });
      if (await control.isVisible()) await control.click();
    }
  }
  // Joining tells its step after one second; everything else has settled long before.
  await page.waitForTimeout(name === "joining" || name === "looking-up" ? 1300 : 450);
};

const rules = (axe) => axe.withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]);
/** In the other scheme nothing but the colours differ. */
const contrast = (axe) => axe.withRules(["color-contrast"]);
const violations = async (page, choose) => {
  const found = await choose(new AxeBuilder({ page }).setLegacyMode().options({ resultTypes: ["violations"] })).analyze();
  return found.violations.flatMap(({ id, help, nodes }) => nodes.map((node) => `${id}: ${node.target.join(" ")}: ${node.any[0]?.message ?? help}`));
};

/** Every state that was asked for, in one view. */
const take = async (view) => {
  const context = await browser.newContext({ viewport: view.viewport, reducedMotion: "reduce" });
  const page = await context.newPage();
  let state = "";
  const blame = (found, where = view.name) => found.forEach((what) => wrong.add(`${state} ${where}: ${what}`));
  page.on("console", (message) => message.type() === "error" && blame([message.text()]));
  page.on("pageerror", (error) => blame([error.message]));
  await page.goto(base);
  const all = ((await page.locator("body").getAttribute("data-states")) ?? "").split(" ");
  for (const name of all.filter((one) => wanted.length === 0 || wanted.includes(one))) {
    state = name;
    await prepare(page, name, view);
    blame(await amiss(page));
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    if (wide > 0) blame([`${wide} px too wide`]);
    blame(await layout(page));
    const both = (seen[`${name} ${view.size}`] ??= {});
    both[view.direction] = await standing(page);
    if (both.ltr && both.rtl) blame(unmirrored(both, view.viewport.width), `${view.size} mirrored`);
    for (const scheme of schemes) {
      await page.emulateMedia({ colorScheme: scheme });
      await page.screenshot({ path: join(pictures, `${name}-${view.name}-${scheme}.png`) });
      shot += 1;
    }
    blame(await violations(page, rules));
    if (view.keys && view.direction === directions[0]) {
      await page.emulateMedia({ colorScheme: schemes[0] });
      blame(await violations(page, contrast));
    }
    // Last, since it presses and moves what is there.
    blame((await expectations[name]?.(page, view)) ?? []);
  }
  if (view.keys && (wanted.length === 0 || wanted.includes("keyboard"))) {
    state = "keyboard";
    blame(await keyboard(page, (name) => page.goto(addressOf(name, view))));
  }
  await context.close();
  console.log(`${view.name} taken after ${Math.round((Date.now() - began) / 1000)} s`);
};

try {
  // Two at a time: each waits about as long as it works.
  const waiting = [...views];
  const work = async () => {
    for (let view = waiting.shift(); view; view = waiting.shift()) await take(view);
  };
  await Promise.all([work(), work()]);
} finally {
  await browser.close();
  server.close();
  await rm(site, { recursive: true });
}
for (const line of wrong) console.log(line);
console.log(`${shot} pictures in out/gallery, ${wrong.size} things wrong, in ${Math.round((Date.now() - began) / 60_000)} min`);
process.exitCode = wrong.size > 0 ? 1 : 0;
