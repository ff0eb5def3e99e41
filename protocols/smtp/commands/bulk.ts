/** `porthole smtp bulk URL LIST --template FILE`: one mail for each row of a list. */
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { buffer } from "node:stream/consumers";
import { localError, PortholeError } from "../../../src/errors.js";
import { compose } from "../../../src/message/compose.js";
import type { Command, Invocation, Output } from "../../../src/plugin.js";
import { safeLine } from "../../../src/text/safe.js";
import { Journal } from "../../../src/verbs/journal.js";
import type { Outcome, State } from "../bulk/letter.js";
import { MailingList } from "../bulk/list.js";
import { mailed } from "../bulk/mailing.js";
import type { Row } from "../bulk/rows.js";
import { Template } from "../bulk/template.js";
import { deliveryOf } from "../delivery.js";
import { reached } from "../opened.js";
import { record, textOption, wrongUsage } from "./words.js";

const USAGE = "bulk URL LIST.csv|LIST.ndjson|- --template FILE";
const MOST_TEMPLATE = 32 * 1024 * 1024;
const RETRIES = 3;
/** Seconds. */
const BACK_OFF = 30;
/** Connections: more is what servers take for an attack. */
const MOST_JOBS = 50;

export const bulk: Command = async function* (invocation) {
  const [url, named, ...more] = invocation.words;
  const file = textOption(invocation, "template");
  if (url === undefined || named === undefined || file === undefined || more.length > 0)
    throw wrongUsage(USAGE);
  const template = await templateIn(file);
  await using list = await MailingList.open(named, invocation.stdin);
  await checkList(list, template);
  if (invocation.options["dry-run"] === true) {
    yield* shown(list, template);
    return;
  }
  const { target, context } = reached(invocation, url);
  const journal = await journalFor(invocation, context.stateFolder, [
    "smtp-bulk",
    target.href(""),
    list.mark,
    resolve(file),
  ]);
  const counts: Record<State | "before", number> = {
    accepted: 0,
    refused: 0,
    unknown: 0,
    later: 0,
    wrong: 0,
    before: 0,
  };
  const began = performance.now();
  let whole = false;
  try {
    const outcomes = mailed(target, context, {
      rows: list.rows(),
      template,
      journal,
      delivery: deliveryOf(context.options),
      jobs: Math.min(MOST_JOBS, context.policy.jobs),
      rate: textOption(invocation, "rate"),
      ratePerConnection: textOption(invocation, "rate-per-connection"),
      retries: numberOption(invocation, "retry", RETRIES),
      backOff: numberOption(invocation, "back-off", BACK_OFF) * 1000,
      resendUnknown: invocation.options["resend-unknown"] === true,
    });
    for await (const outcome of outcomes) {
      if (outcome.before) counts.before += 1;
      if (!outcome.before || outcome.state === "unknown") counts[outcome.state] += 1;
      if (!outcome.before || outcome.state === "unknown") yield told(outcome);
    }
    whole = true;
  } finally {
    // What is answered for good need not be remembered: the next run of the same words is a new mailing.
    if (whole && counts.later === 0 && counts.unknown === 0) await journal?.discard();
    else await journal?.close();
  }
  const seconds = Math.round(performance.now() - began) / 1000;
  const { accepted, refused, unknown, later, wrong, before } = counts;
  yield record(
    `${accepted} accepted, ${refused} refused, ${unknown} unknown, ${later} to be tried later, ${wrong} rows without a mail, ${before} known from before, in ${seconds} s`,
    { event: "done", ...counts, seconds },
  );
  const undone = refused + unknown + later + wrong;
  if (undone === 0) return;
  throw new PortholeError(
    "partial",
    `${undone} of ${undone + accepted} ${undone === 1 ? "was" : "were"} not accepted`,
    {
      hint: hintFor(counts),
    },
  );
};

function hintFor({ unknown, later }: Record<State, number>): string | undefined {
  if (later > 0) return "the same command tries again those that were refused for now, and nobody else";
  return unknown > 0
    ? "the same command with --resend-unknown sends again to those whose fate is unknown"
    : "all are answered, so the same command would begin anew, with everybody: give it a list of those who are left";
}

function told({ line, recipient, state, reply, messageId }: Outcome): Output {
  const who = recipient === "" ? `line ${line}` : recipient;
  return record(`${state} ${safeLine(who)} (${safeLine(reply)})`, {
    event: state,
    line,
    recipient,
    reply,
    messageId,
  });
}

async function templateIn(file: string): Promise<Template> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (thrown) {
    throw localError(thrown, file);
  }
  if (text.length > MOST_TEMPLATE) throw new PortholeError("usage", `${file} is too large for a template`);
  return Template.parse(text);
}

/** Before the first mail goes out: the list can be read, and has what the template asks for. */
async function checkList(list: MailingList, template: Template): Promise<void> {
  for await (const row of list.rows()) {
    const missing = [...template.places].find((name) => !row.fields.has(name));
    if (missing === undefined) continue;
    const names = [...row.fields.keys()];
    const there = names.slice(0, 20).join(", ");
    // As spreadsheets save where the comma is in numbers.
    const otherwise = names.length === 1 && /[;\t]/.test(there);
    throw new PortholeError(
      "usage",
      `${list.shown}, line ${row.line}: there is no field ${missing}, and the template asks for it`,
      {
        hint: otherwise
          ? `save it with commas between the fields: its first line is '${there}'`
          : `there are ${there}`,
      },
    );
  }
}

/** @throws PortholeError `partial`, in the end, where a row makes no mail: a script that tries its list sees it */
async function* shown(list: MailingList, template: Template): AsyncGenerator<Output, void, undefined> {
  let [rows, wrong] = [0, 0];
  for await (const row of list.rows()) {
    const output = await letterShown(row, template);
    rows += 1;
    if (output.wrong) wrong += 1;
    yield output.output;
  }
  if (wrong === 0) return;
  throw new PortholeError("partial", `${wrong} of ${rows} ${rows === 1 ? "row" : "rows"} would make no mail`);
}

async function letterShown(row: Row, template: Template): Promise<{ output: Output; wrong: boolean }> {
  try {
    const mail = await compose(template.fill(row));
    const text = (await buffer(mail.raw())).toString("utf8");
    const { from, to } = mail.envelope;
    const output = record(`envelope: ${from} -> ${to.join(", ")}\n${text}`, {
      event: "dry-run",
      line: row.line,
      envelope: { from, to },
      message: text,
    });
    return { output, wrong: false };
  } catch (thrown) {
    if (!(thrown instanceof PortholeError) || thrown.code !== "usage") throw thrown;
    const output = record(`wrong line ${row.line} (${thrown.message})`, {
      event: "wrong",
      line: row.line,
      reply: thrown.message,
    });
    return { output, wrong: true };
  }
}

/** @throws PortholeError `local` when another run is at the same mailing */
async function journalFor(
  invocation: Invocation,
  folder: string | undefined,
  job: readonly string[],
): Promise<Journal | undefined> {
  if (folder !== undefined) {
    const again = invocation.options["again"] === true;
    return Journal.openAlone(join(folder, "mailings"), job, "this mailing", again);
  }
  invocation.warn("there is no folder for a journal: a run that is cut off cannot be continued");
  return undefined;
}

function numberOption({ options }: Invocation, flag: string, usual: number): number {
  const value = options[flag];
  return typeof value === "number" && value >= 0 ? value : usual;
}
