// livekit-client, unmodified, in headless Chromium with its fake camera and microphone.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { hear, job, say } from './protocol.mjs';

const require = createRequire(import.meta.url);
const files = {
  '/': ['text/html', '<!doctype html><title>interop</title><script src="/livekit.js"></script><script src="/page.js"></script>'],
  '/livekit.js': ['text/javascript', readFileSync(require.resolve('livekit-client'))],
  '/page.js': ['text/javascript', readFileSync(new URL('./page.js', import.meta.url))],
};
// A page of localhost may use the camera without TLS.
const server = createServer((request, response) => {
  const [type, body] = files[request.url] ?? ['text/plain', ''];
  response.writeHead(200, { 'content-type': type }).end(body);
});
await new Promise((done) => server.listen(0, '127.0.0.1', done));

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
if (process.env.INTEROP_VERBOSE) page.on('console', (line) => process.stderr.write(`[page] ${line.text()}\n`));
await page.exposeFunction('say', say);
await page.goto(`http://localhost:${server.address().port}/`);

const act = (name) => page.evaluate((name) => globalThis.actions[name](), name);
hear({
  ...Object.fromEntries(['resume', 'restart', 'mute', 'unpublish', 'republish', 'low', 'high'].map((name) => [name, () => act(name)])),
  async end() {
    await act('leave').catch(() => {});
    await context.close();
    rmSync(profile, { recursive: true, force: true });
  },
});
await page.evaluate((job) => globalThis.start(job), job).catch((error) => say({ error: `${error}` }));
