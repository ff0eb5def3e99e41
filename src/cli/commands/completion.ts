/** `porthole completion bash|zsh|fish`: a script that completes without starting Porthole. */
import { PortholeError } from "../../errors.js";
import type { CommandSpec } from "../../plugin.js";
import type { Registry } from "../../registry.js";
import { nearest } from "../../spelling.js";
import type { Desk } from "../command.js";
import { bashCompletion, fishCompletion, type Grammar, zshCompletion } from "../completion.js";
import { ALL_SHARED } from "../shared-options.js";
import { OPEN, WORDS } from "../verbs.js";

const SHELLS: Readonly<Record<string, (grammar: Grammar) => string>> = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
};

export async function run(desk: Desk): Promise<number | undefined> {
  const [shell = ""] = desk.words;
  const write = SHELLS[shell];
  if (write === undefined) {
    const guess = nearest(shell, Object.keys(SHELLS));
    throw new PortholeError("usage", "completion wants the name of a shell: bash, zsh or fish", {
      hint: guess === undefined ? undefined : `did you mean ${guess}?`,
    });
  }
  const { registry } = desk;
  await desk.terminal.write(write(grammarOf(registry)));
  return undefined;
}

function grammarOf(registry: Registry): Grammar {
  const protocolOptions = registry.manifests.flatMap(({ options }) => options);
  return {
    words: WORDS.filter(({ load }) => load !== undefined).map(({ name, summary, options, needs }) => ({
      name,
      summary,
      options: needs === undefined ? options : [...options, ...protocolOptions],
    })),
    protocols: registry.manifests.map(({ name, summary, commands, options }) => ({
      name,
      summary,
      commands: commands.map((command: CommandSpec) => ({
        name: command.name,
        summary: command.summary,
        options: [...(command.options ?? []), ...options],
      })),
    })),
    schemes: registry.manifests
      .filter(({ verbs }) => verbs.length > 0)
      .flatMap(({ schemes }) => Object.entries(schemes))
      .map(([name, { address = "host" }]) => (address === "host" ? `${name}://` : `${name}:`)),
    shared: ALL_SHARED,
    open: [...OPEN.options, ...protocolOptions],
  };
}
