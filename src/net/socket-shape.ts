/** What packages expect of a socket, and what a connection's facts tell of it. */
import { isIP } from "node:net";
import { Duplex } from "node:stream";
import type { Beneath } from "./deflated.js";
import type { ConnectionFacts } from "./wiring.js";

export abstract class SocketShape extends Duplex {
  abstract get facts(): ConnectionFacts;
  /** The socket, with TLS and what else was put upon it. */
  protected abstract get beneath(): Beneath;

  /** TLS is on. */
  get secure(): boolean {
    return this.facts.tls !== undefined;
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
