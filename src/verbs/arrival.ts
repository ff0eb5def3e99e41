/** Messages in the order they came: a mailbox numbers what is put into it, and shows by that what is new. */
import type { Entry } from "../plugin.js";

/** @param messages of one mailbox, as it lists them: one way round or the other */
export function asTheyCame<T>(messages: readonly T[], entryOf: (message: T) => Entry): T[] {
  const [first, last] = [messages[0], messages.at(-1)];
  const isNewestFirst = first !== undefined && last !== undefined && cameLater(entryOf(first), entryOf(last));
  return isNewestFirst ? [...messages].reverse() : [...messages];
}

/** By the mailbox's own count, where both tell it, and by their dates elsewhere. */
function cameLater(one: Entry, other: Entry): boolean {
  for (const name of ["uid", "number"]) {
    const [a, b] = [one.meta[name], other.meta[name]];
    if (typeof a === "number" && typeof b === "number") return a > b;
  }
  return (one.modified?.getTime() ?? 0) > (other.modified?.getTime() ?? 0);
}
