// Runs one script of steps: each is a JSON line, a failure is told with pictures of every open page and ends the process with code 1.
import { mkdirSync, writeSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const shots = fileURLToPath(new URL("../../out/screens/", import.meta.url));
mkdirSync(shots, { recursive: true });

/** Where the picture of this name goes. */
export const shotAt = (name) => join(shots, `${name}.png`);

export const rehearse = async (script) => {
  const open = [];
  const say = (step, more = {}) => writeSync(1, `${JSON.stringify({ step, ...more })}\n`);
  const keep = (one) => (open.push(one), one);
  let code = 0;
  try {
    await script({ say, keep });
    say("done");
  } catch (error) {
    say("failed", { error: `${error?.stack ?? error}` });
    for (const one of open) await one.shot?.(`failed-${one.name.split(" ")[0]}`).catch(() => {});
    code = 1;
  }
  for (const one of open) await one.close().catch(() => {});
  process.exit(code);
};
