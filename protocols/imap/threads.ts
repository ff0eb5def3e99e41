/** Messages by their threads: the server's (THREAD, RFC 5256), or where it has none by what their headers name. */
import { threadsOf, walk } from "../../src/message/threading.js";
import type { Message } from "./entry.js";
import { byUid, newest } from "./messages.js";
import type { Peer, Selected } from "./peer.js";
import { mustBeOk } from "./refusal.js";
import type { Search } from "./search-words.js";
import { searchUids } from "./searching.js";
import { listOf, numberOf, type Value } from "./values.js";
import type { Word } from "./words.js";

/** Messages whose headers are asked for at once. */
const PORTION = 500;

export interface Member {
  readonly message: Message;
  readonly depth: number;
}

export interface ThreadRequest {
  /** Absent: all. */
  readonly search: Search | undefined;
  /** So many of those that match, the newest. */
  readonly limit: number;
}

/** Each thread with its answers behind what they answer, the oldest first. What is gone by now is left out. @throws PortholeError */
export async function* threads(
  peer: Peer,
  selected: Selected,
  request: ThreadRequest,
): AsyncGenerator<readonly Member[], void, undefined> {
  const told = peer.capabilities.values("THREAD");
  const algorithm = ["REFERENCES", "REFS", "ORDEREDSUBJECT"].find((name) => told.includes(name));
  if (algorithm === undefined) {
    yield* byHeaders(peer, selected, request);
    return;
  }
  const words = await wordsFor(peer, selected, request);
  if (words === undefined) return;
  const answer = peer.dialogue.say({
    words: ["UID THREAD", algorithm, "UTF-8", ...words],
    takes: ({ name }) => name === "THREAD",
  });
  const found: Place[][] = [];
  for await (const { values } of answer.data()) for (const value of values) found.push(placesIn(value));
  mustBeOk(await answer.status(), "the server does not tell threads");
  let known = new Map<number, Message>();
  for (const [at, places] of found.entries()) {
    // Of many threads at once: one by one each would cost a round trip.
    if (places.some(({ uid }) => !known.has(uid))) known = await messagesOf(peer, portionOf(found, at));
    const members = places.flatMap(({ uid, depth }) => {
      const message = known.get(uid);
      return message === undefined ? [] : [{ message, depth }];
    });
    if (members.length > 0) yield members;
  }
}

/** What THREAD is to look at; undefined where there is nothing. */
async function wordsFor(
  peer: Peer,
  { exists }: Selected,
  { search, limit }: ThreadRequest,
): Promise<readonly Word[] | undefined> {
  if (exists === 0 || limit <= 0) return undefined;
  if (search === undefined) return limit < exists ? [`${exists - limit + 1}:*`] : ["ALL"];
  if (!Number.isFinite(limit)) return search.words;
  const uids = await searchUids(peer, search.words, search);
  const [first] = uids.slice(-limit);
  return first === undefined ? undefined : ["UID", `${first}:*`, ...search.words];
}

async function* byHeaders(
  peer: Peer,
  selected: Selected,
  { search, limit }: ThreadRequest,
): AsyncGenerator<readonly Member[], void, undefined> {
  const messages: Message[] = [];
  if (search === undefined) {
    for await (const message of newest(peer, selected, Math.min(limit, selected.exists)))
      messages.push(message);
  } else {
    const uids = await searchUids(peer, search.words, search);
    for await (const message of byUid(peer, Number.isFinite(limit) ? uids.slice(-limit) : uids)) {
      messages.push(message);
    }
  }
  const known = messages.reverse().map((message) => ({
    message,
    id: message.envelope?.messageId ?? `#${message.uid}`,
    references: message.envelope?.references ?? [],
    subject: message.envelope?.subject ?? "",
  }));
  let members: Member[] = [];
  for (const { node, depth } of walk(threadsOf(known))) {
    if (depth === 0 && members.length > 0) {
      yield members;
      members = [];
    }
    if (node.article !== undefined) members.push({ message: node.article.message, depth });
  }
  if (members.length > 0) yield members;
}

interface Place {
  readonly uid: number;
  readonly depth: number;
}

async function messagesOf(peer: Peer, uids: readonly number[]): Promise<Map<number, Message>> {
  const found = new Map<number, Message>();
  for await (const message of byUid(peer, uids)) found.set(message.uid, message);
  return found;
}

/** The messages of this thread and of those behind it, up to a portion; of this one all. */
function portionOf(found: readonly (readonly Place[])[], from: number): number[] {
  const uids: number[] = [];
  for (let at = from; at < found.length && (at === from || uids.length < PORTION); at++) {
    for (const { uid } of found[at] ?? []) uids.push(uid);
  }
  return uids;
}

/** `(3 6 (4 23)(44 7))`: what follows in a row answers what is before it; lists are branches. */
function placesIn(value: Value): Place[] {
  const found: Place[] = [];
  const waiting: { value: Value; depth: number }[] = [{ value, depth: 0 }];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    let { depth } = next;
    const branches: typeof waiting = [];
    for (const one of listOf(next.value)) {
      const uid = numberOf(one);
      if (uid !== undefined) {
        found.push({ uid, depth });
        depth += 1;
      } else branches.push({ value: one, depth });
    }
    waiting.push(...branches.reverse());
  }
  return found;
}
