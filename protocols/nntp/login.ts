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
  const offer = offerOf(peer, context.policy.authMechanism);
  if (offer === undefined && demand === undefined) return withoutLogin(peer, target, context);
  const concealed = typeof offer === "object" && offer.conceals;
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
  if (typeof offer === "object") await logInBySasl(peer, context, offer, found);
  else await logInByPassword(peer, found);
  peer.loggedIn = true;
  // RFC 4643, 2.2: what may be read can be another set of groups now.
  peer.selected = undefined;
}

/** The SASL mechanism to use, `plain words` for USER and PASS, or undefined when the server offers nothing. */
function offerOf(peer: Peer, wanted: string | undefined): SaslLogin | "plain words" | undefined {
  const { capabilities, connection } = peer;
  if (wanted !== undefined && wanted !== "USER") {
    const mechanism = LOGINS.find(({ name }) => name === wanted);
    if (mechanism !== undefined && (capabilities?.mechanisms.includes(wanted) ?? false)) return mechanism;
    const list = capabilities?.mechanisms.join(", ");
    throw new PortholeError(
      "auth",
      `the login by ${wanted} is not offered; the server has ${list || "USER"}`,
      {
        hint: "--auth names the mechanism",
      },
    );
  }
  // Before RFC 4643 there was USER and PASS, or nothing.
  if (capabilities === undefined || wanted === "USER") return "plain words";
  const shared = LOGINS.filter(({ name }) => capabilities.mechanisms.includes(name));
  if (capabilities.offers("AUTHINFO", "SASL")) {
    // In clear, what does not show the password comes first.
    const best = connection.secure ? shared[0] : (shared.find(({ conceals }) => conceals) ?? shared[0]);
    if (best !== undefined && (best.conceals || !capabilities.offers("AUTHINFO", "USER"))) return best;
  }
  return capabilities.offers("AUTHINFO", "USER") ? "plain words" : undefined;
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
