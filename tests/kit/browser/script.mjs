// Runs one script of steps, each a JSON line {"step"}. A failure is one too, {"failed","at"}, with pictures of every open page; it ends
// the process with code 1, and the Rust test that started it says what failed and in which line (tests/kit/src/script.rs).
import { writeSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { stripVTControlCharacters } from "node:util";

// The line of a scene may stand far above the library's that gave up.
Error.stackTraceLimit = 60;
const root = fileURLToPath(new URL("../../../", import.meta.url));

/** Goes on only if this holds. */
export const check = (what, holds) => {
  if (!holds) throw new Error(what);
};

/** Lines of ours that led to an error, the innermost first: tests/e2e/scenes/meeting.mjs:42. */
export const placeOf = (error) => {
  // Node writes URLs, Playwright paths.
  const places = [...`${error?.stack}`.matchAll(/(?:file:\/\/)?(\/[^\s()]+\.mjs:\d+):\d+/g)].map(([, place]) => decodeURI(place));
  const ours = places.filter((place) => place.startsWith(`${root}tests/`) && !place.includes("/node_modules/")).map((place) => place.slice(root.length));
  return ours.filter((place) => !place.startsWith("tests/kit/browser/script.mjs")).join(" < ") || "somewhere";
};

const tell = (line) => writeSync(1, `${JSON.stringify(line)}\n`);

export const run = async (steps) => {
  const open = [];
  const say = (step, more = {}) => tell({ step, ...more });
  const keep = (one) => (open.push(one), one);
  let code = 0;
  try {
    await steps({ say, keep });
    say("done");
  } catch (error) {
    tell({ failed: stripVTControlCharacters(`${error?.message ?? error}`), at: placeOf(error) });
    for (const one of open) await one.shot?.(`failed-${one.name.split(" ")[0]}`).catch(() => {});
    code = 1;
  }
  for (const one of open) await one.close().catch(() => {});
  process.exit(code);
};
