/** Messages and their parts, octet for octet (RFC 9051, 6.4.5: BODY.PEEK, which leaves no trace). */
import { Readable } from "node:stream";
import { PortholeError } from "../../src/errors.js";
import { transferDecoding } from "../../src/message/transfer-coding.js";
import type { Document, ReadQuery } from "../../src/plugin.js";
import type { Account } from "./account.js";
import { type Answer, isContents } from "./answer.js";
import type { Contents } from "./contents.js";
import { fileNameOf, MESSAGE_TYPE, messageEntry, partEntry } from "./entry.js";
import { askForOne, noMessage, oneFrom } from "./messages.js";
import { type MailPath, messagePath, sectionPath } from "./path.js";
import type { Peer, Selected } from "./peer.js";
import { mustBeOk } from "./refusal.js";
import type { Data } from "./response.js";
import { type PartFacts, partsOf } from "./structure.js";
import { numberOf, pairsOf, textOf, type Value } from "./values.js";

type MessagePath = MailPath & { readonly uid: number };

/** A number that no message is as long as: the whole rest is wanted. */
const ALL = 4_294_967_295;

export function isMessagePath(path: MailPath): path is MessagePath {
  return path.uid !== undefined;
}

/** @throws PortholeError `missing` */
export async function readMessage(
  account: Account,
  path: MessagePath,
  query: ReadQuery = {},
): Promise<Document> {
  const { peer, selected } = await account.select(path, "read");
  if (path.section !== undefined) return readPart(account, peer, selected, path, path.section);
  const { uid } = path;
  const offset = query.offset ?? path.partial?.offset ?? 0;
  const length = query.length ?? path.partial?.length;
  const isWhole = offset === 0 && length === undefined;
  // Both go out together.
  const asked = askForOne(peer, uid);
  const fetched = fetchContents(
    peer,
    uid,
    `BODY.PEEK[]${isWhole ? "" : `<${offset}.${Math.min(length ?? ALL, ALL)}>`}`,
  );
  const message = await oneFrom(asked, uid);
  if (message === undefined) throw noMessage(uid);
  const { size, body } = watched(account, await contentsOf(fetched, uid));
  const entry = messageEntry(
    account.target,
    { levels: path.levels, uidValidity: selected.uidValidity },
    message,
  );
  const total = isWhole ? size : length === undefined ? offset + size : message.size;
  return {
    entry: isWhole ? { ...entry, size } : entry,
    type: MESSAGE_TYPE,
    offset,
    ...(total === undefined ? {} : { total }),
    // RFC 9051, 2.3.1.1: under one UIDVALIDITY a UID is one message, which never changes.
    ...(selected.uidValidity === undefined ? {} : { validator: `${selected.uidValidity}.${uid}` }),
    filename: fileNameOf(uid),
    body,
  };
}

function watched(account: Account, { size, body }: Got): { readonly size: number; readonly body: Readable } {
  body.once("close", () => {
    if (!body.readableEnded) account.leftEarly();
  });
  return { size, body };
}

/** The parts of a message. */
export async function structureOf(peer: Peer, uid: number): Promise<PartFacts[]> {
  const answer = peer.dialogue.say({
    words: ["UID FETCH", String(uid), "(UID BODYSTRUCTURE)"],
    takes: (data) => data.name === "FETCH" && uidIn(data) === uid,
  });
  let structure: Value | undefined;
  for await (const data of answer.data()) {
    const pairs = pairsOf(data.values[0]);
    if (numberOf(pairs.get("UID")) === uid) structure = pairs.get("BODYSTRUCTURE") ?? structure;
  }
  mustBeOk(await answer.status(), `message ${uid} cannot be fetched`, "missing");
  if (structure === undefined) throw noMessage(uid);
  return partsOf(structure);
}

async function readPart(
  account: Account,
  peer: Peer,
  selected: Selected,
  path: MessagePath,
  section: string,
): Promise<Document> {
  const { uid, levels } = path;
  const message = messagePath(levels, selected.uidValidity, uid);
  if (!/^[\d.]+$/.test(section)) {
    const { size, body } = watched(
      account,
      await contentsOf(fetchContents(peer, uid, `BODY.PEEK[${section}]`), uid),
    );
    const type = section.endsWith("TEXT") ? "text/plain" : "text/rfc822-headers";
    const url = account.target.href(sectionPath(message, section));
    return {
      entry: { url, name: `${uid} ${section}`, kind: "file", size, type, meta: { section } },
      type,
      offset: 0,
      total: size,
      filename: `${uid}.${section.toLowerCase()}.txt`,
      body,
    };
  }
  const parts = await structureOf(peer, uid);
  const part = parts.find((one) => one.section === section) ?? withinMessage(parts, section);
  if (part === undefined) {
    throw new PortholeError("missing", `the message has no part ${section}`, {
      reply: `no part ${section}`,
      hint: "ls of the message shows its parts",
    });
  }
  const { body } = watched(account, await contentsOf(fetchContents(peer, uid, `BODY.PEEK[${section}]`), uid));
  return {
    entry: partEntry(account.target, message, part),
    type: part.type,
    ...(part.charset === undefined ? {} : { charset: part.charset }),
    offset: 0,
    filename: part.filename,
    body: decoded(body, part.encoding),
  };
}

/** A multipart, or a message within the message: its octets as they stand. */
function withinMessage(parts: readonly PartFacts[], section: string): PartFacts | undefined {
  if (!parts.some((one) => one.section.startsWith(`${section}.`))) return undefined;
  return {
    section,
    type: MESSAGE_TYPE,
    charset: undefined,
    filename: `part-${section}.eml`,
    attached: true,
    encoding: "8bit",
    encodedSize: undefined,
  };
}

/** The transfer encoding undone. Leaving it early leaves the message. */
function decoded(body: Readable, encoding: string): Readable {
  if (/^(?:7bit|8bit|binary|)$/.test(encoding)) return body;
  const pieces = async function* () {
    const decoding = transferDecoding(encoding);
    for await (const chunk of body) {
      const octets = decoding.write(Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk)));
      if (octets.length > 0) yield octets;
    }
    const last = decoding.end();
    if (last.length > 0) yield last;
  };
  const readable = Readable.from(pieces(), { objectMode: false });
  readable.once("close", () => body.destroy());
  return readable;
}

// --- Contents -----------------------------------------------------------------------------------------------

/** Contents that are the right message's, or will be known to be when they have ended. */
export interface Got {
  /** Octets. */
  readonly size: number;
  /** Where `whole` is, made when it is asked for. */
  readonly body: Readable;
  /** All of them, in place of `body`. @throws PortholeError */
  whole?(): Promise<Buffer>;
  /** Nobody wants them. */
  leave?(): void;
}

export function fetchContents(peer: Peer, uid: number, item: string): Answer {
  return peer.dialogue.say({
    words: ["UID FETCH", String(uid), `(UID ${item})`],
    takes: (data) => data.name === "FETCH" && uidIn(data) === uid,
    contentsOf: uid,
  });
}

/**
 * The contents in an answer, once they begin; whether they are the right message's is checked with what the server
 * tells around them.
 * @throws PortholeError `missing` when the message is gone, `protocol` when another came
 */
export async function contentsOf(answer: Answer, uid: number): Promise<Got> {
  for (let item = await answer.next(); item !== undefined; item = await answer.next()) {
    if (isContents(item)) return guarded(item, answer, uid);
    const small = smallContents(item, uid);
    if (small !== undefined) {
      mustBeOk(await answer.status(), `message ${uid} cannot be fetched`, "missing");
      return { size: small.length, body: bodyOf(small) };
    }
  }
  mustBeOk(await answer.status(), `message ${uid} cannot be fetched`, "missing");
  throw noMessage(uid);
}

/** The body ends when it is known to be what was asked for. */
function guarded(contents: Contents, answer: Answer, uid: number): Got {
  const told = /\bUID (\d+)/i.exec(contents.head)?.[1];
  if (told !== undefined && Number(told) === uid) return contents;
  if (told !== undefined) {
    contents.leave();
    throw otherMessage(uid, told);
  }
  const { body, size } = contents;
  const pieces = async function* () {
    yield* body;
    // Some servers name the message behind its contents.
    for (let item = await answer.next(); item !== undefined; item = await answer.next()) {
      if (isContents(item)) item.leave();
      else {
        const named = numberOf(pairsOf(item.values[0]).get("UID"));
        if (named !== undefined && named !== uid) throw otherMessage(uid, String(named));
      }
    }
  };
  const readable = Readable.from(pieces(), { objectMode: false });
  readable.once("close", () => body.destroy());
  return { size, body: readable };
}

function uidIn(data: Data): number | undefined {
  return numberOf(pairsOf(data.values[0]).get("UID"));
}

function otherMessage(uid: number, told: string): PortholeError {
  return new PortholeError("protocol", `the server sent message ${told} in place of ${uid}`);
}

/** Contents that came as a quoted string, or as an empty one. */
function smallContents(data: Data, uid: number): Buffer | undefined {
  const pairs = pairsOf(data.values[0]);
  const named = numberOf(pairs.get("UID"));
  if (named !== undefined && named !== uid) return undefined;
  for (const [name, value] of pairs) {
    if (/^(?:BODY|BINARY)\[/.test(name) || name === "RFC822")
      return Buffer.from(textOf(value) ?? "", "latin1");
  }
  return undefined;
}

function bodyOf(octets: Buffer): Readable {
  return Readable.from(octets.length === 0 ? [] : [octets], { objectMode: false });
}
