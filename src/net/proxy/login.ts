/** Logging in to an HTTP proxy (RFC 9110, 11.7): Basic at once, Digest when the proxy asks for it. */
import type { Field } from "../../wire/http-head.js";
import type { DigestRequest } from "../http-digest.js";
import type { ProxyMechanism } from "../settings.js";
import { type ProxyServer, proxyAuthorization } from "./choose.js";
import type { DigestLogin } from "./digest-login.js";

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
  #digest: DigestLogin | undefined;

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
    const { DigestLogin: Login } = await import("./digest-login.js");
    if (this.#digest !== undefined) return this.#digest.answers(fields, sent);
    this.#digest = Login.begin(fields, sent, { user, password });
    return this.#digest !== undefined;
  }

  heed(fields: readonly Field[]): void {
    this.#digest?.heed(fields);
  }
}
