/** What `check` tells of a mail server. */
import { takesInjected } from "../../src/net/injection.js";
import type { CheckStep, Context, Target, Weakness } from "../../src/plugin.js";
import { commandLine } from "../../src/wire/command.js";
import type { Extensions } from "./extensions.js";
import { ownName } from "./hello.js";
import { Peer } from "./peer.js";
import { isPositive, refusal, wordsOf } from "./refusal.js";

/** SASL mechanisms that show the password to whoever listens. */
const PLAIN: readonly string[] = ["PLAIN", "LOGIN", "XOAUTH2", "OAUTHBEARER"];

export async function* checkSteps(
  peer: Peer,
  target: Target,
  context: Context,
): AsyncGenerator<CheckStep, void, undefined> {
  const { met } = peer;
  if (met !== undefined) yield { step: "greeting", ok: true, ms: met.ms, detail: wordsOf(met.greeting) };
  const asked = performance.now();
  const hello = await peer.ask([peer.lmtp ? "LHLO" : "EHLO", ownName(peer.connection, context)]);
  const capabilities = isPositive(hello) ? hello.lines.slice(1) : [];
  const weaknesses = weaknessesOf(peer, target);
  const ms = performance.now() - asked;
  if (peer.beforeTls !== undefined && (await isInjectable(target, context))) weaknesses.push(INJECTABLE);
  yield {
    step: "capabilities",
    ok: true,
    ms,
    detail: capabilities.length === 0 ? "none told" : capabilities.join(", "),
    facts: { capabilities },
    weaknesses,
  };
  if (peer.loggedIn) {
    yield { step: "login", ok: true, ms: peer.loginMs, detail: peer.loggedInAs };
  }
  const began = performance.now();
  const reply = await peer.ask(["NOOP"]);
  if (!isPositive(reply)) throw refusal(reply, "the server refused NOOP");
  yield { step: "roundtrip", ok: true, ms: performance.now() - began, detail: wordsOf(reply) };
}

const INJECTABLE: Weakness = {
  what: "commands sent in clear before STARTTLS are obeyed after it (CVE-2011-0411)",
  hint: "update the server: whoever is on the way can put words into a protected session",
  grade: "critical",
};

export function weaknessesOf(peer: Peer, target: Target): Weakness[] {
  const found: Weakness[] = [];
  const inClear: Extensions | undefined = peer.connection.secure ? peer.beforeTls : peer.extensions;
  if (inClear?.mechanisms.some((mechanism) => PLAIN.includes(mechanism)) === true) {
    found.push({
      what: `a login that shows the password is offered in clear (AUTH ${inClear.mechanisms.join(" ")})`,
      hint: "let the server offer AUTH after STARTTLS alone",
      grade: "critical",
    });
  }
  if (target.tls === "upgrade" && !peer.connection.secure && !peer.extensions.has("STARTTLS")) {
    found.push({
      what: "STARTTLS is not offered: mail and passwords go in clear",
      hint: "give the server a certificate",
      grade: "warning",
    });
  }
  return found;
}

async function isInjectable(target: Target, context: Context): Promise<boolean> {
  const { host, port, url } = target;
  const peer = new Peer(await context.dial({ host, port, scheme: url.scheme }), url.scheme === "lmtp");
  return takesInjected({
    dialogue: peer.dialogue,
    approach: async () => {
      await peer.dialogue.greeting();
      await peer.ask([peer.lmtp ? "LHLO" : "EHLO", ownName(peer.connection, context)]);
    },
    start: commandLine("STARTTLS"),
    agrees: ({ code }) => code === 220,
    injected: commandLine("NOOP"),
    obeys: isPositive,
  });
}
