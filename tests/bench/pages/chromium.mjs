// Headless Chromium with a fake camera and microphone, as in tests/e2e.
import { chromium, chromiumFakes, chromiumOptions, desktop } from "../../kit/browser/drivers.mjs";

export const say = (message) => console.log(JSON.stringify(message));

/** A new browser with a new profile. */
export const launch = () => chromium.launch(chromiumOptions(chromiumFakes));

/** A page of its own, which shares nothing with others but the browser's processes. */
export const fresh = async (browser) => {
  const context = await browser.newContext({ viewport: desktop });
  const page = await context.newPage();
  page.on("pageerror", (error) => say({ pageerror: `${error}` }));
  return page;
};

/** Fails rather than wait for ever. */
export const within = (ms, what, promise) => {
  let timer;
  // Made here, so that it names the line that waits.
  const error = new Error(`${what}: not within ${ms} ms`);
  const late = new Promise((_, reject) => (timer = setTimeout(reject, ms, error)));
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
};
