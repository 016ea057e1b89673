// People who do whatever people do, in an order that a seed decides; then all who are inside see, hear and read each other, and nothing was
// ever red. Each walk is a meeting of its own. Prints one JSON line a step; a walk that fails names its seed: SEEDS=that runs it alone.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium, chromiumFakes, chromiumOptions } from "../../kit/browser/drivers.mjs";
import { wav } from "../../kit/browser/fake-audio.mjs";
import { film } from "../../kit/browser/fake-video.mjs";
import { patience, Person } from "../../kit/browser/person.mjs";
import { check, placeOf, run } from "../../kit/browser/script.mjs";

const { URL: SERVER, CLIENT, MEDIA, SEEDS } = process.env;
const tone = 660;
const names = ["Amara", "Ben", "Chidi", "Dora"];
const second = 1_000;
/** Between two looks at everybody, in milliseconds: pictures that move do so in this time. */
const pause = 400;

/** Mulberry32: numbers from 0 to 1, the same for the same seed. */
const random = (seed) => {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
};

const cuts = [{ tcp: "closed" }, { tcp: "dead", udp: "dead" }, { udp: "dead" }];

/** What a person may do now, each as often as it stands here. */
const choices = (person, write) => {
  if (!person.inside) {
    if (person.cut) return [["mend", () => person.mendLine()]];
    return [["join", () => person.join()], person.hasLeft ? ["join again", () => person.joinAgain()] : ["join", () => person.join()]];
  }
  return [
    ["microphone", () => person.toggleMicrophone()],
    ["camera", () => person.toggleCamera()],
    ["write", write],
    ["write", write],
    ["close panel", () => person.closePanel()],
    ["leave", () => person.leave()],
    ["back, leave", () => person.back(true)],
    ["back, stay", () => person.back(false)],
    ...(person.cut
      ? [["mend", () => person.mendLine()], ["mend", () => person.mendLine()]]
      : [
          ["reload", () => person.reload()],
          ["second tab, stay", () => person.secondTab(false)],
          ["second tab, move", () => person.secondTab(true)],
          ["share", () => person.toggleShare()],
          ...cuts.map((how) => [`cut ${JSON.stringify(how)}`, () => person.cutLine(how)]),
        ]),
  ];
};

/** One person's picture on the page of another. */
const pictureOf = (viewer, { name }) => `${viewer.name}: the picture of ${name}`;

/** What does not hold yet of what people in a meeting must see and hear. `before`: what was shown a moment ago; `moved`: pictures that were seen to. */
const missing = (inside, now, before, moved) => {
  const wrong = [];
  for (const viewer of inside) {
    const shown = now.get(viewer);
    const was = before.get(viewer);
    const not = (what) => wrong.push(`${viewer.name}: ${what}`);
    // Whose line is cut and who leaves then is lost to the others, and keeps a tile for a while.
    const present = shown.people.filter((one) => !one.lost);
    if (present.length !== inside.length) not(`${present.length} tiles for ${inside.length} people: ${shown.people.map((one) => one.name)}`);
    const chips = [`Locked from inside · ${inside.length === 1 ? "1 person" : `${inside.length} people`}`];
    if (shown.people.length - present.length > 1) chips.push("Locked · several people lost");
    if (!chips.includes(shown.chip)) not(`the chip says "${shown.chip}"`);
    if (shown.banner !== "") not(`the banner says "${shown.banner}"`);
    if (shown.presenting !== viewer.sharing) not(`is ${shown.presenting ? "" : "not "}told that the own screen is shared`);
    for (const other of inside) {
      if (other === viewer) continue;
      const named = present.filter((one) => one.name === other.name);
      const [tile] = named;
      if (named.length !== 1) { not(`${named.length} tiles of ${other.name} among ${present.map((one) => one.name)}`); continue; }
      const last = was?.people.find((one) => one.identity === tile.identity);
      const label = `${other.name}, microphone ${other.microphone ? "on" : "off"}, camera ${other.camera ? "on" : "off"}`;
      if (tile.label !== label) not(`a tile says "${tile.label}" and not "${label}"`);
      if (tile.away) not(`${other.name} is called away`);
      const moves = last !== undefined && tile.camera > last.camera;
      if (moves) moved.add(pictureOf(viewer, other));
      // One that is scrolled away stands still; it has moved when it was in sight.
      if (other.camera && !moves && (tile.inSight || !moved.has(pictureOf(viewer, other)))) not(`the picture of ${other.name} stands still (${tile.camera}${tile.inSight ? "" : ", out of sight"})`);
      if (!other.camera && tile.camera > 0) not(`the picture of ${other.name} is still there`);
      if (other.microphone !== tile.hertz > 0) not(`${other.name} sounds at ${tile.hertz} Hz`);
      if (other.sharing !== tile.screen > 0) not(`the screen of ${other.name}: ${tile.screen} frames`);
    }
  }
  return wrong;
};

/** Lines that two people both have stand in the same order. */
const inOneOrder = (inside, now) => {
  const texts = inside.map((person) => [person.name, now.get(person).lines.map((line) => line.text)]);
  for (const [one, a] of texts) {
    for (const [other, b] of texts) {
      const [left, right] = [a.filter((text) => b.includes(text)), b.filter((text) => a.includes(text))];
      check(`the chat of ${one} and of ${other}: ${left} | ${right}`, left.join() === right.join());
    }
  }
};

/** Lines that wait for those who were cut off at the same time, and lines that those who wrote them stayed to send and that somebody who was there ever since does not have. */
const unread = (inside, now, written) => [
  ...inside.filter((person) => now.get(person).lines.some((line) => line.unsent)).map(({ name }) => `${name}: lines of the chat wait`),
  ...written
    .filter(({ by, visit }) => by.visit === visit)
    .flatMap(({ text, readers }) => readers.filter(({ who, visit }) => who.visit === visit && !now.get(who).lines.some((line) => line.text === text)).map(({ who }) => `${who.name}: "${text}" is missing`)),
];

const settle = async (people, written, since) => {
  const inside = people.filter((person) => person.inside);
  for (const person of inside) await person.openChat();
  const look = async () => new Map(await Promise.all(inside.map(async (person) => [person, await person.presence()])));
  let before = new Map();
  const moved = new Set();
  const waited = [];
  let seenMs = null;
  for (;;) {
    const now = await look();
    const elapsed = performance.now() - since;
    const [unseen, lines] = [missing(inside, now, before, moved), unread(inside, now, written)];
    seenMs = unseen.length === 0 ? (seenMs ?? Math.round(elapsed)) : null;
    const wrong = [...unseen, ...lines];
    if (wrong.length === 0) {
      inOneOrder(inside, now);
      return { seenMs, readMs: Math.round(elapsed), waited };
    }
    check(wrong.join("; "), elapsed < patience);
    waited.push(`${(elapsed / second).toFixed(1)} s ${wrong.join("; ")}`);
    for (const viewer of inside) {
      const away = now.get(viewer).people.find((tile) => !tile.inSight && inside.some((other) => other !== viewer && other.name === tile.name && other.camera && !moved.has(pictureOf(viewer, other))));
      if (away) await viewer.bringInSight(away.identity);
    }
    before = now;
    await new Promise((done) => setTimeout(done, pause));
  }
};

const walk = async (browser, seed, people) => {
  const one = random(seed);
  const pick = (list) => list[Math.floor(one() * list.length)];
  const link = execFileSync(CLIENT, ["create", SERVER]).toString().trim();
  const began = performance.now();
  const at = () => ((performance.now() - began) / 1000).toFixed(1);
  const written = [];
  const done = [];
  try {
    for (const name of names.slice(0, pick([2, 2, 2, 3, 3, 4]))) people.push(Object.assign(await Person.come(browser, name, link, MEDIA), { at }));
    done.push(`${at()} s all join`);
    await Promise.all(people.map((person) => person.join()));
    const write = (by) => async () => {
      const text = `line ${written.length + 1} of ${by.name}`;
      const readers = people.filter((who) => by.cut === null && who.inside && !who.wasCut).map((who) => ({ who, visit: who.visit }));
      written.push({ text, by, visit: by.visit, readers });
      await by.write(text);
    };
    const steps = 5 + Math.floor(one() * 6);
    for (let step = 0; step < steps; step++) {
      // One or two at once.
      const actors = people.map((person) => [one(), person]).toSorted(([a], [b]) => a - b).slice(0, one() < 0.4 ? 2 : 1).map(([, person]) => person);
      const acts = actors.map((person) => [person, ...pick(choices(person, write(person)))]);
      done.push(`${at()} s ${acts.map(([{ name }, what]) => `${name}: ${what}`).join(" + ")}`);
      await Promise.all(acts.map(([, , act]) => act()));
    }
    for (const person of people.filter(({ cut }) => cut)) {
      done.push(`${at()} s ${person.name}: mend`);
      await person.mendLine();
    }
    const since = performance.now();
    const settled = await settle(people, written, since);
    for (const { name, page, inside, faults, alarms } of people) {
      if (!inside) await page.getByRole("heading", { name: "You left" }).waitFor();
      check(`${name}: ${faults.join("; ")}`, faults.length === 0);
      const untrue = alarms.filter(({ text, cut }) => !(cut?.udp && text.includes("do not get through")));
      check(`${name} was alarmed: ${JSON.stringify(untrue)}`, untrue.length === 0);
    }
    return { people: people.length, did: done, ...settled };
  } catch (error) {
    const seen = people.filter(({ faults, alarms }) => faults.length + alarms.length > 0).map(({ name, faults, alarms }) => ({ name, faults, alarms }));
    error.message = `walk ${seed} (again: cargo xtask soak 1 --first ${seed}): ${error.message}; after ${JSON.stringify(done)}; seen ${JSON.stringify(seen)}`;
    throw error;
  }
};

await run(async ({ say, keep }) => {
  const folder = mkdtempSync(join(tmpdir(), "conclave-e2e-"));
  keep({ close: async () => rmSync(folder, { recursive: true, force: true }) });
  const [sound, picture] = [join(folder, "tone.wav"), join(folder, "film.y4m")];
  writeFileSync(sound, wav(tone));
  writeFileSync(picture, film([96, 118, 160], { width: 480, height: 270, fps: 5 }));
  const flags = [...chromiumFakes, `--use-file-for-fake-audio-capture=${sound}`, `--use-file-for-fake-video-capture=${picture}`, "--auto-accept-this-tab-capture", "--auto-select-desktop-capture-source=Entire screen"];
  // One for all: each person is a context of its own, with its own storage.
  const browser = await chromium.launch(chromiumOptions(flags));
  keep({ close: () => browser.close() });
  const failed = [];
  for (const seed of SEEDS.split(" ").map(Number)) {
    const people = [];
    try {
      say(`walk ${seed}`, await walk(browser, seed, people));
    } catch (error) {
      failed.push(error);
      say(`walk ${seed} failed`, { failed: error.message, at: placeOf(error) });
      for (const person of people) await person.shot(`failed-${seed}-${person.name}`).catch(() => {});
    }
    for (const person of people) await person.close().catch(() => {});
  }
  check(failed.map((error) => error.message).join("\n"), failed.length === 0);
});
