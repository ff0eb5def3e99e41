/** A document into a file: never a half one under the final name, never more in memory than one block. */
import { constants, promises as files } from "node:fs";
import type { Readable } from "node:stream";
import { abortReason, localError, PortholeError, systemCode } from "../errors.js";
import type { Document, Progress, ReadQuery, Take } from "../plugin.js";
import { Blocks, LARGE, type Write } from "./blocks.js";
import type { Checksum } from "./checksum.js";
import type { Gap } from "./gaps.js";
import { type Leaving, leaveOnAbort } from "./leaving.js";
import { Oversize, refuseOversize } from "./oversize.js";
import { findPartial, type PartialCopy, type PartialFacts, PartialFile } from "./partial-file.js";
import type { SegmentsWanted } from "./save-parts.js";
import { type Place, placeBefore, placeFor } from "./save-place.js";
import {
  type Copy,
  type CopyRequest,
  copyAt,
  isUnchanged,
  keepVersion,
  likelyCopy,
  newerThan,
  versionOf,
} from "./save-unless-same.js";

export type { Checksum } from "./checksum.js";
export type { NamedInFolder } from "./save-place.js";
export type { Reader } from "./save-segments.js";

export interface SaveRequest extends CopyRequest {
  /** Asks for the document, from an octet on when a partial copy is continued. */
  readonly read: (query: ReadQuery) => Promise<Document>;
  /** Octets in all, decoded. */
  readonly maxSize?: number;
  /** Checked before the file gets its name. */
  readonly checksum?: Checksum;
  /** In so many parts at once, where the server gives parts; each of them repeated so many times. */
  readonly segments?: SegmentsWanted;
  readonly signal?: AbortSignal;
  readonly progress?: (report: Progress) => void;
  /**
   * Given: the call returns as soon as all octets have come, and hands over what is left to wait for, the disk and the
   * name. Whoever has more to fetch need not wait.
   */
  readonly later?: (finishing: Promise<void>) => void;
}

export interface Saved {
  readonly path: string;
  /** Octets of the whole file. */
  readonly size: number;
  /** The octet from which on this run fetched; 0 when it fetched all. */
  readonly from: number;
  /** With `ifChanged`: what is there is as new as the original, and stays. */
  readonly unchanged?: true;
}

/** From here on a partial copy is worth continuing after a power cut; short ones only write their facts when interrupted. */
const WORTH_KEEPING = 1024 * 1024;
/** Octets after which the disk is set to work: what it has done by the end need not be waited for. */
const SYNC_AHEAD = 64 * 1024 * 1024;

/**
 * Saves one document. An interrupted run leaves a partial copy beside the target, for `resume`.
 * @throws PortholeError `local` (exists, no room, not allowed), `protocol` (ended early, larger than `maxSize`, another
 *   checksum), the signal's reason, and whatever `read` and the body throw
 */
export async function saveDocument(request: SaveRequest): Promise<Saved> {
  if (request.signal?.aborted) throw abortReason(request.signal);
  const before = await placeBefore(request);
  if (before.place !== undefined) return saveTo(before.place, request);
  const likely = request.ifChanged === true ? await likelyCopy(request) : undefined;
  const document = await request.read(likely === undefined ? {} : newerThan(likely));
  using leaving = leaveOnAbort(document, request.signal);
  if (likely !== undefined && isUnchanged(document, likely)) {
    await keepVersion(request, likely.path, versionOf(document));
    return leaveAsItIs(document, likely);
  }
  const place = orLeave(() => placeFor(document, request, before), document);
  return await saveTo(
    place,
    {
      ...request,
      ifChanged: false,
      replace: request.replace === true || request.ifChanged === true,
      read: async () => document,
    },
    request,
    leaving,
  );
}

/**
 * @param asked what the user asked, where the request was made of that
 * @param heeded the document's body is left already when the signal fires
 */
async function saveTo(
  { path, existing }: Place,
  request: SaveRequest,
  asked = request,
  heeded?: Leaving,
): Promise<Saved> {
  if (existing.kind === "device") return writeThrough(path, request);
  const target = existing.kind === "file" ? existing.path : path;
  const earlier = request.resume === true ? await findPartial(target, request.url) : undefined;
  const copy =
    request.ifChanged === true && existing.kind === "file" ? await copyAt(existing.path, request) : undefined;
  const document = await request.read({
    ...(earlier === undefined ? {} : continuation(earlier)),
    ...(copy === undefined ? {} : newerThan(copy)),
  });
  using leaving = heeded ?? leaveOnAbort(document, request.signal);
  if (copy !== undefined && isUnchanged(document, copy)) {
    await keepVersion(request, copy.path, versionOf(document));
    return leaveAsItIs(document, { ...copy, path });
  }
  const from = startOf(document, earlier);
  refuseOversize(document.total ?? 0, request.maxSize, document);

  const gaps = gapsOf(document, earlier);
  const keep = gaps === undefined ? from : (earlier?.length ?? 0);
  const partial = orLeave(() => PartialFile.open(target, keep), document);
  let facts: PartialFacts = { ...factsOf(request.url, document), ...(gaps === undefined ? {} : { gaps }) };
  let size: number;
  try {
    if (from > 0) await partial.remember(facts);
    let remembered = from > 0;
    let unsynced = 0;
    const taken = (block: Uint8Array, position: number): Promise<void> | undefined => {
      unsynced += block.length;
      if (unsynced >= SYNC_AHEAD) {
        unsynced = 0;
        void partial.syncAhead();
      }
      if (remembered || position + block.length < WORTH_KEEPING) return undefined;
      remembered = true;
      return partial.remember(facts);
    };
    // What is noted of parts is in the file already.
    const write: Write = (block, position) => {
      partial.write(block, position);
      return taken(block, position);
    };
    const writeBehind: Write = (block, position) => {
      const taking = partial.writeBehind(block, position);
      const noting = taken(block, position);
      return noting === undefined ? taking : Promise.all([taking, noting]).then(() => undefined);
    };
    const wanted =
      gaps ??
      (request.segments === undefined || document.held !== undefined
        ? undefined
        : await partsWanted(document, from, request.segments));
    const { total, validator } = document;
    if (wanted === undefined || total === undefined || validator === undefined) {
      size = await pour(document, from, request, { write, writeBehind });
      await partial.written();
    } else {
      remembered = true;
      const { pourParts } = await import("./save-parts.js");
      await pourParts({
        document: { ...document, total, validator },
        gaps: wanted,
        segments: request.segments,
        again: request.read,
        partial,
        write,
        remember: (missing) => {
          facts = { ...facts, gaps: missing };
          return partial.remember(facts);
        },
        pour: handOver,
        progress: request.progress,
        signal: request.signal,
      });
      facts = factsOf(request.url, document);
      size = total;
    }
    leaving.check();
    if (request.checksum !== undefined) await partial.verify(request.checksum, request.signal);
    if (document.checksum !== undefined && (from > 0 || wanted !== undefined)) {
      const { parseChecksum } = await import("./checksum.js");
      await partial.verify(parseChecksum(await document.checksum()), request.signal);
    }
  } catch (thrown) {
    const isKept = !(thrown instanceof Oversize || partial.spoiled) && partial.size > 0;
    await settle(partial, facts, isKept);
    if (isKept && request.resume !== true && thrown instanceof PortholeError) thrown.hint ??= CONTINUE;
    throw leaving.aborted() ?? thrown;
  }
  const naming = async () => {
    try {
      await partial.finish({
        replace: request.replace === true || request.ifChanged === true,
        modified: document.entry.modified,
        mode: existing.kind === "file" ? existing.mode : undefined,
        mayWait: request.later !== undefined,
      });
    } catch (thrown) {
      await settle(partial, facts, true);
      throw thrown;
    }
    if (asked.ifChanged === true) await keepVersion(asked, path, versionOf(document));
    request.progress?.({ what: document.entry.name, done: size, total: size, finished: true });
  };
  if (request.later === undefined) await naming();
  else request.later(naming());
  return { path, size, from };
}

const CONTINUE = "what came is kept, and --resume goes on from there";

function leaveAsItIs({ body }: Document, { path, size }: Copy): Saved {
  body.destroy();
  return { path, size, from: size, unchanged: true };
}

/** The last octet is fetched again when all are there: asking from beyond the end is an error in most protocols. */
export function continuation(earlier: PartialCopy): ReadQuery {
  const offset = earlier.total === undefined ? earlier.size : Math.min(earlier.size, earlier.total - 1);
  return {
    offset: Math.max(0, offset),
    ...(earlier.validator === undefined ? {} : { validator: earlier.validator }),
  };
}

/** Where the body's first octet belongs: what lies before it is kept, what lies after it is written anew. */
function startOf(document: Document, earlier: PartialCopy | undefined): number {
  const isSame =
    earlier?.total === undefined || document.total === undefined || earlier.total === document.total;
  if (document.offset === 0) return 0;
  if (earlier !== undefined && isSame && document.offset <= earlier.size) return document.offset;
  document.body.destroy();
  throw new PortholeError("protocol", "the original changed since the partial copy was made", {
    hint: "fetch it again without --resume",
  });
}

function factsOf(url: string, document: Document): PartialFacts {
  return {
    url,
    ...(document.validator === undefined ? {} : { validator: document.validator }),
    ...(document.total === undefined ? {} : { total: document.total }),
  };
}

function orLeave<T>(act: () => T, document: Document): T {
  try {
    return act();
  } catch (thrown) {
    document.body.destroy();
    throw thrown;
  }
}

/** After success there is nothing left to do here; after a failure the partial copy stays, with its facts, or goes. */
async function settle(partial: PartialFile, facts: PartialFacts, keep: boolean): Promise<void> {
  if (partial.finished) return;
  // What came is in the file before it is closed; why it is not all there is known already.
  await partial.written().catch(() => undefined);
  if (!keep || partial.size === 0) {
    await partial.discard();
    return;
  }
  // A full disk may refuse the facts too; the error that led here says more than this one would.
  await partial.remember(facts).catch(() => undefined);
  partial.close();
}

/**
 * The body in blocks to `write`, or, when much has come in large pieces, to `writeBehind`; by the document's short way where
 * it has one.
 * @returns the octets of the whole
 */
async function pour(
  document: Document,
  from: number,
  request: SaveRequest,
  { write, writeBehind = write }: { readonly write: Write; readonly writeBehind?: Write },
): Promise<number> {
  const { held } = document;
  if (held !== undefined) {
    refuseOversize(from + held.length, request.maxSize, document);
    if (held.length > 0) await write(held, from);
    return checkedEnd(document, from + held.length);
  }
  let isDecided = false;
  let way = write;
  const blocks = new Blocks(
    from,
    (block, position) => {
      const written = way(block, position);
      report(document, position + block.length, request);
      return written;
    },
    document.total === undefined ? undefined : document.total - from,
  );
  const take = (chunk: Uint8Array) => {
    refuseOversize(blocks.end + chunk.length, request.maxSize, document);
    if (!isDecided && blocks.end >= WORTH_KEEPING) {
      isDecided = true;
      // What comes in small pieces, as under TLS, keeps this thread busy, and a second would take from the server's.
      if (chunk.length >= LARGE) way = writeBehind;
    }
    return blocks.add(chunk);
  };
  try {
    await handOver(document, take);
  } finally {
    // What came before a cut is worth having for --resume.
    await blocks.flush();
  }
  return checkedEnd(document, blocks.end);
}

/** @throws PortholeError `protocol` for another end than was announced */
function checkedEnd({ total }: Document, end: number): number {
  if (total === undefined || end === total) return end;
  const words = end < total ? "ended early" : "went on too long";
  throw new PortholeError("protocol", `the transfer ${words}: ${end} of ${total} octets`, {
    hint: "try again with --resume",
  });
}

/** By the document's short way where it has one. */
async function handOver(document: Document, take: Take): Promise<void> {
  if (document.pour !== undefined) return document.pour(take);
  for await (const chunk of octetsOf(document.body)) await take(chunk);
}

/** What an earlier run left out of a document that is still the same. */
function gapsOf(
  { total, validator, offset }: Document,
  earlier: PartialCopy | undefined,
): readonly Gap[] | undefined {
  if (earlier?.gaps === undefined || validator === undefined) return undefined;
  const isSame = earlier.total === total && earlier.validator === validator && earlier.size === offset;
  return isSame ? earlier.gaps : undefined;
}

/** The whole as one gap, when it is to be fetched in parts and can be. */
async function partsWanted(
  { total, validator }: Document,
  from: number,
  segments: SegmentsWanted,
): Promise<readonly Gap[] | undefined> {
  if (segments.count < 2) return undefined;
  if (total === undefined || validator === undefined || total <= from) return undefined;
  const { partsOf } = await import("./gaps.js");
  const gaps = [{ from, to: total }];
  return partsOf(gaps, segments.count).length < 2 ? undefined : gaps;
}

async function* octetsOf(body: Readable): AsyncGenerator<Buffer, void, undefined> {
  for await (const chunk of body) {
    if (typeof chunk === "string") yield Buffer.from(chunk, "utf8");
    else if (chunk instanceof Uint8Array) yield bufferOf(chunk);
    else throw new TypeError("a document's body holds something that is no octets");
  }
}

function bufferOf(octets: Uint8Array): Buffer {
  return Buffer.isBuffer(octets) ? octets : Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength);
}

function report(document: Document, done: number, request: SaveRequest): void {
  const { total } = document;
  request.progress?.({ what: document.entry.name, done, ...(total === undefined ? {} : { total }) });
}

/** A device or named pipe takes what comes; there is nothing to rename or continue. */
async function writeThrough(path: string, request: SaveRequest): Promise<Saved> {
  const document = await request.read({});
  using leaving = leaveOnAbort(document, request.signal);
  refuseOversize(document.total ?? 0, request.maxSize, document);
  const opened = await files.open(path, constants.O_WRONLY).catch((thrown: unknown) => {
    document.body.destroy();
    throw localError(thrown, path);
  });
  try {
    await using device = opened;
    const size = await pour(document, 0, request, { write: (block) => device.writeFile(block) });
    return { path, size, from: 0 };
  } catch (thrown) {
    throw leaving.aborted() ?? (systemCode(thrown) === undefined ? thrown : localError(thrown, path));
  }
}
