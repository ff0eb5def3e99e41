/** One document from one session to another: straight through, held back by whoever writes, checked at its end. */
import type { Readable } from "node:stream";
import { whenAborted } from "../abort.js";
import { abortReason, PortholeError } from "../errors.js";
import type { Document, Entry, Progress, Session, Source } from "../plugin.js";
import type { Pair } from "./doors.js";
import { flagsOf } from "./marks.js";
import { Oversize, refuseOversize } from "./oversize.js";

export interface DeliveryRequest {
  readonly to: string;
  /** As progress calls it. */
  readonly name: string;
  readonly replace: boolean;
  /** A message's, as the listing had them; those of the document when absent. */
  readonly flags?: readonly string[];
  /** The source's date, where the document may have another: that of a link in place of what it leads to. */
  readonly modified?: Date;
  /** Octets at the target that are known to be the source's first. */
  readonly offset?: number;
  /** Octets of the whole, where nothing has told its size before. */
  readonly maxSize?: number;
  /** Told what will be read, before anything is written. */
  readonly begin?: (document: Document) => Promise<void>;
  readonly signal: AbortSignal;
  readonly progress?: (report: Progress) => void;
  /** All octets of the document, which have been taken from it already. */
  readonly held?: Buffer;
}

export interface TransferRequest extends DeliveryRequest {
  readonly from: string;
  /** What the octets at the target came from: if the source has another by now, all of it goes. */
  readonly validator?: string;
}

export interface Transferred {
  /** Octets of the whole. */
  readonly size: number;
  /** The octet from which on this run carried. */
  readonly from: number;
  readonly document: Document;
  /** The URL that now holds it. */
  readonly url: string;
  /** What the target said of it. */
  readonly entry: Entry;
}

/**
 * @throws PortholeError `protocol` when more or fewer octets came than were announced; `usage` when one side cannot
 *   read or the other write; whatever the sessions throw
 */
export async function transfer(pair: Pair, request: TransferRequest): Promise<Transferred> {
  const [source, target] = await Promise.all([pair.from.session(), pair.to.session()]);
  if (source.read === undefined) throw new PortholeError("usage", "there is nothing to read at the source");
  return deliver(target, await readFrom(source, request), request);
}

/**
 * A document that was read, to where it goes.
 * @throws Oversize for more octets than `maxSize`: a target that keeps no halves has nothing of it
 * @throws PortholeError `protocol` when more or fewer octets came than were announced; whatever the session throws
 */
export async function deliver(
  target: Session,
  document: Document,
  request: DeliveryRequest,
): Promise<Transferred> {
  const held = request.held ?? document.held;
  if (held !== undefined) return deliverHeld(target, document, request, held);
  const write = target.write?.bind(target);
  const { body } = document;
  // Whoever iterates hears of a failure; before and after that nobody does, which must not end the process.
  body.on("error", () => undefined);
  const leave = () => {
    body.destroy(abortReason(request.signal));
  };
  const unheeded = whenAborted(request.signal, leave);
  if (request.signal.aborted) leave();
  try {
    if (write === undefined) throw new PortholeError("usage", "nothing can be written at the target");
    refuseOversize(document.total ?? 0, request.maxSize, document);
    await request.begin?.(document);
    const counted = new Counted(document, request);
    const written = await write(request.to, sourceOf(document, request, counted.octets()));
    counted.check();
    return { size: counted.position, from: document.offset, document, url: written.url, entry: written };
  } catch (thrown) {
    throw request.signal.aborted ? abortReason(request.signal) : thrown;
  } finally {
    unheeded();
    await closed(body);
  }
}

/** What is in memory needs no stream on its way to what takes it so. */
async function deliverHeld(
  target: Session,
  document: Document,
  request: DeliveryRequest,
  held: Buffer,
): Promise<Transferred> {
  const { signal } = request;
  if (target.write === undefined) throw new PortholeError("usage", "nothing can be written at the target");
  if (signal.aborted) throw abortReason(signal);
  const counted = new Counted(document, request);
  counted.add(held, true);
  counted.check();
  if (request.begin !== undefined) await request.begin(document);
  try {
    const source = { ...sourceOf(document, request, oneOf(held)), held };
    const written = await target.write(request.to, source);
    return { size: counted.position, from: document.offset, document, url: written.url, entry: written };
  } catch (thrown) {
    throw signal.aborted ? abortReason(signal) : thrown;
  }
}

async function* oneOf(held: Buffer): AsyncGenerator<Uint8Array, void, undefined> {
  if (held.length > 0) yield held;
}

async function readFrom(source: Session, request: TransferRequest): Promise<Document> {
  const { offset = 0, validator } = request;
  const read = source.read?.bind(source);
  if (read === undefined) throw new PortholeError("usage", "there is nothing to read at the source");
  if (offset === 0) return read(request.from);
  const part = await read(request.from, { offset, ...(validator === undefined ? {} : { validator }) });
  if (part.offset === offset || part.offset === 0) return part;
  await closed(part.body);
  return read(request.from);
}

function sourceOf(document: Document, request: DeliveryRequest, body: AsyncIterable<Uint8Array>): Source {
  const { total, offset, entry } = document;
  const flags = request.flags ?? flagsOf(entry);
  const modified = request.modified ?? entry.modified;
  return {
    body,
    offset,
    replace: request.replace || (request.offset !== undefined && offset === 0),
    type: document.type,
    ...(total === undefined ? {} : { size: total - offset }),
    ...(modified === undefined ? {} : { modified }),
    ...(flags === undefined ? {} : { flags }),
  };
}

/** A session is free again when its body is closed. */
async function closed(body: Readable): Promise<void> {
  if (body.closed) return;
  await new Promise<void>((resolve) => {
    body.once("close", () => resolve());
    body.destroy();
  });
}

class Counted {
  position: number;
  readonly #document: Document;
  readonly #request: DeliveryRequest;

  constructor(document: Document, request: DeliveryRequest) {
    this.#document = document;
    this.#request = request;
    this.position = document.offset;
  }

  async *octets(): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const chunk of this.#document.body) {
      if (!(chunk instanceof Uint8Array))
        throw new TypeError("a document's body holds something that is no octets");
      this.#addOnItsWay(chunk);
      yield chunk;
    }
    // Before the target is told that this was all.
    this.check();
    this.#report(true);
  }

  #addOnItsWay(chunk: Uint8Array): void {
    try {
      this.add(chunk, false);
    } catch (thrown) {
      if (thrown instanceof Oversize) thrown.isBegun = true;
      throw thrown;
    }
  }

  add(chunk: Uint8Array, isLast: boolean): void {
    this.position += chunk.length;
    refuseOversize(this.position, this.#request.maxSize, this.#document);
    this.#report(isLast);
  }

  check(): void {
    const { total } = this.#document;
    if (total === undefined || total === this.position) return;
    const words = this.position < total ? "ended early" : "went on too long";
    throw new PortholeError("protocol", `the transfer ${words}: ${this.position} of ${total} octets`);
  }

  #report(finished: boolean): void {
    const { total } = this.#document;
    this.#request.progress?.({
      what: this.#request.name,
      done: this.position,
      ...(total === undefined ? {} : { total }),
      ...(finished ? { finished } : {}),
    });
  }
}
