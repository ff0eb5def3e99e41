/** The account's mailboxes: LIST (RFC 9051, 6.3.9), what they hold, what they are for. */
import { PortholeError } from "../../src/errors.js";
import type { MailboxUse, NamedMailbox } from "../../src/plugin.js";
import type { Account } from "./account.js";
import { decodeMailboxName } from "./modified-utf7.js";
import type { Peer } from "./peer.js";
import { mustBeOk } from "./refusal.js";
import type { Data } from "./response.js";
import { listOf, numberOf, pairsOf, textOf, type Value, wordsOf } from "./values.js";
import { quoted } from "./words.js";

export interface Mailbox {
  /** As the server names it, one character for each octet. */
  readonly raw: string;
  /** As people write it, by its levels. */
  readonly levels: readonly string[];
  /** `\HasChildren`, `\Noselect`, ... as the server writes them. */
  readonly attributes: readonly string[];
  /** RFC 6154: `\Sent`, `\Trash`, ... */
  readonly specialUse: string | undefined;
  readonly subscribed: boolean | undefined;
  counts: Counts | undefined;
}

export interface Counts {
  readonly messages?: number;
  readonly unseen?: number;
  readonly recent?: number;
  readonly uidNext?: number;
  readonly uidValidity?: number;
  /** Octets of all messages (RFC 8438). */
  readonly size?: number;
  readonly highestModSeq?: string;
}

/** Mailboxes that an account may have. */
const MOST_MAILBOXES = 100_000;
/** STATUS commands under way at once. */
const DEPTH = 50;
const SPECIAL = /^\\(?:all|archive|drafts|flagged|important|junk|sent|trash|inbox)$/i;

export interface ListRequest {
  /** What the name begins with, one character for each octet: the parent and the delimiter, or nothing. */
  readonly prefix: string;
  /** All beneath, or one level. */
  readonly deep: boolean;
  readonly counts: boolean;
}

/** In the server's order. @throws PortholeError */
export async function listMailboxes(
  account: Account,
  peer: Peer,
  { prefix, deep, counts }: ListRequest,
): Promise<Mailbox[]> {
  const pattern = `${prefix}${deep ? "*" : "%"}`;
  const { capabilities } = peer;
  const extended = capabilities.has("LIST-EXTENDED");
  const withStatus = counts && capabilities.has("LIST-STATUS");
  const returns = [
    ...(extended ? ["SUBSCRIBED", "CHILDREN"] : []),
    ...(extended && capabilities.has("SPECIAL-USE") ? ["SPECIAL-USE"] : []),
    ...(withStatus ? [`STATUS (${itemsOf(peer)})`] : []),
  ];
  const list = peer.dialogue.say({
    words: [
      "LIST",
      '""',
      peer.mailboxWord(pattern),
      ...(returns.length > 0 ? ["RETURN", `(${returns.join(" ")})`] : []),
    ],
    takes: ({ name }) => name === "LIST" || name === "STATUS",
  });
  const subscriptions = extended
    ? undefined
    : peer.dialogue.say({
        words: ["LSUB", '""', peer.mailboxWord(pattern)],
        takes: ({ name }) => name === "LSUB",
      });
  const found = new Map<string, Mailbox>();
  const told = new Map<string, Counts>();
  for await (const data of list.data()) {
    if (data.name === "STATUS") keepStatus(told, data);
    else if (found.size < MOST_MAILBOXES) keepMailbox(account, peer, found, data, extended);
  }
  mustBeOk(await list.status(), "the server does not list the mailboxes");
  const subscribed = new Set<string>();
  if (subscriptions !== undefined) {
    for await (const { values } of subscriptions.data()) subscribed.add(textOf(values[2]) ?? "");
    await subscriptions.status();
  }
  const mailboxes = [...found.values()].map((mailbox) =>
    subscriptions === undefined ? mailbox : { ...mailbox, subscribed: subscribed.has(mailbox.raw) },
  );
  if (counts && !withStatus) await askCounts(peer, mailboxes);
  else for (const mailbox of mailboxes) mailbox.counts = told.get(mailbox.raw);
  return mailboxes;
}

/** STATUS (RFC 9051, 6.3.11). @throws PortholeError `missing` */
export async function statusOf(peer: Peer, raw: string): Promise<Counts> {
  const answer = peer.dialogue.say({
    words: ["STATUS", peer.mailboxWord(raw), `(${itemsOf(peer)})`],
    takes: ({ name }) => name === "STATUS",
  });
  const told = new Map<string, Counts>();
  for await (const data of answer.data()) keepStatus(told, data);
  const name = decodeMailboxName(raw);
  mustBeOk(await answer.status(), `the server does not say what the mailbox ${name} holds`, "missing");
  return [...told.values()][0] ?? {};
}

export function isSelectable({ attributes }: Mailbox): boolean {
  return !attributes.some((attribute) => /^\\(?:noselect|nonexistent)$/i.test(attribute));
}

/** One after the other, many ahead. A mailbox that the server says nothing of has no counts. */
async function askCounts(peer: Peer, mailboxes: readonly Mailbox[]): Promise<void> {
  const wanted = mailboxes.filter(isSelectable);
  for (let at = 0; at < wanted.length; at += DEPTH) {
    const asked = wanted.slice(at, at + DEPTH).map((mailbox) => ({
      mailbox,
      answer: peer.dialogue.say({
        words: ["STATUS", peer.mailboxWord(mailbox.raw), `(${itemsOf(peer)})`],
        takes: ({ name }) => name === "STATUS",
      }),
    }));
    const told = new Map<string, Counts>();
    // Whose answer it is, the name in it tells: they may all come to the first that waits.
    for (const { answer } of asked) for await (const data of answer.data()) keepStatus(told, data);
    for (const { mailbox } of asked) mailbox.counts = told.get(mailbox.raw);
  }
}

function itemsOf({ capabilities }: Peer): string {
  const size = capabilities.has("STATUS=SIZE");
  const condstore = capabilities.has("CONDSTORE");
  return `MESSAGES UNSEEN UIDNEXT UIDVALIDITY${size ? " SIZE" : ""}${condstore ? " HIGHESTMODSEQ" : ""}`;
}

/** `LIST (\HasNoChildren) "/" Name` */
function keepMailbox(
  account: Account,
  peer: Peer,
  found: Map<string, Mailbox>,
  { values }: Data,
  extended: boolean,
): void {
  const attributes = wordsOf(values[0]);
  const delimiter = textOf(values[1]) ?? null;
  const raw = nameOf(values[2]);
  if (raw === undefined) return;
  if (delimiter !== null || peer.delimiter === undefined) peer.delimiter = delimiter;
  // Some servers end the name of what only holds others in the delimiter.
  const bare = delimiter !== null && raw.endsWith(delimiter) ? raw.slice(0, -delimiter.length) : raw;
  const levels = account.levelsOf(peer, bare, delimiter);
  if (bare === "" || levels.some((level) => level === "" || /[\r\n\0]/.test(level))) return;
  const has = (name: RegExp) => attributes.some((attribute) => name.test(attribute));
  found.set(bare, {
    raw: bare,
    levels,
    attributes,
    specialUse: attributes.find((attribute) => SPECIAL.test(attribute)),
    subscribed: extended ? has(/^\\subscribed$/i) : undefined,
    counts: undefined,
  });
}

/** `STATUS Name (MESSAGES 3 UNSEEN 1)` */
export function keepStatus(told: Map<string, Counts>, { values }: Data): void {
  const raw = nameOf(values[0]);
  if (raw === undefined) return;
  const pairs = pairsOf(values[1]);
  const number = (name: string, key: keyof Counts) => {
    const value = numberOf(pairs.get(name));
    return value === undefined ? {} : { [key]: value };
  };
  const modSeq = textOf(pairs.get("HIGHESTMODSEQ"));
  told.set(raw, {
    ...number("MESSAGES", "messages"),
    ...number("UNSEEN", "unseen"),
    ...number("RECENT", "recent"),
    ...number("UIDNEXT", "uidNext"),
    ...number("UIDVALIDITY", "uidValidity"),
    ...number("SIZE", "size"),
    ...(modSeq === undefined ? {} : { highestModSeq: modSeq }),
  });
}

function nameOf(value: Value | undefined): string | undefined {
  const name = textOf(value);
  return name !== undefined && /^inbox$/i.test(name) ? "INBOX" : name;
}

/** What the names of all of one's own mailboxes begin with (RFC 2342, 5), by its levels. */
export async function personalLevels(account: Account, peer: Peer): Promise<readonly string[]> {
  if (!peer.capabilities.has("NAMESPACE")) return [];
  const answer = peer.dialogue.say({ words: ["NAMESPACE"], takes: ({ name }) => name === "NAMESPACE" });
  let levels: readonly string[] = [];
  for await (const { values } of answer.data()) {
    const [prefix, delimiter] = listOf(listOf(values[0])[0]).map(textOf);
    levels = account.levelsOf(peer, prefix ?? "", delimiter ?? null).filter((level) => level !== "");
  }
  await answer.status();
  return levels.map((level) => (/^inbox$/i.test(level) ? "INBOX" : level));
}

export function noMailbox(levels: readonly string[]): PortholeError {
  const name = levels.join("/");
  return new PortholeError("missing", `there is no mailbox ${name}`, {
    reply: `no mailbox ${name}`,
    hint: "`porthole imap folders` shows the mailboxes",
  });
}

/** A pattern that means a name alone: `%` and `*` stand for themselves nowhere, so what they match is filtered. */
export async function findMailbox(account: Account, peer: Peer, raw: string): Promise<Mailbox | undefined> {
  const { capabilities } = peer;
  const special = capabilities.has("SPECIAL-USE") && capabilities.has("LIST-EXTENDED");
  const answer = peer.dialogue.say({
    words: [
      "LIST",
      '""',
      /^[\x20-\x7e]*$/.test(raw) ? quoted(raw) : peer.mailboxWord(raw),
      ...(special ? ["RETURN", "(SUBSCRIBED CHILDREN SPECIAL-USE)"] : []),
    ],
    takes: ({ name }) => name === "LIST",
  });
  const found = new Map<string, Mailbox>();
  for await (const data of answer.data()) keepMailbox(account, peer, found, data, special);
  mustBeOk(await answer.status(), "the server does not list the mailbox", "missing");
  return found.get(raw);
}

/** The uses that mailboxes may be matched by; `\All` and `\Flagged` are views of others. */
const USES: ReadonlySet<string> = new Set([
  "archive",
  "drafts",
  "junk",
  "sent",
  "trash",
] satisfies MailboxUse[]);

function isUse(word: string): word is MailboxUse {
  return USES.has(word);
}

/** By the levels of their names, with what those are for that can be opened. @throws PortholeError */
export async function namedMailboxes(account: Account, peer: Peer): Promise<NamedMailbox[]> {
  const all = await listMailboxes(account, peer, { prefix: "", deep: true, counts: false });
  return all.map((mailbox) => {
    const word = mailbox.specialUse?.slice(1).toLowerCase() ?? "";
    return {
      levels: mailbox.levels,
      ...(isUse(word) && isSelectable(mailbox) ? { use: word } : {}),
    };
  });
}
