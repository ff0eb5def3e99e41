/**
 * A connection: octets both ways over TCP, TLS or a Unix socket, with the transcript, the byte counts, the
 * idle limit and the rate limit on it.
 *
 * It is a Duplex, so that packages take it for a socket, and stays the same object when TLS is started on it.
 */
import { isIP, type Socket } from "node:net";
import { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import { abortReason, isAbort, PortholeError } from "../errors.js";
import { connectionError, earlyOctets } from "./failures.js";
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
  /** The host that was asked for; empty for a Unix socket. */
  readonly host: string;
  readonly port: number;
  /** Path of the Unix socket that was connected to. */
  readonly socketPath?: string;
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

/** Octets handed to the socket at once: each time they are gone is a sign of life for the idle limit. */
const PIECE = 256 * 1024;

type Done = (error?: Error | null) => void;

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
  /** There is room in the buffer. */
  #wantsData = false;
  /** A reader asked and got nothing. */
  #awaited = false;
  /** Ends the write under way, when the connection is destroyed before it is out. */
  #writing: Done | undefined;
  /** TLS is being started: what is written meanwhile waits for it, for it must not go out in clear. */
  #upgrading = false;
  #afterUpgrade: (() => void) | undefined;
  #afterWrite: (() => void) | undefined;
  #idleTimer: NodeJS.Timeout | undefined;
  #rateTimer: NodeJS.Timeout | undefined;
  #sendTimer: NodeJS.Timeout | undefined;

  /** @param tlsSocket the same socket, when TLS is on already */
  constructor(socket: Socket, wiring: ConnectionWiring, patient = false, tlsSocket?: TLSSocket) {
    super({ allowHalfOpen: true, emitClose: true });
    this.#socket = socket;
    this.#tlsSocket = tlsSocket;
    this.#wiring = wiring;
    this.#facts = wiring.facts;
    this.patient = patient;
    // A failure reaches whoever reads or writes; between two commands nobody does, and the process must live on.
    this.on("error", () => {});
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
    if (this.#facts.socketPath !== undefined) return true;
    const address = this.#facts.address ?? "";
    return address === "::1" || address.startsWith("127.") || /^::ffff:127\./i.test(address);
  }

  /** The TLS session's ticket, for a second connection that is to resume it. */
  get tlsSession(): Buffer | undefined {
    // Null once the socket is gone, whatever the types say.
    return this.#tlsSocket?.getSession() ?? undefined;
  }

  /**
   * Starts TLS in place, after the server agreed to it. What is written meanwhile goes out under TLS.
   *
   * What came before the handshake was sent by whoever could write to the wire, so it is dropped and the
   * connection with it (RFC 3207, 6; CVE-2011-0411).
   * @throws PortholeError `tls`, `timeout`, or the reason of the signal when it fires
   */
  async startTls(request: StartTls = {}): Promise<void> {
    if (this.#upgrading || this.secure) {
      throw new PortholeError("usage", "TLS was started twice on one connection");
    }
    this.#upgrading = true;
    try {
      await this.#written();
      if (this.destroyed) throw this.errored ?? new PortholeError("connect", "the connection is closed");
      const early = this.readableLength + this.#socket.readableLength + (request.unread?.length ?? 0);
      if (early > 0) throw earlyOctets(early);
      this.#detach();
      // Without a reader the socket would lose what comes now; so it waits, and spoils the handshake.
      this.#socket.pause();
      this.#wiring.tap.flush();
      const started = performance.now();
      const { socket, facts } = await this.#wiring.startTls(this.#socket, request);
      if (this.destroyed) {
        socket.destroy();
        throw this.errored ?? new PortholeError("connect", "the connection was closed while TLS was started");
      }
      this.#facts = { ...this.#facts, tls: facts, tlsMs: performance.now() - started };
      this.#socket = socket;
      this.#tlsSocket = socket;
      this.#attach(socket);
      this.#wiring.tap.note(describeTls(facts));
    } catch (thrown) {
      // When the connection failed first, that is the reason.
      const reason = this.errored ?? (thrown instanceof Error ? thrown : new Error(String(thrown)));
      this.destroy(reason);
      throw reason;
    } finally {
      this.#upgrading = false;
    }
    this.#lastActivity = performance.now();
    if (this.#wantsData) this.#socket.resume();
    this.#afterUpgrade?.();
    this.#afterUpgrade = undefined;
  }

  /** Until what was given to the socket is out. */
  async #written(): Promise<void> {
    if (this.#writing === undefined) return;
    await new Promise<void>((resolve) => {
      this.#afterWrite = resolve;
    });
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

  override read(size?: number): Buffer | null {
    const got: Buffer | null = super.read(size);
    // read(0) is the stream's own way to fill its buffer; every other asks for what is awaited.
    if (size !== 0) {
      if (got === null && !this.#awaited) this.#lastActivity = performance.now();
      this.#awaited = got === null;
    }
    return got;
  }

  override _read(): void {
    this.#wantsData = true;
    if (this.#rateTimer === undefined && !this.#upgrading) this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: Done): void {
    this.#send([chunk], done);
  }

  override _writev(pieces: { chunk: Buffer; encoding: BufferEncoding }[], done: Done): void {
    this.#send(
      pieces.map((piece) => piece.chunk),
      done,
    );
  }

  override _final(done: Done): void {
    if (this.#upgrading) this.#afterUpgrade = () => this._final(done);
    else if (this.#socket.destroyed) done();
    else this.#socket.end(() => done());
  }

  override _destroy(error: Error | null, done: Done): void {
    clearInterval(this.#idleTimer);
    clearTimeout(this.#rateTimer);
    clearTimeout(this.#sendTimer);
    this.#wiring.signal.removeEventListener("abort", this.#onAbort);
    this.#wiring.tap.flush();
    this.#wiring.tap.note(
      error === null || isAbort(error)
        ? "closed"
        : `closed: ${error.message} (${this.bytesRead} octets in, ${this.bytesWritten} out)`,
    );
    this.#detach();
    // The socket may still fail while it closes; nobody is left who could care.
    this.#socket.on("error", () => {});
    this.#socket.destroy();
    this.#afterUpgrade = undefined;
    this.#settleWrite(error ?? new PortholeError("connect", "the connection was closed before all was sent"));
    done(error);
  }

  #send(chunks: Buffer[], done: Done): void {
    this.#writing = done;
    if (this.#upgrading) this.#afterUpgrade = () => this.#sendPiece(chunks);
    else this.#sendPiece(chunks);
  }

  /** Sends as much of `left` as may go at once, then the rest. */
  #sendPiece(left: Buffer[]): void {
    const socket = this.#socket;
    const rate = this.#wiring.rate?.outgoing;
    const piece = takePiece(left, Math.min(PIECE, rate?.burst ?? PIECE));
    let octets = 0;
    this.#lastActivity = performance.now();
    socket.cork();
    for (const [index, chunk] of piece.entries()) {
      octets += chunk.length;
      this.#wiring.tap.octets("client", chunk);
      if (index < piece.length - 1) socket.write(chunk);
      else socket.write(chunk, (error) => this.#sent(octets, error, left));
    }
    socket.uncork();
  }

  #sent(octets: number, error: Error | null | undefined, left: Buffer[]): void {
    this.#lastActivity = performance.now();
    if (this.#writing === undefined) return;
    if (error) {
      this.#settleWrite(connectionError(error, this.#place));
      return;
    }
    this.bytesWritten += octets;
    const goOn = () => {
      this.#sendTimer = undefined;
      if (left.length > 0) this.#sendPiece(left);
      else this.#settleWrite();
    };
    const wait = this.#wiring.rate?.outgoing.take(octets) ?? 0;
    if (wait > 1) this.#sendTimer = setTimeout(goOn, wait);
    else goOn();
  }

  #settleWrite(error?: Error): void {
    const done = this.#writing;
    this.#writing = undefined;
    done?.(error);
    this.#afterWrite?.();
    this.#afterWrite = undefined;
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
    this.#wantsData = false;
    this.#wiring.tap.flush();
    this.push(null);
  };

  readonly #onError = (error: Error): void => {
    this.destroy(connectionError(error, this.#place));
  };

  readonly #onClose = (): void => {
    if (this.destroyed) return;
    if (!this.readableEnded) this.#onEnd();
    // The other half has nowhere to go any more.
    if (!this.writableFinished) this.end();
  };

  readonly #onAbort = (): void => {
    this.destroy(abortReason(this.#wiring.signal));
  };

  /** For messages. */
  get #place(): { host: string; port: number } {
    const { host, port, socketPath } = this.#facts;
    return host === "" && socketPath !== undefined ? { host: socketPath, port: 0 } : { host, port };
  }

  /** Somebody waits for the other side: to send, or to take. */
  get #waiting(): boolean {
    if (this.patient || this.#upgrading) return false;
    if (this.#writing !== undefined) return this.#sendTimer === undefined;
    const paused = this.readableFlowing === false && this.listenerCount("readable") === 0;
    return this.#awaited && this.#wantsData && !paused && this.#rateTimer === undefined;
  }

  #watchIdleness(): void {
    const limit = this.#wiring.idleTimeout;
    if (limit <= 0) return;
    // Unreferenced: an idle watch never keeps the process alive, and the socket does.
    this.#idleTimer = setInterval(
      () => {
        if (!this.#waiting) {
          this.#lastActivity = performance.now();
          return;
        }
        if (performance.now() - this.#lastActivity < limit) return;
        this.destroy(
          new PortholeError("timeout", `no answer from ${this.#place.host} for ${limit / 1000} s`, {
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
