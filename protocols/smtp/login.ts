/** AUTH (RFC 4954): when to log in, as whom, and how. */
import {
  chooseLogin,
  loginWords,
  noWayToLogIn,
  type SaslConversation,
  type SaslMechanism,
  saslServer,
  sharedMechanisms,
} from "../../src/auth/sasl.js";
import { PortholeError } from "../../src/errors.js";
import type { Answer } from "../../src/net/dialogue.js";
import type { Context, Credentials, Target } from "../../src/plugin.js";
import type { Reply } from "../../src/wire/replies.js";
import { upgrade } from "./hello.js";
import { heard, type Peer } from "./peer.js";
import { demandsTls, isPositive, wordsOf } from "./refusal.js";

/** RFC 4954, 4: a command line has 512 octets; what is longer waits for the server's challenge. */
const COMMAND_OCTETS = 512;
const CONTINUE = 334;
/** RFC 4954, 4: a challenge that cannot be answered is answered with this. */
const CANCEL = "*";

/**
 * Logs in when the user gave credentials, or when the server demands it.
 * @param demand the reply that demanded it
 * @throws PortholeError `auth` when the login is refused or impossible, `tls` when the password would go in clear
 */
export async function logIn(peer: Peer, target: Target, context: Context, demand?: Reply): Promise<void> {
  const { mechanisms: offered } = peer.extensions;
  if (offered.length === 0) return withoutLogin(peer, target, context, demand);
  const { connection } = peer;
  const wanted = context.policy.authMechanism;
  const required = demand !== undefined || target.url.user !== undefined;
  const login = await chooseLogin(
    sharedMechanisms(offered, connection, wanted),
    { target, context, connection, required },
    {
      nothingGiven: demand === undefined ? undefined : () => demanded(demand),
      noWay: (kind) => noWayToLogIn(offered, kind, wanted),
    },
  );
  if (login === undefined) return;
  const refused = await authenticate(peer, target, context, login.way, login.credentials);
  if (refused !== undefined) {
    if (!(await startedTls(peer, target, context, refused))) throw refusedLogin(refused);
    return logIn(peer, target, context, demand);
  }
  peer.loggedIn = true;
  peer.loggedInAs = loginWords(login.credentials, login.way);
}

/** Within this machine TLS is not begun unasked (hello.ts); a server that wants it for the login is obeyed. */
async function startedTls(peer: Peer, target: Target, context: Context, refused: Reply): Promise<boolean> {
  const { policy } = context;
  if (!demandsTls(refused) || peer.connection.secure || policy.starttls !== undefined) return false;
  await upgrade(peer, target, { ...context, policy: { ...policy, starttls: "auto" } });
  return peer.connection.secure;
}

function demanded(demand: Reply): PortholeError {
  return new PortholeError("auth", "the server demands a login", {
    reply: wordsOf(demand),
    hint: "-u USER says who you are",
  });
}

async function withoutLogin(
  peer: Peer,
  target: Target,
  context: Context,
  demand: Reply | undefined,
): Promise<void> {
  const hint = peer.connection.secure
    ? undefined
    : "it may offer one after TLS: --starttls require, or smtps:";
  if (demand !== undefined) {
    throw new PortholeError("auth", "the server demands a login and offers none", {
      reply: wordsOf(demand),
      hint,
    });
  }
  if (target.url.user !== undefined || context.policy.authMechanism === "EXTERNAL") {
    throw new PortholeError("auth", "the server offers no login", { hint });
  }
  // Nothing is sent: the password may be known, however the connection is.
  const unused = await context.credentials({ connection: peer.connection, concealed: true });
  if (unused !== undefined) context.warn("the server offers no login; going on without");
}

/** @returns what refused it */
async function authenticate(
  peer: Peer,
  target: Target,
  context: Context,
  mechanism: SaslMechanism,
  credentials: Credentials,
): Promise<Reply | undefined> {
  const { user, password } = credentials;
  if (`${user}${password}`.includes("\0")) {
    throw new PortholeError("usage", "the user name or the password holds a NUL, which is never sent");
  }
  const login = mechanism.begin(credentials, saslServer(target, peer.connection, peer.extensions.mechanisms));
  const reply = await converse(peer, context, mechanism.name, login);
  if (!isPositive(reply)) return reply;
  login.verify?.();
  return undefined;
}

function refusedLogin(reply: Reply): PortholeError {
  if (demandsTls(reply)) {
    return new PortholeError("tls", "the server wants TLS before a login", {
      reply: wordsOf(reply),
      hint: "--starttls require, or smtps:",
    });
  }
  const temporary = reply.code >= 400 && reply.code < 500;
  return new PortholeError(
    temporary ? "busy" : "auth",
    temporary ? "the server cannot check the login now" : "the server refused the login",
    { reply: wordsOf(reply) },
  );
}

async function converse(peer: Peer, context: Context, name: string, login: SaslConversation): Promise<Reply> {
  const encode = (octets: Buffer) => {
    const text = octets.toString("base64");
    context.mask(text);
    return text;
  };
  // RFC 4954, 4: a response without octets is a lone `=`.
  const initial = login.initial === undefined ? undefined : encode(login.initial) || "=";
  const fits = initial !== undefined && `AUTH ${name} ${initial}\r\n`.length <= COMMAND_OCTETS;
  let ahead = fits ? undefined : login.initial;
  const answer: Answer<Reply> = peer.say(fits ? ["AUTH", name, initial] : ["AUTH", name], {
    sendAhead: "alone",
    sequel: ({ code }: Reply) => (code === CONTINUE ? "data" : "nothing"),
  });
  let reply = await heard(answer);
  while (reply.code === CONTINUE) {
    const response = ahead ?? login.respond(Buffer.from(reply.text, "base64"));
    ahead = undefined;
    const line = response === undefined ? CANCEL : encode(response);
    await peer.dialogue.supplyLast(Buffer.from(`${line}\r\n`));
    reply = await heard(answer);
    if (line === CANCEL && reply.code === CONTINUE) {
      throw new PortholeError("protocol", "the server goes on asking after the login was given up", {
        reply: wordsOf(reply),
      });
    }
  }
  return reply;
}
