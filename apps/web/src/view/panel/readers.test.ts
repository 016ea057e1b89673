import { describe, expect, it } from "vitest";
import type { Snapshot } from "../../api.ts";
import { noReaders, type Readers, readReaders } from "./readers.ts";

const member = (identity: string, me = false): Snapshot["members"][number] => ({ identity, name: identity.toUpperCase(), me, host: false, mic: true, camera: true, screen: false, denied: [], awaySince: undefined, refusal: undefined, doubt: undefined, comparison: { kind: "none" }, recognition: { kind: "guest" }, software: undefined, personCode: undefined, looks: identity });
const line = (id: number) => ({ id });
const [ana, kim, noor] = [member("ana"), member("kim"), member("noor", true)];
const names = ({ of }: Readers, id: number) => of.get(id)?.map(({ name }) => name);

describe("readReaders", () => {
  const two = readReaders(noReaders, [], [], [ana, noor]);
  const written = readReaders(two, [line(1)], [], [ana, noor]);

  it("keeps to those who were inside when a line came, whoever comes or goes later", () => {
    const more = readReaders(written, [line(1)], [], [ana, kim, noor]);
    const later = readReaders(more, [line(1), line(2)], [], [ana, kim, noor]);
    const alone = readReaders(later, [line(1), line(2), line(3)], [], [noor]);
    expect(names(alone, 1)).toEqual(["ANA", "NOOR"]);
    expect(names(alone, 2)).toEqual(["ANA", "KIM", "NOOR"]);
    expect(names(readReaders(alone, [line(3), line(4)], [], [noor]), 4)).toEqual(["NOOR"]);
  });
  it("in one moment takes both who came and who left for readers", () => {
    expect(names(readReaders(two, [line(1)], [], [kim, noor]), 1)).toEqual(["ANA", "NOOR", "KIM"]);
  });
  it("takes everybody for a reader who was inside while an own line was on its way", () => {
    const typed = readReaders(two, [], [line(1)], [ana, noor]);
    const came = readReaders(typed, [], [line(1)], [kim, noor]);
    const sent = readReaders(came, [line(1)], [], [kim, noor]);
    expect(names(readReaders(sent, [line(1)], [], [noor, member("zoe")]), 1)).toEqual(["ANA", "NOOR", "KIM"]);
  });
  it("forgets with the lines", () => expect([...readReaders(written, [line(2)], [], [ana, noor]).of.keys()]).toEqual([2]));
  it("keeps one list for all lines of the same people", () => {
    const next = readReaders(written, [line(1), line(2)], [], [ana, noor]);
    expect(next.of.get(2)).toBe(next.roster);
    expect(next.of.get(1)).toBe(next.of.get(2));
  });
});
