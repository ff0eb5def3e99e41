/** Completion scripts, made once from the tables: starting Node at every TAB would cost a tenth of a second. */
import type { OptionSpec } from "../plugin.js";

interface Named {
  readonly name: string;
  readonly summary: string;
}

interface Word extends Named {
  readonly options: readonly OptionSpec[];
}

export interface Grammar {
  /** Verbs and tools, each with what it alone takes. */
  readonly words: readonly Word[];
  readonly protocols: readonly (Named & { readonly commands: readonly Word[] })[];
  /** How URLs begin: `ftp://`, `unix:`. */
  readonly schemes: readonly string[];
  /** What every word takes. */
  readonly shared: readonly OptionSpec[];
  /** What a bare URL takes besides. */
  readonly open: readonly OptionSpec[];
}

/** These take a file's name. */
const FILE_PLACEHOLDERS: ReadonlySet<string> = new Set(["FILE", "DIR", "PATH"]);

function allOptions(grammar: Grammar): OptionSpec[] {
  const words = [...grammar.words, ...grammar.protocols.flatMap(({ commands }) => commands)];
  const all = [...grammar.shared, ...grammar.open, ...words.flatMap(({ options }) => options)];
  return [...new Map(all.map((option) => [option.flag, option])).values()];
}

function flags(options: readonly OptionSpec[]): string[] {
  return options.flatMap(({ flag, alias }) => [`--${flag}`, ...(alias === undefined ? [] : [`-${alias}`])]);
}

const SHELLS = "bash zsh fish";

export function bashCompletion(grammar: Grammar): string {
  const all = allOptions(grammar);
  const isFlag = ({ type }: OptionSpec) => type === "boolean" || type === "count" || type === "optional";
  const choices = all.flatMap((option) =>
    option.choices === undefined
      ? []
      : [`    ${flags([option]).join("|")}) _porthole_words "${option.choices.join(" ")}"; return ;;`],
  );
  const valued = flags(all.filter((option) => !isFlag(option)));
  const words = grammar.words.filter(({ options }) => options.length > 0);
  const own = words.map(({ name, options }) => `      ${name}) flags+=" ${flags(options).join(" ")}" ;;`);
  const commands = grammar.protocols
    .filter((protocol) => protocol.commands.length > 0)
    .map(
      ({ name, commands: known }) =>
        `      ${name}) _porthole_words "${known.map((command) => command.name).join(" ")}"; return ;;`,
    );
  const schemes = grammar.schemes.join(" ");
  const first = [...grammar.words, ...grammar.protocols].map(({ name }) => name).join(" ");
  // Without an answer of ours the shell completes file names itself (-o default), which it does better.
  return `# bash completion for porthole
_porthole_words() {
  COMPREPLY=($(compgen -W "$1" -- "$current"))
  # The beginning of a URL is followed by the rest of it.
  if [[ \${#COMPREPLY[@]} -eq 1 && \${COMPREPLY[0]} == *[:/] ]]; then compopt -o nospace 2>/dev/null; fi
}
_porthole() {
  local current="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}"
  COMPREPLY=()
  # The shell cuts words at = and at :.
  if [[ $current == "=" ]]; then
    current=""
  elif [[ $before == "=" ]]; then
    before="\${COMP_WORDS[COMP_CWORD-2]}"
  elif [[ $current == ":" || $before == ":" ]]; then
    compopt +o default 2>/dev/null
    return
  fi
  case "$before" in
${choices.join("\n")}
    ${valued.join("|")}) return ;;
  esac
  if [[ $current == -* ]]; then
    local flags="${flags(grammar.shared).join(" ")}"
    case "\${COMP_WORDS[1]}" in
${own.join("\n")}
      *) flags+=" ${flags(grammar.open).join(" ")}" ;;
    esac
    _porthole_words "$flags"
    return
  fi
  if [[ $COMP_CWORD -eq 1 ]]; then
    _porthole_words "${first} ${schemes}"
    return
  fi
  if [[ $COMP_CWORD -eq 2 ]]; then
    case "\${COMP_WORDS[1]}" in
${commands.join("\n")}
      completion) _porthole_words "${SHELLS}"; return ;;
    esac
  fi
  # The files of put come first.
  if [[ -n $current || \${COMP_WORDS[1]} != put ]]; then _porthole_words "${schemes}"; fi
}
complete -o default -F _porthole porthole
`;
}

export function zshCompletion(grammar: Grammar): string {
  const described = ({ name, summary }: Named) => `'${name}:${inZsh(summary)}'`;
  const options = allOptions(grammar).map(({ flag, alias, summary, type, placeholder, choices }) => {
    const value =
      type === "boolean" || type === "count" || type === "optional"
        ? ""
        : choices === undefined
          ? `:${(placeholder ?? "value").replaceAll(":", "\\:")}:${FILE_PLACEHOLDERS.has(placeholder ?? "") ? "_files" : ""}`
          : `:${flag}:(${choices.join(" ")})`;
    const names = alias === undefined ? `--${flag}` : `'{-${alias},--${flag}}'`;
    const again = type === "list" || type === "count" ? "*" : "";
    return `    '${again}${names}[${inZsh(summary).replace(/[[\]]/g, "\\$&")}]${value}'`;
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
  compadd -S '' -- ${grammar.schemes.map((scheme) => `'${scheme}'`).join(" ")}
}
_porthole_second() {
  case "$words[2]" in
${commands.join("\n")}
    completion) compadd ${SHELLS} ;;
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
  const options = allOptions(grammar).map(({ flag, alias, summary, type, choices }) => {
    const short = alias === undefined ? "" : ` -s ${alias}`;
    const value =
      choices !== undefined
        ? ` -x -a '${choices.join(" ")}'`
        : type === "boolean" || type === "count" || type === "optional"
          ? ""
          : " -r";
    return line(`-l ${flag}${short}${value} -d '${inFish(summary)}'`);
  });
  return [
    "# fish completion for porthole",
    ...[...grammar.words, ...grammar.protocols].map(({ name, summary }) =>
      line(`${first} -a ${name} -d '${inFish(summary)}'`),
    ),
    line(`${first} -a '${grammar.schemes.join(" ")}'`),
    ...grammar.protocols.flatMap(({ name, commands }) =>
      commands.map((own) =>
        line(`-n '__fish_seen_subcommand_from ${name}' -a ${own.name} -d '${inFish(own.summary)}'`),
      ),
    ),
    line(`-n '__fish_seen_subcommand_from completion' -f -a '${SHELLS}'`),
    ...options,
    "",
  ].join("\n");
}

/** Between single quotes, in a place where a colon parts a word from what is said of it. */
function inZsh(text: string): string {
  return text.replaceAll("'", "'\\''").replaceAll(":", "\\:");
}

/** Between single quotes, where a backslash makes one of itself and of the quote. */
function inFish(text: string): string {
  return text.replace(/['\\]/g, "\\$&");
}
