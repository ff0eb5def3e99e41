/**
 * A certificate made for the occasion: whoever listens under TLS and has none of their own gets one that names
 * this machine and is signed by itself (X.509 version 3, RFC 5280; ECDSA P-256 with SHA-256, RFC 5758).
 */
import { generateKeyPair, randomBytes, sign, X509Certificate } from "node:crypto";
import { promisify } from "node:util";

export interface MadeCertificate {
  /** PEM. */
  readonly cert: string;
  /** PEM, PKCS #8. */
  readonly key: string;
  /** SHA-256 of the certificate, as browsers and `openssl x509 -fingerprint` show it. */
  readonly fingerprint: string;
}

const VALID_DAYS = 30;
const DAY = 86_400_000;

/** DER's tags (X.690, 8). */
const BOOLEAN = 0x01;
const INTEGER = 0x02;
const BIT_STRING = 0x03;
const OCTET_STRING = 0x04;
const OBJECT_IDENTIFIER = 0x06;
const UTF8_STRING = 0x0c;
const GENERALIZED_TIME = 0x18;
const SEQUENCE = 0x30;
const SET = 0x31;
/** [0] and [3] of TBSCertificate, constructed (RFC 5280, 4.1). */
const VERSION = 0xa0;
const EXTENSIONS = 0xa3;
/** GeneralName's dNSName and iPAddress (RFC 5280, 4.2.1.6). */
const DNS_NAME = 0x82;
const IP_ADDRESS = 0x87;

/** As DER content. */
const ECDSA_WITH_SHA256 = Buffer.from("2a8648ce3d040302", "hex");
const COMMON_NAME = Buffer.from("550403", "hex");
const SUBJECT_ALT_NAME = Buffer.from("551d11", "hex");
const BASIC_CONSTRAINTS = Buffer.from("551d13", "hex");

/** @param names host names and IPv4 addresses that it is for; the first is its common name */
export async function makeCertificate(names: readonly string[]): Promise<MadeCertificate> {
  const { publicKey, privateKey } = await promisify(generateKeyPair)("ec", { namedCurve: "P-256" });
  const algorithm = der(SEQUENCE, der(OBJECT_IDENTIFIER, ECDSA_WITH_SHA256));
  const name = distinguishedName(names[0] ?? "localhost");
  const now = Date.now();
  const certificate = der(
    SEQUENCE,
    der(VERSION, der(INTEGER, Buffer.from([2]))),
    // Positive and not zero (RFC 5280, 4.1.2.2).
    der(INTEGER, Buffer.concat([Buffer.from([1]), randomBytes(15)])),
    algorithm,
    name,
    der(SEQUENCE, time(now - DAY), time(now + VALID_DAYS * DAY)),
    name,
    publicKey.export({ type: "spki", format: "der" }),
    der(EXTENSIONS, der(SEQUENCE, basicConstraints(), alternativeNames(names))),
  );
  const signature = sign("sha256", certificate, privateKey);
  const whole = der(SEQUENCE, certificate, algorithm, der(BIT_STRING, Buffer.from([0]), signature));
  const cert = `-----BEGIN CERTIFICATE-----\n${base64Lines(whole)}\n-----END CERTIFICATE-----\n`;
  return {
    cert,
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    fingerprint: new X509Certificate(cert).fingerprint256,
  };
}

function distinguishedName(commonName: string): Buffer {
  const value = der(UTF8_STRING, Buffer.from(commonName.slice(0, 64)));
  return der(SEQUENCE, der(SET, der(SEQUENCE, der(OBJECT_IDENTIFIER, COMMON_NAME), value)));
}

/** An authority of one leaf, so that whoever trusts it with --cacert trusts it. */
function basicConstraints(): Buffer {
  const value = der(SEQUENCE, der(BOOLEAN, Buffer.from([0xff])));
  const critical = der(BOOLEAN, Buffer.from([0xff]));
  return der(SEQUENCE, der(OBJECT_IDENTIFIER, BASIC_CONSTRAINTS), critical, der(OCTET_STRING, value));
}

function alternativeNames(names: readonly string[]): Buffer {
  const general = names.map((name) => {
    const parts = name.split(".").map(Number);
    const isAddress = parts.length === 4 && parts.every((part) => Number.isInteger(part) && part < 256);
    return isAddress ? der(IP_ADDRESS, Buffer.from(parts)) : der(DNS_NAME, Buffer.from(name, "latin1"));
  });
  const value = der(SEQUENCE, ...general);
  return der(SEQUENCE, der(OBJECT_IDENTIFIER, SUBJECT_ALT_NAME), der(OCTET_STRING, value));
}

/** `20261122184500Z` (RFC 5280, 4.1.2.5.2). */
function time(milliseconds: number): Buffer {
  const text = new Date(milliseconds).toISOString().replace(/[-:T]|\.\d+/g, "");
  return der(GENERALIZED_TIME, Buffer.from(text, "latin1"));
}

function base64Lines(octets: Buffer): string {
  return (octets.toString("base64").match(/.{1,64}/g) ?? []).join("\n");
}

/** Tag, length, content (X.690, 8.1). */
function der(tag: number, ...content: readonly Buffer[]): Buffer {
  const octets = Buffer.concat(content);
  const { length } = octets;
  const sizes =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...sizes]), octets]);
}
