/** What changes messages and mailboxes: flags, copies, moves, removal; and only what was meant. */
import { PortholeError } from "../../src/errors.js";
import type { Account } from "./account.js";
import { labelWord, mustHaveLabels } from "./gmail.js";
import { findMailbox, isSelectable, listMailboxes } from "./mailboxes.js";
import { noMessage } from "./messages.js";
import type { MailPath } from "./path.js";
import type { Peer } from "./peer.js";
import { mustBeOk } from "./refusal.js";
import type { Status } from "./response.js";
import { searchUids } from "./searching.js";
import { numbersIn, sequenceSet } from "./words.js";

/** UIDs in one command: a command line must not grow without bound. */
const AT_ONCE = 1000;

function* inPortions(uids: readonly number[]): Generator<number[]> {
  const sorted = [...new Set(uids)].sort((one, other) => one - other);
  for (let at = 0; at < sorted.length; at += AT_ONCE) yield sorted.slice(at, at + AT_ONCE);
}

/** @throws PortholeError `missing` when there is no such message */
export async function mustBeThere(peer: Peer, uid: number): Promise<void> {
  if ((await searchUids(peer, ["UID", String(uid)])).length === 0) throw noMessage(uid);
}

/** STORE (RFC 9051, 6.4.6). */
export async function store(
  peer: Peer,
  uids: readonly number[],
  change: "+FLAGS" | "-FLAGS" | "FLAGS",
  flags: readonly string[],
): Promise<void> {
  for (const some of inPortions(uids)) {
    const words = ["UID STORE", sequenceSet(some), `${change}.SILENT`, `(${flags.join(" ")})`];
    mustBeOk(await peer.dialogue.ask(...words), "the flags cannot be changed");
  }
}

/** The same of Gmail's labels. @throws PortholeError `refused` where there are none */
export async function storeLabels(
  peer: Peer,
  uids: readonly number[],
  change: "+" | "-",
  labels: readonly string[],
): Promise<void> {
  if (labels.length > 0) mustHaveLabels(peer);
  for (const some of inPortions(uids)) {
    for (const label of labels) {
      const status = await peer.dialogue.ask(
        "UID STORE",
        sequenceSet(some),
        `${change}X-GM-LABELS`,
        labelWord(label),
      );
      mustBeOk(status, `the label ${label} cannot be changed`);
    }
  }
}

/**
 * Removes these messages and no others: UID EXPUNGE (RFC 4315) where the server has it. Elsewhere EXPUNGE would take
 * along what others have marked, so that is unmarked meanwhile.
 */
export async function expunge(peer: Peer, uids: readonly number[]): Promise<void> {
  await store(peer, uids, "+FLAGS", ["\\Deleted"]);
  const { capabilities } = peer;
  if (capabilities.has("UIDPLUS")) {
    for (const some of inPortions(uids)) {
      mustBeOk(await peer.dialogue.ask("UID EXPUNGE", sequenceSet(some)), "the messages cannot be removed");
    }
    return;
  }
  const meant = new Set(uids);
  const others = (await searchUids(peer, ["DELETED"])).filter((uid) => !meant.has(uid));
  await store(peer, others, "-FLAGS", ["\\Deleted"]);
  try {
    mustBeOk(await peer.dialogue.ask("EXPUNGE"), "the messages cannot be removed");
  } finally {
    if (peer.dialogue.failure === undefined) await store(peer, others, "+FLAGS", ["\\Deleted"]);
  }
}

/** Where messages are after a COPY or a MOVE (COPYUID, RFC 4315): new UIDs by old ones. */
export interface Copied {
  readonly uidValidity: number | undefined;
  readonly uids: ReadonlyMap<number, number>;
}

/** COPY (RFC 9051, 6.4.7). */
export async function copy(peer: Peer, uids: readonly number[], raw: string): Promise<Copied> {
  const copied = new Map<number, number>();
  let uidValidity: number | undefined;
  for (const some of inPortions(uids)) {
    const answer = peer.dialogue.say({ words: ["UID COPY", sequenceSet(some), peer.mailboxWord(raw)] });
    const status = await answer.status();
    mustBeOk(status, "the messages cannot be copied");
    uidValidity = keepCopied([...answer.notes, status], copied) ?? uidValidity;
  }
  return { uidValidity, uids: copied };
}

/** MOVE (RFC 6851), or COPY and removal where the server has none. */
export async function move(peer: Peer, uids: readonly number[], raw: string): Promise<Copied> {
  const { capabilities } = peer;
  if (!capabilities.has("MOVE")) {
    const copied = await copy(peer, uids, raw);
    await expunge(peer, uids);
    return copied;
  }
  const moved = new Map<number, number>();
  let uidValidity: number | undefined;
  for (const some of inPortions(uids)) {
    const answer = peer.dialogue.say({ words: ["UID MOVE", sequenceSet(some), peer.mailboxWord(raw)] });
    const status = await answer.status();
    mustBeOk(status, "the messages cannot be moved");
    uidValidity = keepCopied([...answer.notes, status], moved) ?? uidValidity;
  }
  return { uidValidity, uids: moved };
}

function keepCopied(told: readonly Status[], copied: Map<number, number>): number | undefined {
  for (const { code, codeText } of told) {
    if (code !== "COPYUID") continue;
    const [validity = "", from = "", to = ""] = codeText.split(" ");
    const [old, fresh] = [numbersIn(from), numbersIn(to)];
    for (const [at, uid] of old.entries()) {
      const there = fresh[at];
      if (there !== undefined) copied.set(uid, there);
    }
    return /^\d{1,10}$/.test(validity) ? Number(validity) : undefined;
  }
  return undefined;
}

/** A mailbox and all beneath it, what is innermost first. INBOX stays, and is emptied (RFC 9051, 6.3.5). */
export async function removeMailbox(account: Account, path: MailPath): Promise<void> {
  const peer = await account.peer();
  const raw = await account.rawName(peer, path.levels);
  const delimiter = await account.delimiter(peer);
  const within =
    delimiter === null
      ? []
      : await listMailboxes(account, peer, { prefix: raw + delimiter, deep: true, counts: false });
  if (peer.selected !== undefined) await unselect(peer);
  for (const mailbox of within.sort((one, other) => other.levels.length - one.levels.length)) {
    if (!isSelectable(mailbox) && mailbox.attributes.some((name) => /^\\nonexistent$/i.test(name))) continue;
    await remove(peer, mailbox.raw, mailbox.levels);
  }
  if (raw !== "INBOX") {
    try {
      await remove(peer, raw, path.levels);
    } catch (thrown) {
      // What only holds others is gone with them at some servers.
      if (within.length === 0 || !(thrown instanceof PortholeError) || thrown.code !== "missing")
        throw thrown;
    }
    return;
  }
  const opened = await account.select(path, "write");
  await expunge(opened.peer, await searchUids(opened.peer, ["ALL"]));
}

async function remove(peer: Peer, raw: string, levels: readonly string[]): Promise<void> {
  const status = await peer.dialogue.ask("DELETE", peer.mailboxWord(raw));
  mustBeOk(status, `the mailbox ${levels.join("/")} cannot be removed`, "refused");
  await peer.dialogue.ask("UNSUBSCRIBE", peer.mailboxWord(raw));
}

/** Nothing is selected any more; nothing is expunged by it. */
export async function unselect(peer: Peer): Promise<void> {
  if (peer.selected === undefined) return;
  const { capabilities } = peer;
  const gentle = capabilities.has("UNSELECT");
  // Without it, EXAMINE and CLOSE: a mailbox opened for reading alone is not expunged (RFC 3501, 6.4.2).
  if (!gentle && !peer.selected.readOnly) {
    await peer.dialogue
      .say({ words: ["EXAMINE", peer.mailboxWord(peer.selected.raw)], alone: true })
      .status();
  }
  await peer.dialogue.say({ words: [gentle ? "UNSELECT" : "CLOSE"], alone: true }).status();
  peer.selected = undefined;
}

/** CREATE and SUBSCRIBE. A name that the server makes into levels of its own may be there already. */
export async function create(account: Account, path: MailPath): Promise<string> {
  const peer = await account.peer();
  const delimiter = await account.delimiter(peer);
  const raw = await account.rawName(peer, path.levels);
  const status = await peer.dialogue.ask("CREATE", peer.mailboxWord(raw));
  const split = delimiter !== null && path.levels.some((level) => level.includes(delimiter));
  if (!(split && /ALREADYEXISTS|exists/i.test(status.line))) {
    mustBeOk(status, `the mailbox ${path.levels.join("/")} cannot be made`);
  }
  await peer.dialogue.ask("SUBSCRIBE", peer.mailboxWord(raw));
  return raw;
}

/** RENAME (RFC 9051, 6.3.6), and the subscriptions, which servers leave at the old names. */
export async function rename(account: Account, from: MailPath, to: MailPath): Promise<void> {
  const peer = await account.peer();
  const [old, fresh] = [await account.rawName(peer, from.levels), await account.rawName(peer, to.levels)];
  if (peer.selected?.raw === old) await unselect(peer);
  const subscribed = await subscribedFrom(account, peer, old);
  const status = await peer.dialogue.ask("RENAME", peer.mailboxWord(old), peer.mailboxWord(fresh));
  mustBeOk(status, `the mailbox ${from.levels.join("/")} cannot be renamed`);
  for (const raw of subscribed) {
    await peer.dialogue.ask("SUBSCRIBE", peer.mailboxWord(fresh + raw.slice(old.length)));
    await peer.dialogue.ask("UNSUBSCRIBE", peer.mailboxWord(raw));
  }
}

/** The mailbox and those beneath it, as far as they are subscribed to. INBOX keeps its name, and what is beneath it (6.3.6). */
async function subscribedFrom(account: Account, peer: Peer, raw: string): Promise<string[]> {
  if (raw === "INBOX") return [];
  const delimiter = await account.delimiter(peer);
  const top = await findMailbox(account, peer, raw);
  const beneath =
    delimiter === null
      ? []
      : await listMailboxes(account, peer, { prefix: raw + delimiter, deep: true, counts: false });
  return [...(top === undefined ? [] : [top]), ...beneath]
    .filter((one) => one.subscribed === true && (one.raw === raw || one.raw.startsWith(raw + delimiter)))
    .map((one) => one.raw);
}

export function refuseAccount(path: MailPath, what: string): void {
  if (path.levels.length > 0) return;
  throw new PortholeError("usage", `the account cannot be ${what}`, { hint: "name a mailbox: /INBOX" });
}
