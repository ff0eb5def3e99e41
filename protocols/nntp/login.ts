/** AUTHINFO (RFC 4643): when to log in, as whom, and how. */
import {
  bestFirst,
  credentialsFor,
  noWayToLogIn,
  type SaslMechanism,
  saslServer,
  sharedMechanisms,
} from "../../src/auth/sasl.js";
import { PortholeError } from "../../src/errors.js";
import type { Context, Credentials, Target } from "../../src/plugin.js";
import { refuseControls } from "../../src/url.js";
import { commandLine } from "../../src/wire/command.js";
import type { Reply } from "../../src/wire/replies.js";
import type { Peer } from "./peer.js";
import { wordsOf } from "./refusal.js";

const ACCEPTED: ReadonlySet<number> = new Set([281, 283, 250]);
const PASSWORD_WANTED = 381;
const CONTINUE = 383;
const ALREADY = 502;
/** RFC 4643, 2.4.2: the login is done, and the server's last words come with it. */
const WITH_DATA = 283;
/** RFC 4643, 3.1: octets of a command without its CRLF. */
const LONGEST_COMMAND = 510;

/**
 * Logs in when the user gave credentials, or when the server demands it.
 * @param demand the reply that demanded it
 * @throws PortholeError `auth` when the login is refused or impossible, `tls` when the password would go in clear
 */
export async function logIn(peer: Peer, target: Target, context: Context, demand?: Reply): Promise<void> {
  const { connection } = peer;
  const required = demand !== undefined || target.url.user !== undefined;
  const ways = waysOf(peer, context.policy.authMechanism, demand !== undefined);
  if (ways.length === 0 && demand === undefined) return withoutLogin(peer, target, context);
  const found = await credentialsFor(ways, { target, context, connection, required });
  if (found === undefined) {
    if (demand === undefined) return;
    throw new PortholeError("auth", "the server demands a login", {
      reply: wordsOf(demand),
      hint: "-u USER says who you are",
    });
  }
  const fitting = ways.filter(({ kind }) => kind === found.kind);
  if (fitting.length === 0) throw noWayToLogIn(offered(peer), found.kind, undefined);
  await tryInTurn(peer, target, context, fitting, found);
  peer.loggedIn = true;
  // RFC 4643, 2.2: what may be read can be another set of groups now.
  peer.forget();
}

/** USER and PASS (RFC 4643, 2.3). */
const PLAIN_WORDS = { command: "USER", kind: "password", conceals: false } as const;

type Way = SaslMechanism | typeof PLAIN_WORDS;

/**
 * The ways that the server offers, best first; none when it offers none.
 * @param wanted the one that the user named
 * @param demanded there must be one, whatever the server tells of itself
 */
function waysOf(peer: Peer, wanted: string | undefined, demanded: boolean): readonly Way[] {
  const { capabilities, connection } = peer;
  const mechanisms = capabilities?.offers("AUTHINFO", "SASL") === true ? capabilities.mechanisms : [];
  const sasl = sharedMechanisms(mechanisms, connection, wanted === "USER" ? "" : wanted);
  const told = capabilities === undefined || capabilities.offers("AUTHINFO", "USER");
  const offersUser = (wanted ?? "USER") === "USER" && (told || (demanded && sasl.length === 0));
  const ways = bestFirst<Way>([...(offersUser ? [PLAIN_WORDS] : []), ...sasl], connection.secure);
  if (wanted === undefined || ways.length > 0) return ways;
  throw noWayToLogIn(offered(peer), "password", wanted);
}

/** What the server says that it offers, for messages. */
function offered({ capabilities }: Peer): readonly string[] {
  const user = capabilities === undefined || capabilities.offers("AUTHINFO", "USER");
  return [...(user ? ["USER"] : []), ...(capabilities?.mechanisms ?? [])];
}

/**
 * Servers offer SASL of a list of users that nobody has filled beside the passwords that everybody has: INN, as it
 * comes. So where one way is refused, the next is tried.
 */
async function tryInTurn(
  peer: Peer,
  target: Target,
  context: Context,
  ways: readonly Way[],
  found: Credentials,
): Promise<void> {
  let refusal: unknown = new PortholeError("auth", "the server demands a login and offers none");
  for (const way of ways) {
    try {
      // A password that was given out for a mechanism that conceals it must not be used by another.
      if (!way.conceals) await context.credentials({ connection: peer.connection });
    } catch (thrown) {
      throw way === ways[0] ? thrown : refusal;
    }
    try {
      if ("begin" in way) await logInBySasl(peer, target, context, way, found);
      else await logInByPassword(peer, found);
      return;
    } catch (thrown) {
      if (!(thrown instanceof PortholeError) || thrown.code !== "auth") throw thrown;
      refusal = thrown;
    }
  }
  throw refusal;
}

async function withoutLogin(peer: Peer, target: Target, context: Context): Promise<void> {
  if (target.url.user !== undefined) {
    const hint = peer.connection.secure
      ? undefined
      : "it may offer one after TLS: --starttls require, or nntps:";
    throw new PortholeError("auth", "the server offers no login", { hint });
  }
  // Nothing is sent: the password may be known, however the connection is.
  const unused = await context.credentials({ connection: peer.connection, concealed: true });
  if (unused !== undefined) context.warn("the server offers no login; going on without");
}

/** RFC 4643, 2.3. A password may hold blanks. */
async function logInByPassword(peer: Peer, { user, password }: Credentials): Promise<void> {
  refuseControls(user + password, "the user name or the password");
  const named = await peer.say(["AUTHINFO", "USER", user]).reply();
  if (ACCEPTED.has(named.code)) return;
  if (named.code !== PASSWORD_WANTED) throw refused(named);
  const reply = await peer.say(["AUTHINFO", "PASS", password]).reply();
  if (!ACCEPTED.has(reply.code)) throw refused(reply);
}

/** RFC 4643, 2.4. */
async function logInBySasl(
  peer: Peer,
  target: Target,
  context: Context,
  mechanism: SaslMechanism,
  credentials: Credentials,
): Promise<void> {
  const login = mechanism.begin(
    credentials,
    saslServer(target, peer.connection, peer.capabilities?.mechanisms ?? []),
  );
  const encode = (octets: Buffer) => {
    // RFC 4643, 2.4.2: a response without octets is a lone `=`.
    const text = octets.length === 0 ? "=" : octets.toString("base64");
    context.mask(text);
    return text;
  };
  const initial = login.initial === undefined ? [] : [encode(login.initial)];
  // RFC 4643, 3.1: a response that makes the line too long waits for the server's challenge.
  const fits = `AUTHINFO SASL ${mechanism.name} ${initial.join("")}`.length <= LONGEST_COMMAND;
  let ahead = fits ? undefined : login.initial;
  const answer = peer.say(["AUTHINFO", "SASL", mechanism.name, ...(fits ? initial : [])]);
  let reply = await answer.reply();
  while (reply.code === CONTINUE) {
    const challenge = reply.text === "=" ? Buffer.alloc(0) : Buffer.from(reply.text, "base64");
    const response = ahead ?? login.respond(challenge);
    ahead = undefined;
    // RFC 4643, 2.4.2: a challenge that cannot be answered is answered with a star.
    const line = response === undefined ? "*" : encode(response);
    await peer.dialogue.supplyLast(commandLine(line));
    reply = await answer.reply();
    if (line === "*" && reply.code === CONTINUE) {
      throw new PortholeError("protocol", "the server goes on asking after the login was given up", {
        reply: wordsOf(reply),
      });
    }
  }
  if (!ACCEPTED.has(reply.code)) throw refused(reply);
  login.verify?.(reply.code === WITH_DATA ? Buffer.from(reply.text, "base64") : undefined);
}

function refused(reply: Reply): PortholeError {
  if (reply.code === 483) {
    return new PortholeError("tls", "the server takes no password without TLS", {
      reply: wordsOf(reply),
      hint: "--starttls require, or nntps:",
    });
  }
  if (reply.code === 400 || reply.code === 403) {
    return new PortholeError("busy", "the server cannot check the login now", { reply: wordsOf(reply) });
  }
  const words =
    reply.code === ALREADY ? "the server does not take the login" : "the server refused the login";
  return new PortholeError("auth", words, { reply: wordsOf(reply) });
}
