/** From a command's words to the account behind its URL. */
import { PortholeError } from "../../../src/errors.js";
import type { Invocation, Output, Target } from "../../../src/plugin.js";
import type { Account } from "../account.js";
import { type MailPath, parsePath } from "../path.js";
import type { Peer } from "../peer.js";
import { parseSearch } from "../search-words.js";
import { searchUids } from "../searching.js";

/** The session that a command is given has the contract's methods alone; what is behind it is found by its target. */
const accounts = new WeakMap<Target, Account>();

export function remember(target: Target, account: Account): void {
  accounts.set(target, account);
}

export interface Opened {
  readonly account: Account;
  readonly target: Target;
  readonly path: MailPath;
  readonly rest: readonly string[];
}

/** @param most words behind the URL */
export async function openFirst(invocation: Invocation, usage: string, most: number): Promise<Opened> {
  const [url, ...rest] = invocation.words;
  if (url === undefined) throw new PortholeError("usage", "which server?", { hint: usage });
  if (rest.length > most) {
    throw new PortholeError("usage", `'${rest[most] ?? ""}' is too much`, { hint: usage });
  }
  const { target, opened = target } = await invocation.open(url);
  const account = accounts.get(opened);
  if (account === undefined) throw new PortholeError("usage", `${url} is not an imap: URL`, { hint: usage });
  return { account, target, path: parsePath(target.path), rest };
}

export function mustHaveMailbox(path: MailPath, usage: string): void {
  if (path.levels.length === 0) throw new PortholeError("usage", "which mailbox?", { hint: usage });
}

/** A place that a word names: a mailbox of the same account, as a path or a URL. */
export function mailboxNamed(word: string | undefined, usage: string): MailPath {
  if (word === undefined || word === "") throw new PortholeError("usage", "which mailbox?", { hint: usage });
  const path = parsePath(word.replace(/^imaps?:\/\/[^/]*/i, ""));
  mustHaveMailbox(path, usage);
  return path;
}

/** The messages that a URL names: one by its UID, or those of its search. @throws PortholeError `usage` for a mailbox alone */
export async function uidsOf(peer: Peer, path: MailPath, usage: string): Promise<number[]> {
  if (path.uid !== undefined) {
    return searchUids(peer, ["UID", String(path.uid)]);
  }
  if (path.query === undefined) {
    throw new PortholeError("usage", "which messages?", {
      hint: `${usage}; the URL ends in /;UID=7, or in ?unseen, ?ALL`,
    });
  }
  const search = parseSearch(path.query);
  return searchUids(peer, search.words, search);
}

export function record(text: string, data: Extract<Output, { kind: "record" }>["data"]): Output {
  return { kind: "record", text, data };
}
