/** What only Gopher can do: attributes and forms of Gopher+, what a server says of itself, a hole gone through. */
import { PortholeError } from "../../src/errors.js";
import type { Command, Invocation, JsonObject, Output } from "../../src/plugin.js";
import { parseCaps, parseRobots } from "./caps.js";
import { crawl } from "./crawl.js";
import { factsAt } from "./facts.js";
import { openedBy, urlOf } from "./opened.js";
import { type PlusBlock, parseQuestion, parseView } from "./plus.js";

async function* attributes(invocation: Invocation): AsyncGenerator<Output> {
  const { gopher, target } = await openedBy(invocation, urlOf(invocation));
  for (const block of await gopher.attributes(target.path, invocation.options["all"] === true)) {
    yield { kind: "record", text: textOf(block), data: dataOf(block) };
  }
}

function textOf({ name, rest, lines }: PlusBlock): string {
  return [
    `+${name}${rest === "" ? "" : ` ${rest.replaceAll("\t", "  ")}`}`,
    ...lines.map((line) => `  ${line}`),
  ].join("\n");
}

function dataOf({ name, rest, lines }: PlusBlock): JsonObject {
  const views = name === "VIEWS" ? lines.flatMap((line) => parseView(line) ?? []) : [];
  const questions = name === "ASK" ? lines.flatMap((line) => parseQuestion(line) ?? []) : [];
  return {
    block: name,
    ...(rest === "" ? {} : { line: rest }),
    lines,
    ...(views.length === 0 ? {} : { views: views.map((view) => ({ ...view })) }),
    ...(questions.length === 0 ? {} : { questions: questions.map((question) => ({ ...question })) }),
  };
}

async function* ask(invocation: Invocation): AsyncGenerator<Output> {
  const { session, target } = await openedBy(invocation, urlOf(invocation));
  const questions = await session.form?.(target.path);
  if (questions === undefined || session.fillIn === undefined) {
    throw new PortholeError("usage", "the item asks nothing");
  }
  const { answer } = invocation.options;
  const given = Array.isArray(answer) ? answer.map(String) : [];
  if (given.length > questions.length) {
    throw new PortholeError("usage", `${given.length} answers to ${questions.length} questions`, {
      hint: questions.map(({ question }) => question).join("; "),
    });
  }
  const answers = questions.map(({ question, proposed, lines }, at) => {
    const said = (lines === true ? withLineBreaks(given[at]) : given[at]) ?? proposed;
    if (said === "" && given[at] === undefined) {
      throw new PortholeError("usage", `the form asks: ${question}`, {
        hint: "answer it with --answer TEXT",
      });
    }
    return said;
  });
  yield { kind: "document", document: await session.fillIn(target.path, answers) };
}

/** A line break is hard to type in an argument: `\n` is one, and `\\` a backslash. */
function withLineBreaks(answer: string | undefined): string | undefined {
  return answer?.replace(/\\([\\n])/g, (_escape, character) => (character === "n" ? "\n" : "\\"));
}

async function* caps(invocation: Invocation): AsyncGenerator<Output> {
  const { session } = await openedBy(invocation, urlOf(invocation));
  const told = parseCaps(await factsAt(session, "/0caps.txt"));
  const robots = parseRobots(await factsAt(session, "/0robots.txt"));
  if (told === undefined && robots.length === 0) {
    throw new PortholeError("missing", "the server has neither caps.txt nor robots.txt");
  }
  const rows = [
    ...Object.entries(told ?? {}).map(([key, value]) => `${key}: ${value}`),
    ...robots.map((prefix) => `robots stay out of ${prefix === "" ? "all of it" : prefix}`),
  ];
  yield {
    kind: "record",
    text: rows.join("\n"),
    data: { ...(told === undefined ? {} : { caps: told }), robots: { disallow: robots } },
  };
}

export const commands: Readonly<Record<string, Command>> = { attributes, ask, caps, crawl };
