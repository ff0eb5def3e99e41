/** Completion scripts, made once from the tables: starting Node at every TAB would cost a tenth of a second. */
import type { OptionSpec } from "../plugin.js";

interface Named {
  readonly name: string;
  readonly summary: string;
}

export interface Grammar {
  readonly words: readonly Named[];
  readonly protocols: readonly (Named & { readonly commands: readonly Named[] })[];
  readonly schemes: readonly string[];
  readonly options: readonly OptionSpec[];
}

/** These take a file's name. */
const FILE_PLACEHOLDERS: ReadonlySet<string> = new Set(["FILE", "DIR", "PATH"]);

function flags(grammar: Grammar): string[] {
  return grammar.options.flatMap(({ flag, alias }) => [
    `--${flag}`,
    ...(alias === undefined ? [] : [`-${alias}`]),
  ]);
}

function firstWords(grammar: Grammar): string[] {
  return [...grammar.words.map(({ name }) => name), ...grammar.protocols.map(({ name }) => name)];
}

export function bashCompletion(grammar: Grammar): string {
  const fileFlags = grammar.options
    .filter(({ placeholder }) => FILE_PLACEHOLDERS.has(placeholder ?? ""))
    .flatMap(({ flag, alias }) => [`--${flag}`, ...(alias === undefined ? [] : [`-${alias}`])]);
  const choices = grammar.options.flatMap(({ flag, choices: words }) =>
    words === undefined
      ? []
      : [`    --${flag}) COMPREPLY=($(compgen -W "${words.join(" ")}" -- "$current")); return ;;`],
  );
  const commands = grammar.protocols
    .filter((protocol) => protocol.commands.length > 0)
    .map(
      ({ name, commands: own }) =>
        `    ${name}) COMPREPLY=($(compgen -W "${own.map((command) => command.name).join(" ")}" -- "$current")); return ;;`,
    );
  return `# bash completion for porthole
_porthole() {
  local current="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}"
  case "$before" in
${choices.join("\n")}
    ${fileFlags.join("|")}) COMPREPLY=($(compgen -f -- "$current")); return ;;
  esac
  if [[ "$current" == -* ]]; then
    COMPREPLY=($(compgen -W "${flags(grammar).join(" ")}" -- "$current"))
    return
  fi
  if [[ $COMP_CWORD -eq 1 ]]; then
    COMPREPLY=($(compgen -W "${[...firstWords(grammar), ...grammar.schemes.map((scheme) => `${scheme}:`)].join(" ")}" -- "$current"))
    return
  fi
  if [[ $COMP_CWORD -eq 2 ]]; then
    case "\${COMP_WORDS[1]}" in
${[...commands, '    completion) COMPREPLY=($(compgen -W "bash zsh fish" -- "$current")); return ;;'].join("\n")}
    esac
  fi
  COMPREPLY=($(compgen -f -- "$current"))
}
complete -o default -F _porthole porthole
`;
}

export function zshCompletion(grammar: Grammar): string {
  const described = ({ name, summary }: Named) => `'${name}:${quoted(summary)}'`;
  const options = grammar.options.map(({ flag, alias, summary, type, placeholder, choices }) => {
    const value =
      type === "boolean" || type === "count"
        ? ""
        : choices === undefined
          ? `:${placeholder ?? "value"}:${FILE_PLACEHOLDERS.has(placeholder ?? "") ? "_files" : ""}`
          : `:${flag}:(${choices.join(" ")})`;
    const names = alias === undefined ? `--${flag}` : `'{-${alias},--${flag}}'`;
    return `    '${names}[${quoted(summary).replace(/[[\]]/g, "\\$&")}]${value}'`;
  });
  const commands = grammar.protocols
    .filter((protocol) => protocol.commands.length > 0)
    .map(
      ({ name, commands: own }) =>
        `    ${name}) local -a own=(${own.map(described).join(" ")}); _describe command own ;;`,
    );
  return `#compdef porthole
_porthole_first() {
  local -a words=(${[...grammar.words, ...grammar.protocols].map(described).join(" ")})
  _describe command words
  compadd -S '' -- ${grammar.schemes.map((scheme) => `'${scheme}:'`).join(" ")}
}
_porthole_second() {
  case "$words[2]" in
${commands.join("\n")}
    completion) compadd bash zsh fish ;;
    *) _files ;;
  esac
}
_porthole() {
  _arguments -s \\
${options.join(" \\\n")} \\
    '1:command:_porthole_first' '2:argument:_porthole_second' '*:file:_files'
}
_porthole "$@"
`;
}

export function fishCompletion(grammar: Grammar): string {
  const line = (words: string) => `complete -c porthole ${words}`;
  const first = "-n __fish_use_subcommand";
  const options = grammar.options.map(({ flag, alias, summary, type, choices }) => {
    const short = alias === undefined ? "" : ` -s ${alias}`;
    const value =
      choices !== undefined
        ? ` -x -a '${choices.join(" ")}'`
        : type === "boolean" || type === "count"
          ? ""
          : " -r";
    return line(`-l ${flag}${short}${value} -d '${quoted(summary)}'`);
  });
  return [
    "# fish completion for porthole",
    ...[...grammar.words, ...grammar.protocols].map(({ name, summary }) =>
      line(`${first} -a ${name} -d '${quoted(summary)}'`),
    ),
    line(`${first} -a '${grammar.schemes.map((scheme) => `${scheme}:`).join(" ")}'`),
    ...grammar.protocols.flatMap(({ name, commands }) =>
      commands.map((own) =>
        line(`-n '__fish_seen_subcommand_from ${name}' -a ${own.name} -d '${quoted(own.summary)}'`),
      ),
    ),
    line("-n '__fish_seen_subcommand_from completion' -f -a 'bash zsh fish'"),
    ...options,
    "",
  ].join("\n");
}

/** Between single quotes, in all three shells near enough: the texts are ours and hold no quote. */
function quoted(text: string): string {
  return text.replaceAll("'", "").replaceAll(":", " -");
}
