/** Digest (RFC 7616): proves a password without sending it. Octets in, a header out; no connection. */
import { createHash, randomBytes } from "node:crypto";
import { PortholeError } from "../errors.js";
import { type Challenge, parametersOf } from "../wire/http-challenges.js";

/** Node's names of the hashes, by the challenge's. */
const HASHES: Readonly<Record<string, string>> = {
  "sha-512-256": "sha512-256",
  "sha-256": "sha256",
  md5: "md5",
};

/** What goes with a request that is logged in. */
export interface DigestRequest {
  readonly method: string;
  /** As on the request line. */
  readonly uri: string;
  /** The body, where it is held: auth-int covers it. */
  readonly body?: Uint8Array | undefined;
}

/** Of several digest challenges the one with the strongest hash that is known here, or undefined. */
export function strongestDigest(challenges: readonly Challenge[]): Challenge | undefined {
  const strength = (challenge: Challenge) => Object.keys(HASHES).indexOf(algorithmOf(challenge).name);
  return challenges
    .filter((challenge) => challenge.scheme === "digest" && strength(challenge) >= 0)
    .filter(({ parameters }) => parameters.has("nonce"))
    .sort((a, b) => strength(a) - strength(b))[0];
}

function algorithmOf({ parameters }: Challenge): { name: string; session: boolean; written: string } {
  const written = parameters.get("algorithm") ?? "MD5";
  const [, name = "", session] = /^(.*?)(-sess)?$/i.exec(written) ?? [];
  return { name: name.toLowerCase(), session: session !== undefined, written };
}

export class Digest {
  readonly #user: string;
  readonly #password: string;
  #challenge: Challenge;
  #nonce: string;
  /** How often the nonce has been used: servers refuse a count that does not grow. */
  #count = 0;
  /** The first client nonce, which a session's key is made of. */
  #sessionCnonce: string | undefined;

  constructor(challenge: Challenge, user: string, password: string) {
    this.#challenge = challenge;
    this.#nonce = challenge.parameters.get("nonce") ?? "";
    this.#user = user;
    this.#password = password;
  }

  /** What the server said last, as it said it. */
  get nonce(): string {
    return this.#nonce;
  }

  /** A new challenge: a nonce that became stale, or another realm. */
  renew(challenge: Challenge): void {
    this.#challenge = challenge;
    this.#useNonce(challenge.parameters.get("nonce") ?? "");
  }

  /** @param info value of Authentication-Info, or of Proxy-Authentication-Info: its `nextnonce` (RFC 7616, 3.5) */
  heed(info: string | undefined): void {
    const next = info === undefined ? undefined : parametersOf(info).get("nextnonce");
    if (next !== undefined && next !== "") this.#useNonce(next);
  }

  #useNonce(nonce: string): void {
    if (nonce === this.#nonce) return;
    this.#nonce = nonce;
    this.#count = 0;
    this.#sessionCnonce = undefined;
  }

  /**
   * Value of Authorization, or of Proxy-Authorization.
   * @param cnonce what a test wants it to be
   * @throws PortholeError `auth` when the server insists on covering a body that is not held
   */
  authorization(request: DigestRequest, cnonce = randomBytes(16).toString("hex")): string {
    const { parameters } = this.#challenge;
    const { name, session, written } = algorithmOf(this.#challenge);
    const hash = (text: string | Uint8Array) =>
      createHash(HASHES[name] ?? "md5")
        .update(text)
        .digest("hex");
    const realm = parameters.get("realm") ?? "";
    const qop = this.#qopFor(request);
    this.#count += 1;
    const count = this.#count.toString(16).padStart(8, "0");
    this.#sessionCnonce ??= cnonce;
    const secret = hash(`${this.#user}:${realm}:${this.#password}`);
    const a1 = session ? hash(`${secret}:${this.#nonce}:${this.#sessionCnonce}`) : secret;
    const covered = qop === "auth-int" ? `:${hash(request.body ?? "")}` : "";
    const a2 = hash(`${request.method}:${request.uri}${covered}`);
    const response =
      qop === undefined
        ? hash(`${a1}:${this.#nonce}:${a2}`)
        : hash(`${a1}:${this.#nonce}:${count}:${session ? this.#sessionCnonce : cnonce}:${qop}:${a2}`);
    const userhash = parameters.get("userhash")?.toLowerCase() === "true";
    const opaque = parameters.get("opaque");
    const fields = [
      ...(userhash
        ? [`username=${quoted(hash(`${this.#user}:${realm}`))}`, "userhash=true"]
        : [usernameField(this.#user)]),
      `realm=${quoted(realm)}`,
      `nonce=${quoted(this.#nonce)}`,
      `uri=${quoted(request.uri)}`,
      ...(parameters.has("algorithm") ? [`algorithm=${written}`] : []),
      `response="${response}"`,
      ...(opaque === undefined ? [] : [`opaque=${quoted(opaque)}`]),
      ...(qop === undefined
        ? // A session's key needs the client's nonce also where no quality of protection was offered.
          session
          ? [`cnonce="${this.#sessionCnonce}"`]
          : []
        : [`qop=${qop}`, `nc=${count}`, `cnonce="${session ? this.#sessionCnonce : cnonce}"`]),
    ];
    return `Digest ${fields.join(", ")}`;
  }

  #qopFor({ body }: DigestRequest): "auth" | "auth-int" | undefined {
    const offered = this.#challenge.parameters.get("qop");
    if (offered === undefined) return undefined;
    const all = offered.split(",").map((one) => one.trim().toLowerCase());
    if (all.includes("auth")) return "auth";
    if (all.includes("auth-int") && body !== undefined) return "auth-int";
    throw new PortholeError("auth", "the server wants a digest of the whole body, which is streamed", {
      reply: `qop=${offered}`,
      hint: "send a body of 64 KiB or less",
    });
  }
}

/** RFC 7616, 3.4: a name that is not ASCII, or cannot be quoted, goes as RFC 8187 has it. */
function usernameField(user: string): string {
  if (/^[\x20-\x7e]*$/.test(user)) return `username=${quoted(user)}`;
  const encoded = encodeURIComponent(user).replace(
    /['()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `username*=UTF-8''${encoded}`;
}

function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, "\\$&")}"`;
}
