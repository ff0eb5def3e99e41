/** From a target to a server that has been greeted: connection, EHLO, STARTTLS. */
import { setTimeout as sleep } from "node:timers/promises";
import { PortholeError } from "../../src/errors.js";
import type { Connection } from "../../src/net/connection.js";
import type { StartTls } from "../../src/net/wiring.js";
import type { Context, Target } from "../../src/plugin.js";
import type { Reply } from "../../src/wire/replies.js";
import { Extensions } from "./extensions.js";
import { heard, NO_HEADER, Peer } from "./peer.js";
import { proxyHeaderOf, sayXclient } from "./proxied.js";
import { isPositive, refusal, wordsOf } from "./refusal.js";

/** A server that answers within so many milliseconds is so near that a round trip costs less than an acknowledgement delayed. */
const NEAR_MS = 10;

/** @throws PortholeError `connect`, `tls`, `busy`, `refused`, `protocol` and what the dialer throws */
export async function meet(target: Target, context: Context, maxUnanswered?: number): Promise<Peer> {
  checkName(context);
  const peer = await reach(target, context, maxUnanswered);
  try {
    await greet(peer);
    await sayHello(peer, ownName(peer.connection, context));
    if (target.tls === "upgrade") await upgrade(peer, target, context);
    if ((await sayXclient(peer, context)) !== undefined)
      await sayHello(peer, ownName(peer.connection, context));
    return peer;
  } catch (thrown) {
    await peer.leave();
    throw thrown;
  }
}

/** Who judges a certificate that is not to be trusted by itself. */
export type Judging = Pick<StartTls, "trust">;

/** A connection, with the header of a proxy in front where the user wants one. */
export async function reach(
  target: Target,
  context: Context,
  maxUnanswered?: number,
  judging: Judging = {},
): Promise<Peer> {
  const { host, port, url, tls } = target;
  const header = proxyHeaderOf(context.options);
  const endpoint = { host, port, scheme: url.scheme };
  const always = tls === "always";
  const connection = await context.dial({
    ...endpoint,
    ...(always && header === undefined ? { tls: judging } : {}),
  });
  // What is sent behind a text must not wait until that is acknowledged.
  connection.setNoDelay();
  if (header !== undefined) {
    // It comes before everything else, TLS too.
    connection.write(header(connection));
    if (always) await connection.startTls(judging);
  }
  return new Peer(connection, url.scheme === "lmtp", maxUnanswered, header !== undefined);
}

/** What the server says first. @throws PortholeError when it takes no mail */
export async function greet(peer: Peer): Promise<Reply> {
  const began = performance.now();
  const greeting = await peer.dialogue.greeting().catch((thrown: unknown) => {
    const { connection } = peer;
    if (thrown instanceof PortholeError && thrown.code === "timeout" && !connection.secure)
      thrown.hint =
        "is this a port with TLS from the start? then write smtps:; --timeout sets how long to wait";
    throw thrown;
  });
  peer.met = { greeting, ms: performance.now() - began };
  if (greeting.code !== 220) {
    const failure = refusal(greeting, "the server does not take mail");
    // To one that expects no header we have spoken before we were greeted.
    if (peer.announced) failure.hint ??= NO_HEADER;
    throw failure;
  }
  return greeting;
}

/** @throws PortholeError `usage`, before anything is sent */
export function checkName(context: Context): void {
  ehloName(context);
}

/** What the user wants to be called. @throws PortholeError `usage` when it is no name */
function ehloName(context: Context): string | undefined {
  const name = context.options["ehlo-name"];
  if (typeof name !== "string" || name === "") return undefined;
  if (!/^[\x21-\x7e]{1,255}$/.test(name)) {
    throw new PortholeError("usage", "--ehlo-name wants a host name or an address in brackets");
  }
  return name;
}

/** RFC 5321, 4.1.3: an address stands for a name that this machine may not have, or not want to tell. */
function addressLiteral({ localAddress }: Connection): string {
  if (localAddress === undefined) return "localhost";
  const plain = localAddress.replace(/^::ffff:(?=\d+\.)/i, "").replace(/%.*$/, "");
  return plain.includes(":") ? `[IPv6:${plain}]` : `[${plain}]`;
}

/** What this side calls itself to that server. @throws PortholeError `usage` */
export function ownName(connection: Connection, context: Context): string {
  return ehloName(context) ?? addressLiteral(connection);
}

/** @returns what the server said to it */
export async function sayHello(peer: Peer, name: string): Promise<Reply> {
  const began = performance.now();
  const reply = await helloFrom(peer, name);
  peer.helloMs = performance.now() - began;
  return reply;
}

async function helloFrom(peer: Peer, name: string): Promise<Reply> {
  const reply = await peer.ask([peer.lmtp ? "LHLO" : "EHLO", name]);
  if (isPositive(reply)) {
    peer.extensions = Extensions.of(reply);
    return reply;
  }
  // RFC 5321, 3.2: a server that does not know EHLO is spoken to as of old. LMTP has no such past.
  if (reply.code < 500 || peer.lmtp) throw refusal(reply, "the server refused our greeting");
  const plain = await peer.ask(["HELO", name]);
  if (!isPositive(plain)) throw refusal(plain, "the server refused our greeting");
  peer.extensions = new Extensions();
  return plain;
}

/** STARTTLS, and EHLO again (RFC 3207), as far as the user wants it and the server offers it. */
export async function upgrade(
  peer: Peer,
  target: Target,
  context: Context,
  judging: Judging = {},
): Promise<void> {
  const wanted = context.policy.starttls ?? (await habit(peer, target, context));
  if (wanted === "never") return;
  if (!peer.extensions.has("STARTTLS")) {
    if (wanted === "auto") return;
    throw new PortholeError("tls", "the server does not offer TLS", {
      hint: "without --starttls require the mail goes in clear",
    });
  }
  const began = performance.now();
  const reply = await heard(
    peer.say(["STARTTLS"], {
      sendAhead: "alone",
      sequel: ({ code }) => (code === 220 ? "switch" : "nothing"),
    }),
  );
  const roundTrip = performance.now() - began;
  if (reply.code === 220) {
    peer.beforeTls = peer.extensions;
    await peer.dialogue.startTls(judging);
    await ticketCome(peer, roundTrip);
    // RFC 3207, 4.2: what the server said before is forgotten.
    await sayHello(peer, ownName(peer.connection, context));
    return;
  }
  if (wanted === "require") {
    throw new PortholeError("tls", "the server refused to start TLS", { reply: wordsOf(reply) });
  }
  context.warn("the server offers TLS and refuses to start it; going on in clear");
}

/**
 * Behind a TLS 1.3 handshake a server sends a ticket (RFC 8446, 4.6.1). Many, Postfix among them, leave Nagle's algorithm on,
 * and their answer to EHLO then waits until the ticket is acknowledged: 40 ms, for this side delays that until it has
 * something to say (RFC 1122, 4.2.3.2). Where the server is near, EHLO waits so long that it carries the acknowledgement.
 */
async function ticketCome({ connection }: Peer, roundTrip: number): Promise<void> {
  if (connection.facts.tls?.version !== "1.3" || roundTrip > NEAR_MS) return;
  await sleep(Math.ceil(roundTrip) + 1);
}

/**
 * What holds when the user did not say: TLS wherever it is offered. Within this machine it guards nothing, and the
 * certificate is seldom one to be trusted; so only for a login that is not offered without.
 */
async function habit(peer: Peer, target: Target, context: Context): Promise<"auto" | "never"> {
  const { connection, extensions } = peer;
  if (!connection.loopback) return "auto";
  if (extensions.mechanisms.length > 0 || !extensions.has("STARTTLS")) return "never";
  if (target.url.user !== undefined || context.policy.authMechanism !== undefined) return "auto";
  const given = await context.credentials({ connection, concealed: true, unasked: true });
  return given === undefined ? "never" : "auto";
}
