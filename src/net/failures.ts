/** Failures of sockets and TLS, as PortholeErrors that say what happened and what to do. */
import { networkInterfaces } from "node:os";
import { isAbort, messageOf, PortholeError, systemCode } from "../errors.js";

interface Place {
  readonly host: string;
  readonly port: number;
  /** TLS is on: its handshake is over. */
  readonly secured?: boolean;
}

const CONNECTION_FAILURES: Readonly<Record<string, { words: string; hint?: string }>> = {
  ECONNREFUSED: { words: "connection refused", hint: "is the server running, and on this port?" },
  ECONNRESET: { words: "the connection was reset by the other side" },
  EPIPE: { words: "the connection was closed by the other side" },
  ECONNABORTED: { words: "the connection was aborted" },
  EHOSTUNREACH: { words: "no route to the host" },
  ENETUNREACH: { words: "the network is unreachable" },
  EHOSTDOWN: { words: "the host is down" },
  EADDRNOTAVAIL: { words: "the address is not available here" },
  EINVAL: { words: "the address cannot be used for this" },
  EACCES: { words: "not allowed to connect there" },
  EPERM: { words: "not allowed to connect there" },
  ENOENT: { words: "there is no such Unix socket" },
  ENOTSOCK: { words: "that file is not a Unix socket" },
  EADDRINUSE: { words: "the local address is in use" },
  EMSGSIZE: { words: "the datagram is too large", hint: "a UDP datagram holds at most 65,507 octets" },
  ERR_STREAM_DESTROYED: { words: "the connection was closed by the other side" },
  ERR_STREAM_PREMATURE_CLOSE: { words: "the connection was closed by the other side" },
};

/** Failures that speak of this machine's network rather than of the server. */
const UNREACHABLE = new Set(["EHOSTUNREACH", "ENETUNREACH", "EADDRNOTAVAIL", "EAFNOSUPPORT", "EINVAL"]);

/** Whether the failure tells no more than that there is no way to that address. */
export function isUnreachable(thrown: unknown): boolean {
  return UNREACHABLE.has(systemCode(thrown) ?? "");
}

/** What the system says of a connection that the other side has closed. */
const CLOSED: ReadonlySet<string> = new Set(["EPIPE", "ECONNRESET"]);

/** @param thrown as the system raised it: the cause of a PortholeError */
export function isClosedByPeer(thrown: unknown): boolean {
  return CLOSED.has(systemCode(thrown) ?? "");
}

/** RFC 4007, 6: an address of one link means nothing without the link. */
function scopeFailure(host: string): { words: string; hint: string } | undefined {
  const zone = /%(.+)$/.exec(host)?.[1];
  const interfaces = networkInterfaces();
  const there = Object.keys(interfaces);
  if (zone === undefined) {
    if (!/^fe[89ab][\da-f]:/i.test(host)) return undefined;
    // This machine's own address tells; else it is not the loopback, which leads to no other machine.
    const link =
      there.find((name) => interfaces[name]?.some(({ address }) => address === host.toLowerCase())) ??
      there.find((name) => interfaces[name]?.some(({ internal }) => !internal));
    return {
      words: "which interface does this address lie on?",
      hint: `write [${host}%${link ?? "eth0"}]`,
    };
  }
  if (there.includes(zone)) return undefined;
  return { words: `no interface is named '${zone}' here`, hint: `there are ${there.join(", ")}` };
}

/** Anything a connected or connecting socket raised. PortholeErrors pass unchanged. */
export function connectionError(thrown: unknown, place: Place): PortholeError {
  if (thrown instanceof PortholeError) return thrown;
  if (isAbort(thrown)) return new PortholeError("aborted", "stopped before the end", { cause: thrown });
  const code = systemCode(thrown) ?? "";
  if (isTlsFailure(thrown)) return tlsError(thrown, place);
  if (code === "ETIMEDOUT") {
    return new PortholeError("timeout", `${where(place)}: the connection timed out`, { cause: thrown });
  }
  const known = (code === "EINVAL" ? scopeFailure(place.host) : undefined) ?? CONNECTION_FAILURES[code];
  return new PortholeError("connect", `${where(place)}: ${known?.words ?? messageOf(thrown)}`, {
    hint: known?.hint,
    cause: thrown,
  });
}

/** Why a client gave up, as a server sees it: OpenSSL's own words name its sources' lines. */
export function handshakeFailure(thrown: unknown): string {
  const code = systemCode(thrown) ?? "";
  if (/^ERR_SSL_(?:WRONG_VERSION_NUMBER|HTTP_REQUEST)$/.test(code)) return "it does not speak TLS";
  if (/ALERT_(?:UNKNOWN_CA|BAD_CERTIFICATE|CERTIFICATE_UNKNOWN)$/.test(code))
    return "it does not trust the certificate";
  if (code === "ECONNRESET") return "it left";
  if (code === "ERR_TLS_HANDSHAKE_TIMEOUT") return "it took too long";
  return code.startsWith("ERR_SSL_") ? code.slice(8).toLowerCase().replaceAll("_", " ") : messageOf(thrown);
}

const CERTIFICATE_FAILURES: Readonly<Record<string, { words: string; hint: string }>> = {
  CERT_HAS_EXPIRED: {
    words: "the certificate has expired",
    hint: "tell the server's owner; -k accepts it all the same",
  },
  CERT_NOT_YET_VALID: { words: "the certificate is not valid yet", hint: "check this machine's clock" },
  DEPTH_ZERO_SELF_SIGNED_CERT: {
    words: "the certificate is self-signed",
    hint: "trust it with --cacert FILE, or accept anything with -k",
  },
  SELF_SIGNED_CERT_IN_CHAIN: {
    words: "the certificate comes from an authority that is not trusted here",
    hint: "trust the authority with --cacert FILE, or accept anything with -k",
  },
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: {
    words: "the certificate's authority is not known here",
    hint: "trust the authority with --cacert FILE, or accept anything with -k",
  },
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: {
    words: "the certificate's authority is not known here",
    hint: "trust the authority with --cacert FILE, or accept anything with -k",
  },
  UNABLE_TO_GET_ISSUER_CERT: {
    words: "the certificate's authority is not known here",
    hint: "trust the authority with --cacert FILE, or accept anything with -k",
  },
  CERT_SIGNATURE_FAILURE: {
    words:
      "the certificate was signed by another authority of the same name than the one that is trusted here",
    hint: "--cacert FILE takes the authority's certificate of today; -k accepts anything",
  },
  CERT_UNTRUSTED: {
    words: "the certificate's authority is not trusted for this use",
    hint: "trust another with --cacert FILE, or accept anything with -k",
  },
  INVALID_PURPOSE: {
    words: "the certificate is not one for servers",
    hint: "tell the server's owner; -k accepts it all the same",
  },
  CERT_CHAIN_TOO_LONG: {
    words: "the certificate's chain of authorities is too long",
    hint: "tell the server's owner; -k accepts it all the same",
  },
  INVALID_CA: {
    words: "the certificate was signed by one that may not sign any",
    hint: "tell the server's owner; -k accepts it all the same",
  },
  PATH_LENGTH_EXCEEDED: {
    words: "the certificate was signed by one that may not sign any",
    hint: "tell the server's owner; -k accepts it all the same",
  },
  CERT_REVOKED: { words: "the certificate has been revoked", hint: "do not go on; tell the server's owner" },
  ERR_TLS_CERT_ALTNAME_INVALID: {
    words: "the certificate is for another name",
    hint: "is this the host you meant? --sni NAME asks for another one",
  },
};

export function isCertificateFailure(code: string): boolean {
  return Object.hasOwn(CERTIFICATE_FAILURES, code);
}

function isTlsFailure(thrown: unknown): boolean {
  const code = systemCode(thrown) ?? "";
  return (
    isCertificateFailure(code) ||
    code.startsWith("ERR_SSL_") ||
    code.startsWith("ERR_TLS_") ||
    code === "EPROTO" ||
    /SSL routines|:tls_/i.test(messageOf(thrown))
  );
}

/** A handshake or a certificate that failed. */
export function tlsError(thrown: unknown, place: Place): PortholeError {
  if (thrown instanceof PortholeError) return thrown;
  const code = systemCode(thrown) ?? "";
  const known = CERTIFICATE_FAILURES[code];
  if (known) {
    const words = messageOf(thrown);
    const detail = code === "ERR_TLS_CERT_ALTNAME_INVALID" && words !== code ? ` (${words})` : "";
    return new PortholeError("tls", `${where(place)}: ${known.words}${detail}`, {
      hint: known.hint,
      cause: thrown,
    });
  }
  if (/wrong version number|packet length too long|http request/i.test(messageOf(thrown))) {
    // vsftpd's 500 OOPS, for one: what it said is lost in TLS.
    if (place.secured === true) {
      return new PortholeError("tls", `${where(place)}: the server went on without TLS, in clear`, {
        hint: "its log may tell why",
        cause: thrown,
      });
    }
    return new PortholeError("tls", `${where(place)}: the server does not speak TLS on this port`, {
      hint: "use the scheme without TLS, or the port with it",
      cause: thrown,
    });
  }
  if (code === "ECONNRESET" || code === "EPIPE") {
    return new PortholeError(
      "tls",
      `${where(place)}: the server closed the connection during the TLS handshake`,
      {
        cause: thrown,
      },
    );
  }
  if (/alert protocol version|unsupported protocol|no protocols available/i.test(messageOf(thrown))) {
    return new PortholeError("tls", `${where(place)}: no TLS version suits both sides`, {
      hint: "--tls-min sets the least that is accepted",
      cause: thrown,
    });
  }
  if (isTlsFailure(thrown)) {
    // OpenSSL's text: `...:error:0A000410:SSL routines:ssl3_read_bytes:sslv3 alert handshake failure:...`
    const words = /SSL routines:[^:]*:([^:]+)/.exec(messageOf(thrown))?.[1] ?? messageOf(thrown);
    return new PortholeError("tls", `${where(place)}: TLS failed: ${words}`, { cause: thrown });
  }
  return connectionError(thrown, place);
}

/** What came in clear where only a TLS handshake may come (RFC 3207, 6). */
export function earlyOctets(count: number): PortholeError {
  const octets = count === 1 ? "1 octet" : `${count} octets`;
  return new PortholeError(
    "tls",
    `${octets} came in clear after the server agreed to TLS; they and the connection were dropped`,
    {
      hint: "the server is faulty or someone on the way injects commands; use a port with TLS from the start",
    },
  );
}

/** @param limit milliseconds */
export function silenceError(host: string, limit: number): PortholeError {
  return new PortholeError("timeout", `no answer from ${host} for ${limit / 1000} s`, {
    hint: "--timeout sets how long to wait",
  });
}

/** The place as messages name it. */
export function where({ host, port }: Place): string {
  if (port === 0) return host;
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
