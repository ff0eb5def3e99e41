/** What packages expect of a socket, what a connection's facts and its TLS tell of it, and what its transcript is told. */
import { isIP } from "node:net";
import { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import type { Beneath } from "./deflated.js";
import type { Tap } from "./transcript.js";
import type { ConnectionFacts } from "./wiring.js";

export abstract class SocketShape extends Duplex {
  abstract get facts(): ConnectionFacts;
  /** The socket, with TLS and what else was put upon it. */
  protected abstract get beneath(): Beneath;
  protected abstract get tap(): Tap;
  /** The same as `beneath` once TLS is on. */
  protected abstract get tlsSocket(): TLSSocket | undefined;

  /** The transcript shows `why`, and nothing of what goes out after it: see Tap.withhold. */
  withhold(why: string): void {
    this.tap.withhold(why);
  }

  /** The transcript shows nothing of the next line that goes out: it is a secret, typed at a prompt. */
  hideLine(): void {
    this.tap.hideLine();
  }

  /** What looks like a password is covered in the transcript, in both directions: see Tap.guessSecrets. */
  guessSecrets(): void {
    this.tap.guessSecrets();
  }

  /** The TLS session's ticket, for a second connection that is to resume it. */
  get tlsSession(): Buffer | undefined {
    // Null once the socket is gone, whatever the types say.
    return this.tlsSocket?.getSession() ?? undefined;
  }

  /**
   * What is known to both ends of this TLS connection alone: `tls-exporter` (RFC 9266). Undefined before TLS 1.3: there
   * it wants an extended master secret (RFC 9266, 4.2), and nothing tells whether there is one.
   */
  get channelBinding(): Buffer | undefined {
    const { tlsSocket } = this;
    if (tlsSocket?.getProtocol() !== "TLSv1.3") return undefined;
    return tlsSocket.exportKeyingMaterial(32, "EXPORTER-Channel-Binding", Buffer.alloc(0));
  }

  /** TLS is on. The facts tell how the connection came about, also of TLS that was taken off since. */
  get secure(): boolean {
    return this.tlsSocket !== undefined;
  }

  /** The octets do not leave this machine. Through a proxy they may, whatever the host's name. */
  get loopback(): boolean {
    if (this.facts.proxy !== undefined) return false;
    if (this.facts.socketPath !== undefined) return true;
    const address = this.facts.address ?? "";
    return address === "::1" || address.startsWith("127.") || /^::ffff:127\./i.test(address);
  }

  get remoteAddress(): string | undefined {
    return this.facts.address;
  }

  get remoteFamily(): string | undefined {
    const family = isIP(this.facts.address ?? "");
    return family === 0 ? undefined : `IPv${family}`;
  }

  get remotePort(): number | undefined {
    return this.beneath.remotePort ?? this.facts.port;
  }

  get localAddress(): string | undefined {
    return this.beneath.localAddress;
  }

  get localPort(): number | undefined {
    return this.beneath.localPort;
  }

  get encrypted(): boolean {
    return this.secure;
  }

  get alpnProtocol(): string | undefined {
    return this.facts.tls?.alpn;
  }

  /** The idle limit is Porthole's own; a package's wish for another is heard and not followed. */
  setTimeout(_milliseconds: number, _callback?: () => void): this {
    return this;
  }

  setNoDelay(noDelay = true): this {
    this.beneath.setNoDelay(noDelay);
    return this;
  }

  setKeepAlive(enable = true, initialDelay = 0): this {
    this.beneath.setKeepAlive(enable, initialDelay);
    return this;
  }

  ref(): this {
    this.beneath.ref();
    return this;
  }

  unref(): this {
    this.beneath.unref();
    return this;
  }
}
