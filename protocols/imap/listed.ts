/**
 * Messages that a listing of this session has told of: when a message came, and its UID, never change (RFC 9051,
 * 2.3.1.1 and 2.3.3), so that whoever reads many of them need not ask for that again. Their flags are those of the listing.
 */
import type { Message } from "./entry.js";
import { mailboxPath } from "./path.js";

/** Messages that are kept for a session. */
const MOST = 100_000;

export interface ListedPlace {
  readonly levels: readonly string[];
  readonly uidValidity: number | undefined;
}

export class Listed {
  readonly #places = new Map<string, Map<number, Message>>();
  #kept = 0;

  add(place: ListedPlace, message: Message): void {
    if (this.#kept >= MOST || message.received === undefined) return;
    const key = keyOf(place);
    const there = this.#places.get(key) ?? new Map<number, Message>();
    this.#places.set(key, there);
    this.#kept += 1;
    there.set(message.uid, message);
  }

  /** These messages; undefined unless all of them are known. */
  all(place: ListedPlace, uids: readonly number[]): ReadonlyMap<number, Message> | undefined {
    const there = this.#places.get(keyOf(place));
    return there !== undefined && uids.every((uid) => there.has(uid)) ? there : undefined;
  }
}

function keyOf({ levels, uidValidity }: ListedPlace): string {
  return `${mailboxPath(levels)};${uidValidity ?? ""}`;
}
