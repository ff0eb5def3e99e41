/** Logging in to an HTTP proxy (RFC 9110, 11.7): Basic at once, Digest when the proxy asks for it. */
import type { Challenge } from "../../wire/http-challenges.js";
import type { Field } from "../../wire/http-head.js";
import type { Digest, DigestRequest } from "../http-digest.js";
import type { ProxyMechanism } from "../settings.js";
import { type ProxyServer, proxyAuthorization } from "./choose.js";

/** What a request that is handed to an HTTP proxy needs. */
export interface ForwardProxy {
  /**
   * Value of Proxy-Authorization for one request, or undefined when there is nothing to log in with, or not yet.
   * @throws PortholeError `auth` when a digest cannot be made
   */
  authorization(request: DigestRequest): string | undefined;
  /**
   * Whether a 407 can be answered by sending the request again.
   * @param sent the Proxy-Authorization that it answers to
   */
  answers(fields: readonly Field[], sent: string | undefined): Promise<boolean>;
  /** What an answer says for the requests to come. */
  heed(fields: readonly Field[]): void;
}

/** One for each proxy and run: all connections to it share what they have learnt. */
export class ProxyLogin implements ForwardProxy {
  readonly #proxy: ProxyServer;
  readonly #mechanism: ProxyMechanism | undefined;
  #digest: Digest | undefined;

  constructor(proxy: ProxyServer, mechanism: ProxyMechanism | undefined) {
    this.#proxy = proxy;
    this.#mechanism = mechanism;
  }

  authorization(request: DigestRequest): string | undefined {
    if (this.#digest !== undefined) return this.#digest.authorization(request);
    return this.#mechanism === "digest" ? undefined : proxyAuthorization(this.#proxy);
  }

  async answers(fields: readonly Field[], sent: string | undefined): Promise<boolean> {
    const { user, password = "" } = this.#proxy;
    if (user === undefined || this.#mechanism === "basic") return false;
    const { challengesOf, parametersOf } = await import("../../wire/http-challenges.js");
    const challenges = challengesOf(fields, "proxy-authenticate");
    const { Digest, strongestDigest } = await import("../http-digest.js");
    const offered = strongestDigest(challenges);
    if (offered === undefined) return false;
    const known = this.#digest;
    if (known === undefined) {
      // Basic went ahead, and the proxy would take it: these are the wrong words.
      if (sent !== undefined && challenges.some(({ scheme }) => scheme === "basic")) return false;
      this.#digest = new Digest(offered, user, password);
      return true;
    }
    // Another connection has logged in meanwhile.
    const used = sent?.startsWith("Digest ")
      ? parametersOf(sent.slice("Digest ".length)).get("nonce")
      : undefined;
    if (used !== known.nonce) return true;
    if (!isStale(offered)) return false;
    known.renew(offered);
    return true;
  }

  heed(fields: readonly Field[]): void {
    const value = fields.find(([name]) => name.toLowerCase() === "proxy-authentication-info")?.[1];
    this.#digest?.heed(value ?? "");
  }
}

/** RFC 7616, 3.3: the password was right, the nonce too old. */
function isStale({ parameters }: Challenge): boolean {
  return parameters.get("stale")?.toLowerCase() === "true";
}
