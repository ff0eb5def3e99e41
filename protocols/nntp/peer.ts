/** The server at the other end of one connection: the dialogue with it, and what is known of it. */
import { PortholeError } from "../../src/errors.js";
import type { Connection } from "../../src/net/connection.js";
import { type Answer, Dialogue } from "../../src/net/dialogue.js";
import type { Exchange } from "../../src/wire/exchange.js";
import { type Reply, ThreeDigitReplyReader } from "../../src/wire/replies.js";
import { decodeWords } from "../../src/wire/words.js";
import type { Capabilities } from "./capabilities.js";
import { type CommandWords, exchangeOf, sequelOf } from "./command.js";
import { type GroupFacts, groupFacts } from "./group-facts.js";
import { type OverviewFormat, parseOverviewFormat, USUAL_FORMAT } from "./overview.js";
import { refusal, wordsOf } from "./refusal.js";

/** A command that was answered, and what its block is read from. */
export interface Opened {
  readonly words: CommandWords;
  readonly reply: Reply;
  readonly answer: Answer<Reply>;
}

/** Commands under way at once. INN answers a thousand articles fastest with some hundred ahead; see bench/nntp.ts. */
export const DEPTH = 100;

export class Peer {
  readonly dialogue: Dialogue<Reply>;
  /** Undefined for a server from before RFC 3977, whose commands are found out by trying. */
  capabilities: Capabilities | undefined;
  greeting: Reply | undefined;
  /** RFC 3977, 5.1: 201 says that nothing may be posted. */
  postingAllowed = true;
  loggedIn = false;
  /** Milliseconds that the steps of the opening took. */
  readonly times = { greeting: 0, capabilities: 0, login: 0 };
  /** The group that numbers are of. */
  selected: GroupFacts | undefined;
  /** Logs in when a server demands it in the middle of a session. */
  onDemand: ((demand: Reply) => Promise<void>) | undefined;
  #format: Promise<OverviewFormat> | undefined;
  #entering: Promise<void> | undefined;
  #expected: { readonly group: string; readonly answer: Answer<Reply> } | undefined;

  constructor(connection: Connection) {
    this.dialogue = new Dialogue<Reply>(connection, {
      replies: new ThreeDigitReplyReader({ multiline: "never" }),
      unsolicited,
      maxUnanswered: DEPTH,
    });
  }

  get connection(): Connection {
    return this.dialogue.connection;
  }

  /** Puts a command behind all others, without waiting for their answers where it may go ahead of them. */
  say(words: CommandWords): Answer<Reply> {
    return this.dialogue.say(exchangeOf(words));
  }

  /**
   * A command and its first reply, whatever it says. When the server demands a login (480, RFC 4643, 2.2) or reader
   * mode (401, RFC 3977, 5.3) for it, that is done, and the command repeated.
   * @throws PortholeError `busy` when the server says goodbye, `auth`, and when the connection is lost
   */
  async open(words: CommandWords): Promise<Opened> {
    const answer = this.say(words);
    const reply = await answer.reply();
    if (reply.code === 400) throw refusal(reply, "the server ends the session");
    if (!(await this.#demanded(reply))) return { words, reply, answer };
    const again = this.say(words);
    return { words, reply: await again.reply(), answer: again };
  }

  /** A command that is answered by one reply. */
  async ask(words: CommandWords): Promise<Reply> {
    const opened = await this.open(words);
    if (sequelOf(words, opened.reply) !== "nothing") await discard(opened);
    return opened.reply;
  }

  /** A command answered by a list: its lines, or the reply when it was another than `code`. */
  async *lines(words: CommandWords, code: number): AsyncGenerator<Buffer, Reply | undefined, undefined> {
    const { reply, answer } = await this.open(words);
    if (reply.code !== code) return reply;
    yield* answer.lines();
    return undefined;
  }

  /**
   * Selects a group and says a command about it, in one go when another group was selected.
   * @throws PortholeError `missing` when there is no such group
   */
  async openIn(group: string, words: CommandWords): Promise<Opened> {
    if (this.selected?.name === group) return this.open(words);
    const expected = this.#expected?.group === group ? this.#expected.answer : undefined;
    this.#expected = undefined;
    const selecting = expected ?? this.say(["GROUP", group]);
    const answer = this.say(words);
    const selected = await selecting.reply();
    const reply = await answer.reply();
    if (selected.code === 211) {
      this.selected = groupFacts(selected, group);
      if (await this.#demanded(reply)) return this.open(words);
      return { words, reply, answer };
    }
    // The group before it is still selected, and this may be an answer about that.
    await discard({ words, reply, answer });
    if (await this.#demanded(selected)) return this.openIn(group, words);
    throw refusal(selected, `${group} cannot be opened`);
  }

  /**
   * Asks for a group that will be wanted, without waiting: its answer is there when it is. What is sent while a server
   * writes a list carries the acknowledgement, too, that INN waits for (Nagle's algorithm) before it goes on.
   */
  expect(group: string): void {
    if (this.#expected === undefined) this.#expected = { group, answer: this.say(["GROUP", group]) };
  }

  /** Selects a group, and asks anew what it holds. @throws PortholeError `missing` when there is none such */
  async select(group: string): Promise<GroupFacts> {
    if (await this.#isExpected(group)) return this.selected ?? this.select(group);
    const reply = await this.ask(["GROUP", group]);
    if (reply.code !== 211) throw refusal(reply, `${group} cannot be opened`);
    this.selected = groupFacts(reply, group);
    return this.selected;
  }

  /** As `select`, for a list of its articles: where the group was asked for ahead, what the list needs is, too. */
  async selectToList(group: string): Promise<GroupFacts> {
    if (this.#expected?.group === group) this.overviewFormat().catch(() => undefined);
    return this.select(group);
  }

  /** What the overview's fields are (RFC 3977, 8.4); the usual seven where the server does not say. */
  overviewFormat(): Promise<OverviewFormat> {
    this.#format ??= this.#askFormat();
    return this.#format;
  }

  async #askFormat(): Promise<OverviewFormat> {
    if (this.capabilities !== undefined && !this.capabilities.offers("LIST", "OVERVIEW.FMT"))
      return USUAL_FORMAT;
    const lines: string[] = [];
    for await (const line of this.lines(["LIST", "OVERVIEW.FMT"], 215)) {
      if (lines.length < 1000) lines.push(decodeWords(line));
    }
    return parseOverviewFormat(lines);
  }

  /** RFC 2980's name where the server does not announce the one of RFC 3977. */
  get overCommand(): "OVER" | "XOVER" {
    return this.capabilities?.has("OVER") === true ? "OVER" : "XOVER";
  }

  get hdrCommand(): "HDR" | "XHDR" {
    return this.capabilities?.has("HDR") === true ? "HDR" : "XHDR";
  }

  /** What was selected, or asked for ahead, holds no more. */
  forget(): void {
    this.selected = undefined;
    this.#expected = undefined;
  }

  /** QUIT (RFC 3977, 5.4), without waiting long for its answer. */
  async leave(): Promise<void> {
    await this.dialogue.close(exchangeOf(["QUIT"]));
  }

  /** Takes the answer of `expect`, once. @returns whether it selected this group */
  async #isExpected(group: string): Promise<boolean> {
    const expected = this.#expected;
    if (expected === undefined) return false;
    this.#expected = undefined;
    const reply = await expected.answer.reply();
    if (reply.code !== 211) return false;
    this.selected = groupFacts(reply, expected.group);
    return this.selected.name === group;
  }

  /** @returns whether what the server wanted first has been done */
  async #demanded(reply: Reply): Promise<boolean> {
    if (reply.code === 480 && !this.loggedIn && this.onDemand !== undefined) {
      // Several commands under way may all be answered so: one login is enough.
      this.#entering ??= this.onDemand(reply).finally(() => {
        this.#entering = undefined;
      });
      await this.#entering;
      return true;
    }
    if (reply.code === 401 && /mode.?reader/i.test(reply.text)) {
      const mode = await this.say(["MODE", "READER"]).reply();
      if (mode.code !== 200 && mode.code !== 201) throw refusal(mode, "the server does not serve readers");
      return true;
    }
    return false;
  }
}

/** Lets an answer pass that nobody wants any more. The connection ends when that would take long. */
export async function discard({ words, reply, answer }: Opened): Promise<void> {
  switch (sequelOf(words, reply)) {
    case "block":
      answer
        .block()
        .on("error", () => {})
        .destroy();
      break;
    case "lines":
      for await (const _ of answer.lines()) break;
  }
}

/** A server that answers ahead of a command may be one that somebody else speaks for. */
function unsolicited(reply: Reply, during: Exchange<Reply> | undefined): PortholeError {
  if (reply.code >= 400) {
    return refusal(
      reply,
      during === undefined ? "the server ends the session" : "the server broke off the article",
    );
  }
  return new PortholeError("protocol", "the server answered what nobody had asked", {
    reply: wordsOf(reply),
  });
}
