/** What `--write-out` tells of certificates, in curl's and OpenSSL's words and numbers. */
import { type PortholeError, systemCode } from "../../src/errors.js";
import type { TlsFacts } from "../../src/net/tls.js";

/** X509_V_ERR_* of OpenSSL's x509_vfy.h, by the names that Node has for them. */
const VERIFY_RESULTS: Readonly<Record<string, number>> = {
  UNABLE_TO_GET_ISSUER_CERT: 2,
  UNABLE_TO_GET_CRL: 3,
  CERT_SIGNATURE_FAILURE: 7,
  CERT_NOT_YET_VALID: 9,
  CERT_HAS_EXPIRED: 10,
  DEPTH_ZERO_SELF_SIGNED_CERT: 18,
  SELF_SIGNED_CERT_IN_CHAIN: 19,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 20,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 21,
  CERT_CHAIN_TOO_LONG: 22,
  CERT_REVOKED: 23,
  INVALID_CA: 24,
  PATH_LENGTH_EXCEEDED: 25,
  INVALID_PURPOSE: 26,
  CERT_UNTRUSTED: 27,
  CERT_REJECTED: 28,
  ERR_TLS_CERT_ALTNAME_INVALID: 62,
  HOSTNAME_MISMATCH: 62,
};
/** Something is wrong, and OpenSSL has no number for it. */
const UNSPECIFIED = 1;

/** 0 where the certificate was right, or there was none to look at. */
export function verifyResult(tls: TlsFacts | undefined, failure: PortholeError | undefined): number {
  const refused = failure?.code === "tls" ? systemCode(failure.cause) : undefined;
  const problem = refused ?? tls?.problem;
  if (problem !== undefined) return VERIFY_RESULTS[problem] ?? UNSPECIFIED;
  return 0;
}

/** Line by line what is known of each certificate, then the certificate itself (PEM), the server's own first. */
export function certificates(tls: TlsFacts | undefined): string {
  return (tls?.chain ?? [])
    .flatMap(({ subject, issuer, names, serial, validFrom, validTo, fingerprint256, der }) => [
      `Subject:${subject}`,
      `Issuer:${issuer}`,
      `Serial Number:${serial}`,
      `Start date:${validFrom}`,
      `Expire date:${validTo}`,
      ...(names === "" ? [] : [`X509v3 Subject Alternative Name:${names}`]),
      `SHA-256 Fingerprint:${fingerprint256}`,
      "-----BEGIN CERTIFICATE-----",
      ...(Buffer.from(der)
        .toString("base64")
        .match(/.{1,64}/g) ?? []),
      "-----END CERTIFICATE-----",
    ])
    .map((line) => `${line}\n`)
    .join("");
}
