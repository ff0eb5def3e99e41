/**
 * Messages whose names hold for one session alone (POP3 without UIDL): what was remembered of such a name may be another
 * message's by now.
 */
import type { JsonObject } from "../plugin.js";
import type { Found } from "./walk.js";

/** No name holds it. */
const MARK = "\0";

/** What was remembered, as far as it holds: of passing names it stays known what was carried, as of names that are gone. */
export function lastingFacts(
  known: ReadonlyMap<string, JsonObject>,
  source: ReadonlyMap<string, Found>,
): ReadonlyMap<string, JsonObject> {
  if (![...source.values()].some(({ entry }) => entry.passing === true)) return known;
  return new Map(
    [...known].map(([key, facts]) => [
      source.get(key)?.entry.passing === true ? `${key}${MARK}` : key,
      facts,
    ]),
  );
}

/** Whether the name is still another message's: what is noted under it is not to be forgotten. */
export function isReused(key: string): boolean {
  return key.endsWith(MARK);
}
