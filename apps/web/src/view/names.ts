// Names as they are shown. A name is a claim: who takes somebody's name, or one that looks like it, is told apart from who came first.
import { type Accessor, createContext, useContext } from "solid-js";
import { letters } from "./format.ts";
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

/** By identity. `people` in the order in which they came. */
export const nameAll = (people: readonly Person[]): ReadonlyMap<string, string> => {
  const seen = new Map<string, number>();
  return new Map(
    people.map(({ identity, name }) => {
      const looks = skeleton(name);
      const before = seen.get(looks) ?? 0;
      seen.set(looks, before + 1);
      return [identity, before === 0 ? cutName(name) : strings.people.again(before + 1, cutName(name))];
    }),
  );
};

export const Names = createContext<Accessor<ReadonlyMap<string, string>>>(() => new Map());

/** How to show the name of somebody; who is not inside any more has only the one that came with what they wrote. */
export const useNames = (): ((person: Person) => string) => {
  const names = useContext(Names);
  return ({ identity, name }) => names().get(identity) ?? cutName(name);
};
