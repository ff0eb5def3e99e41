/** What is written to a connection, handed to its socket piece by piece, at the pace that the user allows. */
import type { Duplex } from "node:stream";
import type { RateLimit } from "./rate.js";
import type { Tap } from "./transcript.js";

/** Octets handed to the socket at once: each time they are gone is a sign of life for the idle limit. */
const PIECE = 256 * 1024;

export type Done = (error?: Error | null) => void;

export interface SendingWiring {
  readonly tap: Tap;
  readonly rate: RateLimit | undefined;
  /** Octets were handed over, or are gone. */
  readonly alive: () => void;
  readonly failure: (error: Error) => Error;
}

/** One write at a time, as a Duplex has them. */
export class Sending {
  bytesWritten = 0;
  readonly #wiring: SendingWiring;
  /** Ends the write under way, when the connection is destroyed before it is out. */
  #writing: Done | undefined;
  #afterWrite: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(wiring: SendingWiring) {
    this.#wiring = wiring;
  }

  /** A write is under way. */
  get busy(): boolean {
    return this.#writing !== undefined;
  }

  /** The rate limit holds it back. */
  get resting(): boolean {
    return this.#timer !== undefined;
  }

  /** A write begins; its octets are handed over by `hand`. */
  begin(done: Done): void {
    this.#writing = done;
  }

  /** Sends as much of `left` as may go at once, then the rest. */
  hand(socket: Duplex, left: Buffer[]): void {
    const { tap, rate, alive } = this.#wiring;
    const most = Math.min(PIECE, rate?.burst ?? PIECE);
    alive();
    const [only] = left;
    if (only !== undefined && left.length === 1 && only.length <= most) {
      left.length = 0;
      tap.octets("client", only);
      socket.write(only, (error) => this.#sent(socket, only.length, error, left));
      return;
    }
    const piece = takePiece(left, most);
    let octets = 0;
    socket.cork();
    for (const [index, chunk] of piece.entries()) {
      octets += chunk.length;
      tap.octets("client", chunk);
      if (index < piece.length - 1) socket.write(chunk);
      else socket.write(chunk, (error) => this.#sent(socket, octets, error, left));
    }
    socket.uncork();
  }

  /** Until what was given to the socket is out. */
  async written(): Promise<void> {
    if (this.#writing === undefined) return;
    await new Promise<void>((resolve) => {
      this.#afterWrite = resolve;
    });
  }

  /** The write under way is over. */
  settle(error?: Error): void {
    clearTimeout(this.#timer);
    const done = this.#writing;
    this.#writing = undefined;
    done?.(error);
    this.#afterWrite?.();
    this.#afterWrite = undefined;
  }

  #sent(socket: Duplex, octets: number, error: Error | null | undefined, left: Buffer[]): void {
    this.#wiring.alive();
    if (this.#writing === undefined) return;
    if (error) {
      this.settle(this.#wiring.failure(error));
      return;
    }
    this.bytesWritten += octets;
    const goOn = () => {
      this.#timer = undefined;
      if (left.length > 0) this.hand(socket, left);
      else this.settle();
    };
    const wait = this.#wiring.rate?.take(octets) ?? 0;
    if (wait > 1) this.#timer = setTimeout(goOn, wait);
    else goOn();
  }
}

/** Takes chunks from the front of `left`, the last of them cut if need be, at most `most` octets in all. */
function takePiece(left: Buffer[], most: number): Buffer[] {
  const piece: Buffer[] = [];
  let room = most;
  for (let chunk = left[0]; chunk !== undefined; chunk = left[0]) {
    if (chunk.length > room) {
      if (room > 0) piece.push(chunk.subarray(0, room));
      left[0] = chunk.subarray(room);
      break;
    }
    piece.push(chunk);
    room -= chunk.length;
    left.shift();
  }
  return piece;
}
