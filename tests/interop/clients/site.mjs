// The page that runs livekit-client, on localhost: such a page may use the camera without TLS.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const files = {
  '/': ['text/html', '<!doctype html><title>interop</title><script src="/livekit.js"></script><script src="/page.js"></script>'],
  '/livekit.js': ['text/javascript', readFileSync(require.resolve('livekit-client'))],
  '/page.js': ['text/javascript', readFileSync(new URL('./page.js', import.meta.url))],
};

/** Serves the page; gives its address. */
export async function serve() {
  const server = createServer((request, response) => {
    const [type, body] = files[request.url] ?? ['text/plain', ''];
    response.writeHead(200, { 'content-type': type }).end(body);
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  return `http://localhost:${server.address().port}/`;
}

/** What a page can be told to do, besides ending. */
export const ACTIONS = ['resume', 'restart', 'mute', 'unpublish', 'republish', 'low', 'high'];
