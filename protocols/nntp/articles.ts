/** Articles by the number: fetched over one connection with many commands under way (RFC 3977, 3.5). */
import type { Readable } from "node:stream";
import type { Reply } from "../../src/wire/replies.js";
import type { CommandWords } from "./command.js";
import { articleNumber } from "./group-facts.js";
import { formatRange, type Range } from "./path.js";
import { DEPTH, type Opened, type Peer } from "./peer.js";
import { isAbsent, isUnknownCommand, refusal } from "./refusal.js";

/** What of an article. */
export type Part = "ARTICLE" | "HEAD" | "BODY";

export interface Fetched {
  /** The number or Message-ID that was asked for. */
  readonly which: number | string;
  /** Undefined when it is not there. To be read to its end, or destroyed, before the next is taken. */
  readonly body: Readable | undefined;
  readonly reply: Reply;
}

/** Numbers asked for at once: of a group with gaps, only those that there are. */
const NUMBERS_AT_ONCE = 2000;

/**
 * Articles in the order asked for.
 * @param group whose numbers they are; undefined for Message-IDs
 * @throws PortholeError when the server refuses otherwise than by saying that one is not there
 */
export async function* fetchAll(
  peer: Peer,
  group: string | undefined,
  wanted: AsyncIterable<number | string> | Iterable<number | string>,
  part: Part = "ARTICLE",
  depth = DEPTH,
): AsyncGenerator<Fetched, void, undefined> {
  const asked: { which: number | string; words: CommandWords; answer: Opened["answer"] }[] = [];
  const source = iteratorOf(wanted);
  let ended = false;
  const ask = async (): Promise<void> => {
    const next = await source.next();
    if (next.done === true) ended = true;
    else {
      const words: CommandWords = [part, next.value];
      asked.push({ which: next.value, words, answer: peer.say(words) });
    }
  };
  let underWay: Readable | undefined;
  try {
    const first = await source.next();
    if (first.done === true) return;
    // The first goes alone: it is what a login may be demanded for.
    const words: CommandWords = [part, first.value];
    const opened = group === undefined ? await peer.open(words) : await peer.openIn(group, words);
    let next: (Opened & { which: number | string }) | undefined = { ...opened, which: first.value };
    while (next !== undefined) {
      while (!ended && asked.length < depth) await ask();
      const { which, reply, answer } = next;
      underWay = bodyOf(reply, part) ? answer.block() : undefined;
      if (underWay === undefined && !isAbsent(reply))
        throw refusal(reply, `article ${which} cannot be fetched`);
      yield { which, body: underWay, reply };
      const following = asked.shift();
      next = following === undefined ? undefined : { ...following, reply: await following.answer.reply() };
    }
  } finally {
    await source.return?.();
    if (underWay !== undefined && !underWay.readableEnded) underWay.destroy();
    // What was sent ahead cannot be called back; to let it pass would take longer than to connect again.
    if (asked.length > 0) peer.connection.destroy();
  }
}

/** The numbers of a range that there are, asked for some thousands at a time. */
export async function* numbersIn(
  peer: Peer,
  group: string,
  range: Range,
): AsyncGenerator<number, void, undefined> {
  const facts = await peer.select(group);
  const low = Math.max(range.low, facts.low);
  const high = Math.min(range.high ?? Number.POSITIVE_INFINITY, facts.high);
  for (let from = low; from <= high; from += NUMBERS_AT_ONCE) {
    const to = Math.min(high, from + NUMBERS_AT_ONCE - 1);
    yield* await numbersAtOnce(peer, group, { low: from, high: to });
  }
}

async function numbersAtOnce(peer: Peer, group: string, range: Required<Range>): Promise<number[]> {
  const lines = peer.lines(["LISTGROUP", group, formatRange(range)], 211);
  const numbers: number[] = [];
  for (;;) {
    const { done, value } = await lines.next();
    if (done === true) {
      if (value === undefined || isAbsent(value)) return numbers;
      // RFC 2980, 2.5: LISTGROUP without a range; there every number is tried.
      if (isUnknownCommand(value)) return every(range);
      throw refusal(value, `the articles of ${group} cannot be listed`);
    }
    const digits = /^\s*(\d+)/.exec(value.toString("latin1"))?.[1];
    const number = digits === undefined ? 0 : articleNumber(digits);
    if (number >= range.low && number <= range.high) numbers.push(number);
  }
}

function every({ low, high }: Required<Range>): number[] {
  return Array.from({ length: high - low + 1 }, (_, at) => low + at);
}

const WITH_BODY: Readonly<Record<Part, number>> = { ARTICLE: 220, HEAD: 221, BODY: 222 };

function bodyOf({ code }: Opened["reply"], part: Part): boolean {
  return code === WITH_BODY[part];
}

function iteratorOf<T>(items: AsyncIterable<T> | Iterable<T>): AsyncIterator<T> | Iterator<T> {
  return Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]();
}
