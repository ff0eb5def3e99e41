/** Octets of a connection, taken by lines and by counts as they are wanted. */
import { PortholeError } from "../errors.js";
import type { Connection } from "./connection.js";

const LF = 0x0a;
/** Octets of a line. */
const LONGEST_LINE = 1024 * 1024;

export class OctetReader {
  readonly #connection: Connection;
  #held: Buffer = Buffer.alloc(0);

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** The next line with its end; undefined when the other side has ended. @throws PortholeError `protocol` for an endless one */
  async line(): Promise<Buffer | undefined> {
    for (;;) {
      const end = this.#held.indexOf(LF) + 1;
      if (end > 0) return this.#take(end);
      if (this.#held.length > LONGEST_LINE) {
        throw new PortholeError("protocol", `the client sent a line of more than ${LONGEST_LINE} octets`);
      }
      if (!(await this.#more())) return this.#held.length > 0 ? this.#take(this.#held.length) : undefined;
    }
  }

  /** Passes over so many octets. @returns whether there were as many */
  async skip(octets: number): Promise<boolean> {
    for (let left = octets; ; ) {
      const taken = Math.min(left, this.#held.length);
      this.#held = this.#held.subarray(taken);
      left -= taken;
      if (left === 0) return true;
      if (!(await this.#more())) return false;
    }
  }

  /** Passes over all up to and with `mark`. @returns whether it came */
  async skipThrough(mark: Buffer): Promise<boolean> {
    for (;;) {
      const at = this.#held.indexOf(mark);
      if (at >= 0) {
        this.#held = this.#held.subarray(at + mark.length);
        return true;
      }
      if (this.#held.length > LONGEST_LINE) {
        throw new PortholeError("protocol", `the client sent a line of more than ${LONGEST_LINE} octets`);
      }
      if (!(await this.#more())) return false;
    }
  }

  /** To the end. */
  async skipAll(): Promise<void> {
    do this.#held = Buffer.alloc(0);
    while (await this.#more());
  }

  #take(octets: number): Buffer {
    const taken = this.#held.subarray(0, octets);
    this.#held = this.#held.subarray(octets);
    return taken;
  }

  /** A client that breaks off has ended. */
  async #more(): Promise<boolean> {
    const octets = await this.#connection.next();
    if (octets === undefined) return false;
    this.#held = this.#held.length === 0 ? octets : Buffer.concat([this.#held, octets]);
    return true;
  }
}
