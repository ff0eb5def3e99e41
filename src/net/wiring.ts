/** What a connection is made of, and how it came about. */
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import type { ReusedBuffer } from "./pouring.js";
import type { RateLimit } from "./rate.js";
import type { CertificateFacts, TlsFacts } from "./tls.js";
import type { Tap } from "./transcript.js";

/** What starting TLS on a connected socket takes; the dialer provides it. */
export type TlsStarter = (
  socket: Duplex,
  request: StartTls,
) => Promise<{ socket: TLSSocket; facts: TlsFacts }>;

export interface StartTls {
  readonly servername?: string;
  readonly alpn?: readonly string[];
  readonly session?: Buffer;
  /** As in TlsRequest. */
  readonly trust?: (certificate: CertificateFacts) => Promise<boolean>;
  /** The group that another connection agreed on with the same server (TlsFacts): offered first, it saves a way. */
  readonly group?: string;
  /** What the caller had read and not used when the server agreed to TLS: there must be none. */
  readonly unread?: Uint8Array;
  /** TLS may be taken off again: see Connection.stopTls. */
  readonly removable?: boolean;
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
  /** What the socket reads into, when it was connected with one. */
  readonly reused?: ReusedBuffer;
}
