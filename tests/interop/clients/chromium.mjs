// livekit-client, unmodified, in headless Chromium with its fake camera and microphone.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { hear, job, say } from './protocol.mjs';
import { ACTIONS, serve } from './site.mjs';

const profile = mkdtempSync(join(tmpdir(), 'interop-'));
const context = await chromium.launchPersistentContext(profile, {
  executablePath: process.env.CHROMIUM ?? '/usr/lib/chromium/chromium',
  ignoreDefaultArgs: ['--mute-audio'],
  args: [
    '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--no-default-browser-check',
    '--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-extensions',
    '--disable-background-timer-throttling', '--disable-renderer-backgrounding',
    '--disable-backgrounding-occluded-windows', '--autoplay-policy=no-user-gesture-required',
    '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream',
    // The page is on localhost, the server is not: that is the point of the test.
    '--disable-features=LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests',
  ],
});
const page = await context.newPage();
page.on('pageerror', (error) => say({ error: `page: ${error}` }));
await page.exposeFunction('say', say);
await page.goto(await serve());

const act = (name) => page.evaluate((name) => globalThis.actions[name](), name);
hear({
  ...Object.fromEntries(ACTIONS.map((name) => [name, () => act(name)])),
  async end() {
    await act('leave').catch(() => {});
    await context.close();
    rmSync(profile, { recursive: true, force: true });
  },
});
await page.evaluate((job) => globalThis.start(job), job).catch((error) => say({ error: `${error}` }));
