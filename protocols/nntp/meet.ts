/** From a target to a server that serves readers: connection, capabilities, reader mode, TLS, login. */
import { PortholeError } from "../../src/errors.js";
import type { Context, Target } from "../../src/plugin.js";
import { decodeWords } from "../../src/wire/words.js";
import { Capabilities } from "./capabilities.js";
import { logIn } from "./login.js";
import { parsePath } from "./path.js";
import { Peer } from "./peer.js";
import { isUnknownCommand, refusal, wordsOf } from "./refusal.js";

/** Lines of CAPABILITIES that are read; a server has some twenty. */
const MOST_CAPABILITIES = 1000;

/** @throws PortholeError `connect`, `tls`, `auth`, `busy`, `refused`, `protocol` and what the dialer throws */
export async function meet(target: Target, context: Context): Promise<Peer> {
  const { host, port, url, tls } = target;
  const connection = await context.dial({
    host,
    port,
    scheme: url.scheme,
    ...(tls === "always" ? { tls: {} } : {}),
  });
  const peer = new Peer(connection);
  // Where a login may come from is looked through while the server thinks; nothing of it is said before it is known
  // how it would travel.
  void context.credentials({ connection, concealed: true }).catch(() => undefined);
  try {
    const began = performance.now();
    const greeting = await peer.dialogue.greeting();
    peer.times.greeting = performance.now() - began;
    if (greeting.code !== 200 && greeting.code !== 201)
      throw refusal(greeting, "the server does not serve us");
    peer.greeting = greeting;
    peer.postingAllowed = greeting.code === 200;
    const transit = context.options["transit"] === true;
    const group = transit ? undefined : groupToExpect(peer, target, context);
    // INN says so by itself: its capabilities before reader mode are of no use to a reader.
    const feeds = /\(transit mode\)/.test(greeting.text) && !transit;
    if (feeds) await enterReaderMode(peer);
    const asked = performance.now();
    await askCapabilities(peer, group);
    peer.times.capabilities = performance.now() - asked;
    // A server that feeds others is none that reads (RFC 3977, 3.4.2).
    if (!feeds && !transit) await readerMode(peer, group);
    if (tls === "upgrade") await upgrade(peer, target, context);
    peer.onDemand = async (demand) => {
      await logIn(peer, target, context, demand);
      if (peer.capabilities !== undefined) await askCapabilities(peer);
    };
    const entered = performance.now();
    await logIn(peer, target, context);
    peer.times.login = performance.now() - entered;
    // RFC 4643, 2.2: what was said before the login holds no more.
    if (peer.loggedIn && peer.capabilities !== undefined) await askCapabilities(peer);
    await compress(peer, context);
    return peer;
  } catch (thrown) {
    await peer.leave();
    throw thrown;
  }
}

/** The group that the URL names, where it may be asked for ahead: nothing will be changed by TLS or a login. */
function groupToExpect({ connection }: Peer, target: Target, context: Context): string | undefined {
  const { starttls } = context.policy;
  const settled =
    connection.secure || starttls === "never" || (starttls === undefined && connection.loopback);
  if (!settled || target.url.user !== undefined) return undefined;
  try {
    const place = parsePath(target.path);
    return "group" in place ? place.group : undefined;
  } catch {
    // Said when the path is used.
    return undefined;
  }
}

/**
 * RFC 3977, 5.2. A server that does not know the command is spoken to as of old.
 * @param group to be asked for while the list comes
 */
async function askCapabilities(peer: Peer, group?: string): Promise<void> {
  const lines: string[] = [];
  const answer = peer.say(["CAPABILITIES"]);
  const reply = await answer.reply();
  if (reply.code === 101) {
    if (group !== undefined) peer.expect(group);
    for await (const line of answer.lines())
      if (lines.length < MOST_CAPABILITIES) lines.push(decodeWords(line));
    peer.capabilities = new Capabilities(lines);
    return;
  }
  // Some that want a login first want it for this, too, and say so in their own way.
  if (!isUnknownCommand(reply) && reply.code !== 480 && reply.code !== 502) {
    throw refusal(reply, "the server does not say what it can do");
  }
  peer.capabilities = undefined;
}

/** RFC 3977, 5.3: where it is offered, and at servers from before there was an offer. */
async function readerMode(peer: Peer, group: string | undefined): Promise<void> {
  const { capabilities } = peer;
  if (capabilities !== undefined && (!capabilities.has("MODE-READER") || capabilities.has("READER"))) return;
  await enterReaderMode(peer);
  if (capabilities !== undefined) await askCapabilities(peer, group);
}

async function enterReaderMode(peer: Peer): Promise<void> {
  const reply = await peer.say(["MODE", "READER"]).reply();
  if (reply.code === 200 || reply.code === 201) {
    peer.postingAllowed = reply.code === 200;
    // Another server may be speaking from here on.
    peer.forget();
    return;
  }
  if (peer.capabilities === undefined && (isUnknownCommand(reply) || reply.code === 480)) return;
  throw refusal(reply, "the server does not serve readers");
}

/** RFC 4642. */
async function upgrade(peer: Peer, target: Target, context: Context): Promise<void> {
  const wanted = context.policy.starttls ?? habit(peer, target);
  if (wanted === "never") return;
  // What an old server can do is found out by trying, when it must be.
  const tried = peer.capabilities === undefined && wanted === "require";
  if (!tried && !(peer.capabilities?.has("STARTTLS") ?? false)) {
    if (wanted === "auto") return;
    throw new PortholeError("tls", "the server does not offer TLS", {
      hint: "without --starttls require the session goes in clear",
    });
  }
  const reply = await peer.say(["STARTTLS"]).reply();
  if (reply.code === 382) {
    await peer.dialogue.startTls();
    // RFC 4642, 2.2.2: what the server said before is forgotten.
    peer.forget();
    await askCapabilities(peer);
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
  const { capabilities } = peer;
  const offered = capabilities === undefined || capabilities.arguments("AUTHINFO").length > 0;
  return target.url.user !== undefined && !offered ? "auto" : "never";
}

/**
 * RFC 8054. After the login, for there is none within it (2.2.2); so a server that may yet want one is left as it is.
 * Within this machine it would only cost time.
 */
async function compress(peer: Peer, context: Context): Promise<void> {
  const wanted = context.options["compress"] ?? "auto";
  const { capabilities, connection } = peer;
  if (wanted === "never" || (wanted === "auto" && connection.loopback)) return;
  const offered = capabilities?.offers("COMPRESS", "DEFLATE") === true;
  const settled = peer.loggedIn || capabilities?.has("AUTHINFO") !== true;
  if (!offered || (wanted === "auto" && !settled)) {
    if (wanted === "auto") return;
    throw new PortholeError("refused", "the server does not compress", {
      hint: "leave out --compress always",
    });
  }
  const reply = await peer.say(["COMPRESS", "DEFLATE"]).reply();
  if (reply.code === 206) {
    peer.dialogue.startDeflate();
    return;
  }
  if (wanted === "always") throw refusal(reply, "the server refused to compress");
  context.note("the server offers to compress and refuses it; going on as it is");
}
