import { describe, expect, it } from "vitest";
import { chatFileName, chatText } from "./chat-file.ts";

const line = (id: number, text: string) => ({ id, from: "a", name: "Ana", text, at: 0, mine: false });

describe("chatText", () => {
  it("says first that the file is readable, then who wrote what", () => {
    const text = chatText({ title: "Editorial", chat: [line(1, "Morning")], unsent: [line(2, "Late")] }, 0);
    expect(text).toMatch(/^Editorial\n/u);
    expect(text.indexOf("not sealed")).toBeLessThan(text.indexOf("Morning"));
    expect(text).toMatch(/\] Ana: Morning\n/u);
    expect(text).toMatch(/\] Ana: Late \(not sent\)\n/u);
    expect(text).not.toContain("Earlier lines");
  });
  it.each(["\n", "\r\n", "\r", "\u2028", "\u2029", "\u0085", "\v", "\f"])("lets nobody write a line in another name by %j", (end) => {
    const lines = chatText({ title: "", chat: [line(1, `Yes${end}[12:00] Kim: I agree`)], unsent: [] }, 0).split(/\r\n|[\n\v\f\r\u0085\u2028\u2029]/u);
    expect(lines.filter((one) => one.startsWith("["))).toHaveLength(1);
  });
  it("keeps no key of a meeting", () => {
    const key = "_".repeat(42) + "A";
    for (const text of [`https://meet.example.org/#${key}`, `http://localhost/#${key}`, `here: #${key}`]) expect(chatText({ title: "", chat: [line(1, text)], unsent: [] }, 0)).not.toContain(key);
  });
  it("says that lines are missing above", () => expect(chatText({ title: "", chat: [line(12, "x")], unsent: [] }, 0)).toContain("Earlier lines"));
});

describe("chatFileName", () => {
  it.each([
    ["Editorial, Tuesday", "Chat - Editorial, Tuesday.txt"],
    ["", "Chat.txt"],
    ["../../etc/passwd", "Chat - etcpasswd.txt"],
    ["a\u202Etxt.exe", "Chat - atxtexe.txt"],
  ])("of %j is %j", (title, name) => expect(chatFileName(title)).toBe(name));
  it("has a bound", () => expect(chatFileName("x".repeat(500)).length).toBeLessThan(80));
});
