/** Messages of a mailbox, as FETCH tells of them (RFC 9051, 6.4.5): many at once, the next batch asked for ahead. */
import { PortholeError } from "../../src/errors.js";
import type { Answer } from "./answer.js";
import type { Message } from "./entry.js";
import { envelopeOf } from "./envelope.js";
import { labelItem, labelsOf } from "./gmail.js";
import type { Peer, Selected } from "./peer.js";
import { mustBeOk } from "./refusal.js";
import type { Data } from "./response.js";
import { numberOf, pairsOf, textOf, type Value, wordsOf } from "./values.js";
import { parseDateTime, rangesIn, sequenceSet } from "./words.js";

/** Messages that are asked for at once: they are held until all have come, for the newest is told first. */
const BATCH = 500;

/** The newest first; `most` of them. @param brief without their envelopes */
export async function* newest(
  peer: Peer,
  selected: Selected,
  most: number,
  brief = false,
): AsyncGenerator<Message, void, undefined> {
  const { exists } = selected;
  const last = Math.max(1, exists - most + 1);
  const batches: Batch[] = [];
  for (let to = exists; to >= last; to -= BATCH) {
    const from = Math.max(last, to - BATCH + 1);
    batches.push({ set: `${from}:${to}`, first: from, last: to });
  }
  yield* inBatches(peer, "FETCH", batches, brief);
}

/** These, in descending order of their UIDs. What is gone by now is left out. @param brief without their envelopes */
export async function* byUid(
  peer: Peer,
  uids: readonly number[],
  brief = false,
): AsyncGenerator<Message, void, undefined> {
  const sorted = [...uids].sort((a, b) => a - b);
  const batches: Batch[] = [];
  for (let end = sorted.length; end > 0; end -= BATCH) {
    const some = sorted.slice(Math.max(0, end - BATCH), end);
    batches.push({ set: sequenceSet(some), first: some[0] ?? 0, last: some.at(-1) ?? 0 });
  }
  yield* inBatches(peer, "UID FETCH", batches, brief);
}

/** One. @throws PortholeError `missing` */
export async function oneByUid(peer: Peer, uid: number): Promise<Message> {
  const message = await oneFrom(askForOne(peer, uid), uid);
  if (message === undefined) throw noMessage(uid);
  return message;
}

export function askForOne(peer: Peer, uid: number): Answer {
  return askFor(peer, "UID FETCH", { set: String(uid), first: uid, last: uid }, false);
}

/** What is asked for in one command. */
interface Batch {
  readonly set: string;
  readonly first: number;
  readonly last: number;
}

/**
 * The message out of an answer that may tell of others by the way. Its OK is not waited for: dovecot sends it behind the
 * contents that were asked for with the next command, which would have to be held until then.
 */
export async function oneFrom(answer: Answer, uid: number): Promise<Message | undefined> {
  for await (const data of answer.data()) {
    const message = await messageOf(data);
    if (message?.uid === uid && message.received !== undefined) return message;
  }
  mustBeOk(await answer.status(), `message ${uid} cannot be fetched`, "missing");
  return undefined;
}

export function noMessage(uid: number): PortholeError {
  return new PortholeError("missing", `there is no message ${uid} in the mailbox`, {
    reply: `no UID ${uid}`,
    hint: "`ls` shows what there is",
  });
}

async function* inBatches(
  peer: Peer,
  command: "FETCH" | "UID FETCH",
  batches: readonly Batch[],
  brief: boolean,
): AsyncGenerator<Message, void, undefined> {
  let ahead: Answer | undefined;
  for (const [at, batch] of batches.entries()) {
    const answer: Answer = ahead ?? askFor(peer, command, batch, brief);
    const next = batches[at + 1];
    ahead = next === undefined ? undefined : askFor(peer, command, next, brief);
    const messages: Message[] = [];
    for await (const data of answer.data()) {
      const message = await messageOf(data);
      if (message?.received !== undefined && messages.length < 2 * BATCH) messages.push(message);
    }
    mustBeOk(await answer.status(), "the messages cannot be listed");
    yield* messages.sort((one, other) => other.uid - one.uid);
  }
}

/** What has changed since, of the messages up to a UID. */
export interface Changes {
  /** UID, flags, labels and MODSEQ alone. */
  readonly changed: readonly Message[];
  /** Ranges of UIDs that are gone; told where VANISHED is. */
  readonly vanished: readonly (readonly [number, number])[];
}

/** CHANGEDSINCE (RFC 7162, 3.1.4), and VANISHED where QRESYNC was enabled (3.2.6). @throws PortholeError */
export async function changedSince(
  peer: Peer,
  last: number,
  modSeq: bigint,
  vanishes: boolean,
): Promise<Changes> {
  const answer = peer.dialogue.say({
    words: [
      "UID FETCH",
      `1:${last}`,
      `(UID FLAGS MODSEQ${labelItem(peer)})`,
      `(CHANGEDSINCE ${modSeq}${vanishes ? " VANISHED" : ""})`,
    ],
    takes: (data) => data.name === "VANISHED" || (data.name === "FETCH" && !tellsAll(data)),
  });
  const changed: Message[] = [];
  const vanished: (readonly [number, number])[] = [];
  for await (const data of answer.data()) {
    if (data.name === "VANISHED") {
      vanished.push(...rangesIn(textOf(data.values.at(-1)) ?? ""));
      continue;
    }
    const message = await messageOf(data);
    if (message?.flags !== undefined && message.uid <= last) changed.push(message);
  }
  mustBeOk(await answer.status(), "the server does not tell what has changed");
  return { changed, vanished };
}

function askFor(
  peer: Peer,
  command: "FETCH" | "UID FETCH",
  { set, first, last }: Batch,
  brief: boolean,
): Answer {
  const modSeq = peer.selected?.highestModSeq === undefined ? "" : " MODSEQ";
  return peer.dialogue.say({
    words: [
      command,
      set,
      `(UID FLAGS INTERNALDATE RFC822.SIZE${brief ? "" : " ENVELOPE"}${modSeq}${labelItem(peer)})`,
    ],
    // Servers may answer two commands at once, and tell of changes that another command asks for.
    takes: (data) => {
      if (data.name !== "FETCH" || !tellsAll(data)) return false;
      const number = command === "FETCH" ? data.number : numberOf(pairsOf(data.values[0]).get("UID"));
      return number !== undefined && number >= first && number <= last;
    },
  });
}

/** Not of changed flags alone. */
function tellsAll({ values }: Data): boolean {
  return pairsOf(values[0]).has("INTERNALDATE");
}

/** What a FETCH response tells; undefined where it does not name the message by its UID. */
export async function messageOf(data: Data): Promise<Message | undefined> {
  const pairs = pairsOf(data.values[0]);
  const uid = numberOf(pairs.get("UID"));
  if (uid === undefined) return undefined;
  const flags = pairs.get("FLAGS");
  const labels = pairs.get("X-GM-LABELS");
  const envelope = pairs.get("ENVELOPE");
  return {
    uid,
    number: data.number,
    flags:
      flags === undefined ? undefined : wordsOf(flags).filter((flag) => flag.toLowerCase() !== "\\recent"),
    size: numberOf(pairs.get("RFC822.SIZE")),
    received: receivedAt(pairs.get("INTERNALDATE")),
    modSeq: wordsOf(pairs.get("MODSEQ"))[0],
    envelope: envelope === undefined ? undefined : await envelopeOf(envelope),
    labels: labels === undefined ? undefined : labelsOf(labels),
  };
}

/** A server that gives a date which is none has given one all the same. */
function receivedAt(value: Value | undefined): Date | undefined {
  const text = textOf(value);
  return text === undefined ? undefined : (parseDateTime(text) ?? new Date(0));
}
