/** `porthole completion bash|zsh|fish`: a script that completes without starting Porthole. */
import { PortholeError } from "../../errors.js";
import { nearest } from "../../spelling.js";
import type { Desk } from "../command.js";
import { bashCompletion, fishCompletion, type Grammar, zshCompletion } from "../completion.js";
import { allOptions } from "../parse.js";
import { WORDS } from "../verbs.js";

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
  await desk.terminal.write(
    write({
      words: WORDS.filter(({ load }) => load !== undefined).map(({ name, summary }) => ({ name, summary })),
      protocols: registry.manifests.map(({ name, summary, commands }) => ({
        name,
        summary,
        commands: commands.map((command) => ({ name: command.name, summary: command.summary })),
      })),
      schemes: registry.schemes,
      options: allOptions(registry),
    }),
  );
  return undefined;
}
