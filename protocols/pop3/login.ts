/** AUTHORIZATION (RFC 1939, 4): SASL (RFC 5034), APOP, or USER and PASS. */
import { createHash } from "node:crypto";
import {
  bestFirst,
  chooseLogin,
  loginWords,
  noWayToLogIn,
  type SaslMechanism,
  saslServer,
  sharedMechanisms,
} from "../../src/auth/sasl.js";
import { PortholeError } from "../../src/errors.js";
import type { Context, Credentials, Target } from "../../src/plugin.js";
import { refuseControls } from "../../src/url.js";
import type { StatusReply } from "../../src/wire/status-replies.js";
import type { Peer } from "./peer.js";
import { loginRefusal } from "./refusal.js";

/** RFC 2449, 4: a command line has 255 octets; a longer response waits for the server's challenge. */
const COMMAND_OCTETS = 255;
/** RFC 5034, 4: gives the login up. */
const CANCEL = "*";

/** RFC 1939, 7: the greeting's timestamp and the password are hashed together. */
interface Apop {
  readonly command: "APOP";
  readonly kind: "password";
  readonly conceals: true;
  readonly timestamp: string;
}

const USER_COMMAND = { command: "USER", kind: "password", conceals: false } as const;

type Way = SaslMechanism | Apop | typeof USER_COMMAND;

/**
 * Logs in. Without `required` only when the user gave credentials.
 * @throws PortholeError `auth` when the login is refused or impossible, `busy` when the mailbox is in use, `tls` when
 *   the password would go in clear
 */
export async function logIn(peer: Peer, target: Target, context: Context, required: boolean): Promise<void> {
  const ways = waysOf(peer, context.policy.authMechanism);
  const login = await chooseLogin(
    ways,
    { target, context, connection: peer.connection, required },
    {
      nothingGiven: required ? nothingGiven : undefined,
      noWay: (kind) => noWay(peer, kind, context.policy.authMechanism),
    },
  );
  if (login === undefined) return;
  const { way, credentials: found } = login;
  refuseControls(found.user + found.password, "the user name or the password");
  peer.beforeLogin = peer.capabilities;
  const reply = await perform(peer, target, context, way, found);
  if (reply.status !== "ok") throw loginRefusal(reply);
  peer.loggedIn = true;
  peer.loggedInAs = loginWords(found, way);
}

/** What both sides know, best first. A server without CAPA is tried with USER, which all have. */
function waysOf(peer: Peer, wanted: string | undefined): readonly Way[] {
  const { capabilities, connection } = peer;
  const sasl = sharedMechanisms(capabilities?.mechanisms ?? [], connection, wanted);
  const timestamp = timestampOf(peer.greeting);
  const apop: Apop[] =
    timestamp !== undefined && (wanted ?? "APOP") === "APOP"
      ? [{ command: "APOP", kind: "password", conceals: true, timestamp }]
      : [];
  const speaksUser =
    capabilities === undefined || capabilities.has("USER") || capabilities.mechanisms.length === 0;
  const user = speaksUser && (wanted ?? "USER") === "USER" ? [USER_COMMAND] : [];
  return bestFirst<Way>([...sasl, ...apop, ...user], connection.secure);
}

function nothingGiven(): PortholeError {
  return new PortholeError("auth", "the server opens a mailbox only after a login", {
    hint: "-u USER says whose it is",
  });
}

/** RFC 1939, 7: `+OK POP3 server ready <1896.697170952@dbc.mtview.ca.us>`. */
function timestampOf(greeting: StatusReply | undefined): string | undefined {
  // CVE-2007-1558: what is no Message-ID may have been made to find the password out.
  return /<[\x21-\x3b\x3d\x3f\x41-\x7e]+@[\x21-\x3b\x3d\x3f\x41-\x7e]+>/.exec(greeting?.line ?? "")?.[0];
}

function noWay(peer: Peer, kind: Credentials["kind"], wanted: string | undefined): PortholeError {
  const { capabilities, connection } = peer;
  const offered = [
    ...(capabilities?.mechanisms ?? []),
    ...(timestampOf(peer.greeting) === undefined ? [] : ["APOP"]),
    ...(capabilities?.has("USER") === false ? [] : ["USER"]),
  ];
  const hint = connection.secure ? undefined : "it may offer one after TLS: --starttls require, or pop3s:";
  return noWayToLogIn(offered, kind, wanted, hint);
}

async function perform(
  peer: Peer,
  target: Target,
  context: Context,
  way: Way,
  credentials: Credentials,
): Promise<StatusReply> {
  const { user, password } = credentials;
  if ("begin" in way) return converse(peer, target, context, way, credentials);
  switch (way.command) {
    case "APOP": {
      // RFC 1939, 7.
      const digest = createHash("md5").update(way.timestamp).update(password, "utf8").digest("hex");
      // Whoever reads it can try passwords against it.
      context.mask(digest);
      return peer.say(["APOP", user, digest], { alone: true }).reply();
    }
    case "USER": {
      const named = await peer.say(["USER", user], { alone: true }).reply();
      return named.status === "ok" ? peer.say(["PASS", password], { alone: true }).reply() : named;
    }
  }
}

/** RFC 5034, 4. */
async function converse(
  peer: Peer,
  target: Target,
  context: Context,
  mechanism: SaslMechanism,
  credentials: Credentials,
): Promise<StatusReply> {
  const login = mechanism.begin(
    credentials,
    saslServer(target, peer.connection, peer.capabilities?.mechanisms ?? []),
  );
  const encode = (octets: Buffer) => {
    const text = octets.toString("base64");
    context.mask(text);
    return text;
  };
  const initial = login.initial === undefined ? undefined : encode(login.initial) || "=";
  const fits = initial !== undefined && `AUTH ${mechanism.name} ${initial}\r\n`.length <= COMMAND_OCTETS;
  let ahead = fits ? undefined : login.initial;
  const words = fits ? (["AUTH", mechanism.name, initial] as const) : (["AUTH", mechanism.name] as const);
  const answer = peer.say(words, { alone: true, asks: true });
  let reply = await answer.reply();
  while (reply.status === "continue") {
    const response = ahead ?? login.respond(Buffer.from(reply.text, "base64"));
    ahead = undefined;
    const line = response === undefined ? CANCEL : encode(response);
    await peer.dialogue.supplyLast(Buffer.from(`${line}\r\n`));
    reply = await answer.reply();
    if (line === CANCEL && reply.status === "continue") {
      throw new PortholeError("protocol", "the server goes on asking after the login was given up", {
        reply: reply.line,
      });
    }
  }
  if (reply.status === "ok") login.verify?.();
  return reply;
}
