/** From argv to a word, what follows it, and its options: checked against the tables before anything is sent. */
import { PortholeError } from "../errors.js";
import type { CommandSpec, Manifest, OptionSpec, Options } from "../plugin.js";
import type { Registry } from "../registry.js";
import { nearest } from "../spelling.js";
import { withoutPassword } from "../url.js";
import { splitArgv, wordsIn } from "./argv.js";
import type { OwnCommand } from "./command.js";
import { refuseNegated } from "./negated-words.js";
import { otherName } from "./other-names.js";
import { asUrl } from "./plain-host.js";
import { ALL_SHARED } from "./shared-options.js";
import {
  furtherWordsOf,
  OPEN,
  sendCommandOptions,
  verbsOf,
  WORDS,
  type WordSpec,
  wordNamed,
} from "./verbs.js";

export type CommandLine =
  | { readonly kind: "help"; readonly topic: HelpTopic }
  | { readonly kind: "version" }
  | {
      readonly kind: "word";
      readonly word: WordSpec;
      readonly words: readonly string[];
      readonly options: Options;
    }
  | {
      readonly kind: "own";
      readonly own: OwnCommand;
      readonly words: readonly string[];
      readonly options: Options;
    };

export type HelpTopic =
  | { readonly kind: "all" }
  | { readonly kind: "word"; readonly word: WordSpec }
  | { readonly kind: "protocol"; readonly manifest: Manifest }
  | { readonly kind: "own"; readonly own: OwnCommand };

/** @throws PortholeError `usage`, with the nearest right spelling where there is one */
export function parseCommandLine(argv: readonly string[], registry: Registry): CommandLine {
  refuseNegated(argv);
  const { words, options } = splitLine(argv, registry);
  if (options["version"] === true) return { kind: "version" };
  const found = findCommand(words, registry);
  if (options["help"] === true) return { kind: "help", topic: helpTopic(found) };
  if (found.kind === "none") return { kind: "help", topic: { kind: "all" } };
  if (found.kind === "protocol")
    return { kind: "help", topic: { kind: "protocol", manifest: found.manifest } };
  refuseWords(found);
  const allowed =
    found.kind === "own"
      ? optionsOfOwn(found.own)
      : [...found.word.options, ...commandOptions(found.word, registry), ...protocolOptions(registry)];
  const word = found.kind === "own" ? `${found.own.manifest.name} ${found.own.name}` : found.word.name;
  refuseStrangers(options, [...ALL_SHARED, ...allowed], word, argv, registry);
  return found.kind === "own"
    ? { kind: "own", own: found.own, words: found.rest, options }
    : { kind: "word", word: found.word, words: found.rest, options };
}

/** Words alone need no table of all options that there are. */
function splitLine(
  argv: readonly string[],
  registry: Registry,
): { readonly words: readonly string[]; readonly options: Options } {
  return argv.some((word) => word.startsWith("-"))
    ? splitArgv(argv, optionsFor(argv, registry), (written) => otherName(written, argv, registry))
    : { words: argv, options: {} };
}

type Found =
  | { readonly kind: "none" }
  | { readonly kind: "protocol"; readonly manifest: Manifest }
  | { readonly kind: "own"; readonly own: OwnCommand; readonly rest: readonly string[] }
  | { readonly kind: "word"; readonly word: WordSpec; readonly rest: readonly string[] };

function findCommand(words: readonly string[], registry: Registry): Found {
  const [first, second, ...rest] = words;
  if (first === undefined) return { kind: "none" };
  const word = wordNamed(first);
  if (word !== undefined) return { kind: "word", word, rest: words.slice(1) };
  const manifest = registry.named(first);
  if (manifest !== undefined) {
    if (second === undefined) return { kind: "protocol", manifest };
    const spec = manifest.commands.find(({ name }) => name === second);
    if (spec === undefined) throw unknownOwnCommand(second, manifest, rest);
    return { kind: "own", own: { manifest, name: spec.name }, rest };
  }
  if (looksLikeUrl(first)) return { kind: "word", word: OPEN, rest: words };
  throw unknownWord(first, registry);
}

/** Everything but a plain word: a scheme, a path, an account, a host with a dot or a port. */
function looksLikeUrl(text: string): boolean {
  return /[:/.@]/.test(text) || text === "localhost";
}

function helpTopic(found: Found): HelpTopic {
  switch (found.kind) {
    case "none":
      return { kind: "all" };
    case "protocol":
      return { kind: "protocol", manifest: found.manifest };
    case "own":
      return { kind: "own", own: found.own };
    case "word":
      return { kind: "word", word: found.word };
  }
}

/**
 * Every option there is; where a protocol's command means another thing by a flag (`--raw`) or a letter (`-p`) than the
 * rest, and the line begins with it, but for options, it decides.
 */
function optionsFor(argv: readonly string[], registry: Registry): OptionSpec[] {
  const [first = "", second] = argv[0]?.startsWith("-") ? wordsIn(argv, allOptions(registry)) : argv;
  const commands: readonly CommandSpec[] = registry.named(first)?.commands ?? [];
  const own = commands.find(({ name }) => name === second)?.options ?? [];
  const letters = new Set(own.flatMap(({ alias }) => alias ?? []));
  const others = allOptions(registry).map(({ alias, ...rest }): OptionSpec => {
    return alias === undefined || letters.has(alias) ? rest : { ...rest, alias };
  });
  return [...new Map([...others, ...own].map((option) => [option.flag, option])).values()];
}

/** Every option that any word or protocol has: where an option's value ends must be known before the word is. */
export function allOptions(registry: Registry): OptionSpec[] {
  const byFlag = new Map<string, OptionSpec>();
  const commands = registry.manifests.flatMap((manifest) => manifest.commands);
  for (const option of [
    ...ALL_SHARED,
    ...OPEN.options,
    ...WORDS.flatMap((word) => word.options),
    ...protocolOptions(registry),
    ...commands.flatMap((command) => command.options ?? []),
  ]) {
    byFlag.set(option.flag, option);
  }
  return [...byFlag.values()];
}

export function protocolOptions(registry: Registry): OptionSpec[] {
  return registry.manifests.flatMap((manifest) => manifest.options);
}

/** Of the commands that the word may stand for. */
function commandOptions({ name }: WordSpec, registry: Registry): OptionSpec[] {
  return name === "send" ? registry.manifests.flatMap(sendCommandOptions) : [];
}

function optionsOfOwn({ manifest, name }: OwnCommand): OptionSpec[] {
  const spec = manifest.commands.find((command) => command.name === name);
  return [...(spec?.options ?? []), ...manifest.options];
}

/** The tools that work on nothing but themselves. */
function refuseWords(found: Extract<Found, { kind: "word" | "own" }>): void {
  const [first] = found.rest;
  if (found.kind === "own" || found.word.usage !== "" || first === undefined) return;
  throw new PortholeError("usage", `${found.word.name} takes no '${withoutPassword(first)}'`, {
    hint: `porthole ${found.word.name} stands alone`,
  });
}

function refuseStrangers(
  options: Options,
  allowed: readonly OptionSpec[],
  word: string,
  argv: readonly string[],
  registry: Registry,
): void {
  const stranger = Object.keys(options).find((flag) => !allowed.some((option) => option.flag === flag));
  if (stranger === undefined) return;
  const letter = allOptions(registry).find(({ flag }) => flag === stranger)?.alias;
  // Who wrote `-p`, as another program has it, did not think of `--parents`.
  const short = argv.find((one) => letter !== undefined && /^-[^-]/.test(one) && one[1] === letter);
  const elsewhere = otherName(short ?? stranger, argv, registry);
  const written = short === undefined || elsewhere === undefined ? `--${stranger}` : `-${letter}`;
  throw new PortholeError("usage", `${word} takes no ${written}`, {
    hint:
      elsewhere ?? ownTaker(stranger, word, registry) ?? `\`porthole ${word} --help\` lists what it takes`,
  });
}

/** A protocol's command of the same name that takes the option. */
function ownTaker(flag: string, word: string, registry: Registry): string | undefined {
  const taking = registry.manifests.find(({ commands }) =>
    commands.some(({ name, options = [] }) => name === word && options.some((one) => one.flag === flag)),
  );
  return taking === undefined ? undefined : `porthole ${taking.name} ${word} does`;
}

function unknownWord(word: string, registry: Registry): PortholeError {
  const guess = nearest(word, [
    ...WORDS.map(({ name }) => name),
    ...registry.manifests.map(({ name }) => name),
    ...registry.schemes,
  ]);
  return new PortholeError("usage", `'${word}' is neither a verb, a protocol nor a URL`, {
    hint: guess === undefined ? "`porthole --help` lists the verbs" : `did you mean ${guess}?`,
  });
}

function unknownOwnCommand(word: string, manifest: Manifest, rest: readonly string[]): PortholeError {
  const names = manifest.commands.map(({ name }) => name);
  const guess = nearest(word, names);
  const list = names.length === 0 ? "there are none yet" : `there are ${names.join(", ")}`;
  return new PortholeError("usage", `${manifest.title} has no command '${word}'`, {
    protocol: manifest.name,
    hint:
      verbHint(word, manifest) ??
      (guess === undefined ? (hostHint(word, manifest, rest) ?? list) : `did you mean ${guess}?`),
  });
}

/** `porthole gopher mirror URL`: the verb is no command, and needs no protocol's name before it. */
function verbHint(word: string, manifest: Manifest): string | undefined {
  const isOne = [...verbsOf(manifest), ...furtherWordsOf(manifest)].includes(word);
  const [scheme] = Object.keys(manifest.schemes);
  return isOne && scheme !== undefined ? `it is a verb: porthole ${word} ${scheme}:...` : undefined;
}

/** `porthole telnet HOST PORT`, as telnet has it. */
function hostHint(word: string, manifest: Manifest, [port]: readonly string[]): string | undefined {
  if (word.includes("://")) return `porthole ${withoutPassword(word)}`;
  const named = word === "localhost" || /[.:]/.test(word) || /^\d+$/.test(port ?? "");
  if (!named && !manifest.verbs.includes("interact")) return undefined;
  const url = asUrl(manifest, word, port);
  return url === undefined ? undefined : `porthole ${url}`;
}
