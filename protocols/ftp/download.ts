/** The octets of a transfer as a stream that ends well only when the server says that all were sent. */
import { Readable } from "node:stream";
import { setTimeout as wait } from "node:timers/promises";
import { PortholeError } from "../../src/errors.js";
import type { Take } from "../../src/plugin.js";
import { FromNetworkLines } from "./network-lines.js";
import type { Transfer } from "./transfer.js";
import type { Verifying } from "./verify.js";

/** Milliseconds without data after which a refused transfer is over. */
const STILL_MS = 200;

/** Octets from which a data connection's own large buffer is worth its making. */
const BULK = 256 * 1024;

export function isBulk(size: number | undefined): boolean {
  return size !== undefined && size >= BULK;
}

export interface DownloadBounds {
  /** Octets that the server announced for this transfer; fewer are an error. */
  readonly announced?: number | undefined;
  /** Octets wanted; with more to come the transfer is left. */
  readonly wanted?: number | undefined;
  /** Lines end as the network has them, and are to end as here (RFC 959, 3.1.1.1). */
  readonly text?: boolean | undefined;
  /** Compared before the stream ends well. */
  readonly verifying?: Verifying | undefined;
}

export class Download extends Readable {
  readonly #transfer: Transfer;
  readonly #announced: number;
  readonly #wanted: number;
  readonly #lines: FromNetworkLines | undefined;
  readonly #verifying: Verifying | undefined;
  #received = 0;
  #over = false;
  /** Somebody takes the octets, by whichever way. */
  #reading = false;
  #listening = false;
  /** What was poured is still being taken. */
  #taking = false;

  constructor(transfer: Transfer, bounds: DownloadBounds = {}) {
    super();
    this.#transfer = transfer;
    this.#announced = bounds.announced ?? 0;
    this.#wanted = bounds.wanted ?? Number.POSITIVE_INFINITY;
    this.#lines = bounds.text === true ? new FromNetworkLines() : undefined;
    this.#verifying = bounds.verifying;
    // Who reads it hears of a failure; until then nobody does, which must not end the process.
    this.on("error", () => undefined);
    void this.#watchControl();
    if (this.#wanted === 0) this.#finish();
  }

  override _read(): void {
    if (this.#over) return;
    this.#listen();
    this.#transfer.data.resume();
  }

  /**
   * The same octets by the short way: see Document.pour.
   * @throws what the stream would have failed with, and what `take` throws
   */
  async pour(take: Take): Promise<void> {
    if (this.#over) {
      await this.#failed();
      return;
    }
    let refusedHere = false;
    this.#reading = true;
    try {
      await this.#transfer.data.pour(async (octets) => {
        this.#received += octets.length;
        this.#verifying?.update(octets);
        this.#closeOurEnd();
        this.#taking = true;
        try {
          await take(this.#lines?.write(octets) ?? octets);
        } catch (thrown) {
          refusedHere = true;
          throw thrown;
        }
        this.#taking = false;
      }, this.#wanted);
      this.#over = true;
      if (this.#received < this.#wanted) {
        await this.#close();
        const rest = this.#lines?.end();
        if (rest !== undefined && rest.length > 0) await take(rest);
      }
      await this.#destroyed();
    } catch (thrown) {
      this.#over = true;
      const error = refusedHere ? thrown : await this.#transfer.explain(thrown);
      await this.#destroyed(error instanceof Error ? error : undefined);
      // The loss of the session may have been noticed first.
      throw refusedHere ? error : (this.errored ?? error);
    }
  }

  /** All of it in one piece: see Document.whole. @throws what the stream would have failed with */
  async whole(most: number): Promise<Buffer | undefined> {
    const pieces: Buffer[] = [];
    let held = 0;
    const keep = (piece: Buffer) => {
      pieces.push(piece);
      held += piece.length;
    };
    this.#reading = true;
    try {
      await this.#transfer.data.pour(
        (octets) => {
          this.#received += octets.length;
          this.#verifying?.update(octets);
          this.#closeOurEnd();
          keep(Buffer.from(this.#lines?.write(octets) ?? octets));
        },
        Math.min(this.#wanted, most + 1),
      );
      if (this.#received > most) {
        for (const piece of pieces) if (piece.length > 0) this.push(piece);
        if (this.#received === this.#wanted) this.#finish();
        return undefined;
      }
      this.#over = true;
      if (this.#received < this.#wanted) await this.#close();
      const rest = this.#lines?.end();
      if (rest !== undefined) keep(rest);
      await this.#destroyed();
      return Buffer.concat(pieces, held);
    } catch (thrown) {
      this.#over = true;
      const error = await this.#transfer.explain(thrown);
      await this.#destroyed(error);
      throw this.errored ?? error;
    }
  }

  #listen(): void {
    if (this.#listening) return;
    this.#listening = true;
    this.#reading = true;
    const { data } = this.#transfer;
    // A 'data' listener would start the flow; it is _read that may.
    data.pause();
    data.on("data", (chunk: Buffer) => this.#take(chunk));
    data.on("end", () => void this.#conclude());
    data.on("error", (error: Error) => void this.#break(error));
    if (data.errored) void this.#break(data.errored);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#over = true;
    void this.#transfer.abandon().then(() => done(error));
  }

  #take(chunk: Buffer): void {
    if (this.#over) return;
    const piece = chunk.subarray(0, this.#wanted - this.#received);
    this.#received += piece.length;
    this.#verifying?.update(piece);
    this.#closeOurEnd();
    const pushed = this.#lines?.write(piece) ?? piece;
    // An empty piece would be no news to a reader, and no reason to stop.
    if (pushed.length > 0 && !this.push(pushed)) this.#transfer.data.pause();
    if (this.#received === this.#wanted) this.#finish();
  }

  /** All that is wanted has come. Closing tells the server to send no more. */
  #finish(): void {
    this.#over = true;
    this.push(null);
  }

  async #conclude(): Promise<void> {
    if (this.#over) return;
    this.#over = true;
    try {
      await this.#close();
      const rest = this.#lines?.end();
      if (rest !== undefined && rest.length > 0) this.push(rest);
      this.push(null);
    } catch (thrown) {
      this.destroy(await this.#transfer.explain(thrown));
    }
  }

  /**
   * All that was announced has come. Under TLS each side waits for the other's word that it closes (RFC 8446, 6.1):
   * said now, ours is there when the server asks for it, and that is a way less for every file.
   */
  #closeOurEnd(): void {
    const { data } = this.#transfer;
    if (this.#announced > 0 && this.#received === this.#announced && data.secure) data.end();
  }

  /** The data are at their end: is that all? */
  async #close(): Promise<void> {
    await this.#transfer.finish();
    if (this.#received < this.#announced) throw this.#short();
    await this.#verifying?.compare();
  }

  /** What broke before anybody read it is not at its end. @throws what it broke with */
  async #failed(): Promise<void> {
    if (this.#received === this.#wanted || this.#wanted === 0) return;
    // Why it broke may still have to be heard.
    if (!this.closed) await new Promise<void>((resolve) => this.once("close", () => resolve()));
    if (this.errored) throw this.errored;
  }

  async #destroyed(error?: Error): Promise<void> {
    if (this.closed) return;
    const done = new Promise<void>((resolve) => {
      this.once("close", () => resolve());
    });
    this.destroy(error);
    await done;
  }

  async #break(error: unknown): Promise<void> {
    if (this.#over) return;
    this.#over = true;
    this.destroy(await this.#transfer.explain(error));
  }

  /** A refusal, or the loss of the control connection, while data still come. */
  async #watchControl(): Promise<void> {
    const { data, ended } = this.#transfer;
    let reason: unknown = new Error("the server stopped it");
    try {
      const reply = await ended;
      if (reply.code < 300) return;
    } catch (thrown) {
      reason = thrown;
    }
    // We closed the session.
    if (reason instanceof PortholeError && reason.code === "aborted") return this.#break(reason);
    // What is on its way still comes, once somebody reads. A server that says no and leaves the data connection open is
    // not waited for.
    let before = -1;
    while (!this.#over && (!this.#reading || this.#taking || data.isPaused() || before !== this.#received)) {
      before = this.#received;
      await wait(STILL_MS);
      // A process that was not let run has its timers go off before it hears what came meanwhile.
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
    await this.#break(reason);
  }

  #short(): PortholeError {
    return new PortholeError(
      "protocol",
      `the server announced ${this.#announced} octets and sent ${this.#received}`,
    );
  }
}
