/** `porthole smtp probe URL`: a server tried step by step. */
import { buffer } from "node:stream/consumers";
import { PortholeError } from "../../../src/errors.js";
import { parseMailbox } from "../../../src/message/address.js";
import type { Command, Output } from "../../../src/plugin.js";
import { reached } from "../opened.js";
import { PROBE_STAGES, type ProbeStep, type ProbeWishes, probe } from "../probe.js";
import { listOption, record, textOption, wrongUsage } from "./words.js";

export const probeCommand: Command = async function* (invocation) {
  const [url, ...more] = invocation.words;
  if (url === undefined || more.length > 0) throw wrongUsage("probe URL");
  const from = textOption(invocation, "from");
  const to = listOption(invocation, "to").map((one) => parseMailbox(one, "the recipient").address);
  const stage = textOption(invocation, "stop-after");
  const stopAfter = PROBE_STAGES.find((one) => one === stage);
  const sender =
    from === undefined || /^(?:<>)?$/.test(from.trim())
      ? from && ""
      : parseMailbox(from, "the sender").address;
  const wishes: ProbeWishes = {
    to,
    ...(sender === undefined ? {} : { from: sender }),
    ...(stopAfter === undefined ? {} : { stopAfter }),
    ...(invocation.options["send"] === true ? { message: await testMail(sender, to) } : {}),
  };
  const { target, context } = reached(invocation, url);
  const failures: ProbeStep[] = [];
  let recipients = 0;
  for await (const step of probe(target, context, wishes)) {
    yield shown(step, target.href(target.path));
    if (step.step === "rcpt") recipients += 1;
    if (!step.ok) failures.push(step);
  }
  const [first] = failures;
  if (first?.error === undefined) return;
  const refused = failures.filter(({ step }) => step === "rcpt").length;
  if (refused === 0 || refused < failures.length || refused === recipients) throw first.error;
  throw new PortholeError("partial", `${refused} of ${recipients} recipients were refused`, {
    reply: first.error.reply,
  });
};

async function testMail(
  from: string | undefined,
  to: readonly string[],
): Promise<{ readonly octets: Buffer; readonly messageId: string }> {
  const { compose } = await import("../../../src/message/compose.js");
  const mail = await compose({
    from: from === undefined || from === "" ? "porthole-probe@localhost" : from,
    to,
  });
  return { octets: await buffer(mail.raw()), messageId: mail.messageId };
}

function shown(step: ProbeStep, url: string): Output {
  const { step: name, ok, ms, detail, facts, weaknesses = [], error } = step;
  const rounded = Math.round(ms * 100) / 100;
  const lines = [
    `${name.padEnd(8)}${ok ? "ok    " : "FAILED"} ${rounded.toFixed(1).padStart(8)} ms  ${detail}`,
    ...weaknesses.map(({ what, hint, grade }) => `        ${grade}: ${what} - ${hint}`),
  ];
  return record(lines.join("\n"), {
    url,
    step: name,
    ok,
    ms: rounded,
    detail,
    ...facts,
    ...(weaknesses.length === 0 ? {} : { weaknesses: weaknesses.map((weakness) => ({ ...weakness })) }),
    ...(error === undefined ? {} : { error: { ...error.toJSON() } }),
  });
}
