/**
 * SASL (RFC 4422): what a mechanism is, which one is taken, and with what. No sockets, no base64: octets in, octets out.
 */
import { PortholeError } from "../errors.js";
import type { Context, CredentialRequest, Credentials, Target } from "../plugin.js";
import { CRAM_MD5, EXTERNAL, LOGIN, OAUTHBEARER, PLAIN, XOAUTH2 } from "./mechanisms.js";
import { SCRAM_SHA_1, SCRAM_SHA_1_PLUS, SCRAM_SHA_256, SCRAM_SHA_256_PLUS } from "./scram.js";

/** A way to log in: a mechanism of SASL, or a command that a protocol has of its own. */
export interface LoginWay {
  readonly kind: Credentials["kind"];
  /** Proves the password without sending it. */
  readonly conceals: boolean;
  /** Who it is, something else has said (a TLS certificate). */
  readonly needsNoSecret?: true;
}

export interface SaslMechanism extends LoginWay {
  /** Upper case. */
  readonly name: string;
  /** The login is tied to the TLS connection it travels on. */
  readonly bindsChannel?: true;
  /** A login under way. */
  begin(credentials: Credentials, server: SaslServer): SaslConversation;
}

/** The server that was meant to be reached. */
export interface SaslServer {
  readonly host: string;
  readonly port: number;
  /** Absent where there is nothing to tie a login to. */
  readonly channel?: Channel;
}

export interface Channel {
  /** `tls-exporter` (RFC 9266). */
  readonly binding: Buffer;
  /** The server says that it can tie a login to it. */
  readonly offered: boolean;
}

/** What is said, in order. */
export interface SaslConversation {
  /** Sent with the command, where the mechanism begins with the client's words. */
  readonly initial?: Buffer;
  /**
   * The answer to a challenge; undefined when there is nothing left to say.
   * @throws PortholeError `auth` when the challenge shows that the server is not the right one, `protocol` for nonsense
   */
  respond(challenge: Buffer): Buffer | undefined;
  /**
   * The server says that the login is done. Absent where it proves nothing of its own.
   * @param additional what the server sent with its success, where the protocol has a place for it
   * @throws PortholeError `auth` when it has not proved that it knows the password
   */
  verify?(additional?: Buffer): void;
}

/** What decides which mechanisms can be used on a connection. */
interface Ground {
  readonly secure: boolean;
  readonly channelBinding?: Buffer | undefined;
}

/** Best first among those that conceal the password, and among those that show it. */
const KNOWN: readonly SaslMechanism[] = [
  SCRAM_SHA_256_PLUS,
  SCRAM_SHA_256,
  SCRAM_SHA_1_PLUS,
  SCRAM_SHA_1,
  CRAM_MD5,
  OAUTHBEARER,
  XOAUTH2,
  PLAIN,
  LOGIN,
];

/**
 * The mechanisms that both sides know, best first; only the one named `wanted`, when there is one. EXTERNAL is used
 * only when it is wanted: a server offers it to those as well whose certificate means nothing to it.
 */
export function sharedMechanisms(
  offered: readonly string[],
  ground: Ground,
  wanted: string | undefined,
): readonly SaslMechanism[] {
  const candidates =
    wanted === undefined ? KNOWN : [...KNOWN, EXTERNAL].filter(({ name }) => name === wanted);
  const shared = candidates.filter(
    ({ name, bindsChannel }) =>
      offered.includes(name) && (bindsChannel !== true || ground.channelBinding !== undefined),
  );
  return bestFirst(shared, ground.secure);
}

/**
 * The same ways in the order in which they are tried. Where nobody can listen, those go first that let the server keep
 * the password hashed in its own way; in clear, those that conceal it.
 */
export function bestFirst<Way extends LoginWay>(ways: readonly Way[], secure: boolean): readonly Way[] {
  const concealing = ways.filter(({ conceals }) => conceals);
  const showing = ways.filter(({ conceals }) => !conceals);
  return secure ? [...showing, ...concealing] : [...concealing, ...showing];
}

/** @param offered the server's mechanisms: whether it could tie a login to the channel (RFC 5802, 6) */
export function saslServer({ host, port }: Target, ground: Ground, offered: readonly string[]): SaslServer {
  const binding = ground.channelBinding;
  if (binding === undefined) return { host, port };
  return { host, port, channel: { binding, offered: offered.some((name) => name.endsWith("-PLUS")) } };
}

export interface LoginRequest {
  readonly target: Target;
  readonly context: Context;
  readonly connection: CredentialRequest["connection"];
  /** There is to be a login: a person at a terminal may be asked. */
  readonly required: boolean;
}

/** What there is to log in with in one of these ways; undefined when the user gave nothing. */
export async function credentialsFor(
  ways: readonly LoginWay[],
  { target, context, connection, required }: LoginRequest,
): Promise<Credentials | undefined> {
  const concealed = ways.some(({ conceals }) => conceals);
  if (!ways.some(({ needsNoSecret }) => needsNoSecret === true)) {
    return context.credentials({ connection, concealed, required });
  }
  // The certificate is the secret, and a user name may stand beside it.
  const found = await context.credentials({ connection, concealed, nameless: "certificate" });
  return { user: found?.user ?? target.url.user ?? "", password: "", kind: "password" };
}

/** The errors of a login that cannot be, in the words of a protocol. */
export interface LoginRefusals {
  /** The server insists on a login, and the user gave nothing; absent where it does not insist. */
  readonly nothingGiven?: (() => PortholeError) | undefined;
  /** The server takes nothing of this kind. */
  readonly noWay: (kind: Credentials["kind"]) => PortholeError;
}

/**
 * How to log in, and with what; undefined when the user gave nothing and nobody insists.
 * @param ways best first
 * @throws PortholeError one of the refusals, and `tls` when the password would go in clear
 */
export async function chooseLogin<Way extends LoginWay>(
  ways: readonly Way[],
  request: LoginRequest,
  refusals: LoginRefusals,
): Promise<{ readonly way: Way; readonly credentials: Credentials } | undefined> {
  const { context, connection } = request;
  const credentials = await credentialsFor(ways, request);
  if (credentials === undefined) {
    // Who names it has given all that it needs.
    if (context.policy.authMechanism === EXTERNAL.name) throw refusals.noWay(EXTERNAL.kind);
    if (refusals.nothingGiven !== undefined) throw refusals.nothingGiven();
    return undefined;
  }
  const way = ways.find(({ kind }) => kind === credentials.kind);
  if (way === undefined) throw refusals.noWay(credentials.kind);
  // A password that was given out for a way that conceals it must not be used by another.
  if (!way.conceals && ways.some(({ conceals }) => conceals)) {
    await context.credentials({ connection, required: request.required });
  }
  return { way, credentials };
}

/** What a login was, for `check`: `as ann, by PLAIN`. */
export function loginWords(
  { user }: Credentials,
  way: { readonly name: string } | { readonly command: string },
): string {
  return `${user === "" ? "" : `as ${user}, `}by ${"name" in way ? way.name : way.command}`;
}

/**
 * Credentials are there, and the server has no way to take them: said alike by every protocol.
 * @param offered the server's ways, in its own words
 * @param wanted what `--auth` named
 * @param hint what might help where nothing was named
 */
export function noWayToLogIn(
  offered: readonly string[],
  kind: Credentials["kind"],
  wanted: string | undefined,
  hint?: string,
): PortholeError {
  const list = offered.join(", ") || "none";
  if (wanted !== undefined) {
    const why = offered.includes(wanted) ? unfit(wanted) : `is not offered; the server has ${list}`;
    return new PortholeError("auth", `the login by ${wanted} ${why}`, { hint: "--auth names the mechanism" });
  }
  const what = kind === "token" ? "a token" : "a password";
  return new PortholeError("auth", `the server offers no known way to log in with ${what}; it has ${list}`, {
    hint,
  });
}

function unfit(wanted: string): string {
  return KNOWN.some(({ name, bindsChannel }) => name === wanted && bindsChannel === true)
    ? "wants a connection under TLS 1.3"
    : "cannot be used with these credentials";
}
