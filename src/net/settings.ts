/** What the user decides about the network, once for every connection of a run. */

export interface TlsSettings {
  /** Accept any certificate. */
  readonly insecure?: boolean;
  /** PEM file with the authorities to trust instead of Node's. */
  readonly caFile?: string;
  /** PEM files of a client certificate and its key. */
  readonly certFile?: string;
  readonly keyFile?: string;
  readonly minVersion?: "TLSv1" | "TLSv1.1" | "TLSv1.2" | "TLSv1.3";
  /** The name to ask for, and to find in the certificate, instead of the host's. */
  readonly servername?: string;
  /** NSS key log (SSLKEYLOGFILE). */
  readonly keyLogFile?: string;
}

export type ProxyMechanism = "basic" | "digest";

export interface ProxySettings {
  /** `-x`: used for everything but `exempt`; an empty text turns proxies off. */
  readonly url?: string;
  /** `--noproxy`: host suffixes, addresses, CIDR blocks, `*`. */
  readonly exempt?: string;
  /** How to log in to an HTTP proxy; absent: BASIC at once, DIGEST when the proxy wants that. */
  readonly login?: ProxyMechanism;
  /** HTTP_PROXY and its kin; absent: none are heeded. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

export interface NetworkSettings {
  readonly tls?: TlsSettings;
  readonly proxy?: ProxySettings;
  /** 4 or 6: addresses of that family alone. */
  readonly family?: 4 | 6;
  /** `--resolve`: addresses given by the user, keyed `host:port` in lower case, or `*:port`; IPv6 hosts in brackets. */
  readonly resolve?: ReadonlyMap<string, readonly string[]>;
  /** Name servers that are asked for mail exchangers, `ADDRESS` or `ADDRESS:PORT`; the system's when absent. */
  readonly nameServers?: readonly string[];
  /** Local address to connect from. */
  readonly localAddress?: string;
  /** A Unix socket that stands in for every host. */
  readonly unixSocket?: string;
  /** Milliseconds from the first look-up to a usable connection, TLS and proxies included. */
  readonly connectTimeout: number;
  /** Milliseconds without an octet while one is awaited; 0 for none. */
  readonly idleTimeout: number;
  /** Octets a second over all connections, each direction; 0 for no limit. */
  readonly rateLimit: number;
}

export const DEFAULT_NETWORK: NetworkSettings = { connectTimeout: 20_000, idleTimeout: 60_000, rateLimit: 0 };
