/** Overviews of a group's articles, asked for in stretches that are sent ahead of each other. */
import { PortholeError } from "../../src/errors.js";
import type { CommandWords } from "./command.js";
import type { GroupFacts } from "./group-facts.js";
import { type Overview, type OverviewFormat, parseOverview } from "./overview.js";
import { formatRange, type Range } from "./path.js";
import { discard, type Opened, type Peer } from "./peer.js";
import { isAbsent, isUnknownCommand, refusal } from "./refusal.js";

/** Articles asked for at once: a stretch is held to be given newest first. */
const STRETCH = 1000;
/** Stretches under way. */
const AHEAD = 3;

interface Asked extends Range {
  readonly high: number;
}

/**
 * The articles of a range, newest first: the server is asked from the top down, and for no more than is wanted.
 * @param limit how many are wanted
 */
export async function* newestFirst(
  peer: Peer,
  group: GroupFacts,
  range: Range | undefined,
  limit = Number.POSITIVE_INFINITY,
): AsyncGenerator<Overview, void, undefined> {
  let left = limit;
  if (left <= 0) return;
  const format = await peer.overviewFormat();
  const stretches = stretchesOf(group, range, Math.min(STRETCH, left));
  for await (const { reply, answer } of inTurn(peer, group.name, stretches, left > STRETCH ? AHEAD : 1)) {
    const held: Overview[] = [];
    if (reply.code === 224) {
      for await (const line of answer.lines()) {
        const overview = parseOverview(line, format);
        if (overview !== undefined) held.push(overview);
      }
    } else if (!isAbsent(reply)) throw noOverview(reply);
    // A server may give them in any order.
    held.sort((a, b) => b.number - a.number);
    for (const overview of held) {
      yield overview;
      left -= 1;
      if (left <= 0) return;
    }
  }
}

/** The articles of a range in the server's order, one answer. */
export async function* inOrder(
  peer: Peer,
  group: string,
  range: Range,
): AsyncGenerator<Overview, void, undefined> {
  const format = await peer.overviewFormat();
  const { reply, answer } = await peer.openIn(group, [peer.overCommand, formatRange(range)]);
  if (reply.code !== 224) {
    if (isAbsent(reply)) return;
    throw noOverview(reply);
  }
  for await (const line of answer.lines()) {
    const overview = parseOverview(line, format);
    if (overview !== undefined) yield overview;
  }
}

/** One article's, or undefined when it is not there or the server has no overview of it. */
export async function overviewOf(
  peer: Peer,
  group: string | undefined,
  which: number | string,
): Promise<Overview | undefined> {
  const format: OverviewFormat = await peer.overviewFormat();
  const words: CommandWords = [peer.overCommand, which];
  const opened = group === undefined ? await peer.open(words) : await peer.openIn(group, words);
  if (opened.reply.code !== 224) return undefined;
  let found: Overview | undefined;
  for await (const line of opened.answer.lines()) found ??= parseOverview(line, format);
  return found;
}

/** Ranges from the top down. */
function* stretchesOf(group: GroupFacts, range: Range | undefined, length: number): Generator<Asked> {
  const low = Math.max(group.low, range?.low ?? 0);
  let high = Math.min(group.high, range?.high ?? Number.POSITIVE_INFINITY);
  while (high >= low) {
    const from = Math.max(low, high - length + 1);
    yield { low: from, high };
    high = from - 1;
  }
}

/** Answers in turn, with the next asked for already; those that nobody wants any more are let pass. */
async function* inTurn(
  peer: Peer,
  group: string,
  stretches: Iterator<Asked>,
  ahead: number,
): AsyncGenerator<Opened, void, undefined> {
  const first = stretches.next();
  if (first.done === true) return;
  // The first goes alone: it is what a login may be demanded for.
  const opened = await peer.openIn(group, [peer.overCommand, formatRange(first.value)]);
  const asked: { words: CommandWords; answer: Opened["answer"] }[] = [];
  const ask = () => {
    const next = stretches.next();
    if (next.done === true) return;
    const words: CommandWords = [peer.overCommand, formatRange(next.value)];
    asked.push({ words, answer: peer.say(words) });
  };
  try {
    for (let count = 0; count < ahead; count++) ask();
    yield opened;
    for (let next = asked.shift(); next !== undefined; next = asked.shift()) {
      yield { ...next, reply: await next.answer.reply() };
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
