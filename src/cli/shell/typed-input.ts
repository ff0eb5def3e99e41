/**
 * What is typed or pasted at the shell, a piece at a time: after a Tab nothing more until completion has done its work,
 * after a line nothing more until the next is asked for. Readline would take the Enter of `cat lo<Tab><Enter>` before
 * what the Tab stands for is known, and lose all but the first of several lines that come at once.
 */
import { Readable } from "node:stream";

export type TypingSource = Readable & {
  readonly isTTY?: boolean;
  setRawMode?(mode: boolean): unknown;
};

const TAB = 0x09;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

export class TypedInput extends Readable {
  readonly #source: TypingSource;
  /** Whether keys are taken from the source: others want them while a command runs. */
  #taking = false;

  constructor(source: TypingSource) {
    super();
    this.#source = source;
  }

  /** Readline asks for it. */
  get isTTY(): boolean {
    return this.#source.isTTY === true;
  }

  setRawMode(mode: boolean): void {
    this.#source.setRawMode?.(mode);
  }

  begin(): void {
    this.#taking = true;
    this.#source.on("data", this.#take);
    this.#source.once("end", this.#end);
    if (this.#source.readableEnded) this.#end();
  }

  end(): void {
    this.#taking = false;
    this.#source.off("data", this.#take);
    this.#source.off("end", this.#end);
    this.#source.pause();
  }

  override pause(): this {
    if (this.#taking) this.#source.pause();
    return super.pause();
  }

  override resume(): this {
    if (this.#taking) this.#source.resume();
    return super.resume();
  }

  override _read(): void {
    // It is pushed as it comes.
  }

  /** Who reads is paused by readline amid this, and the rest waits in pieces: one is taken at a time. */
  readonly #take = (chunk: Buffer | string): void => {
    const octets = typeof chunk === "string" ? Buffer.from(chunk) : chunk;
    let from = 0;
    for (const [at, octet] of octets.entries()) {
      if (octet !== TAB && octet !== LINE_FEED && octet !== CARRIAGE_RETURN) continue;
      this.push(octets.subarray(from, at + 1));
      from = at + 1;
    }
    if (from < octets.length) this.push(octets.subarray(from));
  };

  readonly #end = (): void => {
    this.push(null);
  };
}
