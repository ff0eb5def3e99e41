/** Help texts, drawn by yargs from the tables that the parser reads. */
import yargs from "yargs";
import type { Manifest, OptionSpec } from "../plugin.js";
import type { Registry } from "../registry.js";
import type { HelpTopic } from "./parse.js";
import { SHARED_OPTIONS } from "./shared-options.js";
import { furtherWordsOf, sendCommandOptions, TOOLS, VERBS, verbsOf, type WordSpec } from "./verbs.js";

/** @param columns to wrap at */
export async function helpText(topic: HelpTopic, registry: Registry, columns: number): Promise<string> {
  const page = yargs([]).scriptName("porthole").help(false).version(false).wrap(Math.min(columns, 110));
  page.updateStrings({ "Options:": "Options of every command:" });
  switch (topic.kind) {
    case "all":
      allHelp(page);
      break;
    case "word":
      wordHelp(page, topic.word, registry);
      break;
    case "protocol": {
      const { manifest } = topic;
      page.usage(
        [
          `porthole ${manifest.name} COMMAND ...`,
          ...sessionUsage(manifest),
          "",
          `${manifest.title}: ${manifest.summary}`,
        ].join("\n"),
      );
      page.epilogue(
        [
          `Schemes: ${Object.entries(manifest.schemes)
            .map(([scheme, { port }]) => (port === undefined ? `${scheme}:` : `${scheme}: (port ${port})`))
            .join(", ")}`,
          `Verbs:   ${[...verbsOf(manifest), ...furtherWordsOf(manifest)].join(", ") || "not yet"}`,
          ...useOfVerbs(manifest),
          manifest.commands.length === 0
            ? "It has no commands of its own yet; the verbs above do the work."
            : `\`porthole ${manifest.name} COMMAND --help\` has its options and examples.`,
        ]
          .filter((line) => line !== "")
          .join("\n"),
      );
      for (const command of manifest.commands) {
        page.command(`${manifest.name} ${command.name} ${command.usage}`, command.summary);
      }
      addOptions(page, manifest.options, `Options of ${manifest.title}:`);
      break;
    }
    case "own": {
      const { manifest, name } = topic.own;
      const spec = manifest.commands.find((command) => command.name === name);
      page.usage(
        `porthole ${manifest.name} ${name} ${spec?.usage ?? ""}\n\n${sentence(spec?.summary ?? "")}`,
      );
      addOptions(page, [...(spec?.options ?? []), ...optionsOf(manifest, name)], "Options:");
      addOptions(page, sharedHere(spec?.shared ?? {}), "Options of every command, and what they are here:");
      for (const example of spec?.examples ?? []) page.example(example, "");
      page.epilogue("`porthole --help` lists the options of every command.");
    }
  }
  return withDigits(`${(await page.getHelp()).trimEnd()}\n`);
}

/** Yargs would write `--4` for an alias that is a digit. */
const DIGITS = SHARED_OPTIONS.flatMap(({ options }) => options).filter(({ alias }) => isDigit(alias));

function withDigits(text: string): string {
  return DIGITS.reduce(
    (shown, { flag, alias }) => shown.replace(new RegExp(`^ {6}--${flag}\\b`, "m"), `  -${alias}, --${flag}`),
    // It names the letter of an option that two groups have twice.
    text.replace(/^( *)(-\w), \2, (--\S+)/gm, "$1$2, $3    "),
  );
}

function isDigit(alias: string | undefined): alias is string {
  return alias !== undefined && /^\d$/.test(alias);
}

/** How a person gets a session, where there are such. */
function sessionUsage({ schemes, verbs }: Manifest): string[] {
  const [first] = Object.entries(schemes);
  if (first === undefined || !verbs.includes("interact")) return [];
  const [scheme, { port }] = first;
  return [`porthole ${scheme}://HOST${port === undefined ? ":PORT" : ""}: a session at this terminal`];
}

/** Without those that are for other commands of the protocol. */
function optionsOf(manifest: Manifest, command: string): OptionSpec[] {
  const names = manifest.commands.map(({ name }) => name);
  return manifest.options.filter(
    ({ verbs = [] }) => verbs.includes(command) || !verbs.some((verb) => names.includes(verb)),
  );
}

/** In the words of the command that has a use of its own for them. */
function sharedHere(meanings: Readonly<Record<string, string>>): OptionSpec[] {
  const all: readonly OptionSpec[] = SHARED_OPTIONS.flatMap(({ options }) => options);
  return Object.entries(meanings).flatMap(([flag, summary]) =>
    all.filter((option) => option.flag === flag).map((option) => ({ ...option, summary })),
  );
}

type Page = ReturnType<typeof yargs>;

function allHelp(page: Page): void {
  page.usage(
    [
      "porthole URL                     show what is there",
      "porthole VERB URL...             the same verbs over every protocol that can",
      "porthole PROTOCOL COMMAND ...    what only that protocol can do",
    ].join("\n"),
  );
  for (const word of [...VERBS, ...TOOLS].filter(({ load }) => load !== undefined)) {
    page.command(`${word.name} ${word.usage}`.trim(), word.summary);
  }
  for (const group of SHARED_OPTIONS) addOptions(page, group.options, `${group.title}:`);
  page.epilogue(
    [
      "Short URLs: example.org is https, :8080 and localhost:8080 are http, @work is an account, ./x is a file.",
      "`porthole VERB --help` tells more; `porthole protocols` lists what each protocol can; `porthole tour` shows it.",
    ].join("\n"),
  );
}

/** Verbs come before the URL, commands behind the protocol's name. */
function useOfVerbs(manifest: Manifest): string[] {
  const [scheme] = Object.keys(manifest.schemes);
  const verb = verbsOf(manifest).find((name) => name !== "open") ?? "open";
  return [`         as in \`porthole ${verb} ${scheme}:...\`; \`porthole ${verb} --help\` tells more`];
}

function wordHelp(page: Page, word: WordSpec, registry: Registry): void {
  page.usage(`porthole ${word.name} ${word.usage}`.trim().concat(`\n\n${sentence(word.summary)}`));
  addOptions(page, word.options, "Options:");
  const { needs } = word;
  const able = registry.manifests.filter(
    (manifest) => needs === undefined || needs.some((verb) => verbsOf(manifest).includes(verb)),
  );
  if (needs !== undefined) {
    const named = new Set<string>();
    const meanings = meaningsOf(able);
    for (const manifest of able) {
      const command = word.name === "send" ? sendCommandOptions(manifest) : [];
      const known = new Set(word.options.map(({ flag }) => flag));
      const further = command.filter(({ flag }) => !known.has(flag));
      const own = manifest.options.map((option) => ({
        ...option,
        summary: meanings.get(option.flag) ?? option.summary,
      }));
      addOptions(page, [...further, ...own], `Options of ${manifest.title}:`, named);
    }
  }
  for (const example of word.examples ?? []) page.example(example, "");
  const who =
    needs === undefined || able.length === 0 ? [] : [`For: ${able.map(({ title }) => title).join(", ")}.`];
  const state = word.load === undefined ? ["In the plan; it cannot be used yet."] : [];
  page.epilogue([...state, ...who, "`porthole --help` lists the options of every command."].join("\n"));
}

/** Yargs knows one text for a flag: where protocols mean different things by it, it says what each does. */
function meaningsOf(manifests: readonly Manifest[]): ReadonlyMap<string, string> {
  const meanings = new Map<string, Map<string, string[]>>();
  for (const { title, options } of manifests) {
    for (const { flag, summary } of options) {
      const known = meanings.get(flag) ?? new Map<string, string[]>();
      meanings.set(flag, known.set(summary, [...(known.get(summary) ?? []), title]));
    }
  }
  return new Map(
    [...meanings].flatMap(([flag, words]) =>
      words.size < 2
        ? []
        : [[flag, [...words].map(([summary, titles]) => `${titles.join(", ")}: ${summary}`).join("; ")]],
    ),
  );
}

function sentence(summary: string): string {
  return summary === "" ? "" : `${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`;
}

/** @param named flags that are on the page, to which these are added */
function addOptions(
  page: Page,
  options: readonly OptionSpec[],
  group: string,
  named = new Set<string>(),
): void {
  for (const option of options) {
    // Another protocol's too: yargs would name the choices of both, one list after the other.
    const repeated = named.has(option.flag);
    named.add(option.flag);
    const value = option.type === "optional" ? `[=${option.placeholder}]` : (option.placeholder ?? "");
    page.option(option.flag, {
      group,
      describe: value === "" ? option.summary : `${value}: ${option.summary}`,
      ...(option.alias === undefined || isDigit(option.alias) ? {} : { alias: option.alias }),
      ...(option.choices === undefined || repeated ? {} : { choices: option.choices }),
    });
  }
}
