/**
 * Gopher+ (University of Minnesota, 1993): replies that say how long they are, and blocks of what is known of an item.
 * Octets in, blocks out.
 */
import { PortholeError } from "../../src/errors.js";
import type { FormQuestion } from "../../src/plugin.js";
import { LF } from "../../src/wire/octets.js";
import { decodeWords } from "../../src/wire/words.js";

/** How a reply ends: after so many octets, with a lone dot, or with the connection. */
export type PlusLength = number | "dot" | "close";

/** One block: `+ADMIN`, `+VIEWS`, `+ABSTRACT`, `+ASK`; for `+INFO`, `rest` is the menu's line. */
export interface PlusBlock {
  /** Upper case, without its plus. */
  readonly name: string;
  readonly rest: string;
  readonly lines: readonly string[];
}

/** Octets of all blocks of one item. */
export const LONGEST_BLOCKS = 1024 * 1024;
const MOST_BLOCKS = 10_000;

/**
 * The first line of a reply: `+5340`, `+-1`, `+-2`; undefined when it is none, as from servers without Gopher+.
 * @throws PortholeError `missing`, `busy` or `refused` for an error, with the server's words
 */
export function parsePlusHead(line: string, after: string): PlusLength | undefined {
  const [, sign, number] = /^([+-])(-?\d{1,15})\s*$/.exec(line) ?? [];
  if (sign === undefined) return undefined;
  if (sign === "-") {
    // 1: not available, 2: try again later, 3: it has moved.
    const words = after.split(/\r?\n|\r/)[0]?.trim() ?? "";
    const code = number === "2" ? "busy" : number === "1" ? "missing" : "refused";
    throw new PortholeError(code, "the server has no such item", { reply: words });
  }
  if (number === "-1") return "dot";
  if (number === "-2") return "close";
  const length = Number(number);
  return length >= 0 ? length : undefined;
}

/** Where the first line of a reply ends, from 0; -1 while it has not. */
export function endOfHead(octets: Buffer): number {
  return octets.indexOf(LF);
}

/** Blocks as servers write them: with a colon after their name or without, lines indented by a blank or not. */
export function parseBlocks(octets: Buffer): PlusBlock[] {
  const blocks: { name: string; rest: string; lines: string[] }[] = [];
  for (const line of decodeWords(octets).split(/\r\n|\n|\r/)) {
    if (line === ".") break;
    const [, name, rest] = /^\+([A-Za-z][A-Za-z0-9_-]*):?[ \t]?(.*)$/.exec(line) ?? [];
    if (name !== undefined) {
      if (blocks.length >= MOST_BLOCKS) break;
      blocks.push({ name: name.toUpperCase(), rest: rest ?? "", lines: [] });
    } else if (line !== "" || blocks.length > 0) blocks.at(-1)?.lines.push(line.replace(/^ /, ""));
  }
  return blocks.map((block) => ({ ...block, lines: withoutEmptyEnd(block.lines) }));
}

function withoutEmptyEnd(lines: readonly string[]): string[] {
  const last = lines.findLastIndex((line) => line !== "");
  return lines.slice(0, last + 1);
}

/** One way in which an item can be had: `text/plain En_US: <10k>`. */
export interface PlusView {
  readonly type: string;
  readonly language?: string;
  /** As written: `10k`. */
  readonly size?: string;
}

export function parseView(line: string): PlusView | undefined {
  const [, type, language, size] =
    /^\s*([^\s:]+)(?:\s+([A-Za-z_]+))?\s*:?\s*(?:<?([^<>]*)>?)?\s*$/.exec(line) ?? [];
  if (type === undefined) return undefined;
  return {
    type,
    ...(language === undefined ? {} : { language }),
    ...(size === undefined || size === "" ? {} : { size }),
  };
}

/** One question of a form: `Ask: Your name?<TAB>default`. */
export interface PlusQuestion {
  readonly kind: "ask" | "askp" | "askl" | "askf" | "select" | "choose" | "choosef" | "note";
  readonly question: string;
  readonly choices: readonly string[];
}

const KINDS = /^(askp|askl|askf|ask|select|choosef|choose|note)$/i;

export function parseQuestion(line: string): PlusQuestion | undefined {
  const [, word = "", rest = ""] = /^\s*(\w+):\s*(.*)$/.exec(line) ?? [];
  if (!KINDS.test(word)) return undefined;
  const [question = "", ...choices] = rest.split("\t");
  const kind = word.toLowerCase();
  if (!isKind(kind)) return undefined;
  // `Select: Urgent?:1` has its state behind a colon; so the client of the protocol's authors reads it.
  const [, asked, state] = (kind === "select" && /^(.*):([01])$/.exec(question)) || [];
  if (asked !== undefined && state !== undefined) return { kind, question: asked, choices: [state] };
  return { kind, question, choices };
}

function isKind(word: string): word is PlusQuestion["kind"] {
  return KINDS.test(word);
}

/** The questions to be answered; notes, to which no answer is sent, stand with the question that they come before. */
export function formOf(questions: readonly PlusQuestion[]): PlusFormQuestion[] {
  let notes: string[] = [];
  return questions.flatMap((question) => {
    if (question.kind === "note") {
      notes.push(question.question);
      return [];
    }
    const asked = formQuestion(question);
    const note = notes.join(" ");
    notes = [];
    return [note === "" ? asked : { ...asked, note }];
  });
}

/** As the contract has questions, and what they are, on which it depends how they are answered. */
export interface PlusFormQuestion extends FormQuestion {
  readonly kind: PlusQuestion["kind"];
}

function formQuestion({ kind, question, choices }: PlusQuestion): PlusFormQuestion {
  const [first = ""] = choices;
  return {
    kind,
    question,
    proposed: kind === "select" && first === "" ? "0" : first,
    choices: kind === "choose" ? choices : kind === "select" ? ["0", "1"] : [],
    hidden: kind === "askp",
    // The file that ChooseF wants goes there as its lines.
    ...(kind === "askl" || kind === "choosef" ? { lines: true } : {}),
  };
}

/**
 * The answers to a form as they are sent behind the request: a data block with a line for each answer, ended by a dot
 * (Gopher+, 2.8). Where several lines are asked for (AskL), their count stands before them. The one file that may be sent
 * (ChooseF) is the remainder of the block, uncounted.
 * @throws PortholeError `usage` for a control character in an answer, and for answers too few or too many
 */
export function answersBlock(questions: readonly PlusFormQuestion[], answers: readonly string[]): Buffer {
  if (answers.length !== questions.length) {
    throw new PortholeError("usage", `${answers.length} answers to ${questions.length} questions`);
  }
  const isFile = ({ kind }: PlusFormQuestion) => kind === "choosef";
  if (questions.filter(isFile).length > 1) {
    throw new PortholeError("usage", "the form wants more than one file, and Gopher+ can send but one");
  }
  const answered = questions.map((question, at) => ({ question, answer: answers[at] ?? "" }));
  const lines = [
    ...answered.filter(({ question }) => !isFile(question)),
    ...answered.filter(({ question }) => isFile(question)),
  ].flatMap(({ question, answer }) => linesOf(question, answer));
  return Buffer.from(["+-1", ...lines.map(stuffed), ".", ""].join("\r\n"));
}

function linesOf({ kind, lines }: PlusFormQuestion, answer: string): readonly string[] {
  const pieces = lines === true && answer === "" ? [] : lines === true ? answer.split(/\r\n|\n/) : [answer];
  if (pieces.some((piece) => /[\r\n\0]/.test(piece))) {
    throw new PortholeError("usage", "an answer cannot hold a line break");
  }
  if (kind === "choosef") return pieces;
  if (lines === true) return [String(pieces.length), ...pieces];
  if (kind === "select" && /^(?:y|yes|no?)$/i.test(answer)) return [/^y/i.test(answer) ? "1" : "0"];
  return pieces;
}

function stuffed(line: string): string {
  return line.startsWith(".") ? `.${line}` : line;
}
