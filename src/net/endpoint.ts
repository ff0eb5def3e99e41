/** Where to connect, and how: what a protocol asks of the dialer. */
import type { CertificateFacts } from "./tls.js";

export interface TlsRequest {
  /** The name the certificate must carry; the endpoint's host when absent. */
  readonly servername?: string;
  /** Offered application protocols, best first (RFC 7301). */
  readonly alpn?: readonly string[];
  /** A session to resume: FTP servers ask that data connections resume the control connection's. */
  readonly session?: Buffer;
  /**
   * Asked about a certificate that nobody vouches for, before anything is sent: true takes it all the same (trust on
   * first use). What it throws is what the connection fails with.
   */
  readonly trust?: (certificate: CertificateFacts) => Promise<boolean>;
}

export interface Endpoint {
  /** Name, dotted quad or IPv6 literal without brackets; empty for a Unix socket. */
  readonly host: string;
  readonly port: number;
  /** Path of a Unix socket, instead of host and port. */
  readonly socketPath?: string;
  /** TLS from the first octet. Without it the connection starts in clear and may be upgraded (`Connection.startTls`). */
  readonly tls?: TlsRequest;
  /** The scheme for which a proxy is looked up (`ftp`, `https`). */
  readonly scheme: string;
  /**
   * The caller speaks HTTP and can address an HTTP proxy itself (absolute-form, RFC 9112, 3.2.2): the
   * dialer then connects to the proxy and opens no tunnel. `Context.forwardProxy` tells whether it will.
   */
  readonly forwardsThroughProxy?: boolean;
  /** The port of this side; any free one when absent. */
  readonly localPort?: number;
  /** In the transcript, beside the address: `data` for FTP's second connection. */
  readonly purpose?: string;
  /**
   * A stream without idle limit: a person or an event at the other end may be silent for hours.
   */
  readonly patient?: boolean;
  /** Much may come, and `Connection.pour` will take it: the socket reads into one large buffer. */
  readonly bulk?: boolean;
}
