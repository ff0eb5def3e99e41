/** What `check` tells of a server that mail is kept on. */
import { PortholeError } from "../../src/errors.js";
import type { CheckStep, Context, Target, Weakness } from "../../src/plugin.js";
import type { Account } from "./account.js";
import { Peer } from "./peer.js";

/** Logins that show the password, or a token, to whoever listens. */
const SHOWING: readonly string[] = ["PLAIN", "LOGIN", "XOAUTH2", "OAUTHBEARER"];

export async function* checkSteps(account: Account): AsyncGenerator<CheckStep, void, undefined> {
  const { target, context } = account;
  const peer = await account.greeted();
  yield { step: "greeting", ok: true, ms: peer.greetingMs, detail: peer.greeting?.line ?? "" };
  const asked = performance.now();
  peer.forgetCapabilities();
  await peer.askCapabilities();
  const ms = performance.now() - asked;
  const capabilities = peer.capabilities.all;
  const weaknesses = weaknessesOf(peer, target);
  if (peer.beforeTls !== undefined && (await takesInjected(target, context))) weaknesses.push(INJECTABLE);
  yield {
    step: "capabilities",
    ok: true,
    ms,
    detail: capabilities.join(", ") || "none told",
    facts: { capabilities },
    weaknesses,
  };
  if (peer.loggedIn) {
    yield { step: "login", ok: true, ms: peer.loginMs, detail: peer.loggedInAs };
  }
  const began = performance.now();
  const status = await peer.dialogue.ask("NOOP");
  yield { step: "roundtrip", ok: true, ms: performance.now() - began, detail: status.line };
}

const INJECTABLE: Weakness = {
  what: "commands sent in clear before STARTTLS are obeyed after it (CVE-2011-0411)",
  hint: "update the server: whoever is on the way can put words into a protected session",
  grade: "critical",
};

function weaknessesOf(peer: Peer, target: Target): Weakness[] {
  const found: Weakness[] = [];
  const { secure } = peer.connection;
  const offered = peer.beforeLogin ?? peer.capabilities;
  const inClear = secure ? peer.beforeTls : offered;
  const isPreauth = peer.greeting?.condition === "PREAUTH";
  const showing =
    inClear === undefined || isPreauth
      ? []
      : [
          ...(inClear.has("LOGINDISABLED") || inClear.has("IMAP4REV1") === false ? [] : ["LOGIN"]),
          ...inClear.values("AUTH").filter((mechanism) => SHOWING.includes(mechanism)),
        ];
  if (showing.length > 0) {
    found.push({
      what: `a login that shows the password is offered in clear (${[...new Set(showing)].join(" ")})`,
      hint: "let the server offer logins after STARTTLS alone",
      grade: "critical",
    });
  }
  if (target.tls === "upgrade" && !secure && !offered.has("STARTTLS") && !isPreauth) {
    found.push({
      what: "STARTTLS is not offered: mail and passwords go in clear",
      hint: "give the server a certificate",
      grade: "warning",
    });
  }
  return found;
}

/** Whether a command that came in the same packet as STARTTLS is answered after the handshake. On a connection of its own. */
async function takesInjected(target: Target, context: Context): Promise<boolean> {
  const { host, port, url } = target;
  const connection = await context.dial({ host, port, scheme: url.scheme });
  const peer = new Peer(connection);
  try {
    await peer.dialogue.greeting();
    const answer = peer.dialogue.say({ words: ["STARTTLS"], alone: true, switches: true });
    // The second line travels in the same write.
    connection.cork();
    setImmediate(() => {
      connection.write("X1 NOOP\r\n");
      connection.uncork();
    });
    if ((await answer.status()).condition !== "OK") return false;
    await peer.dialogue.startTls();
    return (await peer.dialogue.ask("NOOP")).condition !== "OK";
  } catch (thrown) {
    if (!(thrown instanceof PortholeError) || thrown.code === "aborted") throw thrown;
    return thrown.code === "protocol" && thrown.message.includes("nobody had asked");
  } finally {
    connection.destroy();
  }
}
