/** Takes argv apart by the tables of options, with Node's own tokeniser: it loads in no time and keeps the order. */
import { parseArgs } from "node:util";
import { PortholeError } from "../errors.js";
import type { OptionSpec, Options, OptionValue } from "../plugin.js";
import { nearest } from "../spelling.js";

/**
 * @param known every option there is: where an option's value ends must be known before the verb is
 * @param elsewhere what is written here for an option of another program, as it stands on the line
 * @throws PortholeError `usage` for an unknown option, with the nearest right spelling, or a value that does not fit
 */
export function splitArgv(
  argv: readonly string[],
  known: readonly OptionSpec[],
  elsewhere: (written: string) => string | undefined = () => undefined,
): { words: string[]; options: Options } {
  const byFlag = new Map(known.map((option) => [option.flag, option]));
  const tokens = tokensOf(argv, known);
  const words: string[] = [];
  const options: Record<string, OptionValue> = {};
  const steps: string[] = [];
  for (const token of tokens) {
    if (token.kind === "positional") words.push(token.value);
    if (token.kind !== "option") continue;
    const option = byFlag.get(token.name);
    if (option?.type === "step") options[option.flag] = withStep(steps, option, token.value);
    else if (option !== undefined) options[option.flag] = added(options[option.flag], option, token.value);
    else {
      const negated = token.rawName.startsWith("--no-") ? byFlag.get(token.name.slice(3)) : undefined;
      // Of `-tls` the tokeniser tells the first letter alone.
      const hint = elsewhere(argv[token.index] ?? token.rawName) ?? elsewhere(token.rawName);
      if (negated?.type !== "boolean") throw unknownOption(token.rawName, known, hint);
      options[negated.flag] = false;
    }
  }
  return { words, options };
}

/** What is no option and no option's value, whatever else is wrong. */
export function wordsIn(argv: readonly string[], known: readonly OptionSpec[]): string[] {
  return tokensOf(argv, known).flatMap((token) => (token.kind === "positional" ? [token.value] : []));
}

function tokensOf(argv: readonly string[], known: readonly OptionSpec[]) {
  const { flags, letters } = named(argv);
  const { tokens } = parseArgs({
    args: argv.map((word) => (word === "--netrc" ? "--netrc=" : word)),
    options: Object.fromEntries(
      known
        .filter(({ flag, alias }) => flags.has(flag) || (alias !== undefined && letters.has(alias)))
        .map(({ flag, alias, type }) => [
          flag,
          { type: isFlag(type) ? "boolean" : "string", ...(alias === undefined ? {} : { short: alias }) },
        ]),
    ),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  return tokens;
}

/** All flags and letters that may be on the line: the tokeniser looks at each option that it is told of, and there are hundreds. */
function named(argv: readonly string[]): { flags: ReadonlySet<string>; letters: ReadonlySet<string> } {
  const flags = new Set<string>();
  const letters = new Set<string>();
  for (const word of argv) {
    if (word.startsWith("--")) flags.add(word.slice(2).split("=", 1)[0] ?? "");
    else if (word.startsWith("-")) for (const letter of word) letters.add(letter);
  }
  return { flags, letters };
}

function isFlag(type: OptionSpec["type"]): boolean {
  return type === "boolean" || type === "count";
}

/** The steps so far and one more: all options of this kind have the same list, for their order counts together. */
function withStep(steps: string[], option: OptionSpec, text: string | undefined): string[] {
  if (text === undefined) throw noValue(option);
  steps.push(`${option.flag}=${text}`);
  return steps;
}

/** The option's value after it was met once more: later ones replace, lists and counts grow. */
function added(before: OptionValue, option: OptionSpec, text: string | undefined): OptionValue {
  if (isFlag(option.type)) {
    if (text !== undefined) throw new PortholeError("usage", `--${option.flag} takes no value`);
    return option.type === "count" ? Number(before ?? 0) + 1 : true;
  }
  if (text === undefined) {
    throw new PortholeError("usage", `--${option.flag} wants a value`, {
      hint: `write --${option.flag} ${option.placeholder ?? option.choices?.join("|") ?? "VALUE"}`,
    });
  }
  if (option.type === "list") return [...(Array.isArray(before) ? before : []), text];
  return checkedValue(text, option);
}

function noValue({ flag, placeholder }: OptionSpec): PortholeError {
  return new PortholeError("usage", `--${flag} wants a value: ${placeholder ?? "VALUE"}`);
}

/** A value as its option wants it. @throws PortholeError `usage` */
function checkedValue(text: string, option: OptionSpec): string | number {
  if (option.choices !== undefined && !option.choices.includes(text)) {
    const guess = nearest(text, option.choices);
    throw new PortholeError("usage", `--${option.flag} takes ${option.choices.join(", ")}, not '${text}'`, {
      hint: guess === undefined ? undefined : `did you mean ${guess}?`,
    });
  }
  if (option.type !== "number") return text;
  const number = Number(text);
  if (!/^\d+(?:\.\d+)?$/.test(text) || !Number.isFinite(number)) {
    throw new PortholeError("usage", `--${option.flag} takes a number, not '${text}'`);
  }
  return number;
}

function unknownOption(
  written: string,
  known: readonly OptionSpec[],
  elsewhere: string | undefined,
): PortholeError {
  const name = written.replace(/^-+/, "");
  const negations = known.filter(({ type }) => type === "boolean").map(({ flag }) => `no-${flag}`);
  // One letter is near to every other.
  const guess =
    name.length === 1
      ? undefined
      : nearest(name, [...known.map(({ flag }) => flag), ...(name.startsWith("no-") ? negations : [])]);
  return new PortholeError("usage", `unknown option ${written}`, {
    hint:
      elsewhere ?? (guess === undefined ? "`porthole --help` lists the options" : `did you mean --${guess}?`),
  });
}
