/**
 * Many files, asked for ahead. While a file flows, the next one's size, time and passive port are asked for behind
 * it; servers answer them with the end of the file before, and so the next RETR and the way to its data connection
 * begin at once. One file then costs the time of its data connection and no more.
 *
 * RFC 959, 5.4 lets a server refuse commands while data flow; one that does is asked when the data have ended.
 */
import type { FTPResponse } from "basic-ftp";
import { messageOf, PortholeError } from "../../src/errors.js";
import type { Document, ManyRead } from "../../src/plugin.js";
import type { Control, Launched } from "./control.js";
import type { DataWay } from "./data-way.js";
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
  readonly found: Promise<Listed>;
  readonly way: Promise<DataWay>;
}

/** A file whose turn it is; without `launched` it cannot be had. */
interface Started {
  readonly path: string;
  readonly slot?: Slot;
  readonly launched?: Launched;
  readonly error?: unknown;
}

/** @throws PortholeError when the session is lost */
export async function* readAhead(
  control: Control,
  paths: AsyncIterable<string>,
  reading: AheadReading,
): AsyncGenerator<ManyRead> {
  const source = paths[Symbol.asyncIterator]();
  const ahead = new Ahead(control, reading, source);
  let coming = ahead.start(Promise.resolve());
  try {
    for (;;) {
      const started = await coming;
      if (started === undefined) return;
      const over = started.launched?.transfer.ended.then(ignore, ignore) ?? Promise.resolve();
      coming = ahead.start(over);
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

  constructor(control: Control, reading: AheadReading, source: AsyncIterator<string>) {
    this.#control = control;
    this.#reading = reading;
    this.#source = source;
  }

  /** Asks about the next file now, and for it when the transfer before it is over. */
  async start(over: Promise<void>): Promise<Started | undefined> {
    const next = await this.#source.next();
    if (next.done === true) return undefined;
    const path = next.value;
    try {
      const place = this.#reading.place(path);
      const pathname = await this.#control.pathname(place);
      const byFacts = (await this.#control.feature("MLST")) !== undefined;
      const type = place.text ? "A" : "I";
      if (this.#control.refusesAhead || !this.#control.hasType(type)) await over;
      // SIZE counts octets in one type alone.
      await this.#control.useType(type);
      let slot = this.#ask(path, place, pathname, byFacts);
      await over;
      if (await wasRefusedAhead(slot)) {
        this.#control.refusesAhead = true;
        slot = this.#ask(path, place, pathname, byFacts);
      }
      // The one reply that RETR has to wait for. Those before it have come by then.
      const [found, way] = await Promise.all([slot.found, slot.way]);
      if (found.kind === "directory") throw this.#reading.isFolder(place);
      const launched = this.#control.launch(`RETR ${pathname}`, way, {
        unavailable: "missing",
        bulk: isBulk(found.size),
      });
      launched.ready.catch(() => {});
      return { path, slot, launched };
    } catch (thrown) {
      return { path, error: thrown };
    }
  }

  #ask(path: string, place: FtpPath, pathname: string, byFacts: boolean): Slot {
    const control = this.#control;
    let found: Promise<Listed> | undefined;
    let way: Promise<DataWay> | undefined;
    control.ftp.together(() => {
      if (byFacts) found = control.ask(`MLST ${pathname}`).then((reply) => factsIn(answered(reply), place));
      else {
        const size = control.ask(`SIZE ${pathname}`);
        const time = control.ask(`MDTM ${pathname}`);
        found = Promise.all([size, time]).then(([one, other]) =>
          fileOf(place, answered(one), answered(other)),
        );
      }
      way = control.ways.arrange();
    });
    if (found === undefined || way === undefined) throw new PortholeError("other", "nothing was asked");
    found.catch(() => {});
    way.catch(() => {});
    return { path, place, pathname, found, way };
  }
}

/** What is not told is left out; that nothing may be asked now is another thing. @throws Refusal */
function answered(reply: FTPResponse): FTPResponse {
  if (reply.code >= 400 && isRefusedAhead(reply.message)) throw refusal(reply);
  return reply;
}

async function wasRefusedAhead({ found, way }: Slot): Promise<boolean> {
  const settled = await Promise.allSettled([found, way]);
  return settled.some(
    ({ status, ...rest }) =>
      status === "rejected" &&
      "reason" in rest &&
      rest.reason instanceof PortholeError &&
      isRefusedAhead(rest.reason.reply ?? ""),
  );
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
