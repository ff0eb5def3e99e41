/** A document into a file: never a half one under the final name, never more in memory than one block. */
import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import type { Readable } from "node:stream";
import { abortReason, localError, PortholeError, systemCode } from "../errors.js";
import type { Document, Progress, ReadQuery } from "../plugin.js";
import { findPartial, type PartialFacts, PartialFile } from "./partial-file.js";
import { type Place, type PlaceRequest, placeBefore, placeFor } from "./save-place.js";

export type { NamedInFolder } from "./save-place.js";

export interface SaveRequest extends PlaceRequest {
  /** Asks for the document, from an octet on when a partial copy is continued. */
  readonly read: (query: ReadQuery) => Promise<Document>;
  /** Octets in all, decoded. */
  readonly maxSize?: number;
  readonly signal?: AbortSignal;
  readonly progress?: (report: Progress) => void;
}

export interface Saved {
  readonly path: string;
  /** Octets of the whole file. */
  readonly size: number;
  /** The octet from which on this run fetched; 0 when it fetched all. */
  readonly from: number;
}

/** Octets gathered for one write: fewer, larger writes are what makes a download fast. */
const BLOCK = 256 * 1024;
/** Octets from which on a piece is written as it came. */
const LARGE = 64 * 1024;
/** From here on a partial copy is worth continuing after a power cut; short ones only write their facts when interrupted. */
const WORTH_KEEPING = 1024 * 1024;
/** Octets after which the disk is set to work: what it has done by the end need not be waited for. */
const SYNC_AHEAD = 64 * 1024 * 1024;

/**
 * Saves one document. An interrupted run leaves a partial copy beside the target, for `resume`.
 * @throws PortholeError `local` (exists, no room, not allowed), `protocol` (ended early, larger than `maxSize`),
 *   the signal's reason, and whatever `read` and the body throw
 */
export async function saveDocument(request: SaveRequest): Promise<Saved> {
  if (request.signal?.aborted) throw abortReason(request.signal);
  const known = await placeBefore(request);
  if (known !== undefined) return saveTo(known, request);
  const document = await request.read({});
  using _leaving = leaveOnAbort(document.body, request.signal);
  const place = await orLeave(() => placeFor(document, request), document.body);
  return await saveTo(place, { ...request, read: async () => document });
}

async function saveTo({ path, existing }: Place, request: SaveRequest): Promise<Saved> {
  if (existing.kind === "device") return writeThrough(path, request);
  const target = existing.kind === "file" ? existing.path : path;
  const earlier = request.resume === true ? await findPartial(target, request.url) : undefined;
  const document = await request.read(earlier === undefined ? {} : continuation(earlier));
  using leaving = leaveOnAbort(document.body, request.signal);
  const from = startOf(document, earlier);
  refuseOversize(document.total ?? 0, request.maxSize, document.body);

  const partial = await orLeave(() => PartialFile.open(target, from), document.body);
  const facts = factsOf(request.url, document);
  let safeToKeep = true;
  try {
    if (from > 0) await partial.remember(facts);
    let remembered = from > 0;
    let ahead = from;
    const size = await pour(document, from, request, (block, position) => {
      partial.write(block, position);
      const end = position + block.length;
      if (end - ahead >= SYNC_AHEAD) {
        ahead = end;
        void partial.syncAhead();
      }
      if (remembered || end < WORTH_KEEPING) return undefined;
      remembered = true;
      return partial.remember(facts);
    });
    leaving.check();
    await partial.finish({
      replace: request.replace === true,
      modified: document.entry.modified,
      mode: existing.kind === "file" ? existing.mode : undefined,
    });
    request.progress?.({ what: document.entry.name, done: size, total: size, finished: true });
    return { path, size, from };
  } catch (thrown) {
    safeToKeep = !(thrown instanceof Oversize);
    throw leaving.aborted() ?? thrown;
  } finally {
    await settle(partial, facts, safeToKeep);
  }
}

class Oversize extends PortholeError {}

/** The last octet is fetched again when all are there: asking from beyond the end is an error in most protocols. */
function continuation(earlier: PartialFacts & { readonly size: number }): ReadQuery {
  const offset = earlier.total === undefined ? earlier.size : Math.min(earlier.size, earlier.total - 1);
  return {
    offset: Math.max(0, offset),
    ...(earlier.validator === undefined ? {} : { validator: earlier.validator }),
  };
}

/** Where the body's first octet belongs: what lies before it is kept, what lies after it is written anew. */
function startOf(
  document: Document,
  earlier: (PartialFacts & { readonly size: number }) | undefined,
): number {
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

async function orLeave<T>(act: () => Promise<T>, body: Readable): Promise<T> {
  try {
    return await act();
  } catch (thrown) {
    body.destroy();
    throw thrown;
  }
}

/** After success there is nothing left to do here; after a failure the partial copy stays, with its facts, or goes. */
async function settle(partial: PartialFile, facts: PartialFacts, keep: boolean): Promise<void> {
  if (partial.finished) return;
  if (!keep || partial.size === 0) {
    await partial.discard();
    return;
  }
  // A full disk may refuse the facts too; the error that led here says more than this one would.
  await partial.remember(facts).catch(() => undefined);
  partial.close();
}

/** Writes a block, which it must not keep, at a place in the file. */
type Write = (block: Uint8Array, position: number) => Promise<void> | void;

/**
 * The body in blocks to `write`, by the document's short way where it has one.
 * @returns the octets of the whole
 */
async function pour(document: Document, from: number, request: SaveRequest, write: Write): Promise<number> {
  const blocks = new Blocks(from, (block, position) => {
    const written = write(block, position);
    report(document, position + block.length, request);
    return written;
  });
  const take = (chunk: Uint8Array) => {
    refuseOversize(blocks.end + chunk.length, request.maxSize, document.body);
    return blocks.add(chunk);
  };
  try {
    if (document.pour === undefined) for await (const chunk of octetsOf(document.body)) await take(chunk);
    else await document.pour(take);
  } finally {
    // What came before a cut is worth having for --resume.
    await blocks.flush();
  }
  const { end } = blocks;
  if (document.total !== undefined && end !== document.total) {
    const words = end < document.total ? "ended early" : "went on too long";
    throw new PortholeError("protocol", `the transfer ${words}: ${end} of ${document.total} octets`, {
      hint: "try again with --resume",
    });
  }
  return end;
}

/** Gathers small pieces to blocks of BLOCK octets; a piece that is large itself is written as it is. */
class Blocks {
  #block: Buffer | undefined;
  #filled = 0;
  #position: number;
  readonly #write: Write;

  constructor(from: number, write: Write) {
    this.#position = from;
    this.#write = write;
  }

  /** Octets of the whole so far. */
  get end(): number {
    return this.#position + this.#filled;
  }

  add(chunk: Uint8Array): Promise<void> | void {
    if (this.#filled === 0 && chunk.length >= LARGE) return this.#put(chunk);
    this.#block ??= Buffer.allocUnsafe(BLOCK);
    if (this.#filled + chunk.length > BLOCK) return this.#addInParts(chunk, this.#block);
    this.#block.set(chunk, this.#filled);
    this.#filled += chunk.length;
    return undefined;
  }

  flush(): Promise<void> | void {
    const octets = this.#block?.subarray(0, this.#filled);
    this.#filled = 0;
    return octets === undefined || octets.length === 0 ? undefined : this.#put(octets);
  }

  async #addInParts(chunk: Uint8Array, block: Buffer): Promise<void> {
    for (let taken = 0; taken < chunk.length; ) {
      const room = BLOCK - this.#filled;
      const part = chunk.subarray(taken, taken + room);
      block.set(part, this.#filled);
      this.#filled += part.length;
      taken += part.length;
      if (this.#filled === BLOCK) await this.flush();
    }
  }

  #put(octets: Uint8Array): Promise<void> | void {
    const at = this.#position;
    this.#position += octets.length;
    return this.#write(octets, at);
  }
}

async function* octetsOf(body: Readable): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of body) {
    if (typeof chunk === "string") yield Buffer.from(chunk, "utf8");
    else if (chunk instanceof Uint8Array) yield chunk;
    else throw new TypeError("a document's body holds something that is no octets");
  }
}

function report(document: Document, done: number, request: SaveRequest): void {
  const { total } = document;
  request.progress?.({ what: document.entry.name, done, ...(total === undefined ? {} : { total }) });
}

function refuseOversize(size: number, maxSize: number | undefined, body: Readable): void {
  if (maxSize === undefined || size <= maxSize) return;
  body.destroy();
  throw new Oversize("protocol", `the document is larger than the ${maxSize} octets allowed`, {
    hint: "--max-size sets the bound",
  });
}

/** A device or named pipe takes what comes; there is nothing to rename or continue. */
async function writeThrough(path: string, request: SaveRequest): Promise<Saved> {
  const document = await request.read({});
  using leaving = leaveOnAbort(document.body, request.signal);
  refuseOversize(document.total ?? 0, request.maxSize, document.body);
  const openDevice = (): Promise<FileHandle> => open(path, constants.O_WRONLY);
  try {
    await using device = await orLeave(openDevice, document.body);
    const size = await pour(document, 0, request, async (block) => {
      await device.writeFile(block);
    });
    return { path, size, from: 0 };
  } catch (thrown) {
    throw leaving.aborted() ?? (systemCode(thrown) === undefined ? thrown : localError(thrown, path));
  }
}

interface Leaving extends Disposable {
  /** The error to throw when the signal has fired. */
  aborted(): PortholeError | undefined;
  check(): void;
}

/** Destroys the body when the signal fires, so that waiting for the next chunk ends at once. */
function leaveOnAbort(body: Readable, signal: AbortSignal | undefined): Leaving {
  const aborted = (): PortholeError | undefined =>
    signal?.aborted === true ? abortReason(signal) : undefined;
  const leave = (): void => {
    body.destroy(aborted());
  };
  // The iteration reports a failure; between two chunks nobody else listens, and that must not end the process.
  body.on("error", () => undefined);
  signal?.addEventListener("abort", leave, { once: true });
  if (signal?.aborted === true) leave();
  return {
    aborted,
    check: () => {
      const reason = aborted();
      if (reason !== undefined) throw reason;
    },
    [Symbol.dispose]: () => {
      signal?.removeEventListener("abort", leave);
    },
  };
}
