/** What `check` tells of a server that mail is fetched from. */
import { takesInjected } from "../../src/net/injection.js";
import type { CheckStep, Context, Target, Weakness } from "../../src/plugin.js";
import { commandLine } from "../../src/wire/command.js";
import type { StatusReply } from "../../src/wire/status-replies.js";
import type { Capabilities } from "./capabilities.js";
import type { Line } from "./line.js";
import { Peer } from "./peer.js";

/** Logins that show the password, or a token, to whoever listens. */
const SHOWING: readonly string[] = ["PLAIN", "LOGIN", "XOAUTH2", "OAUTHBEARER"];

export async function* checkSteps(line: Line): AsyncGenerator<CheckStep, void, undefined> {
  const { target, context } = line;
  const peer = await line.peer();
  yield { step: "greeting", ok: true, ms: peer.greetingMs, detail: peer.greeting?.line ?? "" };
  const asked = performance.now();
  await peer.askCapabilities();
  const ms = performance.now() - asked;
  const capabilities = peer.capabilities?.all.map(({ name, arguments: words }) => [name, ...words].join(" "));
  const weaknesses = weaknessesOf(peer, target);
  if (peer.beforeTls !== undefined && (await isInjectable(target, context))) weaknesses.push(INJECTABLE);
  yield {
    step: "capabilities",
    ok: true,
    ms,
    detail: capabilities?.join(", ") ?? "none told",
    facts: { capabilities: capabilities ?? [] },
    weaknesses,
  };
  if (peer.loggedIn) {
    yield { step: "login", ok: true, ms: peer.loginMs, detail: peer.loggedInAs };
  }
  const began = performance.now();
  // Before a login NOOP is refused (RFC 1939, 5): the refusal has come as far and back.
  const reply = await peer.ask(["NOOP"]);
  yield { step: "roundtrip", ok: true, ms: performance.now() - began, detail: reply.line };
}

const INJECTABLE: Weakness = {
  what: "commands sent in clear before STLS are obeyed after it (CVE-2011-0411)",
  hint: "update the server: whoever is on the way can put words into a protected session",
  grade: "critical",
};

function weaknessesOf(peer: Peer, target: Target): Weakness[] {
  const found: Weakness[] = [];
  const { secure } = peer.connection;
  const offered = peer.beforeLogin ?? peer.capabilities;
  const inClear: Capabilities | undefined = secure ? peer.beforeTls : offered;
  const showing = [
    ...(inClear?.has("USER") === true ? ["USER"] : []),
    ...(inClear?.mechanisms ?? []).filter((mechanism) => SHOWING.includes(mechanism)),
  ];
  if (showing.length > 0) {
    found.push({
      what: `a login that shows the password is offered in clear (${showing.join(" ")})`,
      hint: "let the server offer logins after STLS alone",
      grade: "critical",
    });
  }
  if (target.tls === "upgrade" && !secure && offered?.has("STLS") !== true) {
    found.push({
      what: "STLS is not offered: mail and passwords go in clear",
      hint: "give the server a certificate",
      grade: "warning",
    });
  }
  return found;
}

async function isInjectable(target: Target, context: Context): Promise<boolean> {
  const { host, port, url } = target;
  const { dialogue } = new Peer(await context.dial({ host, port, scheme: url.scheme }));
  const isOk = ({ status }: StatusReply) => status === "ok";
  return takesInjected({
    dialogue,
    approach: () => dialogue.greeting(),
    start: commandLine("STLS"),
    agrees: isOk,
    injected: commandLine("USER", "nobody"),
    obeys: isOk,
  });
}
