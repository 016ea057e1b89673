// Opens the start page and a link through a proxy that counts the bytes of the answers as they are sent, in brotli where there is that.
// Prints {"start","meeting","wasm"}: bytes of everything but the WebAssembly module, and of the module.
import { createServer, request as ask } from "node:http";
import { fresh, launch, say } from "./chromium.mjs";

const server = new URL(process.env.SERVER);
const link = new URL(process.env.LINK);

/** Passes everything on, but asks for brotli alone. */
const proxy = async () => {
  const answers = [];
  const listener = createServer((request, response) => {
    const headers = { ...request.headers, "accept-encoding": "br" };
    const passed = ask({ host: server.hostname, port: server.port, method: request.method, path: request.url, headers }, (answer) => {
      const entry = { path: request.url, type: answer.headers["content-type"] ?? "", encoding: answer.headers["content-encoding"] ?? "none", bytes: 0 };
      answers.push(entry);
      response.writeHead(answer.statusCode, answer.headers);
      answer.on("data", (chunk) => (entry.bytes += chunk.length));
      answer.pipe(response);
    });
    passed.on("error", () => response.destroy());
    request.pipe(passed);
  });
  await new Promise((done) => listener.listen(0, "127.0.0.1", done));
  return { answers, origin: `http://localhost:${listener.address().port}`, close: () => (listener.close(), listener.closeAllConnections()) };
};

/** What is downloaded until nothing more is, without a cache. */
const visit = async (browser, rest, ready) => {
  const { answers, origin, close } = await proxy();
  const page = await fresh(browser);
  await page.goto(`${origin}/${rest}`, { waitUntil: "networkidle" });
  await ready(page);
  await page.waitForLoadState("networkidle");
  await page.context().close();
  close();
  for (const answer of answers) say({ page: rest === "" ? "start" : "meeting", ...answer });
  const sum = (wasm) => answers.filter((a) => (a.type === "application/wasm") === wasm).reduce((bytes, a) => bytes + a.bytes, 0);
  return { rest: sum(false), wasm: sum(true) };
};

const browser = await launch();
const start = await visit(browser, "", (page) => page.getByRole("button").first().waitFor());
const meeting = await visit(browser, link.hash, (page) => page.locator('button[type="submit"]:enabled').waitFor());
await browser.close();
say({ start: start.rest, meeting: meeting.rest, wasm: meeting.wasm });
