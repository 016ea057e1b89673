import { describe, expect, it } from "vitest";
import { type Announcement, announceNotices, enqueue, rosterChange, sentence } from "./notices.ts";

describe("announceNotices", () => {
  const joined = (id: number, name: string) => ({ id, at: 0, what: { kind: "joined" as const, name } });
  it("says each coming of a small meeting by itself", () => {
    expect(announceNotices([joined(1, "Ana"), joined(2, "Bo")], 0, 3).map(({ text }) => text)).toEqual(["Ana came in.", "Bo came in."]);
  });
  it("gathers them above twenty people", () => {
    expect(announceNotices([joined(1, "Ana"), joined(2, "Bo"), joined(3, "Cy")], 0, 21)).toMatchObject([{ id: 3, text: "Ana and two others came in.", loud: false, silent: false, security: false }]);
  });
  it("says nothing twice", () => expect(announceNotices([joined(1, "Ana"), joined(2, "Bo")], 2, 3)).toEqual([]));
  it("cuts a long name, so that what happened to it is still seen", () => {
    expect(announceNotices([joined(1, "x".repeat(64))], 0, 3)[0]?.text).toMatch(/^x+…x+ came in\.$/u);
  });
  it("shows no toast for what the tile shows, but says it aloud", () => {
    const [announcement] = announceNotices([{ id: 4, at: 0, what: { kind: "mediaRefused", name: "Jonas", source: "camera", reason: "wrongSender" } }], 0, 3);
    expect(announcement).toMatchObject({ silent: true, text: "We cannot open Jonas’s video: it was not sealed by them." });
    const [doubted] = announceNotices([{ id: 5, at: 0, what: { kind: "mediaUnproved", name: "Jonas", source: "microphone", forged: true } }], 4, 3);
    expect(doubted).toMatchObject({ silent: true, text: "Some of this sound is not Jonas’s: somebody else inside made it." });
  });
});

describe("the door", () => {
  const told = (what: Parameters<typeof announceNotices>[0][number]["what"]) => announceNotices([{ id: 1, at: 0, what }], 0, 3);
  it("is told softly, and in the words of its three states", () => {
    expect(told({ kind: "door", door: "ask" })).toMatchObject([{ text: "From now on whoever comes asks a host first.", loud: false, security: false }]);
    expect(told({ kind: "door", door: "locked" })).toMatchObject([{ text: "A host locked the door: nobody can come in." }]);
  });
  it("tells a new host what that means, and the others who it is", () => {
    expect(told({ kind: "appointed", name: "Bo", me: true })[0]?.text).toBe("You are a host now: in People you decide who is inside.");
    expect(told({ kind: "appointed", name: "Bo", me: false })[0]?.text).toBe("Bo is a host now.");
  });
  it("leaves who asks to come in to the list of those who wait", () => {
    expect(told({ kind: "knocked", name: "Bo" })).toEqual([]);
    expect(sentence([{ at: 0, what: { kind: "knocked", name: "Bo" } }])?.text).toBe("Bo asks to come in.");
  });
});

describe("enqueue", () => {
  const came = (name: string, at: number) => announceNotices([{ id: 1, at, what: { kind: "joined", name } }], 0, 3)[0] as Announcement;
  const texts = (...all: Announcement[]) => all.reduce<Announcement[]>(enqueue, []).map(({ text }) => text);
  it("gathers three who came within two seconds of each other, and who follows them", () => {
    expect(texts(came("Ana", 0), came("Bo", 900), came("Cy", 1800))).toEqual(["Ana and two others came in."]);
    expect(texts(came("Ana", 0), came("Bo", 900), came("Cy", 1800), came("Di", 3700))).toEqual(["Ana and three others came in."]);
  });
  it("names two, and those who come later, by themselves", () => {
    expect(texts(came("Ana", 0), came("Bo", 900), came("Cy", 5000))).toEqual(["Ana came in.", "Bo came in.", "Cy came in."]);
  });
  it("gathers nothing across another announcement", () => {
    const alarm = { text: "!", loud: true, silent: false, security: true };
    expect(texts(came("Ana", 0), came("Bo", 1), alarm, came("Cy", 2))).toHaveLength(4);
  });
});

describe("rosterChange", () => {
  const notice = (id: number, what: Parameters<typeof rosterChange>[0][number]["what"]) => ({ id, at: 0, what });
  it("names who came or went last", () => {
    expect(rosterChange([notice(1, { kind: "joined", name: "Ana" }), notice(2, { kind: "left", name: "Bo" }), notice(3, { kind: "ghost" })], 0)).toBe("Bo left.");
  });
  it("names who was sent back", () => expect(rosterChange([notice(1, { kind: "sentBack", name: "Bo" })], 0)).toBe("A host sent Bo back to the door."));
  it("does not name what was known before", () => expect(rosterChange([notice(1, { kind: "joined", name: "Ana" })], 1)).toBeNull());
});
