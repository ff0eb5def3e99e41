/** Messages at the target that nothing remembers, each of which may be one of the source's. */
import type { Entry } from "../plugin.js";
import { LINE_END, messageId, messageMark, sizesAgree } from "./marks.js";
import type { Found } from "./walk.js";

type Side = ReadonlyMap<string, Found>;
type Remembered = ReadonlyMap<string, { readonly [key: string]: unknown }>;

/**
 * Whether both sides have messages of which nothing is remembered, and one of them does not tell what they are known by:
 * then headers must be read.
 */
export function wantMarks(source: Side, target: Side, known: Remembered): boolean {
  const [here, there] = [unremembered(source, target, known), unrememberedAt(source, target, known)];
  return (
    here.length > 0 && there.length > 0 && [...here, ...there].some((one) => messageMark(one) === undefined)
  );
}

/** Messages of the source that are not known to be at the target. */
function unremembered(source: Side, target: Side, known: Remembered): Entry[] {
  const there = new Set([...target.values()].map(({ entry }) => entry.url));
  return [...source].flatMap(([key, { entry, isContainer }]) => {
    const url = known.get(key)?.["url"];
    return isContainer || (typeof url === "string" && there.has(url)) ? [] : [entry];
  });
}

/** Messages of the target that are not known to be of the source. */
function unrememberedAt(source: Side, target: Side, known: Remembered): Entry[] {
  const remembered = new Set([...known].flatMap(([key, { url }]) => (source.has(key) ? [url] : [])));
  return [...target.values()].flatMap(({ entry, isContainer }) =>
    isContainer || remembered.has(entry.url) ? [] : [entry],
  );
}

/** A message at the target that nothing remembers. */
export interface Stranger {
  readonly found: Found;
  readonly mailbox: string;
  /** An earlier run put it there, from a mailbox that the source has no more. */
  readonly brought: boolean;
  /** An earlier run put it there for a message that the source has no more under that name. */
  readonly orphaned: boolean;
}

export class Strangers {
  /** By mailbox and mark; those that were brought by mark, too. What has been taken stays here, and is no more free. */
  readonly #byMark = new Map<string, Stranger[]>();
  readonly #brought = new Map<string, Stranger[]>();
  readonly #bySize = new Map<string, Stranger[]>();
  readonly #free = new Set<Stranger>();
  /** How many of the source are known by a mark in a mailbox. */
  readonly #wanted = new Map<string, number>();

  add(stranger: Stranger): void {
    const { found, mailbox, brought } = stranger;
    const { entry } = found;
    this.#free.add(stranger);
    const mark = messageMark(entry);
    if (mark !== undefined) put(this.#byMark, inMailbox(mailbox, mark), stranger);
    if (mark !== undefined && brought) put(this.#brought, mark, stranger);
    if (entry.size !== undefined) put(this.#bySize, inMailbox(mailbox, String(entry.size)), stranger);
  }

  /** @param entry a message of the source that may be asked for in this mailbox */
  expect(entry: Entry, mailbox: string): void {
    const mark = messageMark(entry);
    if (mark === undefined) return;
    const key = inMailbox(mailbox, mark);
    this.#wanted.set(key, (this.#wanted.get(key) ?? 0) + 1);
  }

  /**
   * The one in the same mailbox that is this message, which then belongs to nobody else. Only where a Message-ID and the
   * size tell it: two mails may have one Message-ID, as two states of a draft have. To take one for the other would lose
   * one; to look into both, or to carry one again, does not.
   */
  take(entry: Entry, mailbox: string): Stranger | undefined {
    const mark = messageMark(entry);
    if (mark === undefined || messageId(entry) === undefined) return undefined;
    const key = inMailbox(mailbox, mark);
    if ((this.#wanted.get(key) ?? 0) > 1) return undefined;
    return this.#best(entry, this.#byMark.get(key));
  }

  /** The one that an earlier run put into another mailbox, when the source has renamed its own. */
  takeMoved(entry: Entry): Stranger | undefined {
    const mark = messageMark(entry);
    return mark === undefined ? undefined : this.#best(entry, this.#brought.get(mark));
  }

  /**
   * Those in the same mailbox that may be this message, though headers do not tell: of two Subjects servers tell the one or
   * the other, some mails have neither Date nor Message-ID, and of one Message-ID may be two mails, or one whose lines end
   * otherwise there. What is in them decides.
   */
  alike(entry: Entry, mailbox: string): Stranger[] {
    const { size } = entry;
    const mark = messageMark(entry);
    const named = mark === undefined ? [] : (this.#byMark.get(inMailbox(mailbox, mark)) ?? []);
    const found = named.filter((one) => this.#free.has(one));
    // Of several copies each is the one of its time.
    found.sort(
      (one, other) => Number(sameTime(entry, other.found.entry)) - Number(sameTime(entry, one.found.entry)),
    );
    if (size === undefined) return found;
    for (let near = size - LINE_END; near <= size + LINE_END; near++) {
      for (const stranger of this.#bySize.get(inMailbox(mailbox, String(near))) ?? []) {
        if (!this.#free.has(stranger) || found.includes(stranger)) continue;
        if (mayBeSame(entry, stranger.found.entry)) found.push(stranger);
      }
    }
    return found;
  }

  /**
   * Whether the one, with the same body, may be this message with fields that another program put into its header (X-TUID,
   * Received, Status): the only one of its Message-ID, and none that a mirror put there.
   */
  mayBeAnnotated(entry: Entry, { found, mailbox, orphaned }: Stranger): boolean {
    const mark = messageMark(entry);
    if (mark === undefined || orphaned || messageId(entry) !== messageId(found.entry)) return false;
    if (messageId(entry) === undefined || (this.#wanted.get(inMailbox(mailbox, mark)) ?? 0) > 1) return false;
    const { date, subject } = found.entry.meta;
    return entry.meta["date"] === date && entry.meta["subject"] === subject;
  }

  /** It belongs to a message of the source from now on. */
  give(stranger: Stranger): Stranger {
    this.#free.delete(stranger);
    return stranger;
  }

  #best(entry: Entry, all: readonly Stranger[] = []): Stranger | undefined {
    const free = all.filter((one) => this.#free.has(one) && !isAnotherState(entry, one));
    const agreeing = (how: string) => {
      const those = free.filter(({ found }) => sizesAgree(entry, found.entry) === how);
      // Of several copies each is the one of its time.
      return those.find(({ found }) => sameTime(entry, found.entry)) ?? those[0];
    };
    const best =
      agreeing("well") ??
      (messageId(entry) === undefined ? undefined : agreeing("unknown")) ??
      // No two articles have one Message-ID (RFC 5536, 3.1.3), whatever servers tell of their size.
      (free.length === 1 && entry.kind === "article" ? free[0] : undefined);
    return best === undefined ? undefined : this.give(best);
  }
}

function inMailbox(mailbox: string, what: string): string {
  return `${mailbox}\0${what}`;
}

function put(into: Map<string, Stranger[]>, key: string, stranger: Stranger): void {
  const there = into.get(key);
  if (there === undefined) into.set(key, [stranger]);
  else there.push(stranger);
}

/**
 * What an earlier run put there for a message that has gone, and came at another time: of a draft that is kept again, also
 * the length may be the same. A mailbox that was made anew tells the times that it told before.
 */
function isAnotherState(entry: Entry, { found, orphaned }: Stranger): boolean {
  return orphaned && entry.kind === "message" && !sameTime(entry, found.entry);
}

/** Dates are kept to the second; one of two fields may be there twice, and a server without TOP tells neither. */
function mayBeSame(one: Entry, other: Entry): boolean {
  const isTold = ({ meta }: Entry) => meta["date"] !== undefined || meta["subject"] !== undefined;
  return (
    sameTime(one, other) &&
    (!isTold(one) ||
      !isTold(other) ||
      one.meta["date"] === other.meta["date"] ||
      one.meta["subject"] === other.meta["subject"])
  );
}

function sameTime(one: Entry, other: Entry): boolean {
  const [a, b] = [one, other].map(({ modified }) => modified && Math.floor(modified.getTime() / 1000));
  return a === undefined || b === undefined || a === b;
}
