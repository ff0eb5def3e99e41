/**
 * A mailbox that is listed again and again: what was told the last time is remembered, and only what is new, changed
 * and gone is asked for (CONDSTORE and QRESYNC, RFC 7162). Where the server counts no changes all is listed anew.
 */
import { systemCode, messageOf as wordsOf } from "../../src/errors.js";
import type { Account } from "./account.js";
import type { Message } from "./entry.js";
import { ListingMemory, MOST_REMEMBERED, modSeqOf, type Remembered } from "./listing-memory.js";
import { askForOne, byUid, changedSince, newest, oneFrom } from "./messages.js";
import { type MailPath, mailboxPath } from "./path.js";
import type { Peer, Selected } from "./peer.js";
import { searchUids } from "./searching.js";

/** Selects a mailbox that is to be `relisted`. @throws PortholeError */
export async function openToRelist(
  account: Account,
  place: MailPath,
): Promise<{ peer: Peer; selected: Selected }> {
  await enableResync(await account.peer());
  return account.select(place, "read");
}

/** All messages, the newest first. @param brief without their envelopes, where these are not known @throws PortholeError */
export async function* relisted(
  account: Account,
  place: MailPath,
  { peer, selected }: { readonly peer: Peer; readonly selected: Selected },
  brief: boolean,
): AsyncGenerator<Message, void, undefined> {
  const { uidValidity, exists } = selected;
  // What changes from now on is told by the next listing.
  const highestModSeq = modSeqOf(selected.highestModSeq);
  const memory = memoryOf(account, place);
  if (memory === undefined || highestModSeq === undefined || uidValidity === undefined) {
    yield* newest(peer, selected, exists, brief);
    return;
  }
  const known = await memory.load();
  // Fewer changes than there were: the mailbox was put back from a backup.
  const holds = known?.uidValidity === uidValidity && known.highestModSeq <= highestModSeq;
  const isEnough =
    holds && (brief || [...known.messages.values()].every(({ envelope }) => envelope !== undefined));
  const current = isEnough ? await broughtUpToDate(peer, known, brief) : undefined;
  if (current !== undefined) {
    yield* [...current.values()].sort((one, other) => other.uid - one.uid);
    if (known?.highestModSeq !== highestModSeq)
      await keep(account, memory, { uidValidity, highestModSeq, messages: current });
    return;
  }
  const messages = new Map<number, Message>();
  for await (const message of newest(peer, selected, peer.selected?.exists ?? exists, brief)) {
    if (messages.size < MOST_REMEMBERED) messages.set(message.uid, message);
    yield message;
  }
  if (messages.size < MOST_REMEMBERED) await keep(account, memory, { uidValidity, highestModSeq, messages });
}

/** RFC 7162, 3.2.3: before a mailbox is selected. From then on VANISHED comes in place of EXPUNGE. */
async function enableResync(peer: Peer): Promise<void> {
  if (peer.resyncs || peer.selected !== undefined || !peer.capabilities.has("QRESYNC")) return;
  peer.resyncs = (await peer.dialogue.ask("ENABLE", "QRESYNC")).condition === "OK";
}

function memoryOf(account: Account, { levels }: MailPath): ListingMemory | undefined {
  const { context, target, user } = account;
  if (context.stateFolder === undefined) return undefined;
  const tunnel = String(context.options["tunnel"] ?? "");
  return new ListingMemory(context.stateFolder, [target.href(mailboxPath(levels)), user ?? "", tunnel]);
}

/** What cannot be kept is asked for again. */
async function keep({ context }: Account, memory: ListingMemory, what: Remembered): Promise<void> {
  try {
    await memory.save(what);
  } catch (thrown) {
    if (systemCode(thrown) === undefined) throw thrown;
    context.note(`the listing is not remembered: ${wordsOf(thrown)}`);
  }
}

/**
 * What was known, with what has changed since; all questions go out together.
 * @returns undefined when that is not the mailbox that was known
 */
async function broughtUpToDate(
  peer: Peer,
  { messages, highestModSeq }: Remembered,
  brief: boolean,
): Promise<Map<number, Message> | undefined> {
  let last = 0;
  for (const uid of messages.keys()) last = Math.max(last, uid);
  const [sample, { changed, vanished }, fresh, present] = await Promise.all([
    last === 0 ? undefined : oneFrom(askForOne(peer, last), last),
    last === 0 ? NO_CHANGES : changedSince(peer, last, highestModSeq, peer.resyncs),
    searchUids(peer, ["UID", `${last + 1}:*`]),
    last === 0 || peer.resyncs ? undefined : searchUids(peer, ["UID", `1:${last}`]),
  ]);
  const exists = peer.selected?.exists;
  const before = messages.get(last);
  if (sample !== undefined && before !== undefined && !isSameMail(sample, before)) return undefined;
  for (const range of vanished) removeRange(messages, range);
  if (present !== undefined) {
    const there = new Set(present);
    for (const uid of messages.keys()) if (!there.has(uid)) messages.delete(uid);
  }
  for (const { uid, flags, labels, modSeq } of changed) {
    const message = messages.get(uid);
    if (message === undefined) return undefined;
    messages.set(uid, { ...message, flags, modSeq, labels: labels ?? message.labels });
  }
  // `n:*` names the last message even where it is before n (RFC 9051, 9: seq-range).
  const added = fresh.filter((uid) => uid > last);
  for await (const message of byUid(peer, added, brief)) messages.set(message.uid, message);
  return messages.size === exists ? messages : undefined;
}

/** Servers may name what never was (RFC 7162, 3.2.6). */
function removeRange(messages: Map<number, Message>, [from, to]: readonly [number, number]): void {
  if (to - from < messages.size) for (let uid = from; uid <= to; uid++) messages.delete(uid);
  else for (const uid of messages.keys()) if (uid >= from && uid <= to) messages.delete(uid);
}

const NO_CHANGES = { changed: [], vanished: [] } as const;

/** A message never changes (RFC 9051, 2.3.1.1); a mailbox that was put back from a backup may hold another. */
function isSameMail(one: Message, other: Message): boolean {
  const facts = ({ size, received }: Message) => JSON.stringify([size, received?.getTime()]);
  const words = ({ envelope }: Message) =>
    JSON.stringify([envelope?.messageId, envelope?.subject, envelope?.from]);
  const bothTold = one.envelope !== undefined && other.envelope !== undefined;
  return facts(one) === facts(other) && (!bothTold || words(one) === words(other));
}
