/** What only POP3 can do: `porthole pop3 stat|uidl|top|capa|lang|quote URL ...`. */
import { PortholeError } from "../../src/errors.js";
import type { Answer } from "../../src/net/dialogue.js";
import type { Command, Invocation, Output, Target } from "../../src/plugin.js";
import { refuseControls } from "../../src/url.js";
import type { StatusReply } from "../../src/wire/status-replies.js";
import { decodeWords } from "../../src/wire/words.js";
import { fileNameOf, MESSAGE_TYPE, messageEntry } from "./entry.js";
import { languages, speak } from "./language.js";
import type { Line } from "./line.js";
import type { Message } from "./maildrop.js";
import { type MailPath, parsePath } from "./path.js";
import { refusal } from "./refusal.js";

/** The session that a command is given has the contract's methods alone; what is behind it is found by its target. */
const lines = new WeakMap<Target, Line>();

export function remember(target: Target, line: Line): void {
  lines.set(target, line);
}

/** STAT. */
async function* stat(invocation: Invocation): AsyncGenerator<Output> {
  const { line } = await openFirst(invocation, "stat URL", 0);
  const { messages, octets } = await (await line.maildrop()).stat();
  yield { kind: "record", text: `${messages} messages, ${octets} octets`, data: { messages, octets } };
}

/** UIDL: of all messages in the server's order, or of the one that the URL names. */
async function* uidl(invocation: Invocation): AsyncGenerator<Output> {
  const { line, path } = await openFirst(invocation, "uidl URL", 0);
  const maildrop = await line.maildrop();
  if (!(await maildrop.hasUids())) {
    throw new PortholeError("refused", "the server has no unique identifiers");
  }
  const messages: readonly Message[] =
    path.what === "maildrop" ? await maildrop.messages() : [await maildrop.find(path)];
  for (const { number, uid, size } of messages) {
    yield {
      kind: "record",
      text: `${number} ${uid ?? "-"}`,
      data: { number, ...(uid === undefined ? {} : { uid }), ...(size === undefined ? {} : { size }) },
    };
  }
}

/** TOP: the header, and so many lines of the text. */
async function* top(invocation: Invocation): AsyncGenerator<Output> {
  const { line, path, rest } = await openFirst(invocation, "top URL [LINES]", 1);
  const [count = "0"] = rest;
  if (!/^\d{1,9}$/.test(count)) throw new PortholeError("usage", `'${count}' is no number of lines`);
  if (path.what === "maildrop") throw new PortholeError("usage", "top wants a message: pop3://HOST/3");
  const maildrop = await line.maildrop();
  const message = await maildrop.find(path);
  const answer = maildrop.peer.say(["TOP", message.number, Number(count)], { sequel: "block" });
  const reply = await answer.reply();
  if (reply.status !== "ok")
    throw refusal(reply, `the header of message ${message.number} cannot be had`, "missing");
  yield {
    kind: "document",
    document: {
      entry: messageEntry(line.target, message, undefined),
      type: MESSAGE_TYPE,
      offset: 0,
      filename: fileNameOf(message),
      body: answer.block(),
    },
  };
}

/** CAPA, before a login where none was asked for. */
async function* capa(invocation: Invocation): AsyncGenerator<Output> {
  const { line } = await openFirst(invocation, "capa URL", 0);
  const { capabilities } = await line.peer();
  if (capabilities === undefined) throw new PortholeError("refused", "the server does not know CAPA");
  for (const { name, arguments: words } of capabilities.all) {
    yield { kind: "record", text: [name, ...words].join(" "), data: { name, arguments: words } };
  }
}

/** LANG: the languages that the server speaks, or what it says when it is to speak one. */
async function* lang(invocation: Invocation): AsyncGenerator<Output> {
  const { line, rest } = await openFirst(invocation, "lang URL [TAG]", 1);
  const peer = await line.peer();
  const [wanted] = rest;
  if (wanted !== undefined) {
    const reply = await speak(peer, wanted);
    yield { kind: "record", text: reply, data: { tag: wanted, reply } };
    return;
  }
  for (const { tag, name } of await languages(peer)) {
    yield { kind: "record", text: name === "" ? tag : `${tag}\t${name}`, data: { tag, name } };
  }
}

/** One command as it is typed, after the login when there is one, and what the server answers. */
async function* quote(invocation: Invocation): AsyncGenerator<Output> {
  const { line, rest } = await openFirst(invocation, "quote URL COMMAND...", undefined);
  const command = rest.join(" ").trim();
  if (command === "") throw new PortholeError("usage", "which command?", { hint: "quote URL COMMAND..." });
  refuseControls(command, "the command");
  const [word = "", ...words] = command.split(/ +/);
  const verb = word.toUpperCase();
  if (verb === "STLS" || verb === "AUTH") {
    throw new PortholeError("usage", `${verb} changes the connection and cannot be quoted`, {
      hint: verb === "STLS" ? "--starttls require starts TLS" : "-u USER logs in",
    });
  }
  const peer = await line.peer();
  const block = hasBlock(verb, words.length);
  const answer: Answer<StatusReply> = peer.say([command], {
    sequel: block ? "lines" : "nothing",
    alone: true,
  });
  const reply = await answer.reply();
  if (reply.status !== "ok") throw refusal(reply, `the server refused ${verb}`, "refused");
  // What was marked is removed at the end, and what was not must not be said to be.
  if (verb === "DELE") peer.marked += 1;
  if (verb === "RSET" || verb === "QUIT") peer.marked = 0;
  yield { kind: "record", text: reply.line, data: { reply: reply.line } };
  if (!block) return;
  for await (const octets of answer.lines()) {
    const text = decodeWords(octets);
    yield { kind: "record", text, data: { line: text } };
  }
}

/** RFC 1939, 5; RFC 2449, 5; RFC 6856, 4: the same word may have a block without an argument, and none with one. */
function hasBlock(verb: string, words: number): boolean {
  switch (verb) {
    case "RETR":
    case "TOP":
    case "CAPA":
      return true;
    case "LIST":
    case "UIDL":
    case "LANG":
      return words === 0;
    default:
      return false;
  }
}

async function openFirst(
  invocation: Invocation,
  usage: string,
  most: number | undefined,
): Promise<{ line: Line; path: MailPath; rest: readonly string[] }> {
  const [url, ...rest] = invocation.words;
  if (url === undefined) throw new PortholeError("usage", "which server?", { hint: usage });
  if (most !== undefined && rest.length > most) {
    throw new PortholeError("usage", `'${rest[most] ?? ""}' is too much`, { hint: usage });
  }
  const { target, opened = target } = await invocation.open(url);
  const line = lines.get(opened);
  if (line === undefined) throw new PortholeError("usage", `${url} is not a pop3: URL`, { hint: usage });
  return { line, path: parsePath(target.path), rest };
}

export const commands: Readonly<Record<string, Command>> = { stat, uidl, top, capa, lang, quote };
