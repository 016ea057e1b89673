// Whatever can go wrong on the way in, with the real server: a sentence that says what happened, one that says what to do, and nothing
// wider than the screen or unreadable to a screen reader. Prints one JSON line a step.
import { Browser } from "../../kit/browser/browser.mjs";
import { AxeBuilder } from "../../kit/browser/drivers.mjs";
import { Member } from "../../kit/browser/member.mjs";
import { check, run } from "../../kit/browser/script.mjs";

const { URL: SERVER, CLIENT, LINK, LOCKED, EXPIRED, INSECURE } = process.env;
const rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

await run(async ({ say, keep }) => {
  /** The page says all of this; then a picture, on a screen and on a phone, and what axe finds. */
  const says = async ({ page, shot }, state, ...sentences) => {
    for (const sentence of sentences) await page.getByText(sentence).first().waitFor({ timeout: 30_000 });
    const { violations } = await new AxeBuilder({ page }).withTags(rules).analyze();
    check(`${state}: ${JSON.stringify(violations.map((one) => [one.id, one.nodes.map((node) => node.target)]))}`, violations.length === 0);
    await shot(`state-${state}`);
    const before = page.viewportSize();
    await page.setViewportSize({ width: 360, height: 640 });
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    check(`${state}: ${wide} px too wide for a phone`, wide <= 0);
    await shot(`state-${state}-phone`);
    await page.setViewportSize(before);
    say(state);
  };
  const opens = async (browser, link) => {
    // From page to page only the fragment changes: that is no load.
    await browser.page.goto("about:blank");
    await browser.page.goto(link);
  };
  const visitor = keep(await Browser.open("Visitor", 700, { colorScheme: "light", reducedMotion: "reduce" }));
  const at = { page: visitor.page, shot: (name) => visitor.shot(name) };

  await opens(visitor, LINK.slice(0, -9));
  await says(at, "link-cut", "This link is not whole", "Ask for the link again, and copy all of it.");
  // As mail programs and people hand links on.
  for (const [state, arrived] of [["link-dot", `${LINK}.`], ["link-bracket", `${LINK})`], ["link-parameters", `${LINK}?utm_source=mail`]]) {
    await opens(visitor, arrived);
    await visitor.page.getByText("Nobody is inside yet.").waitFor({ timeout: 30_000 });
    check(`${state}: ${visitor.page.url()}`, visitor.page.url() === LINK);
    say(state);
  }
  // Nothing behind the #, or no page of ours at all.
  await opens(visitor, LINK.split("#")[0]);
  await says(at, "link-without-key", "The key of this link is missing", "Ask for the link again, or copy it whole");
  await visitor.page.goto("about:blank");
  const unknown = await visitor.page.goto(`${SERVER}/nothing-here`);
  check(`an unknown address answers ${unknown.status()}`, unknown.status() === 404);
  await says(at, "unknown-address", "There is nothing at this address", "Paste it here, or ask for it again.");
  await visitor.page.getByPlaceholder("Paste a meeting link").fill(`Tuesday at ten: ${LINK}.`);
  await visitor.page.getByRole("button", { name: "Join", exact: true }).click();
  await visitor.page.getByText("Nobody is inside yet.").waitFor({ timeout: 30_000 });
  check(`pasted at an unknown address: ${visitor.page.url()}`, visitor.page.url() === LINK);
  for (const path of ["/", "/meeting/", "/m/?utm_source=mail"]) {
    await opens(visitor, `${SERVER}${path}#${LINK.split("#")[1]}`);
    await visitor.page.getByText("Nobody is inside yet.").waitFor({ timeout: 30_000 });
    check(`with the key at ${path}: ${visitor.page.url()}`, visitor.page.url() === LINK);
  }
  say("a key opens its meeting at any address of the server");
  await opens(visitor, `${SERVER}/m#${"A".repeat(43)}`);
  await says(at, "not-found", "There is no such meeting", "Ask whoever invited you for a new link");
  await opens(visitor, EXPIRED);
  await says(at, "expired", "There is no such meeting", "It has expired or was never here.");

  await opens(visitor, LOCKED);
  await says(at, "passphrase", "This meeting has a passphrase", "Ask whoever invited you.");
  await visitor.page.getByLabel("Passphrase").fill("not this one");
  await visitor.page.getByRole("button", { name: "Open" }).click();
  await says(at, "passphrase-wrong", "That did not open it. Check for capital letters, then try again.");
  await visitor.page.getByLabel("Passphrase").fill("correct horse");
  await visitor.page.getByRole("button", { name: "Open" }).click();
  await says(at, "passphrase-right", "You are about to join", "Nobody is inside yet.");
  await visitor.page.getByLabel("Your name, as the others see it").fill("");
  await visitor.page.getByRole("button", { name: "Join", exact: true }).click();
  await says(at, "name-missing", "Type a name, so that the others know who came in.");

  await opens(visitor, INSECURE);
  await says(at, "insecure", "This page needs https", "Change the address, or tell whoever runs the server.");

  await visitor.page.goto(new URL("/", LINK).href);
  await visitor.page.getByPlaceholder("Paste a meeting link").fill("good morning");
  await visitor.page.getByRole("button", { name: "Join", exact: true }).click();
  await says(at, "not-a-link", "This is not a meeting link.");
  await visitor.page.getByPlaceholder("Paste a meeting link").fill(`Tuesday at ten, <${LINK.replace("#", "%23")}>, see you there!`);
  await visitor.page.getByRole("button", { name: "Join", exact: true }).click();
  await says(at, "link-in-a-sentence", "You are about to join", "Nobody is inside yet.");

  // The page's own script is on its way, and does not come.
  const slow = keep(await Browser.open("Slow", 700, { colorScheme: "light", reducedMotion: "reduce" }));
  let answer;
  const asked = new Promise((done) => {
    answer = done;
  });
  await slow.page.route("**/assets/page-*.js", async (route) => ((await asked) ? route.continue() : route.abort()));
  await slow.page.goto(LINK);
  await slow.page.getByLabel("Your name, as the others see it").fill("Early");
  await slow.page.getByRole("button", { name: "Join", exact: true }).click();
  await says({ page: slow.page, shot: (name) => slow.shot(name) }, "painted", "You go in as soon as the meeting is found.");
  answer(true);
  await slow.page.getByText("You are alone inside").waitFor({ timeout: 30_000 });
  say("a name typed and Join pressed before the script is there");
  await slow.page.unrouteAll();
  const press = (name) => slow.page.getByRole("button", { name, exact: true }).click();
  await press("Mute");
  await slow.page.getByRole("button", { name: "Unmute", exact: true }).waitFor();
  await slow.page.reload();
  await slow.page.getByText("You are alone inside").waitFor({ timeout: 30_000 });
  await slow.page.getByRole("button", { name: "Unmute", exact: true }).waitFor();
  say("a tab that was loaded anew goes straight back in, as muted as it was");
  await press("Leave");
  await press("Back to start");
  await says({ page: slow.page, shot: (name) => slow.shot(name) }, "just-left", "You were just in Editorial, Tuesday.");
  await press("Go back");
  await slow.page.getByText("Nobody is inside yet.").waitFor({ timeout: 30_000 });
  await slow.page.reload();
  await slow.page.getByText("Nobody is inside yet.").waitFor({ timeout: 30_000 });
  say("who has left is asked again, after a reload too");
  await slow.page.route("**/assets/page-*.js", (route) => route.abort());
  await slow.page.goto(SERVER);
  await says({ page: slow.page, shot: (name) => slow.shot(name) }, "not-loaded", "Meetings locked from inside.", "Check your connection, then reload.");

  await slow.page.unrouteAll();
  await slow.page.route("**/*.wasm", (route) => route.abort());
  await opens(slow, LINK);
  await says({ page: slow.page, shot: (name) => slow.shot(name) }, "failed", "This page failed", "Check your connection, then reload.");
  // A link to be read needs the module as well.
  await opens(slow, `${LINK}.`);
  await slow.page.getByText("This page failed").waitFor({ timeout: 30_000 });

  const old = keep(await Browser.open("Old", 700, { colorScheme: "dark", reducedMotion: "reduce" }));
  await old.page.addInitScript(() => delete globalThis.RTCRtpScriptTransform);
  await old.page.goto(LINK);
  await says({ page: old.page, shot: (name) => old.shot(name) }, "too-old", "This browser is too old for Conclave", "we send nothing unsealed");

  const denied = keep(await Browser.open("Denied", 700, { devices: "denied", colorScheme: "light", reducedMotion: "reduce" }));
  await denied.page.goto(LINK);
  await says({ page: denied.page, shot: (name) => denied.shot(name) }, "denied", "Camera and microphone are blocked", "Open the sign left of the address, switch it to Allow, and reload.");
  await denied.join(LINK);
  await says({ page: denied.page, shot: (name) => denied.shot(name) }, "denied-inside", "You are alone inside");

  const none = keep(await Browser.open("None", 700, { devices: "none", colorScheme: "dark", reducedMotion: "reduce" }));
  await none.page.goto(LINK);
  await says({ page: none.page, shot: (name) => none.shot(name) }, "no-devices", "We found no camera.", "We found no microphone.");
  await none.join(LINK);
  await denied.page.locator('article[aria-label="None, microphone off, camera off"]').waitFor({ timeout: 30_000 });
  say("who has no devices is inside and shown");

  const stuck = keep(await Browser.open("Stuck", 900, { colorScheme: "light", reducedMotion: "reduce" }));
  await stuck.page.addInitScript(() => {
    const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
    navigator.mediaDevices.getUserMedia = async (wanted) => {
      await globalThis.answers;
      return (globalThis.opened = await open(wanted));
    };
  });
  await stuck.join(LINK);
  await denied.hears(900);
  const toggle = (name) => stuck.page.getByRole("button", { name, exact: true }).click({ timeout: 30_000 });
  await toggle("Mute");
  await stuck.page.evaluate(() => {
    globalThis.opened = undefined;
    globalThis.answers = new Promise((resolve) => (globalThis.answer = resolve));
  });
  await toggle("Unmute");
  await says({ page: stuck.page, shot: (name) => stuck.shot(name) }, "unresponsive", "Your microphone does not answer.", "switch it on here.");
  await stuck.page.evaluate(() => globalThis.answer());
  await stuck.page.waitForFunction(() => globalThis.opened?.getTracks().every((track) => track.readyState === "ended"), null, { timeout: 30_000 });
  await denied.page.locator('article[aria-label^="Stuck, microphone off"]').waitFor({ timeout: 30_000 });
  await toggle("Unmute");
  await denied.hears(900);
  say("a microphone that did not answer is tried again, and what opened too late was closed");

  const nadia = keep(new Member(CLIENT, LINK, "Nadia", ["--no-video", "--tone", "500"]));
  await nadia.wait("is inside", (e) => e.event === "phase" && e.phase.kind === "inside");
  await Promise.all([none.hears(500), denied.hears(500)]);
  say("where nobody has a camera, people are heard");
});
