/** From a target to a server that has been greeted: connection, EHLO, STARTTLS. */
import { PortholeError } from "../../src/errors.js";
import type { Connection } from "../../src/net/connection.js";
import type { Context, Target } from "../../src/plugin.js";
import { Extensions } from "./extensions.js";
import { heard, Peer } from "./peer.js";
import { isPositive, refusal, wordsOf } from "./refusal.js";

/** @throws PortholeError `connect`, `tls`, `busy`, `refused`, `protocol` and what the dialer throws */
export async function meet(target: Target, context: Context): Promise<Peer> {
  const { host, port, url, tls } = target;
  const name = ehloName(context);
  const connection = await context.dial({
    host,
    port,
    scheme: url.scheme,
    ...(tls === "always" ? { tls: {} } : {}),
  });
  const peer = new Peer(connection, url.scheme === "lmtp");
  try {
    const began = performance.now();
    const greeting = await peer.dialogue.greeting();
    peer.met = { greeting, ms: performance.now() - began };
    if (greeting.code !== 220) throw refusal(greeting, "the server does not take mail");
    await sayHello(peer, name ?? addressLiteral(connection));
    if (tls === "upgrade") await upgrade(peer, name ?? addressLiteral(connection), target, context);
    return peer;
  } catch (thrown) {
    await peer.leave();
    throw thrown;
  }
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

async function sayHello(peer: Peer, name: string): Promise<void> {
  const reply = await peer.ask([peer.lmtp ? "LHLO" : "EHLO", name]);
  if (isPositive(reply)) {
    peer.extensions = Extensions.of(reply);
    return;
  }
  // RFC 5321, 3.2: a server that does not know EHLO is spoken to as of old. LMTP has no such past.
  if (reply.code < 500 || peer.lmtp) throw refusal(reply, "the server refused our greeting");
  const plain = await peer.ask(["HELO", name]);
  if (!isPositive(plain)) throw refusal(plain, "the server refused our greeting");
  peer.extensions = new Extensions();
}

/** RFC 3207. */
async function upgrade(peer: Peer, name: string, target: Target, context: Context): Promise<void> {
  const wanted = context.policy.starttls ?? habit(peer, target);
  if (wanted === "never") return;
  if (!peer.extensions.has("STARTTLS")) {
    if (wanted === "auto") return;
    throw new PortholeError("tls", "the server does not offer TLS", {
      hint: "without --starttls require the mail goes in clear",
    });
  }
  const reply = await heard(
    peer.say(["STARTTLS"], {
      sendAhead: "alone",
      sequel: ({ code }) => (code === 220 ? "switch" : "nothing"),
    }),
  );
  if (reply.code === 220) {
    peer.beforeTls = peer.extensions;
    await peer.dialogue.startTls();
    // RFC 3207, 4.2: what the server said before is forgotten.
    await sayHello(peer, name);
    return;
  }
  if (wanted === "require") {
    throw new PortholeError("tls", "the server refused to start TLS", { reply: wordsOf(reply) });
  }
  context.warn("the server offers TLS and refuses to start it; going on in clear");
}

/**
 * What holds when the user did not say: TLS wherever it is offered. Within this machine it guards nothing, and the
 * certificate is seldom one to be trusted; so only for a login that is not offered without.
 */
function habit(peer: Peer, target: Target): "auto" | "never" {
  if (!peer.connection.loopback) return "auto";
  const loginWaits = target.url.user !== undefined && peer.extensions.mechanisms.length === 0;
  return loginWaits ? "auto" : "never";
}
