// Headless Chromium with a fake camera and microphone, as in tests/e2e.
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

/** Packages are those of apps/web. */
export const require = createRequire(fileURLToPath(new URL("../../../apps/web/package.json", import.meta.url)));

const { chromium } = require("playwright-core");

export const say = (message) => console.log(JSON.stringify(message));

/** A new browser with a new profile. */
export const launch = () =>
  chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/lib/chromium/chromium",
    ignoreDefaultArgs: ["--mute-audio"],
    args: [
      "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--no-default-browser-check", "--disable-background-networking", "--disable-component-update",
      "--disable-sync", "--disable-extensions", "--disable-background-timer-throttling", "--disable-renderer-backgrounding", "--disable-backgrounding-occluded-windows",
      "--autoplay-policy=no-user-gesture-required", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
      "--disable-features=LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests",
    ],
  });

/** A page of its own, which shares nothing with others but the browser's processes. */
export const fresh = async (browser) => {
  const context = await browser.newContext({ viewport: { width: 1360, height: 820 } });
  const page = await context.newPage();
  page.on("pageerror", (error) => say({ pageerror: `${error}` }));
  return page;
};

/** Fails rather than wait for ever. */
export const within = (ms, what, promise) => {
  let timer;
  const late = new Promise((_, reject) => (timer = setTimeout(() => reject(new Error(`${what}: not within ${ms} ms`)), ms)));
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
};
