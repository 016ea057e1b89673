import { describe, expect, it } from "vitest";
import { bySeat, takeSeats } from "./seats.ts";

const people = (...all: string[]) => all.map((one) => ({ identity: one, name: one.replace(/\d/u, "") }));
const order = (...rosters: string[][]) => {
  const seats = rosters.reduce<ReturnType<typeof takeSeats>>((before, roster) => takeSeats(before, people(...roster)), []);
  return bySeat(seats, people(...(rosters.at(-1) ?? []))).map(({ identity }) => identity);
};

describe("seats", () => {
  it("go by first coming, whatever order the roster has later", () => expect(order(["ana", "bo"], ["cy", "bo", "ana"])).toEqual(["ana", "bo", "cy"]));
  it("are kept for who comes again under another identity", () => {
    expect(order(["ana1", "bo1", "cy1"], [], ["cy2"], ["cy2", "ana2", "bo2"])).toEqual(["ana2", "bo2", "cy2"]);
  });
  it("are not taken from somebody who sits there", () => expect(order(["ana1", "bo1"], ["ana2", "bo1", "ana1"])).toEqual(["ana1", "bo1", "ana2"]));
  it("have a bound", () => {
    let seats = takeSeats([], people("ana"));
    for (let i = 0; i < 500; i += 1) seats = takeSeats(seats, [{ identity: "ana", name: "ana" }, { identity: `x${i}`, name: `x${i}` }]);
    expect(seats.length).toBeLessThan(210);
    expect(seats[0]?.identity).toBe("ana");
  });
});
