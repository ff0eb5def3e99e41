/** Logging in to a server (RFC 9110, 11): what it offers, what the user has, and the header that comes of both. */
import { PortholeError } from "../../src/errors.js";
import type { Connection } from "../../src/net/connection.js";
import type { Digest } from "../../src/net/http-digest.js";
import type { Context, CredentialRequest, Credentials, Target } from "../../src/plugin.js";
import type { Challenge } from "../../src/wire/http-challenges.js";
import type { Connector } from "./connector.js";
import { type HttpResponse, headerValue, type Origin } from "./engine.js";
import type { NamedSession } from "./named-session.js";

/** Options by which a user says who logs in: their password goes out at once, as with other tools. */
const GIVEN_BY = ["user", "oauth2-token-command", "netrc"] as const;

type Mechanism = "basic" | "bearer" | "digest";

export class Login {
  readonly #target: Target;
  readonly #context: Context;
  readonly #connector: Connector;
  readonly #session: NamedSession | undefined;
  /** The same header for every request, or one that is made anew for each. */
  #proof: string | Digest | undefined;
  #wentAhead = false;

  constructor(target: Target, context: Context, connector: Connector, session: NamedSession | undefined) {
    this.#target = target;
    this.#context = context;
    this.#connector = connector;
    this.#session = session;
  }

  /** Credentials have been sent, or are about to be. */
  get given(): boolean {
    return this.#proof !== undefined;
  }

  /** Value of Authorization for a request. @throws PortholeError `auth` when a digest cannot be made */
  authorization(method: string, uri: string, body: Uint8Array | undefined): string | undefined {
    if (typeof this.#proof !== "object") return this.#proof;
    return this.#proof.authorization({ method, uri, body });
  }

  /**
   * Logs in before the server asks, where the user said who they are and the wire may carry it: scripts and APIs
   * count on that, and what is streamed cannot be sent twice.
   */
  async ahead(origin: Origin, alpn: readonly string[]): Promise<void> {
    if (this.#wentAhead || this.given) return;
    this.#wentAhead = true;
    const mechanism = this.#mechanism;
    if (mechanism === "digest" || (mechanism === undefined && !this.#isGiven)) return;
    const connection = await this.#connector.ahead(origin, alpn);
    const found =
      this.#kept(connection, false) ??
      (await this.#context.credentials({ connection, unasked: true, ...this.#nameless }));
    if (found === undefined) return;
    const chosen = mechanism ?? (found.kind === "token" ? "bearer" : "basic");
    // RFC 7617, 2: the password would begin at the colon; Digest has no such trouble.
    if (chosen === "basic" && found.user.includes(":")) return;
    this.#proof = this.#header(found, chosen);
  }

  /**
   * Whether a 401 can be answered: the next request is logged in then.
   * @throws PortholeError `auth` when the server offers no way that is known here, `usage` for what cannot be sent,
   *   `tls` when the password would go in clear
   */
  async answers(response: HttpResponse, origin: Origin): Promise<boolean> {
    // What reads challenges and makes digests is loaded when a server asks for a login.
    const [{ challengesOf }, { Digest, strongestDigest }] = await Promise.all([
      import("../../src/wire/http-challenges.js"),
      import("../../src/net/http-digest.js"),
    ]);
    const challenges = challengesOf(response.headers);
    const digest = strongestDigest(challenges);
    if (this.#proof instanceof Digest) {
      // RFC 7616, 3.3: the password was right, the nonce too old.
      if (digest?.parameters.get("stale")?.toLowerCase() !== "true") return false;
      this.#proof.renew(digest);
      return true;
    }
    const offers = (scheme: string) => challenges.some((one) => one.scheme === scheme);
    // Basic went ahead, and the server does not take it.
    if (this.given && (digest === undefined || offers("basic"))) return false;
    const connection = this.#connector.latestTo(origin);
    if (connection === undefined) return false;
    const wanted = this.#mechanism ?? (digest === undefined ? undefined : "digest");
    const concealed = wanted === "digest";
    const found =
      this.#kept(connection, concealed) ??
      (await this.#context.credentials({ connection, required: true, concealed, ...this.#nameless }));
    if (found === undefined) return false;
    const mechanism =
      this.#mechanism ?? (found.kind === "token" ? "bearer" : digest === undefined ? "basic" : "digest");
    if (mechanism === "bearer" && concealed)
      await this.#context.credentials({ connection, ...this.#nameless });
    refuseUnoffered(mechanism, challenges, digest);
    if (mechanism === "digest" && digest !== undefined) {
      this.#proof = new Digest(digest, found.user, found.password);
    } else this.#proof = this.#header(found, mechanism);
    this.#session?.keep(found);
    return true;
  }

  /** What an answer says for the requests to come. */
  heed(response: HttpResponse): void {
    if (typeof this.#proof !== "object") return;
    this.#proof.heed(headerValue(response.headers, "authentication-info"));
  }

  /** The named session's, where they may travel: the platform's rule for passwords holds for them too. */
  #kept(connection: Connection, concealed: boolean): Credentials | undefined {
    const kept = this.#session?.credentials;
    if (kept === undefined) return undefined;
    const open = connection.secure || connection.loopback || this.#context.policy.allowPlaintextAuth;
    if (!open && !concealed) return undefined;
    this.#context.mask(kept.password);
    return kept;
  }

  /** RFC 6750, 2.1: Bearer says a token and no name. */
  get #nameless(): Pick<CredentialRequest, "nameless"> {
    return { nameless: this.#mechanism === "bearer" ? "secret" : "token" };
  }

  get #isGiven(): boolean {
    if (this.#target.url.user !== undefined || this.#session?.credentials !== undefined) return true;
    return GIVEN_BY.some((flag) => this.#context.options[flag] !== undefined);
  }

  /** @throws PortholeError `usage` */
  get #mechanism(): Mechanism | undefined {
    const name = this.#context.policy.authMechanism?.toLowerCase();
    if (name === undefined || name === "basic" || name === "bearer" || name === "digest") return name;
    throw new PortholeError("usage", `HTTP logs in by BASIC, DIGEST or BEARER, not by ${name.toUpperCase()}`);
  }

  #header({ user, password, kind }: Credentials, mechanism: Mechanism): string {
    if (mechanism === "basic" && user.includes(":")) {
      throw new PortholeError("usage", "a user name with a colon cannot log in by BASIC");
    }
    const header =
      mechanism === "bearer"
        ? `Bearer ${password}`
        : `Basic ${Buffer.from(`${user}:${password}`, "utf8").toString("base64")}`;
    this.#context.mask(header);
    this.#session?.keep({ user, password, kind });
    return header;
  }
}

/** A token is for those who know they have one; a password is not shown to who did not ask for it. */
function refuseUnoffered(
  mechanism: Mechanism,
  challenges: readonly Challenge[],
  digest: Challenge | undefined,
): void {
  const offered = challenges.map(({ scheme }) => scheme);
  if (mechanism === "digest" && digest === undefined) {
    throw new PortholeError("auth", "the server does not offer digest authentication", {
      reply: offered.join(", "),
    });
  }
  if (mechanism === "basic" && offered.length > 0 && !offered.includes("basic")) {
    throw new PortholeError("auth", "the server does not offer basic authentication", {
      reply: offered.join(", "),
    });
  }
}
