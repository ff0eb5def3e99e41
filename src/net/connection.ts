/**
 * A connection: octets both ways over TCP, TLS or a Unix socket, with the transcript, the byte counts, the
 * idle limit and the rate limit on it.
 *
 * It is a Duplex, so that packages take it for a socket, and stays the same object when TLS is started on it.
 */
import { isIP, type Socket } from "node:net";
import { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import { PortholeError } from "../errors.js";
import { connectionError } from "./failures.js";
import type { RateLimit } from "./rate.js";
import type { TlsFacts } from "./tls.js";
import type { Tap } from "./transcript.js";

/** What starting TLS on a connected socket takes; the dialer provides it. */
export type TlsStarter = (
  socket: Socket,
  request: StartTls,
) => Promise<{ socket: TLSSocket; facts: TlsFacts }>;

export interface StartTls {
  readonly servername?: string;
  readonly alpn?: readonly string[];
  readonly session?: Buffer;
  /** What the caller had read and not used when the server agreed to TLS: there must be none. */
  readonly unread?: Uint8Array;
}

/** How a connection came about, in milliseconds where it is a time. */
export interface ConnectionFacts {
  /** The host that was asked for. */
  readonly host: string;
  readonly port: number;
  /** Address, port and family at the other end (of the proxy, when there is one). */
  readonly address?: string;
  readonly resolveMs: number;
  readonly connectMs: number;
  readonly tlsMs?: number;
  /** Addresses tried, in order, with what became of each. */
  readonly attempts: readonly { readonly address: string; readonly ms: number; readonly failure?: string }[];
  /** The proxy in between, without its password. */
  readonly proxy?: string;
  readonly tls?: TlsFacts;
}

export interface ConnectionWiring {
  readonly facts: ConnectionFacts;
  readonly tap: Tap;
  readonly startTls: TlsStarter;
  /** Milliseconds; 0 for none. */
  readonly idleTimeout: number;
  readonly rate?: { readonly incoming: RateLimit; readonly outgoing: RateLimit };
  readonly signal: AbortSignal;
}

export class Connection extends Duplex {
  /** While true the idle limit rests: another connection is at work, or a person may take their time. */
  patient: boolean;
  bytesRead = 0;
  bytesWritten = 0;

  #socket: Socket;
  /** The same as #socket once TLS is on. */
  #tlsSocket: TLSSocket | undefined;
  #facts: ConnectionFacts;
  readonly #wiring: ConnectionWiring;
  #lastActivity = performance.now();
  #wantsData = false;
  #writing = false;
  #idleTimer: NodeJS.Timeout | undefined;
  #rateTimer: NodeJS.Timeout | undefined;

  /** @param tlsSocket the same socket, when TLS is on already */
  constructor(socket: Socket, wiring: ConnectionWiring, patient = false, tlsSocket?: TLSSocket) {
    super({ allowHalfOpen: true, emitClose: true });
    this.#socket = socket;
    this.#tlsSocket = tlsSocket;
    this.#wiring = wiring;
    this.#facts = wiring.facts;
    this.patient = patient;
    this.#attach(socket);
    wiring.signal.addEventListener("abort", this.#onAbort, { once: true });
    if (wiring.signal.aborted) this.#onAbort();
    if (socket.destroyed) this.#onClose();
    this.#watchIdleness();
  }

  get facts(): ConnectionFacts {
    return this.#facts;
  }

  /** TLS is on. */
  get secure(): boolean {
    return this.#facts.tls !== undefined;
  }

  /** The octets do not leave this machine. Through a proxy they may, whatever the host's name. */
  get loopback(): boolean {
    if (this.#facts.proxy !== undefined) return false;
    const address = this.#facts.address ?? "";
    // No address: a Unix socket.
    return (
      address === "" || address === "::1" || address.startsWith("127.") || /^::ffff:127\./i.test(address)
    );
  }

  /** The TLS session's ticket, for a second connection that is to resume it. */
  get tlsSession(): Buffer | undefined {
    return this.#tlsSocket?.getSession();
  }

  /**
   * Starts TLS in place, after the server agreed to it.
   *
   * What came before the handshake was sent by whoever could write to the wire, so it is dropped and the
   * connection with it (RFC 3207, 6; CVE-2011-0411).
   * @throws PortholeError `tls`
   */
  async startTls(request: StartTls = {}): Promise<void> {
    const early = this.readableLength + this.#socket.readableLength + (request.unread?.length ?? 0);
    if (early > 0) {
      const error = new PortholeError(
        "tls",
        `${early} octets came in clear after the server agreed to TLS; they and the connection were dropped`,
        {
          hint: "the server is faulty or someone on the way injects commands; use a port with TLS from the start",
        },
      );
      this.destroy(error);
      throw error;
    }
    this.#detach();
    this.#wiring.tap.flush();
    try {
      const started = performance.now();
      const { socket, facts } = await this.#wiring.startTls(this.#socket, request);
      this.#facts = { ...this.#facts, tls: facts, tlsMs: performance.now() - started };
      this.#socket = socket;
      this.#tlsSocket = socket;
      this.#attach(socket);
      this.#wiring.tap.note(describeTls(facts));
      if (this.#wantsData) socket.resume();
    } catch (thrown) {
      this.destroy(thrown instanceof Error ? thrown : new Error(String(thrown)));
      throw thrown;
    }
  }

  // --- what packages expect of a socket ---------------------------------------------------------------------

  get remoteAddress(): string | undefined {
    return this.#facts.address;
  }

  get remoteFamily(): string | undefined {
    const family = isIP(this.#facts.address ?? "");
    return family === 0 ? undefined : `IPv${family}`;
  }

  get remotePort(): number | undefined {
    return this.#socket.remotePort ?? this.#facts.port;
  }

  get localAddress(): string | undefined {
    return this.#socket.localAddress;
  }

  get localPort(): number | undefined {
    return this.#socket.localPort;
  }

  get encrypted(): boolean {
    return this.secure;
  }

  get alpnProtocol(): string | undefined {
    return this.#facts.tls?.alpn;
  }

  /** The idle limit is Porthole's own; a package's wish for another is heard and not followed. */
  setTimeout(_milliseconds: number, _callback?: () => void): this {
    return this;
  }

  setNoDelay(noDelay = true): this {
    this.#socket.setNoDelay(noDelay);
    return this;
  }

  setKeepAlive(enable = true, initialDelay = 0): this {
    this.#socket.setKeepAlive(enable, initialDelay);
    return this;
  }

  ref(): this {
    this.#socket.ref();
    return this;
  }

  unref(): this {
    this.#socket.unref();
    return this;
  }

  // --- Duplex -----------------------------------------------------------------------------------------------

  override _read(): void {
    if (!this.#wantsData) this.#lastActivity = performance.now();
    this.#wantsData = true;
    if (this.#rateTimer === undefined) this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#send([chunk], done);
  }

  override _writev(
    pieces: { chunk: Buffer; encoding: BufferEncoding }[],
    done: (error?: Error | null) => void,
  ): void {
    this.#send(
      pieces.map((piece) => piece.chunk),
      done,
    );
  }

  override _final(done: (error?: Error | null) => void): void {
    if (this.#socket.destroyed) done();
    else this.#socket.end(() => done());
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    clearInterval(this.#idleTimer);
    clearTimeout(this.#rateTimer);
    this.#wiring.signal.removeEventListener("abort", this.#onAbort);
    this.#wiring.tap.flush();
    this.#wiring.tap.note(
      error === null
        ? "closed"
        : `closed: ${error.message} (${this.bytesRead} octets in, ${this.bytesWritten} out)`,
    );
    this.#detach();
    // The socket may still fail while it closes; nobody is left who could care.
    this.#socket.on("error", () => {});
    this.#socket.destroy();
    done(error);
  }

  #send(chunks: readonly Buffer[], done: (error?: Error | null) => void): void {
    const socket = this.#socket;
    let octets = 0;
    this.#writing = true;
    this.#lastActivity = performance.now();
    socket.cork();
    for (const [index, chunk] of chunks.entries()) {
      octets += chunk.length;
      this.#wiring.tap.octets("client", chunk);
      if (index === chunks.length - 1) socket.write(chunk, (error) => this.#sent(octets, error, done));
      else socket.write(chunk);
    }
    socket.uncork();
  }

  #sent(octets: number, error: Error | null | undefined, done: (error?: Error | null) => void): void {
    this.#writing = false;
    this.#lastActivity = performance.now();
    if (error) {
      done(connectionError(error, this.#facts));
      return;
    }
    this.bytesWritten += octets;
    const wait = this.#wiring.rate?.outgoing.take(octets) ?? 0;
    if (wait > 1) setTimeout(done, wait);
    else done();
  }

  // --- the socket beneath -----------------------------------------------------------------------------------

  #attach(socket: Socket): void {
    socket.on("data", this.#onData);
    socket.on("end", this.#onEnd);
    socket.on("error", this.#onError);
    socket.on("close", this.#onClose);
    // A 'data' listener starts the flow; it is _read that may.
    socket.pause();
  }

  #detach(): void {
    this.#socket.off("data", this.#onData);
    this.#socket.off("end", this.#onEnd);
    this.#socket.off("error", this.#onError);
    this.#socket.off("close", this.#onClose);
  }

  readonly #onData = (chunk: Buffer): void => {
    this.bytesRead += chunk.length;
    this.#lastActivity = performance.now();
    this.#wiring.tap.octets("server", chunk);
    if (!this.push(chunk)) {
      this.#wantsData = false;
      this.#socket.pause();
    }
    const wait = this.#wiring.rate?.incoming.take(chunk.length) ?? 0;
    if (wait > 1 && this.#rateTimer === undefined) {
      this.#socket.pause();
      this.#rateTimer = setTimeout(() => {
        this.#rateTimer = undefined;
        this.#lastActivity = performance.now();
        if (this.#wantsData) this.#socket.resume();
      }, wait);
    }
  };

  readonly #onEnd = (): void => {
    this.#wiring.tap.flush();
    this.push(null);
  };

  readonly #onError = (error: Error): void => {
    this.destroy(connectionError(error, this.#facts));
  };

  readonly #onClose = (): void => {
    if (this.destroyed) return;
    if (!this.readableEnded) this.push(null);
    // The other half has nowhere to go any more.
    if (!this.writableFinished) this.end();
  };

  readonly #onAbort = (): void => {
    const reason: unknown = this.#wiring.signal.reason;
    this.destroy(reason instanceof Error ? reason : new PortholeError("aborted", "stopped before the end"));
  };

  #watchIdleness(): void {
    const limit = this.#wiring.idleTimeout;
    if (limit <= 0) return;
    // Unreferenced: an idle watch never keeps the process alive, and the socket does.
    this.#idleTimer = setInterval(
      () => {
        const awaited = (this.#wantsData || this.#writing) && !this.patient && this.#rateTimer === undefined;
        if (!awaited) {
          this.#lastActivity = performance.now();
          return;
        }
        if (performance.now() - this.#lastActivity < limit) return;
        this.destroy(
          new PortholeError("timeout", `no answer from ${this.#facts.host} for ${limit / 1000} s`, {
            hint: "--timeout sets how long to wait",
          }),
        );
      },
      Math.min(1000, Math.max(10, limit / 4)),
    ).unref();
  }
}

export function describeTls(facts: TlsFacts): string {
  const trust = facts.authorized ? "" : `, certificate NOT trusted (${facts.problem ?? "unknown reason"})`;
  return `TLS ${facts.version}, ${facts.cipher}${facts.resumed ? ", resumed" : ""}${trust}`;
}
