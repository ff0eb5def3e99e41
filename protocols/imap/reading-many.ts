/** Many messages in the order of their paths, asked for ahead: the time it takes is the line's, not the round-trips'. */
import { PortholeError } from "../../src/errors.js";
import type { Document, ManyRead } from "../../src/plugin.js";
import type { Account } from "./account.js";
import { Answer } from "./answer.js";
import { fileNameOf, MESSAGE_TYPE, type Message, messageEntry } from "./entry.js";
import { messageOf, noMessage } from "./messages.js";
import { mailboxPath, parsePath } from "./path.js";
import type { Peer, Selected } from "./peer.js";
import { contentsOf, fetchContents, type Got, isMessagePath, readMessage } from "./reading.js";
import { sequenceSet } from "./words.js";

/** Messages asked for at once. */
const BATCH = 100;

interface Wanted {
  readonly path: string;
  readonly uid: number;
}

interface Batch {
  /** Paths of one mailbox, under one UIDVALIDITY. */
  readonly place: string;
  readonly levels: readonly string[];
  readonly uidValidity: number | undefined;
  readonly wanted: Wanted[];
}

/** What has been asked of one batch. */
interface Asked {
  readonly batch: Batch;
  readonly selected: Selected;
  /** What the messages are: asked for, or known from a listing. */
  readonly facts: Answer | ReadonlyMap<number, Message>;
  readonly contents: readonly Answer[];
}

export async function* readMany(
  account: Account,
  paths: AsyncIterable<string>,
): AsyncGenerator<ManyRead, void, undefined> {
  let ended = false;
  try {
    yield* inTurn(account, paths);
    ended = true;
  } finally {
    // What was asked for ahead still comes: a new connection is there sooner.
    if (!ended) account.drop();
  }
}

async function* inTurn(
  account: Account,
  paths: AsyncIterable<string>,
): AsyncGenerator<ManyRead, void, undefined> {
  let under: Asked | undefined;
  let place: Batch | undefined;
  for await (const batch of batchesOf(paths)) {
    if ("path" in batch) {
      if (under !== undefined) yield* results(account, under);
      under = undefined;
      yield await readAlone(account, batch.path);
      continue;
    }
    // The next batch goes out before the last is read, as long as the mailbox stays selected.
    const sameMailbox = place?.place === batch.place;
    if (!sameMailbox && under !== undefined) {
      yield* results(account, under);
      under = undefined;
    }
    place = batch;
    let asked: Asked;
    try {
      asked = await askForAll(account, batch);
    } catch (thrown) {
      if (!(thrown instanceof PortholeError) || !["missing", "refused", "busy"].includes(thrown.code))
        throw thrown;
      for (const { path } of batch.wanted) yield { path, error: thrown };
      continue;
    }
    if (under !== undefined) yield* results(account, under);
    under = asked;
  }
  if (under !== undefined) yield* results(account, under);
}

/** What can be asked for together. A part, or what is no message, comes alone. */
async function* batchesOf(
  paths: AsyncIterable<string>,
): AsyncGenerator<Batch | { readonly path: string }, void, undefined> {
  let batch: Batch | undefined;
  for await (const path of paths) {
    const parsed = messageAt(path);
    if (parsed === undefined) {
      if (batch !== undefined) yield batch;
      batch = undefined;
      yield { path };
      continue;
    }
    const place = `${mailboxPath(parsed.levels)};${parsed.uidValidity ?? ""}`;
    if (batch !== undefined && (batch.place !== place || batch.wanted.length >= BATCH)) {
      yield batch;
      batch = undefined;
    }
    batch ??= { place, levels: parsed.levels, uidValidity: parsed.uidValidity, wanted: [] };
    batch.wanted.push({ path, uid: parsed.uid });
  }
  if (batch !== undefined) yield batch;
}

/** Undefined for a path that says something else, or nothing. */
function messageAt(path: string) {
  try {
    const parsed = parsePath(path);
    return isMessagePath(parsed) && parsed.section === undefined && parsed.partial === undefined
      ? parsed
      : undefined;
  } catch {
    return undefined;
  }
}

async function readAlone(account: Account, path: string): Promise<ManyRead> {
  try {
    const parsed = parsePath(path);
    if (!isMessagePath(parsed)) throw new PortholeError("usage", `'${path}' is no message`);
    return { path, document: await readMessage(account, parsed) };
  } catch (thrown) {
    if (thrown instanceof PortholeError && ["missing", "refused", "busy", "usage"].includes(thrown.code)) {
      return { path, error: thrown };
    }
    throw thrown;
  }
}

/** What the messages are in one command where it is not known, then each of them in its own: an answer then tells whose it is. */
async function askForAll(account: Account, batch: Batch): Promise<Asked> {
  const { levels, uidValidity, wanted } = batch;
  const { peer, selected } = await account.select(
    { levels, ...(uidValidity === undefined ? {} : { uidValidity }) },
    "read",
  );
  const uids = [...new Set(wanted.map(({ uid }) => uid))].sort((one, other) => one - other);
  const known = account.listed.all({ levels, uidValidity: selected.uidValidity }, uids);
  if (known !== undefined)
    return { batch, selected, facts: known, contents: wanted.map(({ uid }) => ask(peer, uid)) };
  const facts = peer.dialogue.say({
    words: ["UID FETCH", sequenceSet(uids), "(UID FLAGS INTERNALDATE)"],
    // Contents tell of their message too, but not when it came.
    takes: ({ name, line }) => name === "FETCH" && /\bINTERNALDATE\b/i.test(line),
  });
  return { batch, selected, facts, contents: wanted.map(({ uid }) => ask(peer, uid)) };
}

function ask(peer: Peer, uid: number): Answer {
  return fetchContents(peer, uid, "BODY.PEEK[]");
}

async function* results(
  account: Account,
  { batch, selected, facts, contents }: Asked,
): AsyncGenerator<ManyRead, void, undefined> {
  const known = facts instanceof Answer ? await factsIn(facts, batch) : facts;
  for (const [at, answer] of contents.entries()) {
    const one = batch.wanted[at];
    if (one === undefined) return;
    yield await resultOf(account, batch, selected, one, answer, known.get(one.uid));
  }
}

function leave(contents: Got): void {
  if (contents.leave === undefined) contents.body.destroy();
  else contents.leave();
}

function wholeOf(contents: Got): Pick<Document, "whole"> {
  const whole = contents.whole?.bind(contents);
  if (whole === undefined) return {};
  return { whole: async (most) => (contents.size > most ? undefined : whole()) };
}

async function factsIn(answer: Answer, batch: Batch): Promise<ReadonlyMap<number, Message>> {
  const wanted = new Set(batch.wanted.map(({ uid }) => uid));
  const known = new Map<number, Message>();
  for await (const data of answer.data()) {
    const message = await messageOf(data);
    if (message?.received !== undefined && wanted.has(message.uid)) known.set(message.uid, message);
    if (known.size === wanted.size) break;
  }
  // The OK is waited for only where some are missing: it may come behind the first message's contents.
  if (known.size < wanted.size) await answer.status();
  return known;
}

async function resultOf(
  account: Account,
  batch: Batch,
  selected: Selected,
  { path, uid }: Wanted,
  answer: Answer,
  message: Message | undefined,
): Promise<ManyRead> {
  try {
    const contents = await contentsOf(answer, uid);
    const { size } = contents;
    if (message === undefined) {
      leave(contents);
      throw noMessage(uid);
    }
    const place = { levels: batch.levels, uidValidity: selected.uidValidity };
    return {
      path,
      document: {
        entry: { ...messageEntry(account.target, place, message), size },
        type: MESSAGE_TYPE,
        offset: 0,
        total: size,
        filename: fileNameOf(uid),
        ...wholeOf(contents),
        get body() {
          return contents.body;
        },
      },
    };
  } catch (thrown) {
    if (thrown instanceof PortholeError && ["missing", "refused", "busy"].includes(thrown.code)) {
      return { path, error: thrown };
    }
    throw thrown;
  }
}
