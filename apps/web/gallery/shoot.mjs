// Pictures of every state, and what axe and the page's own policy say of them.
//   npm run gallery                all states, into out/gallery
//   npm run gallery -- safety two  some of them; "keyboard" tries the keys
// CHROMIUM names another browser.
import { createServer } from "node:http";
import { mkdir, readFile, rm } from "node:fs/promises";
import { extname, join, resolve } from "node:path";
import { AxeBuilder } from "@axe-core/playwright";
import { chromium } from "playwright-core";
import { build } from "vite";
import { expectations } from "./expectations.mjs";
import { keyboard } from "./keyboard.mjs";
import { layout } from "./layout.mjs";

const here = import.meta.dirname;
const out = resolve(here, "../../../out");
const site = join(out, "gallery-site");
const pictures = join(out, "gallery");
const policy =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; media-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types conclave";
const views = [
  { name: "light", colorScheme: "light", viewport: { width: 1280, height: 720 }, axe: true },
  { name: "dark", colorScheme: "dark", viewport: { width: 1280, height: 720 }, axe: true },
  { name: "phone", colorScheme: "dark", viewport: { width: 390, height: 844 }, axe: true },
  { name: "small", colorScheme: "light", viewport: { width: 360, height: 640 } },
  { name: "landscape", colorScheme: "dark", viewport: { width: 844, height: 390 } },
  { name: "large", colorScheme: "dark", viewport: { width: 2560, height: 1440 } },
  // A laptop's window at 200 %.
  { name: "zoomed", colorScheme: "light", viewport: { width: 680, height: 410 } },
];
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
const wrong = [];
let shot = 0;

const told = async (page, what) => JSON.parse((await page.locator("body").getAttribute(`data-${what}`)) ?? "[]");
/** What a state says must be in sight, or must not be, and is not as it says. */
const amiss = async (page) => {
  const seen = (what) => (what.startsWith(".") ? page.locator(what) : page.getByText(what)).first().isVisible();
  const found = [];
  for (const what of await told(page, "shows")) if (!(await seen(what))) found.push(`does not show "${what}"`);
  for (const what of await told(page, "hides")) if (await seen(what)) found.push(`shows "${what}"`);
  return found;
};

const prepare = async (page, name) => {
  // Not until all is loaded: a picture that never comes would hold that up.
  await page.goto(`${base}?state=${name}`, { waitUntil: "domcontentloaded" });
  await page.evaluate(() => document.fonts.ready);
  const steps = await told(page, "then");
  for (const step of steps) {
    const [how, what, text] = step.split(">");
    if (how === "key") await page.keyboard.press(what);
    else if (how === "wait") await page.waitForTimeout(Number(what));
    else if (how === "top") await page.locator(what).evaluate((element) => element.scrollTo({ top: 0 }));
    else if (how === "end") await page.locator(what).evaluate((element) => element.scrollTo({ top: element.scrollHeight }));
    else if (how === "press") await page.locator(what).click();
    else if (how === "open") for (const one of await page.locator(what).all()) await one.locator("summary").click();
    else if (how === "later") await page.evaluate(() => globalThis.later());
    else if (how === "text") await page.getByLabel(what).fill(text ?? "");
    else {
      const control = page.getByRole("button", { name: step, exact: true });
      if (await control.isVisible()) await control.click();
    }
  }
  // Joining tells its step after one second; everything else has settled long before.
  await page.waitForTimeout(name === "joining" || name === "looking-up" ? 1300 : 450);
};

try {
  for (const view of views) {
    const context = await browser.newContext({ colorScheme: view.colorScheme, viewport: view.viewport, reducedMotion: "reduce" });
    const page = await context.newPage();
    let state = "";
    page.on("console", (message) => message.type() === "error" && wrong.push(`${state} ${view.name}: ${message.text()}`));
    page.on("pageerror", (error) => wrong.push(`${state} ${view.name}: ${error.message}`));
    await page.goto(base);
    const all = ((await page.locator("body").getAttribute("data-states")) ?? "").split(" ");
    for (const name of all.filter((one) => asked.length === 0 || asked.includes(one))) {
      state = name;
      await prepare(page, name);
      await page.screenshot({ path: join(pictures, `${name}-${view.name}.png`) });
      shot += 1;
      for (const what of await amiss(page)) wrong.push(`${name} ${view.name}: ${what}`);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      if (wide > 0) wrong.push(`${name} ${view.name}: ${wide} px too wide`);
      for (const what of [...(await layout(page)), ...((await expectations[name]?.(page, view)) ?? [])]) wrong.push(`${name} ${view.name}: ${what}`);
      if (!view.axe) continue;
      const { violations } = await new AxeBuilder({ page }).withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]).analyze();
      for (const found of violations) {
        for (const node of found.nodes) wrong.push(`${name} ${view.name}: ${found.id}: ${node.target.join(" ")}: ${node.any[0]?.message ?? found.help}`);
      }
    }
    if (view.axe && (asked.length === 0 || asked.includes("keyboard"))) wrong.push(...(await keyboard(page, (name) => page.goto(`${base}?state=${name}`))).map((what) => `keyboard ${view.name}: ${what}`));
    await context.close();
  }
} finally {
  await browser.close();
  server.close();
  await rm(site, { recursive: true });
}
for (const line of [...new Set(wrong)]) console.log(line);
console.log(`${shot} pictures in out/gallery, ${wrong.length} things wrong`);
process.exitCode = wrong.length > 0 ? 1 : 0;
