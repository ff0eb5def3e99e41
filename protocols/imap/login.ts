/** Logging in (RFC 9051, 6.2): SASL, or LOGIN. */
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
import type { Peer } from "./peer.js";
import { refusal } from "./refusal.js";
import type { Status } from "./response.js";
import { astring } from "./words.js";

/** Gives the login up (RFC 9051, 6.2.2). */
const CANCEL = "*";

/** RFC 9051, 6.2.3. */
const LOGIN_COMMAND = { command: "LOGIN", kind: "password", conceals: false } as const;

type Way = SaslMechanism | typeof LOGIN_COMMAND;

/**
 * Logs in. Without `required` only when the user gave credentials.
 * @throws PortholeError `auth` when the login is refused or impossible, `tls` when the password would go in clear
 */
export async function logIn(peer: Peer, target: Target, context: Context, required: boolean): Promise<void> {
  if (peer.loggedIn) return;
  const ways = waysOf(peer, context.policy.authMechanism);
  const { connection } = peer;
  const login = await chooseLogin(
    ways,
    { target, context, connection, required },
    {
      nothingGiven: required ? nothingGiven : undefined,
      noWay: (kind) => noWay(peer, kind, context.policy.authMechanism),
    },
  );
  if (login === undefined) return;
  const { way, credentials: found } = login;
  refuseControls(found.user + found.password, "the user name or the password");
  const began = performance.now();
  peer.beforeLogin = peer.capabilities;
  peer.forgetCapabilities();
  const status =
    "begin" in way
      ? await converse(peer, target, context, way, found)
      : await peer.dialogue
          .say({ words: [way.command, astring(found.user), astring(found.password)], alone: true })
          .status();
  if (status.condition !== "OK") throw loginRefusal(status);
  peer.loggedIn = true;
  peer.loggedInAs = loginWords(found, way);
  peer.loginMs = performance.now() - began;
  // Most servers say with the OK what they can do now; others are asked.
  await peer.askCapabilities();
}

/** What both sides know, best first. */
function waysOf(peer: Peer, wanted: string | undefined): readonly Way[] {
  const { capabilities, connection } = peer;
  // RFC 9051, 6.2.3: a server that says LOGINDISABLED must not be told a password.
  const speaksLogin = !capabilities.has("LOGINDISABLED") && (wanted ?? "LOGIN") === "LOGIN";
  const sasl = sharedMechanisms(capabilities.values("AUTH"), connection, wanted);
  return bestFirst<Way>([...sasl, ...(speaksLogin ? [LOGIN_COMMAND] : [])], connection.secure);
}

function nothingGiven(): PortholeError {
  return new PortholeError("auth", "the server opens mailboxes only after a login", {
    hint: "-u USER says whose they are",
  });
}

function noWay(peer: Peer, kind: Credentials["kind"], wanted: string | undefined): PortholeError {
  const { capabilities, connection } = peer;
  const disabled = capabilities.has("LOGINDISABLED");
  const offered = [...capabilities.values("AUTH"), ...(disabled ? [] : ["LOGIN"])];
  const hint = connection.secure ? undefined : "it may offer one after TLS: --starttls require, or imaps:";
  return noWayToLogIn(offered, kind, wanted, hint);
}

/** RFC 9051, 6.2.2; the first answer goes with the command where the server takes it (SASL-IR, RFC 4959). */
async function converse(
  peer: Peer,
  target: Target,
  context: Context,
  mechanism: SaslMechanism,
  credentials: Credentials,
): Promise<Status> {
  const login = mechanism.begin(
    credentials,
    saslServer(target, peer.connection, peer.capabilities.values("AUTH")),
  );
  const encode = (octets: Buffer) => {
    const text = octets.toString("base64");
    context.mask(text);
    return text;
  };
  const { capabilities } = peer;
  const ahead = capabilities.has("SASL-IR");
  let initial = login.initial;
  const words = ["AUTHENTICATE", mechanism.name];
  if (ahead && initial !== undefined) {
    words.push(encode(initial) || "=");
    initial = undefined;
  }
  const answer = peer.dialogue.say({ words, alone: true, converses: true });
  let cancelled = false;
  for (;;) {
    const challenge = await answer.continuation();
    if (challenge === undefined) break;
    if (cancelled)
      throw new PortholeError("protocol", "the server goes on asking after the login was given up");
    const response = initial ?? login.respond(Buffer.from(challenge, "base64"));
    initial = undefined;
    cancelled = response === undefined;
    await peer.dialogue.line(response === undefined ? CANCEL : encode(response));
  }
  const status = await answer.status();
  if (status.condition === "OK") login.verify?.();
  return status;
}

/** Busy servers refuse for now; all else speaks of the password. */
function loginRefusal(status: Status): PortholeError {
  const { code } = status;
  const failed = refusal(status, "the server refused the login", "auth");
  if (failed.code === "auth" || failed.code === "busy") return failed;
  const busy = code === undefined && /try again|temporar|too many|unavailable/i.test(status.line);
  return new PortholeError(busy ? "busy" : "auth", failed.message, {
    reply: failed.reply,
    hint: failed.hint,
  });
}
