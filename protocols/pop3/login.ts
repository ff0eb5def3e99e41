/** AUTHORIZATION (RFC 1939, 4): SASL (RFC 5034), APOP, or USER and PASS. */
import { createHash } from "node:crypto";
import { noWayToLogIn, type SaslMechanism, sharedMechanisms } from "../../src/auth/sasl.js";
import { PortholeError } from "../../src/errors.js";
import type { Context, CredentialRequest, Credentials, Target } from "../../src/plugin.js";
import { refuseControls } from "../../src/url.js";
import type { StatusReply } from "../../src/wire/status-replies.js";
import type { Peer } from "./peer.js";
import { loginRefusal } from "./refusal.js";

/** RFC 2449, 4: a command line has 255 octets; a longer response waits for the server's challenge. */
const COMMAND_OCTETS = 255;
/** RFC 5034, 4: gives the login up. */
const CANCEL = "*";

type Way =
  | { readonly by: "sasl"; readonly mechanism: SaslMechanism }
  | { readonly by: "APOP"; readonly timestamp: string }
  | { readonly by: "USER" };

/**
 * Logs in. Without `required` only when the user gave credentials.
 * @throws PortholeError `auth` when the login is refused or impossible, `busy` when the mailbox is in use, `tls` when
 *   the password would go in clear
 */
export async function logIn(peer: Peer, target: Target, context: Context, required: boolean): Promise<void> {
  const ways = waysOf(peer, context.policy.authMechanism);
  const concealed = ways.some(conceals);
  const request: CredentialRequest = { connection: peer.connection, concealed, required };
  const found = ways.some(needsNoSecret)
    ? await certified(target, context, request)
    : await context.credentials(request);
  if (found === undefined) {
    if (!required) return;
    throw new PortholeError("auth", "the server opens a mailbox only after a login", {
      hint: "-u USER says whose it is",
    });
  }
  const way = ways.find((candidate) => kindOf(candidate) === found.kind);
  if (way === undefined) throw noWay(peer, found.kind, context.policy.authMechanism);
  // A password that was given out for a way that conceals it must not be used by another.
  if (concealed && !conceals(way)) await context.credentials({ ...request, concealed: false });
  refuseControls(found.user + found.password, "the user name or the password");
  const reply = await perform(peer, target, context, way, found);
  if (reply.status !== "ok") throw loginRefusal(reply);
  peer.loggedIn = true;
}

/** What both sides know, best first. A server without CAPA is tried with USER, which all have. */
function waysOf(peer: Peer, wanted: string | undefined): readonly Way[] {
  const { capabilities, connection } = peer;
  const sasl = sharedMechanisms(capabilities?.mechanisms ?? [], connection.secure, wanted).map(
    (mechanism): Way => ({ by: "sasl", mechanism }),
  );
  const timestamp = timestampOf(peer.greeting);
  const apop: Way[] =
    timestamp !== undefined && (wanted ?? "APOP") === "APOP" ? [{ by: "APOP", timestamp }] : [];
  const speaksUser =
    capabilities === undefined || capabilities.has("USER") || capabilities.mechanisms.length === 0;
  const user: Way[] = speaksUser && (wanted ?? "USER") === "USER" ? [{ by: "USER" }] : [];
  if (connection.secure)
    return [...sasl.filter((way) => !conceals(way)), ...user, ...sasl.filter(conceals), ...apop];
  return [...sasl.filter(conceals), ...apop, ...sasl.filter((way) => !conceals(way)), ...user];
}

/** RFC 1939, 7: `+OK POP3 server ready <1896.697170952@dbc.mtview.ca.us>`. */
function timestampOf(greeting: StatusReply | undefined): string | undefined {
  // CVE-2007-1558: what is no Message-ID may have been made to find the password out.
  return /<[\x21-\x3b\x3d\x3f\x41-\x7e]+@[\x21-\x3b\x3d\x3f\x41-\x7e]+>/.exec(greeting?.line ?? "")?.[0];
}

function conceals(way: Way): boolean {
  return way.by === "APOP" || (way.by === "sasl" && way.mechanism.conceals);
}

function needsNoSecret(way: Way): boolean {
  return way.by === "sasl" && way.mechanism.name === "EXTERNAL";
}

function kindOf(way: Way): Credentials["kind"] {
  return way.by === "sasl" ? way.mechanism.kind : "password";
}

/** EXTERNAL: the certificate is the secret, and a user name may stand beside it. */
async function certified(target: Target, context: Context, request: CredentialRequest): Promise<Credentials> {
  const found = await context.credentials({ ...request, required: false });
  return { user: found?.user ?? target.url.user ?? "", password: "", kind: "password" };
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
  switch (way.by) {
    case "sasl":
      return converse(peer, target, context, way.mechanism, credentials);
    case "APOP": {
      // RFC 1939, 7.
      const digest = createHash("md5").update(way.timestamp).update(password, "utf8").digest("hex");
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
  const login = mechanism.begin(credentials, target);
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
