/** Long text through the user's pager. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { Terminal } from "./terminal.js";

/** F: leave when it fits; R: show colours; X: leave the text on the screen. */
const LESS = "FRX";

/** What a pipe to a program that never reads can take is less than this, in characters. */
const PROOF = 1024 * 1024;

/**
 * Shows the text: on a terminal and longer than it through $PAGER (or less), otherwise as it comes. Quitting
 * the pager early ends the source and is no error.
 * @param leave ends a source that may be waiting for more; called when the pager is quit early
 */
export async function showPaged(
  source: AsyncIterable<string>,
  terminal: Terminal,
  leave: () => void = () => undefined,
): Promise<void> {
  const command = pagerCommand(terminal);
  if (command === undefined) {
    for await (const text of source) await terminal.write(text);
    return;
  }
  const iterator = source[Symbol.asyncIterator]();
  let head = "";
  try {
    for (;;) {
      const { done, value } = await iterator.next();
      if (done === true) {
        await terminal.write(head);
        return;
      }
      head += value;
      if (rowsOf(head, terminal.columns) >= terminal.rows) break;
    }
    await throughPager(command, head, iterator, terminal, leave);
  } catch (thrown) {
    // What came before a failure is shown before its message.
    if (rowsOf(head, terminal.columns) < terminal.rows) await terminal.write(head);
    throw thrown;
  } finally {
    await iterator.return?.();
  }
}

/** The command line, or undefined when nothing shall be paged: no terminal, `PAGER=` or `PAGER=cat`. */
function pagerCommand(terminal: Terminal): string | undefined {
  if (!terminal.outputIsTerminal || terminal.environment["TERM"] === "dumb") return undefined;
  const command = terminal.environment["PAGER"] ?? "less";
  return command.trim() === "" || command.trim() === "cat" ? undefined : command;
}

/** Screen lines; counting stops to matter beyond a screen, so the head is never long. */
function rowsOf(text: string, columns: number): number {
  return text.split("\n").reduce((rows, line) => rows + Math.max(1, Math.ceil(line.length / columns)), 0);
}

async function throughPager(
  command: string,
  head: string,
  rest: AsyncIterator<string>,
  terminal: Terminal,
  leave: () => void,
): Promise<void> {
  terminal.clearStatus();
  const pager = spawn(command, {
    shell: true,
    stdio: ["pipe", "inherit", "inherit"],
    env: { LESS, ...terminal.environment },
  });
  const { stdin } = pager;
  // EPIPE: the user quit. The end of the process tells the same.
  stdin.on("error", () => undefined);
  const ended = exitOf(pager);
  // Kept until it is more than a pager that is not there can have taken.
  let unproven = "";
  let text = head;
  let quit = false;
  try {
    for (;;) {
      if (unproven.length < PROOF) unproven += text;
      if (!stdin.write(text)) await Promise.race([once(stdin, "drain").catch(() => undefined), ended]);
      const next = pager.exitCode === null ? await Promise.race([rest.next(), ended]) : await ended;
      if (typeof next === "string") quit = next === "ended";
      if (typeof next === "string" || next.done === true) break;
      text = next.value;
    }
  } finally {
    stdin.end();
    // The terminal is the pager's until it ends; nothing may be written before.
    const outcome = await ended;
    if (quit) leave();
    if (outcome === "missing") await terminal.write(unproven);
  }
  if ((await ended) === "missing") await writeRest(rest, terminal);
}

/** What had not been offered to the pager that is not there. */
async function writeRest(rest: AsyncIterator<string>, terminal: Terminal): Promise<void> {
  for (let next = await rest.next(); next.done !== true; next = await rest.next())
    await terminal.write(next.value);
}

async function exitOf(pager: ChildProcess): Promise<"ended" | "missing"> {
  return new Promise((resolve) => {
    pager.once("error", () => resolve("missing"));
    pager.once("exit", (status) => resolve(status === 127 ? "missing" : "ended"));
  });
}
