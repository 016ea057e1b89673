import { describe, expect, it } from "vitest";
import { flowOf, goesOn, noCrossings as none, readCrossings } from "./chat-flow.ts";

const line = (id: number, at: number, more = {}) => ({ id, from: "a", name: "Ana", text: `${id}`, at, mine: false, ...more });
const notice = (id: number, at: number, kind: "joined" | "left", name: string) => ({ id, at, what: { kind, name } });

describe("readCrossings", () => {
  it("puts comings and goings between the lines before and after them", () => {
    const chat = [line(1, 10), line(2, 30)];
    const { dividers } = readCrossings(none, chat, [notice(1, 20, "joined", "Jonas"), notice(2, 40, "left", "Kim")]);
    expect(flowOf(chat, dividers).map((item) => ("text" in item ? item.text : item.names[0]))).toEqual(["1", "Jonas", "2", "Kim"]);
  });
  it("in one moment takes the newcomer for a reader, and who leaves too", () => {
    const chat = [line(1, 10), line(2, 20)];
    expect(readCrossings(none, chat, [notice(1, 20, "joined", "Jonas")]).dividers[0]?.after).toBe(1);
    expect(readCrossings(none, chat, [notice(1, 20, "left", "Kim")]).dividers[0]?.after).toBe(2);
  });
  it("gathers several at one place, and says nothing where no line stands above", () => {
    expect(readCrossings(none, [line(1, 10)], [notice(1, 20, "joined", "Jo"), notice(2, 21, "joined", "Kim")]).dividers).toMatchObject([{ names: ["Jo", "Kim"] }]);
    expect(readCrossings(none, [], [notice(1, 20, "joined", "Jo")]).dividers).toEqual([]);
  });
  it("says up to where who was sent back to the door could read", () => {
    const sent = { id: 1, at: 20, what: { kind: "sentBack" as const, name: "Kim" } };
    expect(readCrossings(none, [line(1, 10)], [sent]).dividers).toMatchObject([{ kind: "sentBack", names: ["Kim"], after: 1 }]);
  });
  it("keeps what the snapshot has dropped, as long as the lines are there", () => {
    const first = readCrossings(none, [line(1, 10)], [notice(1, 20, "joined", "Jo")]);
    expect(readCrossings(first, [line(1, 10), line(2, 30)], [notice(7, 40, "left", "Kim")]).dividers).toHaveLength(2);
    expect(readCrossings(first, [line(2, 30)], []).dividers).toEqual([]);
    const second = readCrossings(none, [line(1, 10), line(2, 15)], [notice(1, 20, "joined", "Jo")]);
    expect(readCrossings(second, [line(1, 10), line(3, 30)], []).dividers).toMatchObject([{ after: 1 }]);
  });
  it("stays where the order of the log is not that of the lines' ids", () => {
    const chat = [line(1, 10), line(3, 12), line(2, 14)];
    const first = readCrossings(none, chat, [notice(1, 20, "joined", "Jo")]);
    expect(first.dividers[0]?.after).toBe(2);
    expect(readCrossings(first, chat.slice(1), []).dividers).toHaveLength(1);
  });
  it("reads each notice once", () => {
    const notices = [notice(1, 20, "joined", "Jo")];
    const first = readCrossings(none, [line(1, 10)], notices);
    expect(readCrossings(first, [line(1, 10)], notices).dividers).toHaveLength(1);
  });
});

describe("goesOn", () => {
  it("names the writer anew after a divider", () => {
    const [divider] = readCrossings(none, [line(1, 10)], [notice(1, 20, "joined", "Jo")]).dividers;
    expect(goesOn(line(2, 30), line(1, 10))).toBe(true);
    expect(goesOn(line(2, 30), divider)).toBe(false);
  });
});
