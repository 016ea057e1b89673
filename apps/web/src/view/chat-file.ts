// The chat as a text file, made in the page. Pure.
import type { Snapshot } from "../api.ts";
import { clock } from "./format.ts";
import { hideKeys } from "./panel/links.ts";
import { strings } from "./strings.ts";

const breaks = /\r\n|[\n\v\f\r\u0085\u2028\u2029]/u;

/** Further lines of a message are set in, so that none looks like somebody else's. A meeting's key opens more than this chat and stays out. */
const written = ({ at, name, text }: Snapshot["chat"][number]): string => `[${clock(at)}] ${name}: ${hideKeys(text).split(breaks).join("\n        ")}`;

/** All lines, below what the reader of the file has to know. */
export const chatText = ({ title, chat, unsent }: Pick<Snapshot, "title" | "chat" | "unsent">, entered: number): string => {
  const lines = [...chat, ...unsent];
  // Ids count the lines that there were.
  const isCut = Math.max(...lines.map(({ id }) => id)) > lines.length;
  return [
    title || strings.home.untitled,
    new Date(entered).toLocaleString([], { dateStyle: "long", timeStyle: "short" }),
    strings.ended.file.warning,
    strings.ended.file.keys,
    ...(isCut ? [strings.ended.file.cut] : []),
    "",
    ...chat.map(written),
    ...unsent.map((line) => `${written(line)} (${strings.ended.file.unsent})`),
    "",
  ].join("\n");
};

/** A name that every system takes, whatever the title. */
export const chatFileName = (title: string): string => {
  const plain = title.normalize("NFC").replace(/[^\p{L}\p{M}\p{N} ,_-]/gu, "").trim().slice(0, 60);
  return `${strings.chat.title}${plain === "" ? "" : ` - ${plain}`}.txt`;
};
