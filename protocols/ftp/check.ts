/** What `check` tells of an FTP server. */
import { PortholeError } from "../../src/errors.js";
import { Dialogue } from "../../src/net/dialogue.js";
import { takesInjected } from "../../src/net/injection.js";
import type { CheckStep, Context, Target, Weakness } from "../../src/plugin.js";
import { commandLine } from "../../src/wire/command.js";
import { type Reply, ThreeDigitReplyReader } from "../../src/wire/replies.js";
import type { Control } from "./control.js";
import { textOf } from "./octets.js";
import { refusal, wordsOf } from "./refusal.js";

export async function* checkSteps(
  control: Control,
  target: Target,
  context: Context,
): AsyncGenerator<CheckStep, void, undefined> {
  const { met } = control;
  if (met !== undefined) {
    yield { step: "greeting", ok: true, ms: met.ms, detail: textOf(wordsOf(met.greeting)) };
  }
  const asked = performance.now();
  const features = (await control.featureLines()).map((line) => textOf(line));
  const weaknesses = weaknessesOf(control, target, features);
  if (target.tls === "upgrade" && hadTls(control) && (await isInjectable(target, context)))
    weaknesses.push(INJECTABLE);
  yield {
    step: "capabilities",
    ok: true,
    ms: performance.now() - asked,
    detail: features.length === 0 ? "none told" : features.join(", "),
    facts: { features },
    weaknesses,
  };
  const user = target.url.user ?? "anonymous";
  yield { step: "login", ok: true, ms: control.loginMs, detail: `as ${user}` };
  const began = performance.now();
  const reply = await control.ask("NOOP");
  // RFC 959, 5.1 asks every server for NOOP; one without it has answered all the same.
  if (reply.code >= 300 && reply.code < 500) throw refusal(reply);
  yield { step: "roundtrip", ok: true, ms: performance.now() - began, detail: textOf(wordsOf(reply)) };
}

function weaknessesOf(control: Control, target: Target, features: readonly string[]): Weakness[] {
  if (hadTls(control)) {
    if (control.protectedData) return [];
    return [
      {
        what: "files and listings go in clear, though the login does not",
        hint: "let the server accept PROT P",
        grade: "warning",
      },
    ];
  }
  if (target.tls !== "upgrade") return [];
  const offered = features.some((line) => /^AUTH\b.*\b(?:TLS|SSL)/i.test(line));
  return [
    offered
      ? {
          what: "passwords are taken in clear, too",
          hint: "--starttls require protects yours; let the server demand TLS",
          grade: "warning",
        }
      : {
          what: "the server has no TLS: passwords and files go in clear",
          hint: "let the server offer AUTH TLS",
          grade: "warning",
        },
  ];
}

/** For the login, at least: --ccc takes it off again. */
function hadTls({ connection }: Control): boolean {
  return connection.facts.tls !== undefined;
}

const INJECTABLE: Weakness = {
  what: "commands sent in clear before AUTH TLS are obeyed after it (CVE-2011-0411)",
  hint: "update the server: whoever is on the way can put words into a protected session",
  grade: "critical",
};

async function isInjectable({ host, port, url }: Target, context: Context): Promise<boolean> {
  const dialogue = new Dialogue<Reply>(await context.dial({ host, port, scheme: url.scheme }), {
    maxUnanswered: 1,
    replies: new ThreeDigitReplyReader({ multiline: "bracketed" }),
    unsolicited: () => new PortholeError("protocol", "the server answered what nobody had asked"),
  });
  return takesInjected({
    dialogue,
    approach: () => dialogue.greeting(),
    start: commandLine("AUTH", "TLS"),
    agrees: ({ code }) => code === 234,
    // Before a login many servers answer nothing else.
    injected: commandLine("USER", "nobody"),
    obeys: ({ code }) => code === 230 || code === 331,
  });
}
