/**
 * One document in several parts at once, each by a session of its own: for lines on which one connection is slow. The
 * document that was opened first goes on as the first part, so a server that gives no parts costs nothing; and a part
 * for which the server gives no connection is taken over by those that there are.
 */
import { type ErrorCode, PortholeError } from "../errors.js";
import type { Document, ReadQuery, Take } from "../plugin.js";
import { repeatWhilePossible } from "../repeat.js";
import type { Write } from "./blocks.js";
import { Blocks } from "./blocks.js";
import type { Gap } from "./gaps.js";

/** A session for one part, and its end. */
export interface Reader extends AsyncDisposable {
  read(query: ReadQuery): Promise<Document>;
}

export interface Segmented {
  /** Its body begins where the first part does; it knows its total and what tells that it is still the same. */
  readonly document: Document & { readonly total: number; readonly validator: string };
  /** What is missing, in order. */
  readonly parts: readonly Gap[];
  /** How many are fetched at once. */
  readonly connections: number;
  readonly another: () => Promise<Reader>;
  /** By the session of `document`, when its body is closed. */
  readonly again: (query: ReadQuery) => Promise<Document>;
  readonly retries: number;
  readonly write: Write;
  /** Hands over a body's octets, by the short way where there is one. */
  readonly pour: (document: Document, take: Take) => Promise<void>;
  /** Fewer connections than wanted, and why. */
  readonly tell: (text: string) => void;
  readonly signal: AbortSignal;
}

/** Some octets are there, and some are missing, when the whole failed. */
export class Unfinished extends Error {
  readonly gaps: readonly Gap[];
  constructor(gaps: readonly Gap[], cause: unknown) {
    super("not all parts came", { cause });
    this.gaps = gaps;
  }
}

/** How the first part ends where the second begins. */
class Enough extends Error {}
/** The server gave something else than the part. */
class NoPart extends PortholeError {}

/** What the server does about a part; settled before its first octet. */
type Given = "given" | "no connection" | "no parts";

/** How a server says no to one more session or transfer than it likes. */
const NO_CONNECTION: ReadonlySet<ErrorCode> = new Set(["auth", "busy", "connect", "refused", "timeout"]);

function isOneTooMany(thrown: unknown): thrown is PortholeError {
  return thrown instanceof PortholeError && !(thrown instanceof NoPart) && NO_CONNECTION.has(thrown.code);
}

class Part {
  /** Where the next octet belongs. */
  at: number;
  end: number;
  readonly given: Promise<Given>;
  isGiven = false;
  #settle: (given: Given) => void = () => undefined;

  constructor({ from, to }: Gap) {
    this.at = from;
    this.end = to;
    this.given = new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  /** The first word counts. */
  settle(given: Given): void {
    if (given === "given") this.isGiven = true;
    this.#settle(given);
  }
}

export class Segments {
  readonly #segmented: Segmented;
  #parts: Part[];
  /** Those that nobody fetches yet. */
  readonly #waiting: Part[];
  readonly #stop = new AbortController();
  /** The first part goes on to the end of the document. */
  readonly #alone = new AbortController();
  #refusals = 0;

  constructor(segmented: Segmented) {
    this.#segmented = segmented;
    this.#parts = segmented.parts.map((gap) => new Part(gap));
    this.#waiting = this.#parts.slice(Math.max(1, segmented.connections));
    for (const part of this.#waiting) part.settle("no connection");
  }

  /** What is missing now. */
  get gaps(): Gap[] {
    return this.#parts.filter(({ at, end }) => at < end).map(({ at, end }) => ({ from: at, to: end }));
  }

  /** @throws Unfinished, with what went wrong as its cause */
  async pour(): Promise<void> {
    const { signal } = this.#segmented;
    const [first, ...others] = this.#parts;
    if (first === undefined) return;
    first.settle("given");
    const leave = () => this.#stop.abort(signal.reason);
    signal.addEventListener("abort", leave, { once: true });
    if (signal.aborted) leave();
    try {
      const fetched = others.filter((part) => !this.#waiting.includes(part));
      const following = Promise.allSettled(fetched.map((part) => this.#stopping(this.#follow(part))));
      const leading = this.#lead(first).then(async () => {
        if (this.#alone.signal.aborted) return;
        const again = (query: ReadQuery) => this.#segmented.again(query);
        await this.#takeOver(again);
        await following;
        // A part may have been given up when all others were through.
        if (!this.#stop.signal.aborted) await this.#takeOver(again);
      });
      const [led] = await Promise.allSettled([this.#stopping(leading)]);
      const ended = [led, ...(await following)];
      const failed = ended.find((one) => one.status === "rejected");
      if (this.gaps.length === 0) return;
      const cause: unknown = failed?.status === "rejected" ? failed.reason : new Error("parts are missing");
      throw new Unfinished(this.gaps, this.#stop.signal.aborted ? this.#stop.signal.reason : cause);
    } finally {
      signal.removeEventListener("abort", leave);
    }
  }

  async #stopping(work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (thrown) {
      if (!this.#alone.signal.aborted) this.#stop.abort(thrown);
      throw thrown;
    }
  }

  async #lead(first: Part): Promise<void> {
    const { document, pour } = this.#segmented;
    const blocks = this.#blocks(first);
    const take: Take = (octets) => this.#takeFirst(first, blocks, octets);
    {
      using _leaving = leaving(document, this.#stop.signal);
      try {
        await pour(document, take);
      } catch (thrown) {
        if (!(thrown instanceof Enough)) throw thrown;
      } finally {
        await blocks.flush();
        document.body.destroy();
      }
    }
    refuseShort(first);
  }

  #takeFirst(first: Part, blocks: Blocks, octets: Buffer): Promise<void> | void {
    const room = first.end - blocks.end;
    if (octets.length < room) return blocks.add(octets);
    if (first.end < this.#segmented.document.total) return this.#decide(first, blocks, octets, room);
    if (octets.length > room) throw tooMuch();
    return blocks.add(octets);
  }

  /** The first part is whole, and octets of the second come: are they wanted? */
  async #decide(first: Part, blocks: Blocks, octets: Buffer, room: number): Promise<void> {
    await blocks.add(octets.subarray(0, room));
    const answers = await Promise.all(this.#parts.map(({ given }) => given));
    const second = this.#parts[1];
    if (answers.includes("no parts")) {
      first.end = this.#segmented.document.total;
      this.#parts = [first];
      this.#alone.abort(new PortholeError("aborted", "the server gives no parts"));
    } else if (second?.at === first.end && this.#claim(second)) {
      first.end = second.end;
      this.#parts = this.#parts.filter((part) => part !== second);
    } else throw new Enough();
    await this.#takeFirst(first, blocks, octets.subarray(room));
  }

  async #follow(part: Part): Promise<void> {
    const { another } = this.#segmented;
    const signal = AbortSignal.any([this.#stop.signal, this.#alone.signal]);
    const attempt = async () => {
      try {
        await using reader = await another();
        const read = (query: ReadQuery) => reader.read(query);
        if (part.at < part.end) await this.#fetch(part, read, signal);
        await this.#takeOver(read);
      } catch (thrown) {
        if (part.isGiven || signal.aborted || !isOneTooMany(thrown)) throw thrown;
        this.#leaveToOthers(part, thrown);
      }
    };
    try {
      await repeatWhilePossible(this.#segmented.retries, signal, this.#segmented.tell, attempt);
    } catch (thrown) {
      // Without parts the first one goes on alone, and knows it before it has come to its end.
      const noPart = this.#alone.signal.aborted || (thrown instanceof NoPart && !part.isGiven);
      part.settle(noPart ? "no parts" : "given");
      if (!noPart) throw thrown;
    }
  }

  #leaveToOthers(part: Part, { message, reply }: PortholeError): void {
    this.#waiting.push(part);
    part.settle("no connection");
    this.#refusals += 1;
    const { connections, tell } = this.#segmented;
    const words = reply === undefined ? "" : ` (${reply.trim()})`;
    tell(`${message}${words}; ${connections - this.#refusals} of ${connections} connections go on`);
  }

  /** Fetches what nobody else does. */
  async #takeOver(read: (query: ReadQuery) => Promise<Document>): Promise<void> {
    const { signal } = this.#stop;
    for (let part = this.#waiting.shift(); part !== undefined; part = this.#waiting.shift()) {
      const taken = part;
      try {
        await this.#fetch(taken, read, signal);
      } catch (thrown) {
        this.#waiting.unshift(taken);
        throw thrown;
      }
    }
  }

  #claim(part: Part): boolean {
    const place = this.#waiting.indexOf(part);
    if (place >= 0) this.#waiting.splice(place, 1);
    return place >= 0;
  }

  async #fetch(
    part: Part,
    read: (query: ReadQuery) => Promise<Document>,
    signal: AbortSignal,
  ): Promise<void> {
    const { pour, document: whole } = this.#segmented;
    signal.throwIfAborted();
    const { validator } = whole;
    const document = await read({ offset: part.at, length: part.end - part.at, validator });
    using _leaving = leaving(document, signal);
    if (document.offset !== part.at || (document.total !== undefined && document.total !== whole.total)) {
      document.body.destroy();
      throw new NoPart("refused", "the server gives no parts of it");
    }
    part.settle("given");
    const blocks = this.#blocks(part);
    try {
      await pour(document, (octets) => {
        if (blocks.end + octets.length > part.end) throw tooMuch();
        return blocks.add(octets);
      });
    } finally {
      await blocks.flush();
    }
    refuseShort(part);
  }

  #blocks(part: Part): Blocks {
    return new Blocks(part.at, (block, position) => {
      const written = this.#segmented.write(block, position);
      part.at = position + block.length;
      return written;
    });
  }
}

function refuseShort({ at, end }: Part): void {
  if (at >= end) return;
  throw new PortholeError("protocol", `a part ended early: ${end - at} octets are missing`, {
    hint: "try again with --resume",
  });
}

function tooMuch(): PortholeError {
  return new PortholeError("protocol", "the server sent more than the part that was asked for");
}

function leaving(document: Document, signal: AbortSignal): Disposable {
  const leave = () => {
    document.body.destroy(signal.reason instanceof Error ? signal.reason : undefined);
  };
  document.body.on("error", () => undefined);
  signal.addEventListener("abort", leave, { once: true });
  if (signal.aborted) leave();
  return { [Symbol.dispose]: () => signal.removeEventListener("abort", leave) };
}
