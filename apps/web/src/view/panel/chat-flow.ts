// Between the lines of the chat: who came and who left, so that each line says who could read it. Pure, so that it can be tested.
import type { Snapshot } from "../../api.ts";
import { constants } from "../../constants.ts";

type Line = Snapshot["chat"][number];
type Notice = Snapshot["notices"][number];

export type Crossing = "joined" | "left" | "lost" | "removed" | "sentBack";

/** People who came or went between the line `after` and the next one. */
export interface Divider {
  /** Id of the first notice in it. */
  id: number;
  kind: Crossing;
  names: string[];
  at: number;
  after: number;
}

/** All dividers so far. The snapshot drops old notices, but no line may lose what was said of its readers. */
export interface Crossings {
  dividers: Divider[];
  /** Id of the last notice that was read. */
  noticed: number;
}

/** Lines of one person within this many milliseconds belong together. */
const together = 120_000;

const isCrossing = (kind: Notice["what"]["kind"]): kind is Crossing => kind === "joined" || kind === "left" || kind === "lost" || kind === "removed" || kind === "sentBack";

/**
 * Id of the last line above a notice, 0 if there is none. In doubt more people could read a line than fewer: a newcomer may read what came
 * in the very moment; who left may have read all that came until then.
 */
const lineAbove = (chat: readonly Line[], kind: Crossing, at: number): number =>
  chat.findLast((line) => (kind === "joined" ? line.at < at : line.at <= at))?.id ?? 0;

export const noCrossings: Crossings = { dividers: [], noticed: 0 };

/** Reads on: notices that were not read before become dividers. */
export const readCrossings = (before: Crossings, chat: readonly Line[], notices: readonly Notice[]): Crossings => {
  const kept = new Set(chat.map(({ id }) => id));
  // A line above one can go before older ones do.
  const dividers = before.dividers
    .map((divider) => (kept.has(divider.after) ? divider : { ...divider, after: lineAbove(chat, divider.kind, divider.at) }))
    .filter(({ after }) => after !== 0);
  for (const { id, at, what } of notices) {
    if (id <= before.noticed || !isCrossing(what.kind) || !("name" in what)) continue;
    const last = dividers.at(-1);
    const after = lineAbove(chat, what.kind, at);
    // Nothing above that one could or could not read.
    if (after === 0) continue;
    if (last?.after === after && last.kind === what.kind) dividers[dividers.length - 1] = { ...last, names: [...last.names, what.name], at };
    else dividers.push({ id, kind: what.kind, names: [what.name], at, after });
  }
  return {
    dividers: dividers.slice(-constants.chatLines),
    noticed: notices.at(-1)?.id ?? before.noticed,
  };
};

/** Lines and dividers in their order. */
export const flowOf = (chat: readonly Line[], dividers: readonly Divider[]): (Line | Divider)[] =>
  chat.flatMap((line) => [line, ...dividers.filter(({ after }) => after === line.id)]);

/** Whether a line needs no name of its own, since it goes on where the one before it ended. */
export const goesOn = (line: Line, before: Line | Divider | undefined): boolean =>
  before !== undefined && "text" in before && before.from === line.from && line.at - before.at < together;
