// livekit-client, unmodified, in headless Chromium with its fake camera and microphone.
import { chromium, chromiumFakes, chromiumOptions } from '../../kit/browser/drivers.mjs';
import { hear, job, say } from './protocol.mjs';
import { ACTIONS, open } from './site.mjs';

// The page is on localhost, the server is not: that is the point of the test.
const browser = await chromium.launch(chromiumOptions(chromiumFakes));
const page = await browser.newPage();
page.on('pageerror', (error) => say({ error: `page: ${error}` }));
await page.exposeFunction('say', say);
await open(page);

const act = (name) => page.evaluate((name) => globalThis.actions[name](), name);
hear({
  ...Object.fromEntries(ACTIONS.map((name) => [name, () => act(name)])),
  async end() {
    await act('leave').catch(() => {});
    await browser.close();
  },
});
await page.evaluate((job) => globalThis.start(job), job).catch((error) => say({ error: `${error}` }));
