/** SEARCH and ESEARCH (RFC 9051, 6.4.4; RFC 4731): what matches, by UIDs. */
import type { Peer } from "./peer.js";
import { mustBeOk } from "./refusal.js";
import type { Search } from "./search-words.js";
import { numberOf, textOf } from "./values.js";
import { numbersIn, type Word } from "./words.js";

/** Messages that a search may find. */
const MOST_FOUND = 10_000_000;

/** The UIDs of what matches, ascending. @throws PortholeError */
export async function searchUids(
  peer: Peer,
  words: readonly Word[],
  options: { readonly needsCharset?: boolean } = {},
): Promise<number[]> {
  const { capabilities } = peer;
  const extended = capabilities.has("ESEARCH");
  const answer = peer.dialogue.say({
    words: [
      "UID SEARCH",
      ...(extended ? ["RETURN (ALL)"] : []),
      ...(options.needsCharset === true ? ["CHARSET UTF-8"] : []),
      ...words,
    ],
    takes: ({ name }) => name === "SEARCH" || name === "ESEARCH",
  });
  const found: number[] = [];
  for await (const { name, values } of answer.data()) {
    if (name === "SEARCH") {
      for (const value of values) {
        const uid = numberOf(value);
        if (uid !== undefined && found.length < MOST_FOUND) found.push(uid);
      }
      continue;
    }
    const at = values.findIndex((value) => typeof value === "string" && value.toUpperCase() === "ALL");
    if (at < 0) continue;
    for (const uid of numbersIn(textOf(values[at + 1]) ?? "", MOST_FOUND)) found.push(uid);
  }
  mustBeOk(await answer.status(), "the server does not search for that", "refused");
  return found.sort((one, other) => one - other);
}

/** @param query what else is to hold */
export function withSearch(search: Search, ...more: readonly Word[]): Search {
  return { words: [...more, ...search.words], needsCharset: search.needsCharset };
}
