// livekit-client, unmodified, in headless Firefox with its fake camera and microphone.
import puppeteer from 'puppeteer-core';
import { hear, job, say } from './protocol.mjs';
import { ACTIONS, serve } from './site.mjs';

const browser = await puppeteer.launch({
  browser: 'firefox',
  executablePath: process.env.FIREFOX ?? '/usr/bin/firefox-esr',
  headless: true,
  extraPrefsFirefox: {
    'media.navigator.streams.fake': true,
    'media.navigator.permission.disabled': true,
    'media.autoplay.default': 0,
    'media.autoplay.blocking_policy': 0,
    'media.peerconnection.ice.obfuscate_host_addresses': false,
  },
});
const page = await browser.newPage();
page.on('pageerror', (error) => say({ error: `page: ${error}` }));
await page.goto(await serve());
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
