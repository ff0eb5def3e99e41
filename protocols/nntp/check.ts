/** What `check` tells of a news server. */
import { takesInjected } from "../../src/net/injection.js";
import type { CheckStep, Target, Weakness } from "../../src/plugin.js";
import { commandLine } from "../../src/wire/command.js";
import type { Line } from "./line.js";
import { Peer } from "./peer.js";
import { refusal, wordsOf } from "./refusal.js";

/** SASL mechanisms that show the password to whoever listens. */
const SHOWING: ReadonlySet<string> = new Set(["PLAIN", "LOGIN", "XOAUTH2"]);

export async function* checkSteps(line: Line): AsyncGenerator<CheckStep, void, undefined> {
  const peer = await line.peer();
  const { greeting, capabilities, times } = peer;
  const posting = peer.postingAllowed ? "posting allowed" : "reading only";
  yield {
    step: "greeting",
    ok: true,
    ms: times.greeting,
    detail: `${greeting === undefined ? "" : wordsOf(greeting)} (${posting})`.trim(),
  };
  const labels = capabilities?.toJSON() ?? {};
  const weaknesses = weaknessesOf(peer, line.target);
  const startsTls =
    line.target.tls === "upgrade" && (peer.connection.secure || capabilities?.has("STARTTLS") === true);
  if (startsTls && (await isInjectable(line))) weaknesses.push(INJECTABLE);
  yield {
    step: "capabilities",
    ok: true,
    ms: times.capabilities,
    detail:
      capabilities === undefined
        ? "none told: a server from before RFC 3977"
        : Object.keys(labels).join(", "),
    facts: { capabilities: labels },
    weaknesses,
  };
  if (peer.loggedIn) {
    yield { step: "login", ok: true, ms: times.login, detail: `as ${line.target.url.user ?? "configured"}` };
  }
  const began = performance.now();
  const reply = await peer.ask(["DATE"]);
  // RFC 3977, 7.1; one that does not know it has answered all the same.
  if (reply.code >= 400 && reply.code < 500 && reply.code !== 480)
    throw refusal(reply, "the server does not answer");
  yield { step: "roundtrip", ok: true, ms: performance.now() - began, detail: wordsOf(reply) };
}

function weaknessesOf(peer: Peer, target: Target): Weakness[] {
  const { capabilities, connection } = peer;
  if (connection.secure || target.tls !== "upgrade") return [];
  const showing = [
    ...(capabilities?.offers("AUTHINFO", "USER") === true ? ["USER"] : []),
    ...(capabilities?.mechanisms ?? []).filter((mechanism) => SHOWING.has(mechanism)),
  ];
  const found: Weakness[] = [];
  if (showing.length > 0) {
    found.push({
      what: `a login that shows the password is offered in clear (${showing.join(" ")})`,
      hint: "let the server offer logins after STARTTLS alone",
      grade: "critical",
    });
  }
  if (capabilities?.has("STARTTLS") !== true) {
    found.push({
      what: "the server has no TLS on this port: what is read and posted goes in clear",
      hint: "let the server offer STARTTLS, or use nntps:",
      grade: "warning",
    });
  }
  return found;
}

const INJECTABLE: Weakness = {
  what: "commands sent in clear before STARTTLS are obeyed after it (CVE-2011-0411)",
  hint: "update the server: whoever is on the way can put words into a protected session",
  grade: "critical",
};

async function isInjectable({ target, context }: Line): Promise<boolean> {
  const { host, port, url } = target;
  const { dialogue } = new Peer(await context.dial({ host, port, scheme: url.scheme }));
  return takesInjected({
    dialogue,
    approach: () => dialogue.greeting(),
    start: commandLine("STARTTLS"),
    agrees: ({ code }) => code === 382,
    injected: commandLine("DATE"),
    obeys: ({ code }) => code === 111,
  });
}
