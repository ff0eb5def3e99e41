/** UTF-8 and the language of answers (RFC 6856). */
import { PortholeError } from "../../src/errors.js";
import { decodeWords } from "../../src/wire/words.js";
import type { Peer } from "./peer.js";
import { refusal } from "./refusal.js";

export interface Language {
  /** RFC 5646: `de`, `pt-BR`; `i-default` where the server has none of its own. */
  readonly tag: string;
  /** As it is called in itself. */
  readonly name: string;
}

/** A server speaks some dozen. */
const MOST_LANGUAGES = 1000;
const TAG = /^(?:\*|[A-Za-z0-9]{1,8}(?:-[A-Za-z0-9]{1,8}){0,15})$/;

/** RFC 6856, 2: before the login. Else a server shows a made-over form of messages whose headers are in UTF-8. */
export async function enableUtf8(peer: Peer): Promise<void> {
  if (peer.utf8 || peer.capabilities?.has("UTF8") !== true) return;
  const reply = await peer.say(["UTF8"], { alone: true }).reply();
  peer.utf8 = reply.status === "ok";
}

/**
 * LANG (RFC 6856, 3): from now on the server's words for people are in this language; `*` is the one that it likes best.
 * @returns what it says to that
 * @throws PortholeError `usage` for what is no tag, `refused` when it does not speak it
 */
export async function speak(peer: Peer, tag: string): Promise<string> {
  if (!TAG.test(tag)) {
    throw new PortholeError("usage", `'${tag}' is no language`, { hint: "write it as de, or pt-BR" });
  }
  const reply = await peer.say(["LANG", tag], { alone: true }).reply();
  if (reply.status === "ok") return reply.text;
  const refused = refusal(reply, `the server does not speak ${tag}`, "refused");
  const hint = "`porthole pop3 lang URL` shows what it speaks";
  throw new PortholeError(refused.code, refused.message, { reply: refused.reply, hint });
}

/** In the server's order. @throws PortholeError `refused` when it speaks one alone */
export async function languages(peer: Peer): Promise<Language[]> {
  const answer = peer.say(["LANG"], { sequel: "lines", alone: true });
  const reply = await answer.reply();
  if (reply.status !== "ok") throw refusal(reply, "the server has no languages to choose from", "refused");
  const found: Language[] = [];
  for await (const line of answer.lines()) {
    const [, tag = "", name = ""] = /^(\S+)(?: (.*))?$/.exec(decodeWords(line)) ?? [];
    if (tag !== "" && found.length < MOST_LANGUAGES) found.push({ tag, name });
  }
  return found;
}
