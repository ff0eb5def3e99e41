/** What `check` tells of an FTP server. */
import type { CheckStep, Target, Weakness } from "../../src/plugin.js";
import type { Control } from "./control.js";
import { textOf } from "./octets.js";
import { refusal, wordsOf } from "./refusal.js";

export async function* checkSteps(
  control: Control,
  target: Target,
): AsyncGenerator<CheckStep, void, undefined> {
  const { met } = control;
  if (met !== undefined) {
    yield { step: "greeting", ok: true, ms: met.ms, detail: textOf(wordsOf(met.greeting)) };
  }
  const asked = performance.now();
  const features = (await control.featureLines()).map((line) => textOf(line));
  yield {
    step: "capabilities",
    ok: true,
    ms: performance.now() - asked,
    detail: features.length === 0 ? "none told" : features.join(", "),
    facts: { features },
    weaknesses: weaknessesOf(control, target, features),
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
  const { secure } = control.connection;
  if (secure) {
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
