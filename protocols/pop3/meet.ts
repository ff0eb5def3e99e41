/** From a target to a server that has been greeted: connection, capabilities, TLS. */
import { PortholeError } from "../../src/errors.js";
import type { Context, Target } from "../../src/plugin.js";
import { Peer } from "./peer.js";
import { refusal } from "./refusal.js";

/** @throws PortholeError `connect`, `tls`, `busy`, `refused`, `protocol` and what the dialer throws */
export async function meet(target: Target, context: Context): Promise<Peer> {
  const { host, port, url, tls } = target;
  const connection = await context.dial({
    host,
    port,
    scheme: url.scheme,
    ...(tls === "always" ? { tls: {} } : {}),
  });
  const peer = new Peer(connection);
  try {
    const connected = performance.now();
    const greeting = await peer.dialogue.greeting();
    peer.greetingMs = performance.now() - connected;
    if (greeting.status !== "ok") throw refusal(greeting, "the server does not serve us", "refused");
    peer.greeting = greeting;
    await peer.askCapabilities();
    if (tls === "upgrade") await upgrade(peer, context);
    return peer;
  } catch (thrown) {
    await peer.leave();
    throw thrown;
  }
}

/** STLS (RFC 2595, 4). */
async function upgrade(peer: Peer, context: Context): Promise<void> {
  const wanted = context.policy.starttls ?? habit(peer);
  if (wanted === "never") return;
  // What a server without CAPA can do is found out by trying, when it must be.
  const tried = peer.capabilities === undefined && wanted === "require";
  if (!tried && peer.capabilities?.has("STLS") !== true) {
    if (wanted === "auto") return;
    throw new PortholeError("tls", "the server does not offer TLS", {
      hint: "pop3s: may do; without --starttls require the session goes in clear",
    });
  }
  const reply = await peer.say(["STLS"], { sequel: "switch", alone: true }).reply();
  if (reply.status === "ok") {
    await peer.dialogue.startTls();
    peer.beforeTls = peer.capabilities;
    // RFC 2595, 4: what the server said before is forgotten.
    await peer.askCapabilities();
    return;
  }
  if (wanted === "require") {
    throw new PortholeError("tls", "the server refused to start TLS", { reply: reply.line });
  }
  context.warn("the server offers TLS and refuses to start it; going on in clear");
}

/**
 * What holds when the user did not say: TLS wherever it is offered. Within this machine it guards nothing, and the
 * certificate is seldom one to be trusted; so only where no login is offered without.
 */
function habit(peer: Peer): "auto" | "never" {
  if (!peer.connection.loopback) return "auto";
  const { capabilities } = peer;
  const offered =
    capabilities === undefined || capabilities.has("USER") || capabilities.mechanisms.length > 0;
  return offered ? "never" : "auto";
}
