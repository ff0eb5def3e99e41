/** Questions to the person at the terminal. */
import { closeSync, openSync, writeSync } from "node:fs";
import { ReadStream } from "node:tty";
import { abortReason, PortholeError } from "../errors.js";
import { safeLine } from "../text/safe.js";
import type { Terminal } from "./terminal.js";

export interface QuestionOptions {
  /** Nothing of the answer is shown. */
  readonly hidden: boolean;
  readonly signal: AbortSignal;
  /** The controlling terminal: standard input and output may be pipes. */
  readonly device?: string;
}

/** Characters of an answer. */
const LONGEST = 4096;

/**
 * Asks on the controlling terminal. Undefined when there is none, or when the person ends the input (Ctrl-D).
 * The terminal is as it was afterwards, whatever happens.
 * @throws PortholeError `aborted` at Ctrl-C, or the signal's reason
 */
export async function askPerson(question: string, options: QuestionOptions): Promise<string | undefined> {
  if (options.signal.aborted) throw abortReason(options.signal);
  const terminal = openTerminal(options.device ?? "/dev/tty");
  if (terminal === undefined) return undefined;
  try {
    terminal.write(safeLine(question));
    return await readAnswer(terminal, options);
  } finally {
    terminal.write("\r\n");
    terminal.close();
  }
}

/** The same, with the status line out of the way. */
export function ask(
  question: string,
  hidden: boolean,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<string | undefined> {
  terminal.clearStatus();
  return askPerson(question, { hidden, signal });
}

/** Yes or no; anything but `y` and `yes` is no, and so is nobody there. @throws PortholeError `aborted` */
export async function askYesNo(question: string, terminal: Terminal, signal: AbortSignal): Promise<boolean> {
  const answer = await ask(`${question} [y/N] `, false, terminal, signal);
  return /^y(?:es)?$/i.test(answer?.trim() ?? "");
}

interface ControllingTerminal {
  readonly input: ReadStream;
  write(text: string): void;
  close(): void;
}

function openTerminal(device: string): ControllingTerminal | undefined {
  let output: number | undefined;
  try {
    const opened = openSync(device, "r+");
    output = opened;
    const input = new ReadStream(openSync(device, "r+"));
    // Without echo and without line editing of its own; Ctrl-C comes as a character.
    input.setRawMode(true);
    return {
      input,
      write: (text) => {
        writeSync(opened, text);
      },
      close: () => {
        input.setRawMode(false);
        input.destroy();
        closeSync(opened);
      },
    };
  } catch {
    if (output !== undefined) closeSync(output);
    return undefined;
  }
}

function readAnswer(terminal: ControllingTerminal, options: QuestionOptions): Promise<string | undefined> {
  const { input } = terminal;
  const { signal } = options;
  let answer: string[] = [];
  const show = (text: string): void => {
    if (!options.hidden) terminal.write(text);
  };
  return new Promise((resolve, reject) => {
    const settle = (act: () => void): void => {
      input.removeAllListeners("data");
      signal.removeEventListener("abort", onAbort);
      act();
    };
    const onAbort = (): void => {
      settle(() => reject(abortReason(signal)));
    };
    const take = (character: string): boolean => {
      switch (character) {
        case "\r":
        case "\n":
          settle(() => resolve(answer.join("")));
          return false;
        case "\x03":
          settle(() => reject(interrupted()));
          return false;
        case "\x04":
          settle(() => resolve(answer.length === 0 ? undefined : answer.join("")));
          return false;
        case "\x7f":
        case "\b":
          if (answer.pop() !== undefined) show("\b \b");
          return true;
        case "\x15":
          show("\b \b".repeat(answer.length));
          answer = [];
          return true;
        default:
          if (character >= " " && answer.length < LONGEST) {
            answer.push(character);
            show(safeLine(character));
          }
          return true;
      }
    };
    signal.addEventListener("abort", onAbort, { once: true });
    input.once("error", (error) => settle(() => reject(error)));
    input.setEncoding("utf8");
    input.on("data", (typed: string) => {
      for (const character of typed) if (!take(character)) break;
    });
  });
}

function interrupted(): PortholeError {
  return new PortholeError("aborted", "stopped before the end");
}
