/**
 * A UDP conversation with one peer: datagrams in and out with their boundaries kept, with the transcript, the
 * byte counts, the idle limit and the rate limit on it.
 *
 * Nothing holds back a peer that sends faster than it is read, so what does not fit the queue is dropped and
 * counted, as the network itself would do.
 */
import type { Socket } from "node:dgram";
import { setTimeout as sleep } from "node:timers/promises";
import { abortReason, messageOf, PortholeError } from "../errors.js";
import { connectionError, where } from "./failures.js";
import type { Attempt } from "./happy-eyeballs.js";
import type { RateLimit } from "./rate.js";
import type { Address } from "./resolve.js";
import type { Tap } from "./transcript.js";
import type { ConnectionFacts } from "./wiring.js";

/** What of the received may wait to be read. */
const MOST_QUEUED_DATAGRAMS = 1024;
const MOST_QUEUED_OCTETS = 1024 * 1024;
/** What IPv4 leaves for a datagram's data (RFC 768, RFC 791). */
const LONGEST_DATAGRAM = 65_507;

export interface DatagramWiring {
  readonly facts: ConnectionFacts;
  readonly tap: Tap;
  /** Milliseconds; 0 for none. */
  readonly idleTimeout: number;
  readonly rate?: { readonly incoming: RateLimit; readonly outgoing: RateLimit };
  readonly signal: AbortSignal;
}

interface Waiter {
  readonly resolve: (datagram: Buffer | undefined) => void;
  readonly reject: (reason: Error) => void;
}

/** Iterating gives the datagrams as they come, until `close`; leaving the loop leaves the channel open. */
export class DatagramChannel implements AsyncIterable<Buffer>, AsyncDisposable {
  /** While true the idle limit rests. */
  patient: boolean;
  bytesRead = 0;
  bytesWritten = 0;
  /** Datagrams that came while the queue was full. */
  dropped = 0;

  readonly facts: ConnectionFacts;
  readonly #socket: Socket;
  readonly #wiring: DatagramWiring;
  readonly #closing = new AbortController();
  readonly #queue: Buffer[] = [];
  #queuedOctets = 0;
  #waiter: Waiter | undefined;
  #idleTimer: NodeJS.Timeout | undefined;
  /** Told to the next who receives. */
  #failure: PortholeError | undefined;

  /** @param socket connected; the channel owns it from here on */
  constructor(socket: Socket, wiring: DatagramWiring, patient = false) {
    this.#socket = socket;
    this.#wiring = wiring;
    this.facts = wiring.facts;
    this.patient = patient;
    socket.on("message", this.#onMessage);
    socket.on("error", this.#onError);
    wiring.signal.addEventListener("abort", this.#onAbort, { once: true });
    if (wiring.signal.aborted) this.#onAbort();
  }

  get closed(): boolean {
    return this.#closing.signal.aborted;
  }

  /** Port of this side. */
  get localPort(): number | undefined {
    return this.closed ? undefined : this.#socket.address().port;
  }

  /**
   * Sends one datagram; an empty one is a datagram too. That it left says nothing of its arrival.
   * @throws PortholeError `usage` when it is too long, `connect` when the peer's machine refused an earlier one,
   * or the reason why the channel was closed
   */
  async send(octets: Uint8Array): Promise<void> {
    this.#refuseWhenClosed();
    if (octets.length > LONGEST_DATAGRAM) {
      throw new PortholeError("usage", `${octets.length} octets do not fit into a datagram`, {
        hint: `UDP carries at most ${LONGEST_DATAGRAM}; send them in pieces`,
      });
    }
    const datagram = Buffer.from(octets);
    this.#wiring.tap.datagram("client", datagram);
    await new Promise<void>((resolve, reject) => {
      this.#socket.send(datagram, (error) => {
        if (error) reject(connectionError(error, this.facts));
        else resolve();
      });
    });
    this.bytesWritten += octets.length;
    await this.#pace(this.#wiring.rate?.outgoing, octets.length);
  }

  /**
   * The next datagram, or undefined once the channel is closed and all that came before is read. After an error
   * the channel is still open: a request whose answer was lost can be sent again.
   * @throws PortholeError `timeout` when none comes within the idle limit, `connect` when the peer's machine says
   * that nobody listens there, or the signal's reason
   */
  async receive(): Promise<Buffer | undefined> {
    const datagram = await this.#next();
    if (datagram !== undefined) await this.#pace(this.#wiring.rate?.incoming, datagram.length);
    return datagram;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, void, undefined> {
    for (let datagram = await this.receive(); datagram !== undefined; datagram = await this.receive()) {
      yield datagram;
    }
  }

  /** Ends the conversation; whoever waits for a datagram gets none. May be called again. */
  close(): void {
    this.#end(undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  #next(): Promise<Buffer | undefined> {
    const queued = this.#queue.shift();
    if (queued !== undefined) {
      this.#queuedOctets -= queued.length;
      return Promise.resolve(queued);
    }
    const failure = this.#failure;
    if (failure !== undefined) {
      // A signal's reason stays; all else is told once.
      if (!this.closed) this.#failure = undefined;
      return Promise.reject(failure);
    }
    if (this.closed) return Promise.resolve(undefined);
    if (this.#waiter !== undefined) {
      return Promise.reject(new PortholeError("usage", "two calls wait for a datagram of one channel"));
    }
    return new Promise((resolve, reject) => {
      this.#waiter = { resolve, reject };
      this.#watchIdleness();
    });
  }

  #watchIdleness(): void {
    const limit = this.#wiring.idleTimeout;
    if (limit <= 0) return;
    this.#idleTimer = setTimeout(() => {
      if (this.patient) {
        this.#watchIdleness();
        return;
      }
      const error = new PortholeError(
        "timeout",
        `no answer from ${where(this.facts)} for ${limit / 1000} s`,
        {
          hint: "UDP does not tell whether anybody listens; --timeout sets how long to wait",
        },
      );
      this.#takeWaiter()?.reject(error);
    }, limit);
    // The socket keeps the process alive, its watch does not.
    this.#idleTimer.unref();
  }

  #takeWaiter(): Waiter | undefined {
    clearTimeout(this.#idleTimer);
    const waiter = this.#waiter;
    this.#waiter = undefined;
    return waiter;
  }

  readonly #onMessage = (datagram: Buffer): void => {
    this.bytesRead += datagram.length;
    this.#wiring.tap.datagram("server", datagram);
    const waiter = this.#takeWaiter();
    if (waiter !== undefined) {
      waiter.resolve(datagram);
      return;
    }
    const full =
      this.#queue.length >= MOST_QUEUED_DATAGRAMS ||
      this.#queuedOctets + datagram.length > MOST_QUEUED_OCTETS;
    if (full) {
      this.dropped += 1;
      if (this.dropped === 1)
        this.#wiring.tap.note("datagrams come faster than they are read; some are dropped");
      return;
    }
    this.#queue.push(datagram);
    this.#queuedOctets += datagram.length;
  };

  readonly #onError = (error: Error): void => {
    const failure = connectionError(error, this.facts);
    const waiter = this.#takeWaiter();
    if (waiter === undefined) this.#failure = failure;
    else waiter.reject(failure);
  };

  readonly #onAbort = (): void => {
    this.#end(abortReason(this.#wiring.signal));
  };

  #end(reason: PortholeError | undefined): void {
    if (this.closed) return;
    this.#closing.abort(reason);
    this.#wiring.signal.removeEventListener("abort", this.#onAbort);
    this.#wiring.tap.note(reason === undefined ? "closed" : `closed: ${reason.message}`);
    this.#failure = reason;
    if (reason !== undefined) this.#queue.length = 0;
    const waiter = this.#takeWaiter();
    if (reason === undefined) waiter?.resolve(undefined);
    else waiter?.reject(reason);
    this.#socket.off("message", this.#onMessage);
    this.#socket.close();
  }

  #refuseWhenClosed(): void {
    if (!this.closed) return;
    throw this.#failure ?? new PortholeError("usage", "the channel is closed");
  }

  async #pace(rate: RateLimit | undefined, octets: number): Promise<void> {
    const wait = rate?.take(octets) ?? 0;
    if (wait <= 1) return;
    try {
      await sleep(wait, undefined, { signal: this.#closing.signal });
    } catch {
      // Closed meanwhile: what was sent or came stays so.
    }
  }
}

export interface DatagramPeer {
  readonly host: string;
  readonly port: number;
  readonly localAddress?: string | undefined;
  readonly localPort?: number | undefined;
  readonly signal: AbortSignal;
}

/**
 * A UDP socket that sends to, and hears from, one peer alone: the first of `addresses` that there is a way to.
 * @throws the system's error for the last address, or the signal's reason
 */
export async function connectDatagrams(
  addresses: readonly Address[],
  peer: DatagramPeer,
): Promise<{ socket: Socket; address: string; attempts: Attempt[] }> {
  const attempts: Attempt[] = [];
  let last: unknown = new PortholeError("resolve", `${peer.host} has no address`);
  for (const address of addresses) {
    const began = performance.now();
    try {
      const socket = await connectOne(address, peer);
      attempts.push({ address: address.address, ms: performance.now() - began });
      return { socket, address: address.address, attempts };
    } catch (thrown) {
      if (peer.signal.aborted) throw abortReason(peer.signal);
      attempts.push({ address: address.address, ms: performance.now() - began, failure: messageOf(thrown) });
      last = thrown;
    }
  }
  throw last;
}

async function connectOne({ address, family }: Address, peer: DatagramPeer): Promise<Socket> {
  // Loaded here and not above: hardly a run uses UDP.
  const { createSocket } = await import("node:dgram");
  if (peer.signal.aborted) throw abortReason(peer.signal);
  const socket = createSocket(family === 6 ? "udp6" : "udp4");
  return new Promise((resolve, reject) => {
    const settle = (act: () => void) => {
      peer.signal.removeEventListener("abort", aborted);
      socket.removeAllListeners("error");
      act();
    };
    const failed = (error: Error) =>
      settle(() => {
        socket.close();
        reject(error);
      });
    const aborted = () => failed(abortReason(peer.signal));
    const connect = () => {
      socket.connect(peer.port, address, (error?: Error) => {
        if (error) failed(error);
        else settle(() => resolve(socket));
      });
    };
    peer.signal.addEventListener("abort", aborted, { once: true });
    socket.once("error", failed);
    const { localAddress, localPort: port = 0 } = peer;
    if (localAddress === undefined && port === 0) connect();
    else socket.bind({ port, ...(localAddress === undefined ? {} : { address: localAddress }) }, connect);
  });
}
