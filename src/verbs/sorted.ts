/** A listing in an order of the user's: it is read to its end, and as much of it held as is wanted. */
import { PortholeError } from "../errors.js";
import type { Entry } from "../plugin.js";

export type SortKey = "name" | "size" | "time";

export interface Sorting {
  /** Names as their characters are numbered; the largest and the newest first, as ls has it. */
  readonly by: SortKey;
  readonly reverse?: boolean;
  /** The first so many of the order; all when absent. */
  readonly limit?: number | undefined;
}

/** Entries that are held; who has more wants the first of them. */
const MOST = 1_000_000;

/** Text between entries (`note`) has no place in an order, and is left out. @throws PortholeError `usage` */
export async function* sorted(
  entries: AsyncIterable<Entry>,
  { by, reverse = false, limit = Number.POSITIVE_INFINITY }: Sorting,
): AsyncGenerator<Entry, void, undefined> {
  if (limit <= 0) return;
  const compare = comparing(by, reverse ? -1 : 1);
  let held: Entry[] = [];
  for await (const entry of entries) {
    if (entry.kind === "note") continue;
    held.push(entry);
    if (held.length > MOST && limit > MOST / 2) {
      throw new PortholeError("usage", `more than ${MOST} entries are too many to be sorted`, {
        hint: "--limit N is for the first N of them",
      });
    }
    if (held.length > 2 * limit + 1000) held = held.sort(compare).slice(0, limit);
  }
  yield* held.sort(compare).slice(0, limit);
}

/** What is not known comes last, whichever way round. */
function comparing(by: SortKey, way: 1 | -1): (one: Entry, other: Entry) => number {
  if (by === "name") return (one, other) => way * byName(one, other);
  const known = by === "size" ? sizeOf : timeOf;
  return (one, other) => {
    const [first, second] = [known(one), known(other)];
    if (first === second) return way * byName(one, other);
    if (first === undefined) return 1;
    return second === undefined ? -1 : way * (second - first);
  };
}

function byName(one: Entry, other: Entry): number {
  return one.name < other.name ? -1 : Number(one.name > other.name);
}

function sizeOf({ size, about }: Entry): number | undefined {
  return size ?? about;
}

function timeOf({ modified }: Entry): number | undefined {
  return modified?.getTime();
}
