/** Failures of sockets and TLS, as PortholeErrors that say what happened and what to do. */
import { messageOf, PortholeError, systemCode } from "../errors.js";

interface Place {
  readonly host: string;
  readonly port: number;
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
};

/** Anything a connected or connecting socket raised. PortholeErrors pass unchanged. */
export function connectionError(thrown: unknown, place: Place): PortholeError {
  if (thrown instanceof PortholeError) return thrown;
  const code = systemCode(thrown) ?? "";
  if (isTlsFailure(thrown)) return tlsError(thrown, place);
  if (code === "ETIMEDOUT") {
    return new PortholeError("timeout", `${where(place)}: the connection timed out`, { cause: thrown });
  }
  const known = CONNECTION_FAILURES[code];
  return new PortholeError("connect", `${where(place)}: ${known?.words ?? messageOf(thrown)}`, {
    hint: known?.hint,
    cause: thrown,
  });
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
  CERT_REVOKED: { words: "the certificate has been revoked", hint: "do not go on; tell the server's owner" },
  ERR_TLS_CERT_ALTNAME_INVALID: {
    words: "the certificate is for another name",
    hint: "is this the host you meant? --sni NAME asks for another one",
  },
};

export function isCertificateFailure(code: string): boolean {
  return code in CERTIFICATE_FAILURES;
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
    const detail = code === "ERR_TLS_CERT_ALTNAME_INVALID" ? ` (${messageOf(thrown)})` : "";
    return new PortholeError("tls", `${where(place)}: ${known.words}${detail}`, {
      hint: known.hint,
      cause: thrown,
    });
  }
  if (/wrong version number|packet length too long|http request/i.test(messageOf(thrown))) {
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
  if (isTlsFailure(thrown)) {
    // OpenSSL's text: `...:error:0A000410:SSL routines:ssl3_read_bytes:sslv3 alert handshake failure:...`
    const words = /SSL routines:[^:]*:([^:]+)/.exec(messageOf(thrown))?.[1] ?? messageOf(thrown);
    return new PortholeError("tls", `${where(place)}: TLS failed: ${words}`, { cause: thrown });
  }
  return connectionError(thrown, place);
}

export function where({ host, port }: Place): string {
  if (port === 0) return host;
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
