// Opens the start page and a link through a proxy that counts the bytes of the answers as they are sent, in brotli where there is that.
// Then a link over a slow line. Prints {"start","meeting","wasm","typable","joinable"}: bytes of everything but the WebAssembly module, and of
// the module; milliseconds until one can type a name, and until one can join.
import { createServer, request as ask } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { fresh, launch, say } from "./chromium.mjs";

const server = new URL(process.env.SERVER);
const link = new URL(process.env.LINK);

/** Of the slow line: what a request waits for its answer, at least, and bytes a second of all answers together. */
const roundTrip = 400;
const rate = 1_000_000 / 8;

/** Lets bytes through one after the other, at the line's rate. */
const slowLine = () => {
  let free = 0;
  return async (bytes) => {
    free = Math.max(free, performance.now()) + (bytes / rate) * 1000;
    await sleep(free - performance.now());
  };
};

/** Passes everything on, but asks for brotli alone; `slow` as over the slow line. */
const proxy = async (slow = false) => {
  const answers = [];
  const pass = slow ? slowLine() : undefined;
  const listener = createServer((request, response) => {
    const headers = { ...request.headers, "accept-encoding": "br" };
    const passed = ask({ host: server.hostname, port: server.port, method: request.method, path: request.url, headers }, (answer) => {
      const entry = { path: request.url, type: answer.headers["content-type"] ?? "", encoding: answer.headers["content-encoding"] ?? "none", bytes: 0 };
      answers.push(entry);
      void forward(answer, response, entry, pass).catch(() => response.destroy());
    });
    passed.on("error", () => response.destroy());
    request.pipe(passed);
  });
  await new Promise((done) => listener.listen(0, "127.0.0.1", done));
  return { answers, origin: `http://localhost:${listener.address().port}`, close: () => (listener.close(), listener.closeAllConnections()) };
};

const forward = async (answer, response, entry, pass) => {
  if (pass) await sleep(roundTrip);
  response.writeHead(answer.statusCode, answer.headers);
  for await (const chunk of answer) {
    entry.bytes += chunk.length;
    // In pieces as of a network, so that answers share the line.
    for (let at = 0; at < chunk.length; at += 1400) {
      const piece = chunk.subarray(at, at + 1400);
      await pass?.(piece.length);
      response.write(piece);
    }
  }
  response.end();
};

/** What is downloaded until nothing more is, without a cache. */
const visit = async (browser, path, ready) => {
  const { answers, origin, close } = await proxy();
  const page = await fresh(browser);
  await page.goto(`${origin}${path}`, { waitUntil: "networkidle" });
  await ready(page);
  await page.waitForLoadState("networkidle");
  await page.context().close();
  close();
  for (const answer of answers) say({ page: path === "/" ? "start" : "meeting", ...answer });
  const sum = (wasm) => answers.filter((a) => (a.type === "application/wasm") === wasm).reduce((bytes, a) => bytes + a.bytes, 0);
  return { rest: sum(false), wasm: sum(true) };
};

/** Join can be pressed sooner, but acts only once the page says how many are inside. */
const found = (page) => page.getByText(/(is|are) inside( yet)?\.$/).first().waitFor({ timeout: 120_000 });

/** When one can type a name, and when one can join, over the slow line and without a cache. */
const slowDoor = async (browser) => {
  const { origin, close } = await proxy(true);
  const page = await fresh(browser);
  const since = performance.now();
  void page.goto(`${origin}${link.pathname}${link.hash}`).catch(() => undefined);
  await page.locator("input:enabled").first().waitFor({ timeout: 120_000 });
  const typable = performance.now() - since;
  await found(page);
  const joinable = performance.now() - since;
  await page.context().close();
  close();
  return { typable, joinable };
};

const browser = await launch();
const start = await visit(browser, "/", (page) => page.getByRole("button").first().waitFor());
const meeting = await visit(browser, link.pathname + link.hash, found);
const slow = [];
for (let round = 0; round < 3; round++) slow.push(await slowDoor(browser));
await browser.close();
const middle = (of) => slow.map(of).sort((a, b) => a - b)[1];
say({ start: start.rest, meeting: meeting.rest, wasm: meeting.wasm, typable: middle((one) => one.typable), joinable: middle((one) => one.joinable) });
