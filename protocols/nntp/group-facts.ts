/** What a server says of a group: the reply to GROUP, and the lines of LIST. */
import { PortholeError } from "../../src/errors.js";
import type { Reply } from "../../src/wire/replies.js";
import { wordsOf } from "./refusal.js";

export interface GroupFacts {
  readonly name: string;
  /** Lowest and highest article number. An empty group has `high` below `low` (RFC 3977, 6.1.1.2). */
  readonly low: number;
  readonly high: number;
  /** Articles that there are, as the server counts or guesses. */
  readonly count: number;
}

/** A group in a list. */
export interface ListedGroup extends GroupFacts {
  /**
   * RFC 3977, 7.6.3 and RFC 6048, 3.1: `y` posting, `n` none, `m` moderated, `x` closed, `j` junk, `=name` another
   * group's articles.
   */
  readonly status: string;
  /** `count` is the span of the numbers: the server did not count. */
  readonly estimated: boolean;
}

/** @param asked the group's name where the server leaves it out */
export function groupFacts(reply: Reply, asked: string): GroupFacts {
  const [, count, low, high, name] = /^(\d+)[ \t]+(\d+)[ \t]+(\d+)(?:[ \t]+(\S+))?/.exec(reply.text) ?? [];
  if (count === undefined || low === undefined || high === undefined) {
    throw new PortholeError("protocol", "the server does not say how many articles the group has", {
      reply: wordsOf(reply),
    });
  }
  return {
    name: name ?? asked,
    low: articleNumber(low),
    high: articleNumber(high),
    count: articleNumber(count),
  };
}

/** `misc.test 3002322 3000234 y` of LIST ACTIVE (RFC 3977, 7.6.3); undefined for what is no such line. */
export function parseActive(line: string): ListedGroup | undefined {
  const [, name, high, low, status] = /^(\S+)[ \t]+(\d+)[ \t]+(\d+)(?:[ \t]+(\S+))?/.exec(line) ?? [];
  if (name === undefined || high === undefined || low === undefined) return undefined;
  const facts = { name, low: articleNumber(low), high: articleNumber(high) };
  const count = Math.max(0, facts.high - facts.low + 1);
  return { ...facts, count, status: status ?? "", estimated: true };
}

/** `misc.test 3002322 3000234 1234 y` of LIST COUNTS (RFC 6048, 2.2). */
export function parseCounts(line: string): ListedGroup | undefined {
  const parts = /^(\S+)[ \t]+(\d+)[ \t]+(\d+)[ \t]+(\d+)(?:[ \t]+(\S+))?/.exec(line);
  const [, name, high, low, count, status] = parts ?? [];
  if (name === undefined || high === undefined || low === undefined || count === undefined) return undefined;
  return {
    name,
    low: articleNumber(low),
    high: articleNumber(high),
    count: articleNumber(count),
    status: status ?? "",
    estimated: false,
  };
}

/** `misc.test  General testing` of LIST NEWSGROUPS: the name, white space, and the rest (RFC 3977, 7.6.6). */
export function parseDescription(line: string): { name: string; description: string } | undefined {
  const [, name, description = ""] = /^(\S+)(?:[ \t]+(.*))?$/s.exec(line) ?? [];
  return name === undefined ? undefined : { name, description: description.trim() };
}

/** RFC 3977, 6 stops at 2,147,483,647; servers that went beyond it are read as far as numbers are exact. */
export function articleNumber(digits: string): number {
  const number = Number(digits);
  if (!Number.isSafeInteger(number)) {
    throw new PortholeError("protocol", "the server sent an article number beyond all bounds", {
      reply: digits,
    });
  }
  return number;
}
