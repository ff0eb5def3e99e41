/** A digest for an HTTP proxy (RFC 7616): loaded when a proxy asks for one. */
import { type Challenge, challengesOf, parametersOf } from "../../wire/http-challenges.js";
import type { Field } from "../../wire/http-head.js";
import { Digest, type DigestRequest, strongestDigest } from "../http-digest.js";

export interface ProxyCredentials {
  readonly user: string;
  readonly password: string;
}

export class DigestLogin {
  readonly #digest: Digest;

  private constructor(digest: Digest) {
    this.#digest = digest;
  }

  /** @param sent what the 407 answers to @returns undefined where the proxy wants no digest, or would take Basic */
  static begin(
    fields: readonly Field[],
    sent: string | undefined,
    { user, password }: ProxyCredentials,
  ): DigestLogin | undefined {
    const challenges = challengesIn(fields);
    const offered = strongestDigest(challenges);
    // Basic went ahead, and the proxy would take it: these are the wrong words.
    const isRefused = sent !== undefined && challenges.some(({ scheme }) => scheme === "basic");
    return offered === undefined || isRefused
      ? undefined
      : new DigestLogin(new Digest(offered, user, password));
  }

  authorization(request: DigestRequest): string {
    return this.#digest.authorization(request);
  }

  /** Whether another digest may be right where this one was not. */
  answers(fields: readonly Field[], sent: string | undefined): boolean {
    const offered = strongestDigest(challengesIn(fields));
    if (offered === undefined) return false;
    // Another connection has logged in meanwhile.
    if (nonceIn(sent) !== this.#digest.nonce) return true;
    if (!isStale(offered)) return false;
    this.#digest.renew(offered);
    return true;
  }

  heed(fields: readonly Field[]): void {
    this.#digest.heed(fields.find(([name]) => name.toLowerCase() === "proxy-authentication-info")?.[1]);
  }
}

function challengesIn(fields: readonly Field[]): Challenge[] {
  return challengesOf(fields, "proxy-authenticate");
}

/** RFC 7616, 3.3: the password was right, the nonce too old. */
function isStale({ parameters }: Challenge): boolean {
  return parameters.get("stale")?.toLowerCase() === "true";
}

function nonceIn(sent: string | undefined): string | undefined {
  return sent?.startsWith("Digest ") ? parametersOf(sent.slice("Digest ".length)).get("nonce") : undefined;
}
