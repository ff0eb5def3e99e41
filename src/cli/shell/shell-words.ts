/** Words that only the shell has. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { homedir } from "node:os";
import { EXIT_STATUS, localError, PortholeError } from "../../errors.js";
import { globMatcher } from "../../files/glob.js";
import { safeLine } from "../../text/safe.js";
import { Door } from "../../verbs/doors.js";
import { shownName } from "../../verbs/names.js";
import { walk } from "../../verbs/walk.js";
import type { Desk } from "../command.js";
import { ALIASES, SHELL_WORDS, wordsWhere } from "./commands.js";
import type { KeptClient } from "./kept-client.js";
import type { Place } from "./place.js";

/** Where the shell is. */
export interface Here {
  readonly desk: Desk;
  readonly client: KeptClient;
  readonly place: Place;
}

/** Documents as they are, one after the other; no pager: what people call cat scrolls by. */
export async function cat({ desk, client, place }: Here, words: readonly string[]): Promise<number> {
  const { terminal, signal } = desk;
  if (words.length === 0) throw new PortholeError("usage", "cat wants a name");
  for (const word of words) {
    for (const url of await place.urlsOf(word)) {
      const target = client.target(url);
      await client.use(target, async (session) => {
        if (session.read === undefined) throw new PortholeError("usage", "there is nothing to read here");
        const document = await session.read(target.path);
        const { isText, readable } = await import("../documents.js");
        if (terminal.outputIsTerminal && isText(document.type)) {
          for await (const text of readable(document, terminal.columns, undefined, terminal.paint))
            await terminal.write(text);
        } else {
          const { showDocument } = await import("../documents.js");
          await showDocument(document, terminal, { signal });
        }
      });
    }
  }
  return 0;
}

/** All that lies below a folder, by pattern. */
export async function find({ desk, client, place }: Here, words: readonly string[]): Promise<number> {
  const isPattern = (word: string | undefined) => word !== undefined && /[*?[{]/.test(word);
  const folder = isPattern(words[0]) ? undefined : words[0];
  const pattern = words.find(isPattern);
  const matches = pattern === undefined ? () => true : globMatcher(pattern);
  const target = client.target(folder === undefined ? place.url : await place.urlOf(folder));
  let gaps = 0;
  await using door = new Door(client, target, desk.signal);
  for await (const walked of walk(door, target.path, { signal: desk.signal })) {
    if (walked.kind === "unlisted") {
      gaps += 1;
      desk.terminal.warn(`${walked.path}: ${walked.error.message}`);
    }
    if (walked.kind !== "found") continue;
    const { names, isContainer } = walked.found;
    if (!matches(shownName(names.at(-1) ?? ""))) continue;
    const shown = names.map((name) => shownName(name)).join("/");
    await desk.terminal.write(`${safeLine(shown)}${isContainer ? "/" : ""}\n`);
  }
  // Exit status of what was partly done: what is beneath the gaps may match as well.
  return gaps > 0 ? EXIT_STATUS.partial : 0;
}

/** `lcd`. @throws PortholeError `local` */
export async function enterLocally(folder: string): Promise<number> {
  try {
    process.chdir(folder.replace(/^~(?=\/|$)/, homedir()));
  } catch (thrown) {
    throw localError(thrown, folder);
  }
  return 0;
}

/** `!COMMAND`, or a shell. @returns its exit status */
export async function runLocally(command: string): Promise<number> {
  const child = spawn(command === "" ? 'exec "$SHELL"' : command, { shell: true, stdio: "inherit" });
  const [status] = await once(child, "close");
  return typeof status === "number" ? status : 1;
}

/** The place is the shell's own where none is typed. @param hasNames there are others here */
function usageHere(usage: string, hasNames: boolean): string {
  if (!hasNames) return usage.replace(/^\[?URL\]?(?:\.\.\.)? ?/, "");
  const named = usage.replace(/^URL(\.\.\.)?$/, "[NAME$1]").replaceAll(/\bURL\b/g, "NAME");
  return named.replace(/^NAME (?=\S*COMMAND)/, "").replace(/^NAME /, "[NAME] ");
}

/** What can be typed, or how one word is. @throws PortholeError `usage` for no word */
export async function help({ desk, place }: Here, word: string | undefined): Promise<number> {
  const { terminal } = desk;
  const { name: protocol, commands } = desk.client.manifestOf(place.target);
  const verbs = desk.client.verbsOf(place.target);
  const rows = [
    ...wordsWhere(verbs).map(([name, { usage, summary }]) => ({ name, usage, summary })),
    ...commands.map(({ name, usage, summary }) => ({
      // What the shell has by that name is something else.
      name: SHELL_WORDS[name] === undefined ? name : `${protocol} ${name}`,
      usage: usageHere(usage, verbs.includes("ls")),
      summary,
    })),
  ].filter(({ name }) => word === undefined || name.split(" ").at(-1) === (ALIASES[word] ?? word));
  if (rows.length === 0) throw new PortholeError("usage", `there is no '${word ?? ""}' here`);
  const width = Math.min(34, Math.max(...rows.map(({ name, usage }) => `${name} ${usage}`.length)));
  for (const { name, usage, summary } of rows)
    await terminal.write(`  ${`${name} ${usage}`.padEnd(width)}  ${summary}\n`);
  if (word === undefined)
    await terminal.write(
      "  !COMMAND runs on this machine; a line that ends in & is done beside the next ones\n",
    );
  return 0;
}
