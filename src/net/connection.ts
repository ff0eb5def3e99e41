/**
 * A connection: octets both ways over TCP, TLS or a Unix socket, with the transcript, the byte counts, the
 * idle limit and the rate limit on it.
 *
 * It is a Duplex, so that packages take it for a socket, and stays the same object when TLS is started on it.
 */
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { whenAborted } from "../abort.js";
import { abortReason, isAbort, PortholeError } from "../errors.js";
import { type Beneath, Deflated } from "./deflated.js";
import { connectionError, earlyOctets, silenceError } from "./failures.js";
import { IdleWatch } from "./idleness.js";
import { LastingSocket, whenHeardOut } from "./lasting-socket.js";
import { Pouring, type Take } from "./pouring.js";
import type { Removable } from "./removable.js";
import { reset } from "./reset.js";
import { type Done, Sending } from "./sending.js";
import { SocketShape } from "./socket-shape.js";
import { describeTls } from "./tls.js";
import type { Tap } from "./transcript.js";
import type { ConnectionFacts, ConnectionWiring, StartTls } from "./wiring.js";

export class Connection extends SocketShape {
  /** While true the idle limit rests: another connection is at work, or a person may take their time. */
  patient: boolean;
  /** The other side would take an early end for all there is: what is destroyed before its end is reset. */
  resetsWhenLeft = false;
  /** Sent when the signal ends the connection. */
  lastWords: Buffer | undefined;
  bytesRead = 0;

  /** The socket, with TLS and what else was put upon it. */
  #socket: Beneath;
  /** What TLS is started on. */
  readonly #plain: Socket;
  /** The same as #socket once TLS is on. */
  #tlsSocket: TLSSocket | undefined;
  /** What TLS was started on, where it may be taken off again. */
  #removable: Removable | undefined;
  #facts: ConnectionFacts;
  readonly #wiring: ConnectionWiring;
  readonly #idle: IdleWatch;
  /** There is room in the buffer. */
  #wantsData = false;
  /** A reader asked and got nothing. */
  #awaited = false;
  readonly #sending: Sending;
  /** TLS is being started: what is written meanwhile waits for it, for it must not go out in clear. */
  #upgrading = false;
  #afterUpgrade: (() => void) | undefined;
  #pouring: Pouring | undefined;
  /** Who waits for what comes next. */
  #next: ((octets: Buffer | undefined) => void) | undefined;
  /** Who is told of what nobody expects. */
  #aside: (() => void) | undefined;
  #ended = false;
  #rateTimer: NodeJS.Timeout | undefined;
  /** The signal is heeded no more. */
  readonly #unheeded: () => void;

  /** @param tlsSocket the same socket, when TLS is on already */
  constructor(socket: Socket, wiring: ConnectionWiring, patient = false, tlsSocket?: TLSSocket) {
    super({ allowHalfOpen: true, emitClose: true });
    this.#socket = socket;
    this.#plain = socket;
    this.#tlsSocket = tlsSocket;
    this.#wiring = wiring;
    this.#facts = wiring.facts;
    this.patient = patient;
    // A failure reaches whoever reads or writes; between two commands nobody does, and the process must live on.
    this.on("error", () => {});
    this.#idle = new IdleWatch(wiring.idleTimeout, () => this.#waiting, this.#onSilence);
    this.#sending = new Sending({
      tap: wiring.tap,
      rate: wiring.rate?.outgoing,
      alive: () => this.#idle.alive(),
      failure: (error) => connectionError(error, this.#place),
    });
    this.#attach(socket);
    this.#unheeded = whenAborted(wiring.signal, this.#onAbort);
    if (wiring.signal.aborted) this.#onAbort();
    if (socket.destroyed) this.#onClose();
  }

  override get facts(): ConnectionFacts {
    return this.#facts;
  }

  protected override get beneath(): Beneath {
    return this.#socket;
  }

  protected override get tap(): Tap {
    return this.#wiring.tap;
  }

  protected override get tlsSocket(): TLSSocket | undefined {
    return this.#tlsSocket;
  }

  get bytesWritten(): number {
    return this.#sending.bytesWritten;
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
    if (this.#wiring.reused !== undefined) {
      throw new PortholeError("usage", "a connection that was dialed for bulk stays in clear");
    }
    this.#upgrading = true;
    try {
      const removable = request.removable === true ? await import("./removable.js") : undefined;
      await this.#sending.written();
      if (this.destroyed) throw this.errored ?? new PortholeError("connect", "the connection is closed");
      const early = this.readableLength + this.#socket.readableLength + (request.unread?.length ?? 0);
      if (early > 0) throw earlyOctets(early);
      this.#detach();
      // Without a reader the socket would lose what comes now; so it waits, and spoils the handshake.
      this.#socket.pause();
      this.#wiring.tap.flush();
      const started = performance.now();
      if (removable !== undefined) this.#removable = new removable.Removable(this.#plain);
      const { socket, facts } = await this.#wiring.startTls(this.#removable ?? this.#plain, request);
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
    this.#goOn();
  }

  /** What waited while TLS was started or ended. */
  #goOn(): void {
    this.#idle.alive();
    if (this.#wantsData) this.#socket.resume();
    this.#afterUpgrade?.();
    this.#afterUpgrade = undefined;
  }

  /**
   * From now on TLS may end and the connection go on, where TLS was started as `removable`: said before the other side is
   * asked, which may end it in the same breath as it agrees.
   */
  outliveTls(): void {
    if (this.#removable === undefined) throw new PortholeError("usage", "TLS stays on this connection");
    this.#removable.outliveTls();
    // That TLS ends is no end of the connection any more.
    this.#socket.off("end", this.#onEnd);
    this.#socket.off("close", this.#onClose);
  }

  /**
   * Takes TLS off, after `outliveTls` and the other side's consent: each says that it ends (RFC 8446, 6.1), and both go on
   * in clear.
   * @throws PortholeError what the connection fails with meanwhile
   */
  async stopTls(): Promise<void> {
    const removable = this.#removable;
    const secured = this.#tlsSocket;
    if (removable === undefined || secured === undefined)
      throw new PortholeError("usage", "there is no TLS to be taken off");
    this.#upgrading = true;
    try {
      await this.#sending.written();
      this.#detach();
      this.#socket = this.#plain;
      const behind = await removable.takeOff(secured);
      this.#tlsSocket = undefined;
      if (this.destroyed) throw this.errored ?? new PortholeError("connect", "the connection is closed");
      this.#attach(this.#plain);
      this.#wiring.tap.note("TLS has ended; in clear from here on");
      // What it told while TLS was taken off, it does not tell again.
      if (behind.length > 0) this.#onData(behind);
      if (this.#plain.destroyed) this.#onClose();
      else if (this.#plain.readableEnded) this.#onEnd();
    } catch (thrown) {
      const reason = this.errored ?? connectionError(thrown, this.#place);
      this.destroy(reason);
      throw reason;
    } finally {
      this.#upgrading = false;
    }
    this.#goOn();
  }

  /**
   * From now on both sides deflate, after the server agreed to it (RFC 4978, RFC 8054). The transcript shows what was
   * deflated.
   * @param early what the caller had read and not used: it is deflated already
   */
  startDeflate(early: Uint8Array): void {
    if (this.#wiring.reused !== undefined) {
      throw new PortholeError("usage", "a connection that was dialed for bulk is not deflated");
    }
    this.#detach();
    this.#socket.pause();
    const held = this.read();
    const octets = held === null ? early : Buffer.concat([early, held]);
    this.#socket = new Deflated(this.#socket, octets);
    this.#attach(this.#socket);
    this.#wiring.tap.note("deflated from here on");
    if (this.#wantsData) this.#socket.resume();
  }

  /**
   * Hands all that comes to `take`, from the buffer that it was read into: nobody else may read meanwhile. A connection
   * that was dialed as `bulk` and is in clear reads up to 256 KiB at once, every other what its socket gives.
   * @param most octets; what comes after them stays to be read
   * @returns octets handed over: fewer than `most` where the other side ended
   * @throws what the connection fails with, and what `take` throws
   */
  async pour(take: Take, most = Number.POSITIVE_INFINITY): Promise<number> {
    if (this.#pouring !== undefined)
      throw new PortholeError("usage", "a connection pours one thing at a time");
    let poured = 0;
    while (poured < most) {
      const held = this.read();
      if (held === null) break;
      const part = held.subarray(0, most - poured);
      if (part.length < held.length) this.unshift(held.subarray(part.length));
      await take(part);
      poured += part.length;
    }
    if (this.errored) throw this.errored;
    if (poured === most || this.#ended || this.destroyed) return poured;
    const pouring = new Pouring(take, most, poured);
    this.#pouring = pouring;
    this.#idle.alive();
    if (this.#rateTimer === undefined) this.#socket.resume();
    try {
      return await pouring.done;
    } finally {
      this.#pouring = undefined;
      if (this.#wantsMore) this.#socket.resume();
      else this.#socket.pause();
    }
  }

  /**
   * What comes next, without the stream in between; undefined at the end, or when the connection has failed (`errored`).
   * Nobody else may read meanwhile.
   */
  next(): Promise<Buffer | undefined> {
    const held = this.read();
    if (held !== null || this.#ended || this.destroyed) return Promise.resolve(held ?? undefined);
    return new Promise((resolve) => {
      this.#next = resolve;
      this.#wantsData = true;
      if (this.#rateTimer === undefined && !this.#upgrading) this.#socket.resume();
    });
  }

  /** The other side has said all that it will. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Nothing is expected until `takeUp`: `told` is called when something comes all the same, or the end. */
  layAside(told: () => void): void {
    this.#aside = told;
    this.patient = true;
    this.#wantsData = true;
    this.#socket.resume();
  }

  takeUp(): void {
    this.#aside = undefined;
    this.patient = false;
  }

  // --- Duplex -----------------------------------------------------------------------------------------------

  override read(size?: number): Buffer | null {
    const got: Buffer | null = super.read(size);
    // read(0) is the stream's own way to fill its buffer; every other asks for what is awaited.
    if (size !== 0) {
      if (got === null && !this.#awaited) this.#idle.alive();
      this.#awaited = got === null;
    }
    return got;
  }

  override _read(): void {
    this.#wantsData = true;
    const isPoured = this.#pouring !== undefined;
    if (this.#rateTimer === undefined && !this.#upgrading && !isPoured) this.#socket.resume();
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
    this.#idle.end();
    clearTimeout(this.#rateTimer);
    this.#unheeded();
    this.#wiring.tap.flush();
    this.#wiring.tap.note(
      error === null || isAbort(error)
        ? "closed"
        : `closed: ${error.message} (${this.bytesRead} octets in, ${this.bytesWritten} out)`,
    );
    this.#detach();
    // The socket may still fail while it closes; nobody is left who could care.
    this.#socket.on("error", () => {});
    // Under TLS, too: many a server takes an end without TLS's own word for it for the end of the file.
    if (this.resetsWhenLeft && !this.writableFinished) reset(this.#plain);
    this.#socket.destroy();
    this.#afterUpgrade = undefined;
    if (this.#sending.busy || this.#pouring !== undefined) {
      const closed = error ?? new PortholeError("connect", "the connection was closed before all was sent");
      this.#sending.settle(closed);
      this.#pouring?.fail(closed);
    }
    this.#pouring = undefined;
    this.#giveNext(undefined);
    done(error);
  }

  #send(chunks: Buffer[], done: Done): void {
    this.#sending.begin(done);
    if (this.#upgrading) this.#afterUpgrade = () => this.#sending.hand(this.#socket, chunks);
    else this.#sending.hand(this.#socket, chunks);
  }

  // --- the socket beneath -----------------------------------------------------------------------------------

  #attach(socket: Beneath): void {
    if (this.#wiring.reused !== undefined && socket !== this.#tlsSocket)
      this.#wiring.reused.listen(this.#onReused);
    else socket.on("data", this.#onData);
    socket.on("end", this.#onEnd);
    socket.on("error", this.#onError);
    socket.on("close", this.#onClose);
    if (socket instanceof LastingSocket) socket.onLost = this.#onLost;
    // A 'data' listener starts the flow; it is _read that may.
    socket.pause();
  }

  #detach(): void {
    this.#socket.off("data", this.#onData);
    this.#socket.off("end", this.#onEnd);
    this.#socket.off("error", this.#onError);
    this.#socket.off("close", this.#onClose);
    if (this.#socket instanceof LastingSocket) this.#socket.onLost = undefined;
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#arrived(chunk, chunk);
  };

  /** The buffer is read into again as soon as this returns, or the socket resumes. */
  readonly #onReused = (octets: Buffer): void => {
    this.#arrived(octets, undefined);
  };

  /** @param own the same octets where they may be kept; they are copied when they have to be and cannot */
  #arrived(octets: Buffer, own: Buffer | undefined): void {
    this.bytesRead += octets.length;
    this.#idle.alive();
    this.#wiring.tap.octets("server", octets);
    if (this.#pouring !== undefined) this.#pourOn(this.#pouring, octets);
    else if (this.#next !== undefined) this.#giveNext(own ?? Buffer.from(octets));
    else this.#keep(own ?? Buffer.from(octets));
    this.#aside?.();
    const wait = this.#wiring.rate?.incoming.take(octets.length) ?? 0;
    if (wait > 1 && this.#rateTimer === undefined) {
      this.#socket.pause();
      this.#rateTimer = setTimeout(() => {
        this.#rateTimer = undefined;
        this.#idle.alive();
        if (this.#wantsMore) this.#socket.resume();
      }, wait);
    }
  }

  #giveNext(octets: Buffer | undefined): void {
    const give = this.#next;
    this.#next = undefined;
    // Nobody waits any more, until they ask again.
    this.#awaited = false;
    give?.(octets);
  }

  #keep(chunk: Buffer): void {
    if (this.push(chunk)) return;
    this.#wantsData = false;
    this.#socket.pause();
  }

  #pourOn(pouring: Pouring, octets: Buffer): void {
    pouring.feed(octets, (beyond) => {
      this.#idle.alive();
      if (beyond !== undefined) this.#keep(beyond);
      if (pouring.complete) pouring.end();
      else if (this.#rateTimer === undefined && !this.destroyed) this.#socket.resume();
    });
    if (pouring.busy) this.#socket.pause();
  }

  /** Somebody takes what comes. */
  get #wantsMore(): boolean {
    return this.#pouring === undefined ? this.#wantsData : !this.#pouring.busy;
  }

  readonly #onEnd = (): void => {
    this.#wantsData = false;
    this.#ended = true;
    this.#wiring.tap.flush();
    this.push(null);
    this.#pouring?.end();
    if (this.#next !== undefined) {
      this.#giveNext(undefined);
      // The stream makes its end known when it is read.
      this.read();
    }
    this.#aside?.();
  };

  readonly #onError = (error: Error): void => {
    this.destroy(connectionError(error, this.#place));
  };

  /** Nothing more can be sent; the error comes after what the other side had said, if anybody reads it. */
  readonly #onLost = (error: Error): void => {
    whenHeardOut(this, () => this.destroy(connectionError(error, this.#place)));
  };

  readonly #onClose = (): void => {
    if (this.destroyed) return;
    if (!this.readableEnded) this.#onEnd();
    // The other half has nowhere to go any more.
    if (!this.writableFinished) this.end();
  };

  readonly #onAbort = (): void => {
    if (this.lastWords !== undefined && this.#socket.writable) {
      this.#wiring.tap.octets("client", this.lastWords);
      this.#socket.write(this.lastWords);
    }
    this.destroy(abortReason(this.#wiring.signal));
  };

  /** For messages. */
  get #place(): { host: string; port: number; secured: boolean } {
    const { host, port, socketPath } = this.#facts;
    const secured = this.#tlsSocket !== undefined;
    return host === "" && socketPath !== undefined
      ? { host: socketPath, port: 0, secured }
      : { host, port, secured };
  }

  /** Somebody waits for the other side: to send, or to take. */
  get #waiting(): boolean {
    if (this.patient || this.#upgrading) return false;
    if (this.#sending.busy) return !this.#sending.resting;
    if (this.#pouring !== undefined) return !this.#pouring.busy && this.#rateTimer === undefined;
    if (this.#next !== undefined) return this.#rateTimer === undefined;
    const paused = this.readableFlowing === false && this.listenerCount("readable") === 0;
    return this.#awaited && this.#wantsData && !paused && this.#rateTimer === undefined;
  }

  readonly #onSilence = (): void => {
    this.destroy(silenceError(this.#place.host, this.#wiring.idleTimeout));
  };
}
