/** TLS on a connected socket: policy in, facts out. */

// `promises` is loaded when it is first touched: a plain connection does not pay for it.
import { appendFile, promises as files } from "node:fs";
import { isIP } from "node:net";
import type { Duplex } from "node:stream";
import type {
  ConnectionOptions,
  DetailedPeerCertificate,
  PeerCertificate,
  SecureContext,
  TLSSocket,
} from "node:tls";
import { abortReason, localError, messageOf, PortholeError, systemCode } from "../errors.js";
import { connectionError, tlsError } from "./failures.js";
import type { TlsSettings } from "./settings.js";
import type { StartTls } from "./wiring.js";

/** What was agreed on, and with whom. */
export interface TlsFacts {
  /** As the protocol names itself: `1.3`, `1.2`. */
  readonly version: string;
  readonly cipher: string;
  /** What the keys were agreed on with, as OpenSSL names it: `X25519`, `prime256v1`. */
  readonly group?: string;
  readonly alpn?: string;
  readonly authorized: boolean;
  /** Why not, in OpenSSL's code, when `authorized` is false. */
  readonly problem?: string;
  readonly resumed: boolean;
  readonly servername?: string;
  /** From the server's own certificate upwards. */
  readonly chain: readonly CertificateFacts[];
}

export interface CertificateFacts {
  readonly subject: string;
  readonly issuer: string;
  /** Subject alternative names, as OpenSSL lists them. */
  readonly names: string;
  readonly validFrom: string;
  readonly validTo: string;
  /** Whole days until it expires, negative afterwards. */
  readonly daysLeft: number;
  readonly fingerprint256: string;
  readonly serial: string;
  /** The certificate itself (DER). */
  readonly der: Uint8Array;
}

/** Where the user set nothing: one object, for what is made of it is kept. */
export const NO_TLS_SETTINGS: TlsSettings = {};

/** Chains longer than this are not walked further. */
const CHAIN_LIMIT = 10;

export interface HandshakePlace {
  readonly host: string;
  readonly port: number;
  readonly signal: AbortSignal;
}

/**
 * @throws PortholeError `tls` when no agreement is reached or the certificate is not trusted, `local` for
 * unreadable PEM files, the signal's reason when it fires. The caller destroys `socket`.
 */
export async function handshake(
  socket: Duplex,
  request: StartTls,
  settings: TlsSettings,
  place: HandshakePlace,
): Promise<{ socket: TLSSocket; facts: TlsFacts }> {
  const servername = settings.servername ?? request.servername ?? place.host;
  const options: ConnectionOptions = {
    socket,
    host: servername,
    // Whoever decides for themselves is asked after the handshake, and before anything is sent.
    rejectUnauthorized: settings.insecure !== true && request.trust === undefined,
    // RFC 6066, 3: a name without its final dot, never an address.
    ...(isIP(servername) === 0 && servername !== "" ? { servername: servername.replace(/\.$/, "") } : {}),
    ...(request.alpn === undefined ? {} : { ALPNProtocols: [...request.alpn] }),
    ...(request.session === undefined ? {} : { session: request.session }),
    secureContext: await contextFor(settings, request.group),
  };
  // Loaded here and not above: a plain connection does not pay for it.
  const tls = await import("node:tls");
  // The files took a while: what happened to the socket meanwhile is not told again.
  if (socket.destroyed || socket.readableEnded) throw tlsError(closedError(), place);
  const secured = await new Promise<TLSSocket>((resolve, reject) => {
    const started = tls.connect(options);
    // Until its owner listens, a failure shows as the socket's close.
    started.on("error", () => {});
    const settle = (act: () => void) => {
      started.off("error", failed);
      started.off("close", closed);
      place.signal.removeEventListener("abort", aborted);
      act();
    };
    const failed = (error: Error) => settle(() => reject(tlsError(error, place)));
    const closed = () => failed(closedError());
    const aborted = () => {
      started.destroy();
      settle(() => reject(abortReason(place.signal)));
    };
    started.on("error", failed);
    started.on("close", closed);
    place.signal.addEventListener("abort", aborted, { once: true });
    if (place.signal.aborted) aborted();
    if (settings.keyLogFile !== undefined) {
      const file = settings.keyLogFile;
      // SSLKEYLOGFILE serves whoever debugs; that it cannot be written is no reason to stop.
      started.on("keylog", (line) => appendFile(file, line, () => {}));
    }
    started.once("secureConnect", () => settle(() => resolve(started)));
  });
  const facts = factsOf(secured, servername);
  if (!facts.authorized && settings.insecure !== true && request.trust !== undefined) {
    const [own] = facts.chain;
    const isTaken = own !== undefined && (await request.trust(own));
    const code = facts.problem ?? "";
    if (!isTaken) throw tlsError(Object.assign(new Error(code), { code }), place);
  }
  return { socket: secured, facts };
}

/** The client sends a key for its first group alone; a server that wants another asks again (RFC 8446, 4.1.4). */
function groupsWith(first: string): string {
  return [first, ...["X25519", "prime256v1", "secp384r1"].filter((group) => group !== first)].join(":");
}

/** Node's types know neither that there may be none nor that it may be of another kind. */
function groupOf(socket: TLSSocket): string | undefined {
  const info: object | null = socket.getEphemeralKeyInfo();
  return info !== null && "name" in info && typeof info.name === "string" ? info.name : undefined;
}

function closedError(): Error {
  return Object.assign(new Error("closed during the handshake"), { code: "ECONNRESET" });
}

/**
 * What stays the same from one handshake to the next: hundreds of data connections read the files once. By settings, and
 * by the group that is tried first.
 */
const contexts = new WeakMap<TlsSettings, Map<string, Promise<SecureContext>>>();

/** @throws PortholeError `local` when the PEM files cannot be read, or OpenSSL cannot use them */
function contextFor(settings: TlsSettings, group = ""): Promise<SecureContext> {
  const made = contexts.get(settings) ?? new Map<string, Promise<SecureContext>>();
  contexts.set(settings, made);
  const known = made.get(group);
  if (known !== undefined) return known;
  const making = makeContext(settings, group);
  made.set(group, making);
  // The files may be put right meanwhile.
  making.catch(() => made.delete(group));
  return making;
}

async function makeContext(settings: TlsSettings, group: string): Promise<SecureContext> {
  const options = {
    ...(settings.minVersion === undefined ? {} : { minVersion: settings.minVersion }),
    ...(group === "" ? {} : { ecdhCurve: groupsWith(group) }),
    ...(await material(settings)),
  };
  const { createSecureContext } = await import("node:tls");
  try {
    return createSecureContext(options);
  } catch (thrown) {
    const code = systemCode(thrown) ?? "";
    if (!code.startsWith("ERR_OSSL_")) throw connectionError(thrown, { host: "", port: 0 });
    const mismatch = code === "ERR_OSSL_X509_KEY_VALUES_MISMATCH";
    const files = [...new Set([settings.certFile, settings.keyFile])].filter((file) => file !== undefined);
    throw new PortholeError(
      "local",
      `${files.join(" and ")}: ${mismatch ? "the key is not the certificate's" : `not usable for TLS: ${messageOf(thrown)}`}`,
      { hint: "--cert and --key take PEM files, the key without a password", cause: thrown },
    );
  }
}

async function material(settings: TlsSettings): Promise<Pick<ConnectionOptions, "ca" | "cert" | "key">> {
  const [ca, cert, key] = await Promise.all([
    readPem(settings.caFile),
    readPem(settings.certFile),
    // curl's habit: certificate and key may stand in one file.
    readPem(settings.keyFile ?? settings.certFile),
  ]);
  return {
    ...(ca === undefined ? {} : { ca: authorities(ca, settings.caFile ?? "") }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
}

/** OpenSSL passes over what is no certificate, and would then trust nobody without a word why. */
function authorities(pem: Buffer, file: string): Buffer {
  if (pem.includes("-----BEGIN ") && pem.includes("CERTIFICATE-----")) return pem;
  throw new PortholeError("local", `${file}: holds no PEM certificate`, {
    hint: "--cacert takes a file with lines -----BEGIN CERTIFICATE-----",
  });
}

/** @throws PortholeError `local` when it cannot be read */
export async function readPem(file: string | undefined): Promise<Buffer | undefined> {
  if (file === undefined) return undefined;
  try {
    return await files.readFile(file);
  } catch (thrown) {
    throw localError(thrown, file);
  }
}

function factsOf(socket: TLSSocket, servername: string): TlsFacts {
  const problem: unknown = socket.authorizationError;
  const alpn = socket.alpnProtocol;
  const group = groupOf(socket);
  return {
    version: (socket.getProtocol() ?? "unknown").replace(/^TLSv/, ""),
    cipher: socket.getCipher().name,
    ...(group === undefined ? {} : { group }),
    ...(typeof alpn === "string" ? { alpn } : {}),
    authorized: socket.authorized,
    ...(socket.authorized || !problem ? {} : { problem: problemCode(problem) }),
    resumed: socket.isSessionReused(),
    ...(isIP(servername) === 0 ? { servername } : {}),
    chain: chainOf(socket.getPeerCertificate(true)),
  };
}

/** For the transcript. */
export function describeTls(facts: TlsFacts): string {
  const trust = facts.authorized ? "" : `, certificate NOT trusted (${facts.problem ?? "unknown reason"})`;
  return `TLS ${facts.version}, ${facts.cipher}${facts.resumed ? ", resumed" : ""}${trust}`;
}

function problemCode(problem: unknown): string {
  return problem instanceof Error && "code" in problem ? String(problem.code) : String(problem);
}

function chainOf(leaf: DetailedPeerCertificate): CertificateFacts[] {
  const chain: CertificateFacts[] = [];
  const seen = new Set<string>();
  let certificate: DetailedPeerCertificate | undefined = leaf;
  while (certificate?.fingerprint256 !== undefined && !seen.has(certificate.fingerprint256)) {
    if (chain.length === CHAIN_LIMIT) break;
    seen.add(certificate.fingerprint256);
    chain.push(certificateFacts(certificate));
    certificate = certificate.issuerCertificate;
  }
  return chain;
}

function certificateFacts(certificate: PeerCertificate): CertificateFacts {
  const validTo = new Date(certificate.valid_to);
  return {
    subject: nameOf(certificate.subject),
    issuer: nameOf(certificate.issuer),
    names: certificate.subjectaltname ?? "",
    validFrom: isoDate(new Date(certificate.valid_from)),
    validTo: isoDate(validTo),
    daysLeft: Math.floor((validTo.getTime() - Date.now()) / 86_400_000),
    fingerprint256: certificate.fingerprint256,
    serial: certificate.serialNumber,
    der: certificate.raw,
  };
}

/** Empty for a date that no calendar has: the server wrote it. */
function isoDate(date: Date): string {
  return Number.isNaN(date.getTime()) ? "" : date.toISOString();
}

function nameOf(name: PeerCertificate["subject"] | undefined): string {
  return Object.entries(name ?? {})
    .map(([key, value]) => `${key}=${Array.isArray(value) ? value.join("+") : value}`)
    .join(", ");
}
