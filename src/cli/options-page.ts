/** docs/options.md: every option with its environment name and configuration key, from the one table of each. */
import { environmentName } from "../config.js";
import type { OptionSpec } from "../plugin.js";
import { MANIFESTS } from "../registry.js";
import { SHARED_OPTIONS } from "./shared-options.js";
import { OPEN, VERBS } from "./verbs.js";

export function optionsPage(): string {
  const shared = SHARED_OPTIONS.flatMap(({ title, options }) => [
    `### ${title}`,
    "",
    ...table(options, true),
    "",
  ]);
  const protocols = MANIFESTS.filter(({ options }) => options.length > 0).flatMap(
    ({ name, title, options }) => [
      `### ${title}`,
      "",
      `In the configuration under \`[${name}]\`.`,
      "",
      ...table(options, true),
      "",
    ],
  );
  const verbs = [OPEN, ...VERBS]
    .filter(({ load, options }) => load !== undefined && options.length > 0)
    .flatMap(({ name, usage, options }) => [
      `### ${name === "open" ? "porthole" : `porthole ${name}`} ${usage}`,
      "",
      ...table(options, false),
      "",
    ]);
  return [
    "# Options",
    "",
    "Made from the program's own tables by `npm run docs`.",
    "",
    "## Of every command",
    "",
    "In the configuration under `[defaults]`, or under a protocol's name for that protocol alone.",
    "",
    ...shared,
    "## Of a protocol",
    "",
    ...protocols,
    "## Of a verb",
    "",
    ...verbs,
  ].join("\n");
}

function table(options: readonly OptionSpec[], stored: boolean): string[] {
  const head = stored
    ? ["| option | environment | configuration | what |", "|---|---|---|---|"]
    : ["| option | what |", "|---|---|"];
  return [
    ...head,
    ...options.map((option) => {
      const middle = stored ? ` \`${environmentName(option.flag)}\` | \`${option.flag}\` |` : "";
      return `| ${spelled(option)} |${middle} ${cell(meaning(option))} |`;
    }),
  ];
}

function spelled({ flag, alias, placeholder, type }: OptionSpec): string {
  const short = alias === undefined ? "" : `\`-${alias}\`, `;
  const value =
    placeholder === undefined ? "" : type === "optional" ? `[=${placeholder}]` : ` ${placeholder}`;
  return `${short}\`--${flag}${cell(value)}\``;
}

function meaning({ summary, choices }: OptionSpec): string {
  return choices === undefined ? summary : `${summary}: ${choices.join(", ")}`;
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}
