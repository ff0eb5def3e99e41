/** Searching a group by a pattern in one field of its articles. */
import { PortholeError } from "../../src/errors.js";
import type { FieldText } from "./field-text.js";
import { fetchLines, hdrValues } from "./fields.js";
import type { Overview } from "./overview.js";
import { newestFirst, overviewOf } from "./overviews.js";
import type { Range } from "./path.js";
import type { Peer } from "./peer.js";
import { isAbsent, isUnknownCommand, refusal } from "./refusal.js";
import { containing, matchesPattern } from "./wildmat.js";

/** `from: *ann*`; a colon within other words is one of them. */
const FIELD = /^([A-Za-z][A-Za-z0-9-]*|:[a-z]+): *(.+)$/s;
/** What every overview has. */
const IN_OVERVIEW: ReadonlySet<string> = new Set(["subject", "from", "date", "message-id", "references"]);

/**
 * Articles that match, newest first. Fields of the overview are matched here, decoded and without regard to case; for
 * others the server is asked (XPAT, RFC 2980, 2.9), or their contents are (HDR, RFC 3977, 8.5).
 * @throws PortholeError `refused` when the server can do neither
 */
export async function* searchGroup(
  peer: Peer,
  group: string,
  range: Range | undefined,
  words: string,
  text: FieldText,
): AsyncGenerator<Overview, void, undefined> {
  const [, named, sought] = FIELD.exec(words) ?? [];
  const field = (named ?? "subject").toLowerCase();
  const pattern = containing((sought ?? words).trim());
  const facts = await peer.select(group);
  if (IN_OVERVIEW.has(field)) {
    const wanted = pattern.toLowerCase();
    for await (const batch of newestFirst(peer, facts, range)) {
      for (const overview of batch) {
        const value = await text(overview.fields.get(field) ?? "");
        if (matchesPattern(wanted, value.toLowerCase())) yield overview;
      }
    }
    return;
  }
  const whole = { low: range?.low ?? facts.low, high: Math.min(range?.high ?? facts.high, facts.high) };
  const numbers = await numbersWith(peer, group, whole, field, pattern, text);
  for (const number of numbers.sort((a, b) => b - a)) {
    yield (await overviewOf(peer, group, number)) ?? { number, fields: new Map() };
  }
}

async function numbersWith(
  peer: Peer,
  group: string,
  range: Required<Range>,
  field: string,
  pattern: string,
  text: FieldText,
): Promise<number[]> {
  const numbers: number[] = [];
  const span = `${range.low}-${range.high}`;
  if (!/\s/.test(pattern)) {
    const reply = await fetchLines(await peer.openIn(group, ["XPAT", field, span, pattern]), 221, (line) => {
      const number = Number(/^\d+/.exec(line.toString("latin1"))?.[0] ?? 0);
      if (number > 0) numbers.push(number);
    });
    if (reply === undefined) return numbers;
    if (isAbsent(reply)) return [];
    if (!isUnknownCommand(reply) && reply.code !== 502) throw refusal(reply, `${group} cannot be searched`);
  }
  const wanted = pattern.toLowerCase();
  for await (const { number, raw } of hdrValues(peer, group, field, span)) {
    if (raw !== "" && matchesPattern(wanted, (await text(raw)).toLowerCase())) numbers.push(number);
  }
  if (numbers.length > 1_000_000)
    throw new PortholeError("protocol", "the search found more than can be held");
  return numbers;
}
