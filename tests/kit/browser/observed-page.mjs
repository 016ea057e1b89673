// The page that people use, as the one who is attacked: joins by LINK as NAME, and prints what it shows and sounds, as JSON lines of the
// shape that the native client prints. Ends when it is told to.
import { Browser } from "./browser.mjs";
import { chromaOf } from "./fake-video.mjs";
import { look } from "./observe.mjs";

const { LINK, NAME, SHOT, SENDS } = process.env;
/** Between two reports, in milliseconds: that of the native client. */
const second = 1000;
/** From the first alarm to its picture, so that what opens softly is open. */
const pause = 600;

const print = (event, more) => console.log(JSON.stringify({ event, ...more }));

// With nothing plugged in it only watches.
const browser = await Browser.open(NAME, 440, { devices: SENDS ? "granted" : "none", colorScheme: "dark" });
process.once("SIGTERM", () => void browser.close().finally(() => process.exit(0)));
await browser.page.addInitScript(look);
await browser.join(LINK);
const press = (name) => browser.page.getByRole("button", { name, exact: true }).click();
/** What its person does when somebody asks for it in the chat. */
const does = {
  "Please switch off.": ["Mute", "Turn camera off"],
  "Please switch on.": ["Unmute", "Turn camera on"],
};

const said = new Set();
const told = new Map();
let shown;
for (;;) {
  const { members, lock, sentences, tracks, captures } = await browser.page.evaluate(() => globalThis.looked());
  print("members", { members });
  print("security", { security: { state: lock } });
  print("captures", { captures });
  for (const text of sentences) {
    if (said.has(text)) continue;
    said.add(text);
    print("told", { text });
    const [, line] = /^.+ writes: (.+)$/.exec(text) ?? [];
    if (line) print("chat", { line: { text: line } });
    for (const name of does[line] ?? []) await press(name);
  }
  for (const { rgb, troubled, ...track } of tracks) {
    const key = `${track.identity} ${track.source}`;
    if (troubled) told.set(key, (told.get(key) ?? 0) + 1);
    print("media", { ...track, ...(rgb && { colour: [0, ...chromaOf(rgb)] }), refused: { told: told.get(key) ?? 0 } });
  }
  const alarm = tracks.some((track) => track.troubled) || sentences.some((text) => /^(The server connected|A change to who is inside)/.test(text));
  if (alarm && SHOT && !shown) {
    shown = new Promise((done) => setTimeout(done, pause)).then(() => browser.shot(`attack-${SHOT}`));
  }
  await new Promise((done) => setTimeout(done, second));
}
