// The page's WebAssembly module as one member: an input a line comes in, and what the session asked for goes out, with the time that it took
// and the time that the frame cryptor took; or a member's media, and what sealing and opening them costs.
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { FrameCryptor, initSync, Session } from "../../../apps/web/src/worker/wasm/conclave.js";

initSync({ module: readFileSync(new URL("../../../apps/web/src/worker/wasm/conclave_bg.wasm", import.meta.url)) });

const members = new Map();
const cryptor = new FrameCryptor();
let session;

const input = ({ kind, now, ...more }) => {
  switch (kind) {
    case "httpDone":
      return session.httpDone(more.status, Uint8Array.from(more.bytes), now);
    case "received":
      return session.received(more.bytes, now);
    case "command":
      return session.command(more.command, now);
    default:
      return session[kind](now);
  }
};

const drain = (answer) => {
  for (;;) {
    const step = session.poll();
    if (step.kind === "idle") return step.value;
    const { kind, value } = step.value;
    if (kind === "send") answer.sent.push(value);
    else if (kind === "update") answer.updates.push(value);
    else if (kind === "cryptor") answer.cryptor.push(value);
    else if (kind in answer) answer[kind] = true;
  }
};

/** Seals a member's media, and opens of it what one receiver gets; milliseconds of a processor for each. */
const media = ({ now, frames }) => {
  const { identity } = [...members.values()].find((member) => member.me);
  const used = () => Object.values(process.cpuUsage()).reduce((sum, micros) => sum + micros / 1000, 0);
  const start = used();
  const sealed = frames.map(([at, source, layer, codec, size, first]) => {
    const frame = new Uint8Array(size).fill(0x55);
    frame[0] = first;
    return cryptor.seal(source, layer, codec, frame, now + at);
  });
  const between = used();
  let opened = 0;
  frames.forEach(([at, source, , codec, , , received], id) => {
    if (received) opened += cryptor.receive(identity, source, codec, id, sealed[id], now + at) ? 1 : 0;
    while (cryptor.poll().kind !== "idle");
  });
  return { sealingMs: between - start, openingMs: used() - between, opened };
};

for await (const line of createInterface({ input: process.stdin })) {
  const asked = JSON.parse(line);
  if (asked.kind === "media") {
    console.log(JSON.stringify(media(asked)));
    continue;
  }
  if (asked.kind === "received") asked.bytes = Uint8Array.from(asked.bytes);
  const answer = { http: false, connect: false, disconnect: false, sent: [], updates: [], cryptor: [] };
  const start = performance.now();
  if (asked.link) session = Session.open_link(asked.link, Uint8Array.from(asked.host), undefined, crypto.getRandomValues(new Uint8Array(32)), undefined, [], crypto.getRandomValues(new Uint8Array(32)), asked.now);
  else input(asked);
  const due = asked.link ? asked.now : drain(answer);
  const ms = performance.now() - start;

  const { updates, sent, cryptor: inputs, ...flags } = answer;
  const between = performance.now();
  for (const one of inputs) {
    cryptor.handle(one, asked.now);
    while (cryptor.poll().kind !== "idle");
  }
  const framesMs = performance.now() - between;
  for (const update of updates) {
    for (const identity of update.removed) members.delete(identity);
    for (const member of update.members) members.set(member.identity, member);
  }
  const shown = updates.flatMap(({ status }) => (status?.phase.kind === "inside" ? [Number(status.epoch)] : []));
  const another = [...members.values()].find((member) => !member.me)?.identity ?? null;
  console.log(JSON.stringify({ ...flags, ms, framesMs, due: due ?? null, sent: sent.map((bytes) => [...bytes]), shown, another }));
}
