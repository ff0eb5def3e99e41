/**
 * What gives a terminal back when its program ends without a word: a shell that waits for the program's end, knows nothing
 * of its cause (a fault in native code, no memory, SIGKILL), and writes what was prepared for it. And the signals that can
 * be heard, after which the program does that itself, and then ends by them as it would have.
 */
import { type ChildProcess, spawn } from "node:child_process";

/** Milliseconds after which it is worth a process: the first page comes first. */
const DELAY = 500;

/**
 * A line means that all is well. The terminal's own modes are put back where they are still those of full screens (no
 * signals by keys): the shell that the program was begun from may have done it already, and have set its own.
 */
const WAITING = `trap '' HUP INT QUIT TERM TSTP TTIN TTOU
read -r over && exit
printf %s "$1"
case $(stty -a <&1) in *-isig*) stty sane <&1;; esac`;

/** Those that end a program that does not hear them, but for those with a meaning of their own elsewhere. */
const ENDINGS = [
  "SIGQUIT",
  "SIGABRT",
  "SIGALRM",
  "SIGUSR2",
  "SIGXCPU",
  "SIGXFSZ",
  "SIGVTALRM",
  "SIGIO",
  "SIGSYS",
] as const;

export class TerminalGuard {
  readonly #undo: () => void;
  #child: ChildProcess | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** @param undo gives the terminal back; it may be called again */
  constructor(undo: () => void) {
    this.#undo = undo;
  }

  /** @param sequences what puts the screen back */
  begin(sequences: string): void {
    for (const name of ENDINGS) process.on(name, this.#ended);
    this.#timer = setTimeout(() => this.#watch(sequences), DELAY);
    this.#timer.unref();
  }

  end(): void {
    clearTimeout(this.#timer);
    for (const name of ENDINGS) process.off(name, this.#ended);
    this.#child?.stdin?.end("over\n");
    this.#child = undefined;
  }

  #watch(sequences: string): void {
    const child = spawn("/bin/sh", ["-c", WAITING, "sh", sequences], {
      stdio: ["pipe", "inherit", "ignore"],
    });
    // Without a shell there is no guard, and nothing else is amiss.
    child.on("error", () => undefined);
    child.stdin?.on("error", () => undefined);
    child.unref();
    this.#child = child;
  }

  readonly #ended = (name: NodeJS.Signals): void => {
    this.#undo();
    this.end();
    process.kill(process.pid, name);
  };
}
