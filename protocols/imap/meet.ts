/** From a target to a server that has been greeted: connection, capabilities, TLS. */
import { PortholeError } from "../../src/errors.js";
import type { Connection } from "../../src/net/connection.js";
import type { Context, Target } from "../../src/plugin.js";
import { Peer } from "./peer.js";
import { refusal } from "./refusal.js";

/** @throws PortholeError `connect`, `tls`, `busy`, `refused`, `protocol` and what the dialer throws */
export async function meet(target: Target, context: Context): Promise<Peer> {
  const peer = new Peer(await reach(target, context));
  try {
    const connected = performance.now();
    const greeting = await peer.dialogue.greeting();
    peer.greetingMs = performance.now() - connected;
    peer.greeting = greeting;
    if (greeting.condition === "BYE") throw refusal(greeting, "the server does not serve us", "refused");
    peer.status(greeting);
    peer.loggedIn = greeting.condition === "PREAUTH";
    await peer.askCapabilities();
    if (target.tls === "upgrade") await upgrade(peer, context);
    return peer;
  } catch (thrown) {
    peer.connection.destroy();
    throw thrown;
  }
}

async function reach({ host, port, url, tls }: Target, context: Context): Promise<Connection> {
  const tunnel = context.options["tunnel"];
  if (typeof tunnel === "string") {
    const { dialCommand } = await import("./tunnel.js");
    return dialCommand(tunnel, url.scheme, context);
  }
  return context.dial({ host, port, scheme: url.scheme, ...(tls === "always" ? { tls: {} } : {}) });
}

/** STARTTLS (RFC 9051, 6.2.1). */
async function upgrade(peer: Peer, context: Context): Promise<void> {
  const wanted = context.policy.starttls ?? habit(peer);
  if (wanted === "never") return;
  if (peer.loggedIn) {
    if (wanted === "auto") return;
    // RFC 9051, 6.2.1: too late then, and whoever is on the way may have said so (CVE-2020-12398).
    throw new PortholeError("tls", "the server has logged us in by itself, and cannot start TLS any more", {
      hint: "imaps: may do; without --starttls require the session goes in clear",
    });
  }
  if (!peer.capabilities.has("STARTTLS")) {
    if (wanted === "auto") return;
    throw new PortholeError("tls", "the server does not offer TLS", {
      hint: "imaps: may do; without --starttls require the session goes in clear",
    });
  }
  const status = await peer.dialogue.say({ words: ["STARTTLS"], alone: true, switches: true }).status();
  if (status.condition === "OK") {
    await peer.dialogue.startTls();
    peer.beforeTls = peer.capabilities;
    // What the server said before is forgotten.
    peer.forgetCapabilities();
    await peer.askCapabilities();
    return;
  }
  if (wanted === "require") {
    throw new PortholeError("tls", "the server refused to start TLS", { reply: status.line });
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
  const offered = !capabilities.has("LOGINDISABLED") || capabilities.values("AUTH").length > 0;
  return offered ? "never" : "auto";
}
