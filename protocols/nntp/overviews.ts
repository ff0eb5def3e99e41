/** Overviews of a group's articles, asked for in stretches that are sent ahead of each other. */
import { PortholeError } from "../../src/errors.js";
import type { CommandWords } from "./command.js";
import type { GroupFacts } from "./group-facts.js";
import { type Overview, type OverviewFormat, parseOverview } from "./overview.js";
import { formatRange, type Range } from "./path.js";
import { discard, type Opened, type Peer } from "./peer.js";
import { isAbsent, isUnknownCommand, refusal } from "./refusal.js";

/** Overviews of one answer: a stretch has some hundred. */
const MOST_HELD = 100_000;

interface Asking extends Opened {
  readonly format: OverviewFormat;
}

interface Asked extends Range {
  readonly high: number;
}

/**
 * Articles asked for at once, and how many such stretches are under way. INN answers a long list in small pieces, each
 * held back until the one before is acknowledged: ten commands of 250 are answered eight times as fast as one of all
 * (bench/nntp.ts).
 */
const STRETCH = 250;
const AHEAD = 10;

/**
 * The articles of a range, newest first: the server is asked from the top down, and for no more than is wanted. They
 * come in batches: a step of a loop for each of a million would take longer than all the rest.
 * @param limit how many are wanted
 */
export async function* newestFirst(
  peer: Peer,
  group: GroupFacts,
  range: Range | undefined,
  limit = Number.POSITIVE_INFINITY,
): AsyncGenerator<readonly Overview[], void, undefined> {
  let left = limit;
  if (left <= 0) return;
  const length = Math.min(stretchIn(group), Math.ceil(left * gapsIn(group)));
  const stretches = downwards(group, range, length);
  for await (const opened of inTurn(peer, group.name, stretches, left > STRETCH ? AHEAD : 1)) {
    const held = await overviewsIn(opened);
    // A server may give them in any order.
    held.sort((a, b) => b.number - a.number);
    yield held.slice(0, left);
    left -= held.length;
    if (left <= 0) return;
  }
}

/** The articles of a range in the server's order, in batches. */
export async function* inOrder(
  peer: Peer,
  group: GroupFacts,
  range: Range,
): AsyncGenerator<readonly Overview[], void, undefined> {
  const stretches = upwards(group, range, stretchIn(group));
  for await (const opened of inTurn(peer, group.name, stretches, AHEAD)) yield await overviewsIn(opened);
}

async function overviewsIn({ reply, answer, format }: Asking): Promise<Overview[]> {
  if (reply.code !== 224) {
    if (isAbsent(reply)) return [];
    throw noOverview(reply);
  }
  const held: Overview[] = [];
  for await (const line of answer.lines()) {
    const overview = parseOverview(line, format);
    if (overview !== undefined) held.push(overview);
    if (held.length > MOST_HELD)
      throw new PortholeError("protocol", "the server sent more articles than were asked for");
  }
  return held;
}

/** One article's, or undefined when it is not there or the server has no overview of it. */
export async function overviewOf(
  peer: Peer,
  group: string | undefined,
  which: number | string,
): Promise<Overview | undefined> {
  const words: CommandWords = [peer.overCommand, which];
  // In one packet.
  const formatting = peer.overviewFormat();
  const [format, opened] = await Promise.all([
    formatting,
    group === undefined ? peer.open(words) : peer.openIn(group, words),
  ]);
  if (opened.reply.code !== 224) return undefined;
  let found: Overview | undefined;
  for await (const line of opened.answer.lines()) found ??= parseOverview(line, format);
  return found;
}

/** Where numbers have gaps, a stretch of them is longer. */
function stretchIn(group: GroupFacts): number {
  return Math.ceil(STRETCH * gapsIn(group));
}

/** How many numbers there are for an article. */
function gapsIn({ low, high, count }: GroupFacts): number {
  const span = high - low + 1;
  return count > 0 && count < span ? span / count : 1;
}

function* downwards(group: GroupFacts, range: Range | undefined, length: number): Generator<Asked> {
  const low = Math.max(group.low, range?.low ?? 0);
  let high = Math.min(group.high, range?.high ?? Number.POSITIVE_INFINITY);
  while (high >= low) {
    const from = Math.max(low, high - length + 1);
    yield { low: from, high };
    high = from - 1;
  }
}

function* upwards(group: GroupFacts, range: Range, length: number): Generator<Asked> {
  const high = Math.min(group.high, range.high ?? Number.POSITIVE_INFINITY);
  let low = Math.max(group.low, range.low);
  while (low <= high) {
    const to = Math.min(high, low + length - 1);
    yield { low, high: to };
    low = to + 1;
  }
}

/** Answers in turn, with the next asked for already; those that nobody wants any more are let pass. */
async function* inTurn(
  peer: Peer,
  group: string,
  stretches: Iterator<Asked>,
  ahead: number,
): AsyncGenerator<Asking, void, undefined> {
  const first = stretches.next();
  if (first.done === true) return;
  // The first goes alone, with the question what the fields are: it is what a login may be demanded for.
  const formatting = peer.overviewFormat();
  const [format, opened] = await Promise.all([
    formatting,
    peer.openIn(group, [peer.overCommand, formatRange(first.value)]),
  ]);
  const asked: { words: CommandWords; answer: Opened["answer"] }[] = [];
  const ask = () => {
    const next = stretches.next();
    if (next.done === true) return;
    const words: CommandWords = [peer.overCommand, formatRange(next.value)];
    asked.push({ words, answer: peer.say(words) });
  };
  try {
    for (let count = 0; count < ahead; count++) ask();
    yield { ...opened, format };
    for (let next = asked.shift(); next !== undefined; next = asked.shift()) {
      yield { ...next, reply: await next.answer.reply(), format };
      ask();
    }
  } finally {
    void letPass(asked);
  }
}

async function letPass(asked: readonly { words: CommandWords; answer: Opened["answer"] }[]): Promise<void> {
  try {
    for (const { words, answer } of asked) await discard({ words, answer, reply: await answer.reply() });
  } catch {
    // The connection is gone, and what was wanted of it as well.
  }
}

function noOverview(reply: Opened["reply"]): PortholeError {
  if (!isUnknownCommand(reply)) return refusal(reply, "the articles cannot be listed");
  return new PortholeError("refused", "the server has no overview of its articles", {
    reply: `${reply.code} ${reply.text}`,
    hint: "articles can be fetched by number",
  });
}
