// Pages that are open in the same browser as the page of the desktop program: of another site, of another port of this machine, and of a name that was
// made to point to this machine. Each tries to ask the program, to draw it in a frame, to load its scripts, to open it. Prints one JSON line a step.
import { createServer } from "node:http";
import { Browser } from "./browser.mjs";
import { check, run } from "./script.mjs";

const { ADDRESS, PORT } = process.env;
const app = `http://127.0.0.1:${PORT}`;

/** Runs in the neighbour's page; gives what it got. It must stand on its own. */
const attack = async (app) => {
  const got = [];
  const tried = async (what, trying) => {
    const outcome = await trying().catch(() => null);
    if (outcome !== null) got.push(`${what}: ${outcome}`);
  };
  const read = async (path, init) => (await fetch(`${app}${path}`, init)).text();
  await tried("settings", () => read("/config.json"));
  await tried("page", () => read("/"));
  await tried("open", () => read("/loader/open", { method: "POST", headers: { "conclave-loader": "guess" } }));
  await tried("server", () => read("/loader/server", { method: "POST", body: "https://evil.example" }));
  const opaque = await fetch(`${app}/`, { mode: "no-cors" }).catch(() => null);
  if (opaque?.ok) got.push("an answer that can be read");
  await tried("script", () => new Promise((done, failed) => document.head.append(Object.assign(document.createElement("script"), { src: `${app}/assets/main.js`, onload: () => done("ran"), onerror: failed }))));
  await tried("frame", async () => {
    const frame = document.body.appendChild(Object.assign(document.createElement("iframe"), { src: app }));
    await new Promise((loaded) => (frame.onload = loaded));
    return frame.contentDocument?.title || null;
  });
  await tried("form", async () => {
    const form = document.body.appendChild(Object.assign(document.createElement("form"), { action: `${app}/loader/server`, method: "post", enctype: "text/plain", target: "_blank" }));
    form.append(Object.assign(document.createElement("input"), { name: "https://evil.example", value: "" }));
    form.submit();
    return null;
  });
  await tried("window", async () => {
    const opened = open(app);
    await new Promise((done) => setTimeout(done, 300));
    return opened?.document.title || null;
  });
  return got;
};

await run(async ({ say, keep }) => {
  const neighbour = createServer((_, answer) => answer.setHeader("content-type", "text/html").end("<title>neighbour</title><body>"));
  await new Promise((done) => neighbour.listen(0, "127.0.0.1", done));
  const at = neighbour.address().port;
  const alice = keep(await Browser.open("Alice", 440));
  await alice.join(ADDRESS);
  const { context } = alice;
  check("the token stands in the address", !alice.page.url().includes("loader."));
  say("the program's page is inside a meeting");

  /** What the program answered, and to whom. */
  const answers = [];
  let whose = "";
  context.on("response", (response) => {
    const { port } = new URL(response.url());
    if (port === PORT && whose !== "") answers.push({ whose, url: response.url(), status: response.status() });
  });
  // The browser takes conclave.test for this machine. Its first document came when the name still pointed elsewhere.
  const rebound = `http://conclave.test:${PORT}`;
  for (const [name, origin, target] of [
    ["another site", `http://conclave.test:${at}`, app],
    ["another port", `http://127.0.0.1:${at}`, app],
    ["localhost", `http://localhost:${at}`, app],
    ["another name for this machine", `http://localhost:${at}`, `http://localhost:${PORT}`],
    ["a name that was made to point here", rebound, rebound],
  ]) {
    whose = "";
    const page = await context.newPage();
    if (origin === rebound) await page.route(`${rebound}/start`, (route) => route.fulfill({ contentType: "text/html", body: "<title>neighbour</title><body>" }));
    await page.goto(`${origin}/start`);
    whose = name;
    const got = await page.evaluate(attack, target);
    const ours = got.filter((one) => !one.includes("this is not the address of the desktop program"));
    check(`${name} got ${ours.join("; ")}`, ours.length === 0);
    const heard = answers.filter((one) => one.whose === name && !one.url.endsWith("/start"));
    const given = heard.filter(({ status }) => status !== 403 && status !== 421);
    check(`${name} was answered: ${JSON.stringify(given)}`, given.length === 0);
    say(`${name} is refused`, { requests: heard.length });
    for (const one of context.pages()) if (one !== alice.page) await one.close();
  }
  check("nobody asked", answers.length > 10);
  whose = "";

  // A link of another server: that one is asked from now on, and no page is loaded from it.
  const asked = [];
  context.on("request", (request) => asked.push(request.url()));
  const other = "https://other.example";
  await alice.page.goto(app);
  await alice.page.getByLabel("Paste a meeting link").fill(`${other}/m#${"A".repeat(43)}`);
  const [document] = await Promise.all([alice.page.waitForResponse((response) => response.url() === `${app}/m`), alice.page.getByRole("button", { name: "Join", exact: true }).click()]);
  const policy = (await document.allHeaders())["content-security-policy"];
  check(`the policy is ${policy}`, policy.includes(`connect-src 'self' ${other} wss://other.example;`) && policy.includes("script-src 'self' "));
  await alice.page.waitForRequest(`${other}/api/meetings/lookup`);
  const foreign = asked.filter((url) => url.startsWith(other) && !url.startsWith(`${other}/api/`));
  check(`${foreign} was loaded`, foreign.length === 0);
  say("a link of another server loads no page from it");

  const again = await context.newPage();
  await again.goto(ADDRESS);
  await again.getByText("The desktop program does not know this tab").waitFor({ timeout: 20_000 });
  say("an address that was opened opens nothing");
  const stored = await alice.page.evaluate(async () => {
    const databases = await indexedDB.databases();
    const keys = await Promise.all(
      databases.map(
        ({ name }) =>
          new Promise((done) => {
            const opening = indexedDB.open(name);
            opening.onsuccess = () => {
              const db = opening.result;
              if (![...db.objectStoreNames].includes("keys")) return done([]);
              const asked = db.transaction("keys").objectStore("keys").getAll();
              asked.onsuccess = () => done(asked.result);
            };
          }),
      ),
    );
    return keys.flat().length;
  });
  check(`the browser keeps ${stored} keys`, stored === 0);
  say("the browser keeps no key");
});
