/** Commands: how they may travel, and what their replies bring with them (RFC 3977, 3.5 and appendix B). */
import { commandLine } from "../../src/wire/command.js";
import type { Exchange, Sequel } from "../../src/wire/exchange.js";
import type { Reply } from "../../src/wire/replies.js";

/** A command's name in upper case, and its arguments. */
export type CommandWords = readonly [string, ...(string | number | Uint8Array)[]];

/** What follows a reply, where something does. The same code may have a block under one command and none under another. */
const SEQUELS: Readonly<Record<string, Readonly<Record<number, Sequel>>>> = {
  ARTICLE: { 220: "block" },
  HEAD: { 221: "block" },
  BODY: { 222: "block" },
  CAPABILITIES: { 101: "lines" },
  HELP: { 100: "lines" },
  LIST: { 215: "lines" },
  LISTGROUP: { 211: "lines" },
  OVER: { 224: "lines" },
  XOVER: { 224: "lines" },
  HDR: { 225: "lines", 221: "lines" },
  XHDR: { 221: "lines" },
  XPAT: { 221: "lines" },
  XGTITLE: { 282: "lines" },
  NEWGROUPS: { 231: "lines" },
  NEWNEWS: { 230: "lines" },
  POST: { 340: "data" },
  IHAVE: { 335: "data" },
  AUTHINFO: { 383: "data" },
  STARTTLS: { 382: "switch" },
  COMPRESS: { 206: "switch" },
};

/** Codes that bring a block under whatever command has them. */
const ALWAYS_LINES: ReadonlySet<number> = new Set([100, 101, 215, 224, 225, 230, 231, 282]);

/** RFC 3977, 3.5; RFC 4643, 2.3; RFC 4642, 2.2; RFC 8054, 2.2: never with other commands around them. */
const ALONE: ReadonlySet<string> = new Set(["MODE", "POST", "IHAVE", "AUTHINFO", "STARTTLS", "COMPRESS"]);

export function exchangeOf([verb, ...words]: CommandWords): Exchange<Reply> {
  const name = verb.toUpperCase();
  const sequels = SEQUELS[name];
  return {
    command: commandLine(verb, ...words),
    sendAhead: name === "QUIT" ? "last" : ALONE.has(name) ? "alone" : "free",
    sequel: ({ code }) =>
      sequels?.[code] ?? (sequels === undefined && ALWAYS_LINES.has(code) ? "lines" : "nothing"),
  };
}

/** What a reply to this command brings with it. */
export function sequelOf([verb]: CommandWords, reply: Reply): Sequel {
  return exchangeOf([verb]).sequel?.(reply) ?? "nothing";
}
