// Names as they are shown. A name is a claim: who takes somebody's name, or one that looks like it, is told apart until it was
// found out who has it.
import { type Accessor, createContext, useContext } from "solid-js";
import type { Snapshot } from "../api.ts";
import { clock, letters } from "./format.ts";
import type { Since } from "./history.ts";
import { strings } from "./strings.ts";

interface Person {
  identity: string;
  name: string;
}

type Looking = Pick<Snapshot["waiting"][number], "identity" | "looks">;

/** Longer names lose letters in the middle, since both ends tell people apart. */
const cut = { above: 40, start: 24, end: 14 };

export const cutName = (name: string): string => {
  const all = letters(name);
  return all.length <= cut.above ? name : `${all.slice(0, cut.start).join("").trimEnd()}…${all.slice(-cut.end).join("").trimStart()}`;
};

/** Where somebody is who has the name of one who waits, or one that looks like it. */
export const twinOf = (one: Looking, inside: readonly Looking[], waiting: readonly Looking[]): "inside" | "outside" | null => {
  if (inside.some(({ looks }) => looks === one.looks)) return "inside";
  return waiting.some(({ identity, looks }) => identity !== one.identity && looks === one.looks) ? "outside" : null;
};

type Member = Pick<Snapshot["members"][number], "identity" | "name" | "looks" | "me" | "comparison" | "recognition">;

/** Whether it was found out who has this name, in this stay or in an earlier meeting: under another name the mark is not that name's. */
export const isVerified = ({ name, comparison, recognition }: Pick<Member, "name" | "comparison" | "recognition">): boolean =>
  comparison.kind === "both" || (recognition.kind === "verified" && recognition.name === name);

/** By identity. `people` in the order in which they came; those who are verified come before all others. */
export const nameAll = (people: readonly Member[], since: ReadonlyMap<string, Since>): ReadonlyMap<string, string> => {
  const seen = new Map<string, number>();
  /** When somebody came, as far as it was seen here. */
  const came = ({ identity, me }: Member) => {
    const known = since.get(identity);
    return !me && known?.how === "seen" ? clock(known.at) : null;
  };
  return new Map(
    [...people.filter(isVerified), ...people.filter((person) => !isVerified(person))].map((person) => {
      const nth = (seen.get(person.looks) ?? 0) + 1;
      seen.set(person.looks, nth);
      const name = cutName(person.name);
      return [person.identity, nth === 1 || isVerified(person) ? name : strings.people.again(nth, name, came(person))];
    }),
  );
};

export const Names = createContext<Accessor<ReadonlyMap<string, string>>>(() => new Map());

/** How to show the name of somebody; who is not inside any more has only the one that came with what they wrote. */
export const useNames = (): ((person: Person) => string) => {
  const names = useContext(Names);
  return ({ identity, name }) => names().get(identity) ?? cutName(name);
};
