// livekit-client, unmodified, in headless Firefox with its fake camera and microphone.
import { launchFirefox } from '../../kit/browser/drivers.mjs';
import { hear, job, say } from './protocol.mjs';
import { ACTIONS, open } from './site.mjs';

const browser = await launchFirefox();
const page = await browser.newPage();
page.on('pageerror', (error) => say({ error: `page: ${error}` }));
await open(page);
await page.exposeFunction('say', say);

const act = (name) => page.evaluate((name) => globalThis.actions[name](), name);
hear({
  ...Object.fromEntries(ACTIONS.map((name) => [name, () => act(name)])),
  async end() {
    await act('leave').catch(() => {});
    await browser.close();
  },
});
await page.evaluate((job) => globalThis.start(job), job).catch((error) => say({ error: `${error}` }));
