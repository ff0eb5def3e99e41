/** Lists of groups (RFC 3977, 7.6; RFC 6048, 2). */
import { decodeWords } from "../../src/wire/words.js";
import { type ListedGroup, parseActive, parseCounts, parseDescription } from "./group-facts.js";
import type { Peer } from "./peer.js";
import { isUnknownCommand, refusal } from "./refusal.js";

/** Descriptions that are held while the list comes. */
const MOST_DESCRIPTIONS = 500_000;

export interface DescribedGroup {
  readonly group: ListedGroup;
  readonly description?: string;
}

export interface GroupsQuery {
  /** RFC 3977, 4.1; absent for all. */
  readonly wildmat?: string;
  readonly described?: boolean;
}

/**
 * The groups in the server's order; counted where the server counts (RFC 6048, 2.2).
 * @throws PortholeError when the server gives no list
 */
export async function* groupsOf(peer: Peer, query: GroupsQuery = {}): AsyncGenerator<DescribedGroup> {
  const descriptions = query.described === true ? await descriptionsOf(peer, query.wildmat) : undefined;
  const counted = peer.capabilities?.offers("LIST", "COUNTS") === true;
  const pattern = query.wildmat === undefined ? [] : [query.wildmat];
  // LIST alone is what servers of RFC 977 knew, and stands for LIST ACTIVE everywhere.
  const plain = pattern.length === 0 && peer.capabilities === undefined ? [] : ["ACTIVE"];
  const lines = peer.lines(["LIST", ...(counted ? ["COUNTS"] : plain), ...pattern], 215);
  const parse = counted ? parseCounts : parseActive;
  try {
    for (;;) {
      const { done, value } = await lines.next();
      if (done === true) {
        if (value !== undefined) throw refusal(value, "the groups cannot be listed");
        return;
      }
      const group = parse(decodeWords(value));
      if (group === undefined) continue;
      const description = descriptions?.get(group.name);
      yield description === undefined ? { group } : { group, description };
    }
  } finally {
    await lines.return(undefined);
  }
}

/** Name by name; empty at a server that has none. */
export async function descriptionsOf(peer: Peer, wildmat?: string): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  const pattern = wildmat === undefined ? [] : [wildmat];
  const keep = (line: Buffer) => {
    const parsed = parseDescription(decodeWords(line));
    if (parsed !== undefined && found.size < MOST_DESCRIPTIONS) found.set(parsed.name, parsed.description);
  };
  const refused = await each(peer.lines(["LIST", "NEWSGROUPS", ...pattern], 215), keep);
  // RFC 2980, 2.6: what some servers have instead.
  if (refused !== undefined && isUnknownCommand(refused) && wildmat !== undefined) {
    await each(peer.lines(["XGTITLE", wildmat], 282), keep);
  }
  return found;
}

async function each<T, R>(items: AsyncGenerator<T, R, undefined>, act: (item: T) => void): Promise<R> {
  for (;;) {
    const result = await items.next();
    if (result.done === true) return result.value;
    act(result.value);
  }
}
