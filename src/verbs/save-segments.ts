/**
 * One document in several parts at once, each by a session of its own: for lines on which one connection is slow. The
 * document that was opened first goes on as the first part, so a server that gives no parts costs nothing.
 */
import { PortholeError } from "../errors.js";
import type { Document, ReadQuery, Take } from "../plugin.js";
import { repeatWhilePossible } from "../repeat.js";
import type { Write } from "./blocks.js";
import { Blocks } from "./blocks.js";

/** A session for one part, and its end. */
export interface Reader extends AsyncDisposable {
  read(query: ReadQuery): Promise<Document>;
}

export interface Segmented {
  /** Its body begins at `from`; it knows its total and what tells that it is still the same. */
  readonly document: Document & { readonly total: number; readonly validator: string };
  readonly from: number;
  /** Parts in all. */
  readonly segments: number;
  readonly another: () => Promise<Reader>;
  readonly retries: number;
  readonly write: Write;
  /** Hands over a body's octets, by the short way where there is one. */
  readonly pour: (document: Document, take: Take) => Promise<void>;
  readonly signal: AbortSignal;
}

/** Smaller parts are not worth a connection (octets). */
const SMALLEST = 1024 * 1024;

/** How many parts there will be: 1 where the server tells too little. */
export function segmentsOf(document: Document, from: number, wanted: number): number {
  const { total, validator } = document;
  if (total === undefined || validator === undefined) return 1;
  return Math.max(1, Math.min(wanted, Math.floor((total - from) / SMALLEST)));
}

/** Some octets are there, with none missing before them, when the whole failed. */
export class Unfinished extends Error {
  readonly octets: number;
  constructor(octets: number, cause: unknown) {
    super("not all parts came", { cause });
    this.octets = octets;
  }
}

/** How the first part ends where the second begins. */
class Enough extends Error {}
/** The server gave something else than the part. */
class NoPart extends PortholeError {}

/** @throws Unfinished, with what went wrong as its cause */
export async function pourSegments(segmented: Segmented): Promise<void> {
  const { document, from, segments, signal } = segmented;
  const share = Math.ceil((document.total - from) / segments);
  const parts = Array.from(
    { length: segments },
    (_, at) => new Part(segmented, from + at * share, Math.min(document.total, from + (at + 1) * share)),
  );
  const [first, ...others] = parts;
  if (first === undefined) return;
  const stop = new AbortController();
  const givenUp = new AbortController();
  const leave = () => stop.abort(signal.reason);
  signal.addEventListener("abort", leave, { once: true });
  const failing = async (work: Promise<void>) => {
    try {
      await work;
    } catch (thrown) {
      if (!givenUp.signal.aborted) stop.abort(thrown);
      throw thrown;
    }
  };
  try {
    const there = Promise.all(others.map((part) => part.there));
    const ending = AbortSignal.any([stop.signal, givenUp.signal]);
    const running = others.map((part) => failing(part.run(ending)));
    const all = there.then((given) => given.every(Boolean));
    const giveUp = () => givenUp.abort(new PortholeError("aborted", "the server gives no parts"));
    const leading = first.runFirst(all, giveUp, stop.signal).catch((thrown: unknown) => {
      stop.abort(thrown);
      throw thrown;
    });
    const ended = await Promise.allSettled([leading, ...running]);
    if (first.isWhole) return;
    const failed = ended.find((one) => one.status === "rejected");
    if (failed !== undefined) throw new Unfinished(contiguous(parts), stop.signal.reason ?? failed.reason);
  } finally {
    signal.removeEventListener("abort", leave);
  }
}

/** Up to where nothing is missing. */
function contiguous(parts: readonly Part[]): number {
  const broken = parts.find((part) => part.at < part.end) ?? parts.at(-1);
  return broken?.at ?? 0;
}

class Part {
  readonly #segmented: Segmented;
  /** Where the next octet belongs. */
  at: number;
  end: number;
  /** Whether the server gives it; settled before its first octet. */
  readonly there: Promise<boolean>;
  #tell: (there: boolean) => void = () => undefined;

  constructor(segmented: Segmented, at: number, end: number) {
    this.#segmented = segmented;
    this.at = at;
    this.end = end;
    this.there = new Promise((resolve) => {
      this.#tell = resolve;
    });
  }

  /** The first part has gone on to the end of the document. */
  get isWhole(): boolean {
    return this.end === this.#segmented.document.total && this.at === this.end;
  }

  /**
   * @param others whether the server gives all the other parts
   * @param giveUp ends those that it gives
   */
  async runFirst(others: Promise<boolean>, giveUp: () => void, signal: AbortSignal): Promise<void> {
    const { document, pour } = this.#segmented;
    const blocks = this.#blocks();
    const take: Take = (octets) => {
      const room = this.end - blocks.end;
      if (octets.length < room || this.end === document.total) return blocks.add(octets);
      return this.#decide(blocks, octets, room, others, giveUp);
    };
    using _leaving = leaving(document, signal);
    try {
      await pour(document, take);
    } catch (thrown) {
      if (!(thrown instanceof Enough)) throw thrown;
    } finally {
      await blocks.flush();
      document.body.destroy();
    }
    this.#refuseShort();
  }

  async #decide(blocks: Blocks, octets: Buffer, room: number, others: Promise<boolean>, giveUp: () => void) {
    await blocks.add(octets.subarray(0, room));
    if (await others) throw new Enough();
    this.end = this.#segmented.document.total;
    giveUp();
    await blocks.add(octets.subarray(room));
  }

  async run(signal: AbortSignal): Promise<void> {
    const { retries, document } = this.#segmented;
    try {
      await repeatWhilePossible(
        retries,
        signal,
        () => undefined,
        () => this.#fetch(signal),
      );
    } catch (thrown) {
      this.#tell(false);
      // Without parts the first one goes on alone.
      if (thrown instanceof NoPart && this.at < document.total) return;
      throw thrown;
    }
  }

  async #fetch(signal: AbortSignal): Promise<void> {
    const { another, pour, document: whole } = this.#segmented;
    await using reader = await another();
    signal.throwIfAborted();
    const { validator } = whole;
    const document = await reader.read({ offset: this.at, length: this.end - this.at, validator });
    using _leaving = leaving(document, signal);
    if (document.offset !== this.at || (document.total !== undefined && document.total !== whole.total)) {
      document.body.destroy();
      throw new NoPart("refused", "the server gives no parts of it");
    }
    this.#tell(true);
    const blocks = this.#blocks();
    try {
      await pour(document, (octets) => {
        if (blocks.end + octets.length > this.end) {
          throw new PortholeError("protocol", "the server sent more than the part that was asked for");
        }
        return blocks.add(octets);
      });
    } finally {
      await blocks.flush();
    }
    this.#refuseShort();
  }

  #blocks(): Blocks {
    return new Blocks(this.at, (block, position) => {
      const written = this.#segmented.write(block, position);
      this.at = position + block.length;
      return written;
    });
  }

  #refuseShort(): void {
    if (this.at >= this.end) return;
    throw new PortholeError("protocol", `a part ended early: ${this.end - this.at} octets are missing`, {
      hint: "try again with --resume",
    });
  }
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
