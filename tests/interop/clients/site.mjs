// The page that runs livekit-client, on localhost: such a page may use the camera without TLS.
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const scripts = [createRequire(import.meta.url).resolve('livekit-client'), fileURLToPath(new URL('./page.js', import.meta.url))];

/** Opens the page. Its scripts come from the driver: one that the browser does not get fails here, and not as something missing later. */
export async function open(page) {
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>interop</title>');
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  await page.goto(`http://localhost:${server.address().port}/`);
  for (const path of scripts) await page.addScriptTag({ path });
}

/** What a page can be told to do, besides ending. */
export const ACTIONS = ['resume', 'restart', 'mute', 'unpublish', 'republish', 'low', 'high'];
