import { expect, test } from "vitest";
import { type Compared, differing, judge, writeCode } from "./compare-code.ts";

const [me, them, third, stranger] = ["a", "b", "c", "d"].map((letter) => letter.repeat(22)) as [string, string, string, string];
const code = ["36426", "40030", "07251", "56195", "22253", "16790"];
const person: Compared = { kind: "person", code, me, them, others: [third] };
const safety: Compared = { ...person, kind: "safety" };

test("what the other's screen shows is the same when its digits are, and gives them as they were scanned", () => {
  for (const compared of [person, safety]) expect(judge(writeCode(compared.kind, them, code), compared)).toEqual({ kind: "same", code });
});

test("the text is as it ever was", () => {
  expect(writeCode("person", them, code)).toBe("conclave/1 person code bbbbbbbbbbbbbbbbbbbbbb 364264003007251561952225316790");
  expect(writeCode("safety", them, code).length).toBeLessThan(84);
});

test("one digit is enough to differ, wherever it stands", () => {
  for (let at = 0; at < 30; at++) {
    const digits = [...code.join("")];
    digits[at] = `${(Number(digits[at]) + 1) % 10}`;
    expect(judge(writeCode("person", them, digits), person)).toEqual({ kind: "differs", elsewhere: false });
  }
});

test("who is between two people makes the codes differ, and cannot make it look like a slip", () => {
  // The friend's page is in another meeting: it names an identity that is not here.
  const shown = writeCode("person", stranger, ["11474", "97796", "06289", "03687", "89923", "16095"]);
  expect(judge(shown, person)).toEqual({ kind: "differs", elsewhere: true });
  expect(judge(shown.replace("person", "safety"), safety)).toEqual({ kind: "differs", elsewhere: true });
});

test("two people have their code in every meeting, and all in one meeting have its code in that alone", () => {
  expect(judge(writeCode("person", stranger, code), person).kind).toBe("same");
  expect(judge(writeCode("safety", stranger, code), safety).kind).toBe("foreign");
});

test("one's own screen, and that of somebody else inside, compare nothing", () => {
  for (const compared of [person, safety]) {
    expect(judge(writeCode(compared.kind, me, code), compared)).toEqual({ kind: "own" });
    expect(judge(writeCode(compared.kind, third, code), compared)).toEqual({ kind: "somebody", identity: third });
  }
});

test("one code is not taken for the other", () => {
  expect(judge(writeCode("safety", them, code), person)).toEqual({ kind: "otherCode" });
  expect(judge(writeCode("person", them, code), safety)).toEqual({ kind: "otherCode" });
});

test("another version says so, and everything else is foreign", () => {
  const good = writeCode("person", them, code);
  expect(judge(good.replace("/1 ", "/2 "), person)).toEqual({ kind: "version" });
  expect(judge("conclave/37 anything at all", person)).toEqual({ kind: "version" });
  const foreign = [
    "", " ", "https://example.org/", "conclave", "conclave/1 ", "conclave/1 person code", `${good} `, ` ${good}`, `${good}\n`, `x${good}`, good.slice(0, -1), `${good}0`,
    good.replaceAll(" ", "  "), good.toUpperCase(), good.replace("person", "toString"), good.replace("person", "__proto__"), good.replace(them, "<img src=x onerror=alert(1)>"),
    good.replace(/\d{30}$/u, "٣".repeat(30)), good.replace(/\d{30}$/u, "-".repeat(30)), good.replace("conclave/1", "conclave/99999"), good.replace("conclave/1", "conclave/-1"), `${good}\0`,
    good + "0".repeat(4000), "conclave/2 ".padEnd(100_000, "x"),
  ];
  for (const text of foreign) expect([text.slice(0, 99), judge(text, person)]).toEqual([text.slice(0, 99), { kind: "foreign" }]);
});

test("a safety code that differs has to do so for a while, and a person code has not", () => {
  const still = differing("safety");
  expect([still("b", "a", 0), still("b", "a", 5_999), still("b", "a", 6_000)]).toEqual([false, false, true]);
  expect(still("c", "a", 7_000), "another one begins anew").toBe(false);
  expect([still("c", "d", 13_500), still("c", "d", 19_500)], "and so does one's own").toEqual([false, true]);
  expect(differing("person")("b", "a", 0)).toBe(true);
});
