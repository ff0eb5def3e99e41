/**
 * Many files, asked for ahead. While a file flows, the next one's passive port is asked for behind it, and the size
 * and time of the one after that; servers answer with the end of the file, and so the next RETR and the way to its
 * data connection begin at once. One file then costs the time of its data connection and no more.
 *
 * RFC 959, 5.4 lets a server refuse commands while data flow; one that does is asked when the data have ended.
 */
import type { FTPResponse } from "basic-ftp";
import { messageOf, PortholeError } from "../../src/errors.js";
import type { Document, ManyRead } from "../../src/plugin.js";
import type { Control, Launched } from "./control.js";
import { isRefusedAhead } from "./dialogue.js";
import { isBulk } from "./download.js";
import type { Listed } from "./listing.js";
import type { FtpPath } from "./path.js";
import { refusal } from "./refusal.js";
import { factsIn, fileOf } from "./standing.js";
import type { Transfer } from "./transfer.js";

export interface AheadReading {
  place(path: string): FtpPath;
  document(place: FtpPath, found: Listed, transfer: Transfer): Document;
  isFolder(place: FtpPath): PortholeError;
}

/** A file that is asked about. */
interface Slot {
  readonly path: string;
  readonly place: FtpPath;
  readonly pathname: string;
  found: Promise<Listed>;
}

/** A file whose turn it is; without `launched` it cannot be had. */
interface Started {
  readonly path: string;
  readonly slot?: Slot;
  readonly launched?: Launched;
  readonly error?: unknown;
  /** What comes after it. */
  readonly next: Promise<Slot | Started | undefined>;
}

/** @throws PortholeError when the session is lost */
export async function* readAhead(
  control: Control,
  paths: AsyncIterable<string>,
  reading: AheadReading,
): AsyncGenerator<ManyRead> {
  const source = paths[Symbol.asyncIterator]();
  const ahead = new Ahead(control, reading, source);
  let coming = ahead.start(ahead.look(), Promise.resolve());
  try {
    for (;;) {
      const started = await coming;
      if (started === undefined) return;
      const over = started.launched?.transfer.ended.then(ignore, ignore) ?? Promise.resolve();
      coming = ahead.start(started.next, over);
      coming.catch(() => {});
      const result = await resultOf(started, reading);
      if ("error" in result && control.over) throw result.error;
      yield result;
      if ("document" in result) await closed(result.document);
    }
  } finally {
    await source.return?.();
    // Asked for and not wanted any more.
    const left = await coming.catch(() => undefined);
    left?.launched?.ready.catch(() => {});
    await left?.launched?.transfer.abandon();
  }
}

/** Paths that are handed out again when the session they were handed to is lost. */
export class PathsToRead implements AsyncIterable<string> {
  readonly #source: AsyncIterator<string>;
  /** Handed out, and no result yet, in order. */
  #taken: string[] = [];
  #again: string[] = [];

  constructor(paths: AsyncIterable<string>) {
    this.#source = paths[Symbol.asyncIterator]();
  }

  [Symbol.asyncIterator](): AsyncIterator<string> {
    return { next: () => this.#next() };
  }

  /** The first that is without one has its result. */
  settle(): void {
    this.#taken.shift();
  }

  /** All that are without a result are handed out once more, before the others. */
  repeat(): void {
    this.#again = [...this.#taken, ...this.#again];
    this.#taken = [];
  }

  async close(): Promise<void> {
    await this.#source.return?.();
  }

  async #next(): Promise<IteratorResult<string>> {
    const again = this.#again.shift();
    const next: IteratorResult<string> =
      again === undefined ? await this.#source.next() : { done: false, value: again };
    if (next.done !== true) this.#taken.push(next.value);
    return next;
  }
}

/** The same in turn, each whole before the next is asked for. */
export async function* readInTurn(
  session: { read(path: string): Promise<Document> },
  paths: AsyncIterable<string>,
): AsyncGenerator<ManyRead> {
  for await (const path of paths) {
    let result: ManyRead;
    try {
      result = { path, document: await session.read(path) };
    } catch (thrown) {
      result = { path, error: asError(thrown) };
    }
    yield result;
    if ("document" in result) await closed(result.document);
  }
}

class Ahead {
  readonly #control: Control;
  readonly #reading: AheadReading;
  readonly #source: AsyncIterator<string>;
  #ready = false;

  constructor(control: Control, reading: AheadReading, source: AsyncIterator<string>) {
    this.#control = control;
    this.#reading = reading;
    this.#source = source;
  }

  /** Takes the next path, and asks what is there. What is left before its turn may fail for nobody. */
  look(): Promise<Slot | Started | undefined> {
    const looking = this.#look();
    looking.catch(() => {});
    return looking;
  }

  async #look(): Promise<Slot | Started | undefined> {
    const next = await this.#source.next();
    if (next.done === true) return undefined;
    const path = next.value;
    const control = this.#control;
    try {
      const place = this.#reading.place(path);
      // SIZE counts octets in one type alone.
      const typed = this.#ready ? undefined : control.useType("I");
      const pathname = await control.pathname(place);
      await typed;
      this.#ready = true;
      const slot = { path, place, pathname, found: Promise.resolve(bare(place)) };
      if (!control.refusesAhead) await this.#ask(slot);
      return slot;
    } catch (thrown) {
      return { path, error: thrown, next: this.look() };
    }
  }

  /** Asks for the way now, what the next one is behind it, and for the file when the transfer before it is over. */
  async start(
    coming: Promise<Slot | Started | undefined>,
    over: Promise<void>,
  ): Promise<Started | undefined> {
    const slot = await coming;
    if (slot === undefined || "next" in slot) return slot;
    const control = this.#control;
    const { path, place, pathname } = slot;
    const type = place.text ? "A" : "I";
    let next: Promise<Slot | Started | undefined> | undefined;
    try {
      if (control.refusesAhead || !control.hasType(type)) await over;
      if (control.refusesAhead) await this.#ask(slot);
      await control.useType(type);
      let arranged = settled(control.ways.arrange());
      next = control.refusesAhead ? over.then(() => this.look()) : this.look();
      next.catch(() => {});
      await over;
      let way = await arranged;
      if (isRefusal(way.error) || isRefusal((await settled(slot.found)).error)) {
        control.refusesAhead = true;
        await this.#ask(slot);
        arranged = settled(control.ways.arrange());
        way = await arranged;
      }
      if (way.value === undefined) throw way.error;
      const found = await slot.found;
      if (found.kind === "directory") throw this.#reading.isFolder(place);
      const launched = control.launch(`RETR ${pathname}`, way.value, {
        unavailable: "missing",
        bulk: isBulk(found.size),
      });
      launched.ready.catch(() => {});
      return { path, slot, launched, next };
    } catch (thrown) {
      return { path, error: thrown, next: next ?? this.look() };
    }
  }

  async #ask(slot: Slot): Promise<void> {
    const control = this.#control;
    const { place, pathname } = slot;
    if ((await control.feature("MLST")) !== undefined) {
      slot.found = control.ask(`MLST ${pathname}`).then((reply) => factsIn(answered(reply), place));
    } else {
      slot.found = control
        .askTogether([`SIZE ${pathname}`, `MDTM ${pathname}`])
        .then(([size, time]) =>
          size === undefined || time === undefined
            ? bare(place)
            : fileOf(place, answered(size), answered(time)),
        );
    }
    slot.found.catch(() => {});
  }
}

/** Nothing is known of it yet: RETR decides. */
function bare(place: FtpPath): Listed {
  return { name: place.last, kind: "file", meta: {} };
}

interface Settled<T> {
  readonly value?: T;
  readonly error?: unknown;
}

function settled<T>(promise: Promise<T>): Promise<Settled<T>> {
  return promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
}

function isRefusal(error: unknown): boolean {
  return error instanceof PortholeError && isRefusedAhead(error.reply ?? "");
}

/** What is not told is left out; that nothing may be asked now is another thing. @throws Refusal */
function answered(reply: FTPResponse): FTPResponse {
  if (reply.code >= 400 && isRefusedAhead(reply.message)) throw refusal(reply);
  return reply;
}

async function resultOf(started: Started, reading: AheadReading): Promise<ManyRead> {
  const { path, slot, launched } = started;
  if (slot === undefined || launched === undefined) return { path, error: asError(started.error) };
  try {
    const transfer = await launched.ready;
    return { path, document: reading.document(slot.place, await slot.found, transfer) };
  } catch (thrown) {
    return { path, error: asError(thrown) };
  }
}

function closed({ body }: Document): Promise<void> {
  if (body.closed) return Promise.resolve();
  return new Promise((resolve) => {
    body.once("close", () => resolve());
  });
}

function asError(thrown: unknown): PortholeError {
  if (thrown instanceof PortholeError) return thrown;
  return new PortholeError("other", messageOf(thrown), { cause: thrown });
}

function ignore(): void {}
