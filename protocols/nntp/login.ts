/** AUTHINFO (RFC 4643): when to log in, as whom, and how. */
import { PortholeError } from "../../src/errors.js";
import type { Context, Credentials, Target } from "../../src/plugin.js";
import { refuseControls } from "../../src/url.js";
import { commandLine } from "../../src/wire/command.js";
import type { Reply } from "../../src/wire/replies.js";
import { LOGINS, type SaslLogin } from "./mechanisms.js";
import type { Peer } from "./peer.js";
import { wordsOf } from "./refusal.js";

const ACCEPTED: ReadonlySet<number> = new Set([281, 283, 250]);
const PASSWORD_WANTED = 381;
const CONTINUE = 383;
const ALREADY = 502;

/**
 * Logs in when the user gave credentials, or when the server demands it.
 * @param demand the reply that demanded it
 * @throws PortholeError `auth` when the login is refused or impossible, `tls` when the password would go in clear
 */
export async function logIn(peer: Peer, target: Target, context: Context, demand?: Reply): Promise<void> {
  const { connection } = peer;
  const required = demand !== undefined || target.url.user !== undefined;
  const ways = waysOf(peer, context.policy.authMechanism, demand !== undefined);
  const [first] = ways;
  if (first === undefined && demand === undefined) return withoutLogin(peer, target, context);
  const concealed = first !== undefined && first !== "plain words" && first.conceals;
  const found = await context.credentials({ connection, concealed, required });
  if (found === undefined) {
    if (demand === undefined) return;
    throw new PortholeError("auth", "the server demands a login", {
      reply: wordsOf(demand),
      hint: "-u USER says who you are",
    });
  }
  if (found.kind !== "password") {
    throw new PortholeError("auth", "the server has no login with a token", { hint: "give a password" });
  }
  await tryInTurn(peer, context, ways, found);
  peer.loggedIn = true;
  // RFC 4643, 2.2: what may be read can be another set of groups now.
  peer.selected = undefined;
}

/** `plain words` for USER and PASS (RFC 4643, 2.3). */
type Way = SaslLogin | "plain words";

/**
 * The ways that the server offers, best first; none when it offers none.
 * @param wanted the one that the user named
 * @param demanded there must be one, whatever the server tells of itself
 */
function waysOf(peer: Peer, wanted: string | undefined, demanded: boolean): readonly Way[] {
  const { capabilities, connection } = peer;
  const offersSasl = capabilities?.offers("AUTHINFO", "SASL") === true;
  const shared = LOGINS.filter(({ name }) => offersSasl && capabilities.mechanisms.includes(name));
  const told = capabilities === undefined || capabilities.offers("AUTHINFO", "USER");
  const offersUser = told || (demanded && shared.length === 0);
  const concealing = shared.filter(({ conceals }) => conceals);
  const showing = shared.filter(({ conceals }) => !conceals);
  const plain: Way[] = offersUser ? ["plain words"] : showing;
  if (wanted === undefined) return connection.secure ? [...plain, ...concealing] : [...concealing, ...plain];
  const named =
    wanted === "USER"
      ? plain.filter((way) => way === "plain words")
      : shared.filter(({ name }) => name === wanted);
  if (named.length > 0) return named;
  const list = [...(offersUser ? ["USER"] : []), ...(capabilities?.mechanisms ?? [])].join(", ");
  throw new PortholeError("auth", `the login by ${wanted} is not offered; the server has ${list || "none"}`, {
    hint: "--auth names the mechanism",
  });
}

/**
 * Servers offer SASL of a list of users that nobody has filled beside the passwords that everybody has: INN, as it
 * comes. So where one way is refused, the next is tried.
 */
async function tryInTurn(
  peer: Peer,
  context: Context,
  ways: readonly Way[],
  found: Credentials,
): Promise<void> {
  let refusal: unknown = new PortholeError("auth", "the server demands a login and offers none");
  for (const way of ways) {
    const conceals = way !== "plain words" && way.conceals;
    try {
      // A password that was given out for a mechanism that conceals it must not be used by another.
      if (!conceals) await context.credentials({ connection: peer.connection });
    } catch (thrown) {
      throw way === ways[0] ? thrown : refusal;
    }
    try {
      if (way === "plain words") await logInByPassword(peer, found);
      else await logInBySasl(peer, context, way, found);
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
  context: Context,
  mechanism: SaslLogin,
  credentials: Credentials,
): Promise<void> {
  const login = mechanism.begin(credentials);
  const encode = (octets: Buffer) => {
    // RFC 4643, 2.4.2: a response without octets is a lone `=`.
    const text = octets.length === 0 ? "=" : octets.toString("base64");
    context.mask(text);
    return text;
  };
  const initial = login.initial === undefined ? [] : [encode(login.initial)];
  const answer = peer.say(["AUTHINFO", "SASL", mechanism.name, ...initial]);
  let reply = await answer.reply();
  while (reply.code === CONTINUE) {
    const challenge = reply.text === "=" ? Buffer.alloc(0) : Buffer.from(reply.text, "base64");
    const response = login.respond(challenge);
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
  if (reply.code === 283) login.verify?.(Buffer.from(reply.text, "base64"));
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
