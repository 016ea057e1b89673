// A native member, as a child process that prints JSON events.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

export class Member {
  /** What it printed; `after` so many milliseconds from its start. */
  events = [];
  #listeners = new Set();

  constructor(client, link, name, more = []) {
    this.name = name;
    const started = performance.now();
    this.child = spawn(client, ["join", link, "--name", name, "--json", ...more], { stdio: ["pipe", "pipe", "inherit"] });
    createInterface({ input: this.child.stdout }).on("line", (line) => {
      const event = { ...JSON.parse(line), after: Math.round(performance.now() - started) };
      this.events.push(event);
      for (const listener of this.#listeners) listener(event);
    });
  }

  say(line) {
    this.child.stdin.write(`${line}\n`);
  }

  /** The first event that fits, past (from the one numbered `from`) or to come. */
  wait(what, fits, { from = 0, patience = 60_000 } = {}) {
    const past = this.events.slice(from).find(fits);
    if (past) return Promise.resolve(past);
    // Made here, so that it names the line that waits.
    const late = new Error();
    return new Promise((resolve, reject) => {
      const done = (event) => {
        if (event !== null && !fits(event)) return;
        clearTimeout(timer);
        this.#listeners.delete(done);
        if (event !== null) return resolve(event);
        late.message = `${this.name}: ${what}: not within ${patience} ms; last: ${JSON.stringify(this.events.slice(-6))}`;
        reject(late);
      };
      const timer = setTimeout(done, patience, null);
      this.#listeners.add(done);
    });
  }

  /** The first picture of `name` is decoded. */
  plays(name, source = "camera") {
    return this.wait(`plays the ${source} of ${name}`, (e) => e.event === "playing" && e.name === name && e.source === source);
  }

  /** Moving pictures of the right kind arrive from `name`. */
  sees(name, source = "camera", from = 0) {
    return this.wait(`sees the ${source} of ${name}`, (e) => e.event === "media" && e.name === name && e.source === source && e.decoded > 0 && e.width > 0 && e.change > 0.05, { from });
  }

  /** The tone of `name` arrives. */
  hears(name, hertz) {
    return this.wait(`hears ${hertz} Hz from ${name}`, (e) => e.event === "media" && e.name === name && e.source === "microphone" && Math.abs((e.frequency ?? 0) - hertz) <= 15);
  }

  async close() {
    this.child.kill();
  }
}
