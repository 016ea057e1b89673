// Names as they are shown. A name is a claim: who takes somebody's name, or one that looks like it, is told apart until the safety code was
// compared with them.
import { type Accessor, createContext, useContext } from "solid-js";
import type { Snapshot } from "../api.ts";
import { clock, letters } from "./format.ts";
import type { Since } from "./history.ts";
import { strings } from "./strings.ts";

interface Person {
  identity: string;
  name: string;
}

/** Longer names lose letters in the middle, since both ends tell people apart. */
const cut = { above: 40, start: 24, end: 14 };

export const cutName = (name: string): string => {
  const all = letters(name);
  return all.length <= cut.above ? name : `${all.slice(0, cut.start).join("").trimEnd()}…${all.slice(-cut.end).join("").trimStart()}`;
};

/** Letters of other scripts, and digits, that pass for a Latin letter in most typefaces; after lower case. */
const lookAlikes = new Map(
  ["aаα", "bьвβ", "cсϲ", "dԁ", "eеε", "gɡ", "hһнη", "iіı1l|ι", "jј", "kкκ", "mм", "nп", "oоο0σ", "pрρ", "qԛ", "sѕ", "tтτ", "uυ", "vνѵ", "wԝω", "xхχ", "yуγ", "zζ"].flatMap((group) => {
    const [latin = "", ...others] = group;
    return others.map((other) => [other, latin] as const);
  }),
);

/** What two names have in common that look alike at a glance. */
export const skeleton = (name: string): string =>
  [...name.normalize("NFKD").toLowerCase().replace(/[^\p{L}\p{N}|]/gu, "")].map((char) => lookAlikes.get(char) ?? char).join("") || name;

/** Where somebody is who has the name of one who waits, or one that looks like it. */
export const twinOf = (one: Person, inside: readonly Person[], waiting: readonly Person[]): "inside" | "outside" | null => {
  const looks = skeleton(one.name);
  if (inside.some(({ name }) => skeleton(name) === looks)) return "inside";
  return waiting.some(({ identity, name }) => identity !== one.identity && skeleton(name) === looks) ? "outside" : null;
};

type Member = Pick<Snapshot["members"][number], "identity" | "name" | "me" | "comparison">;

/** By identity. `people` in the order in which they came; those who were compared come before all others. */
export const nameAll = (people: readonly Member[], since: ReadonlyMap<string, Since>): ReadonlyMap<string, string> => {
  const seen = new Map<string, number>();
  const isCompared = ({ comparison }: Member) => comparison.kind === "both";
  /** When somebody came, as far as it was seen here. */
  const came = ({ identity, me }: Member) => {
    const known = since.get(identity);
    return !me && known?.how === "seen" ? clock(known.at) : null;
  };
  return new Map(
    [...people.filter(isCompared), ...people.filter((person) => !isCompared(person))].map((person) => {
      const looks = skeleton(person.name);
      const nth = (seen.get(looks) ?? 0) + 1;
      seen.set(looks, nth);
      const name = cutName(person.name);
      return [person.identity, nth === 1 || isCompared(person) ? name : strings.people.again(nth, name, came(person))];
    }),
  );
};

export const Names = createContext<Accessor<ReadonlyMap<string, string>>>(() => new Map());

/** How to show the name of somebody; who is not inside any more has only the one that came with what they wrote. */
export const useNames = (): ((person: Person) => string) => {
  const names = useContext(Names);
  return ({ identity, name }) => names().get(identity) ?? cutName(name);
};
