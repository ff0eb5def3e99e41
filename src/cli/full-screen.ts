/** The terminal as the browser's screen: another screen while it runs, keys one by one, and all as it was afterwards. */
import { StringDecoder } from "node:string_decoder";
import { ReadStream, WriteStream } from "node:tty";
import type { Graphics } from "../browser/graphics.js";
import { KeyReader, type Report } from "../browser/keys.js";
import type { BrowserScreen, Input } from "../browser/screen.js";
import { PortholeError } from "../errors.js";
import { ScreenModes } from "./screen-modes.js";
import type { Terminal } from "./terminal.js";
import { TerminalGraphics } from "./terminal-graphics.js";
import { TerminalGuard } from "./terminal-guard.js";

/** Milliseconds in which the rest of a key's sequence comes, over slow lines too; a lone Escape waits so long. */
const ESCAPE_DELAY = 60;
const EMPTY = "\x1b[H\x1b[2J";
const ENTER = `\x1b[?1049h\x1b[?25l\x1b[?2004h${EMPTY}`;
const MOUSE = "\x1b[?1000h\x1b[?1006h";

export interface Listener {
  input(input: Input): void;
  redraw(): void;
  /** There is nobody at the keyboard any more. */
  quit(): void;
}

export interface FullScreenOptions {
  readonly mouse: boolean;
  readonly pictures: ConstructorParameters<typeof TerminalGraphics>[0];
}

export class FullScreen implements BrowserScreen, Disposable {
  readonly #keyboard: ReadStream;
  readonly #output: WriteStream;
  readonly #modes = new ScreenModes();
  readonly #keys = new KeyReader();
  readonly #mouse: boolean;
  readonly #graphics: TerminalGraphics;
  #decoder = new StringDecoder("utf8");
  #listener: Listener | undefined;
  #escape: NodeJS.Timeout | undefined;
  #entered = false;
  #waiting: NodeJS.Timeout | undefined;
  readonly #guard = new TerminalGuard(() => this.#giveBack());

  /** @throws PortholeError `usage` when there is no terminal */
  constructor(terminal: Terminal, options: FullScreenOptions) {
    if (!(terminal.stdin instanceof ReadStream) || !(terminal.stdout instanceof WriteStream)) {
      throw new PortholeError("usage", "the browser wants a terminal for its keys and its screen", {
        hint: "porthole URL shows one place and ends; ls and get are for pipes",
      });
    }
    this.#keyboard = terminal.stdin;
    this.#output = terminal.stdout;
    this.#mouse = options.mouse;
    this.#graphics = new TerminalGraphics(options.pictures, terminal.environment);
  }

  get columns(): number {
    return Math.max(1, this.#output.columns);
  }

  get rows(): number {
    return Math.max(1, this.#output.rows);
  }

  get graphics(): Graphics | undefined {
    return this.#graphics.graphics;
  }

  wantGraphics(): void {
    const question = this.#graphics.question();
    if (question !== "") this.write(question);
  }

  write(text: string): void {
    if (this.#entered && !this.#output.destroyed) this.#output.write(text);
  }

  /** From now on keys and changes of size go to the listener. */
  enter(listener: Listener): void {
    this.#listener = listener;
    this.#entered = true;
    // Also when the program ends without leaving: a crash, process.exit.
    process.on("exit", this.#exited);
    process.on("SIGCONT", this.#continued);
    process.on("SIGTSTP", this.#stopped);
    this.#takeOver();
  }

  /** Gives the terminal back. */
  leave(): void {
    if (!this.#entered) return;
    process.off("exit", this.#exited);
    process.off("SIGCONT", this.#continued);
    process.off("SIGTSTP", this.#stopped);
    this.#giveBack();
    this.#entered = false;
  }

  /** Waits in the shell, as after Ctrl-Z, until the shell says `fg`. */
  suspend(): void {
    this.#wait();
    // As the terminal's own Ctrl-Z does: who began the program (npx) and stands between stops, too.
    process.kill(0, "SIGTSTP");
  }

  #wait(): void {
    this.#giveBack();
    process.off("SIGTSTP", this.#stopped);
    // Without a keyboard nothing else would keep the program from ending before the shell's word is heard.
    clearInterval(this.#waiting);
    this.#waiting = setInterval(() => undefined, 60_000);
  }

  /** By another's hand. */
  readonly #stopped = (): void => {
    this.#wait();
    process.kill(process.pid, "SIGTSTP");
  };

  [Symbol.dispose](): void {
    this.leave();
  }

  #takeOver(): void {
    const begin = ENTER + (this.#mouse ? MOUSE : "");
    this.#modes.see(Buffer.from(begin));
    this.#decoder = new StringDecoder("utf8");
    this.#keyboard.setRawMode(true);
    this.#keyboard.on("data", this.#typed);
    this.#keyboard.once("end", this.#over);
    this.#keyboard.resume();
    this.#output.on("resize", this.#resized);
    this.#output.write(begin);
    // Not emptied: should both come to it, the second would empty what was there before.
    this.#guard.begin(`\x1b[0m${this.#modes.undo()}`);
  }

  #giveBack(): void {
    this.#guard.end();
    clearTimeout(this.#escape);
    this.#keyboard.off("data", this.#typed);
    this.#keyboard.off("end", this.#over);
    this.#keyboard.setRawMode(false);
    this.#keyboard.pause();
    this.#output.off("resize", this.#resized);
    this.#restore();
  }

  readonly #restore = (): void => {
    const undo = this.#modes.undo();
    if (undo === "" || this.#output.destroyed) return;
    this.#modes.see(Buffer.from(undo));
    // The last colour, then the screen as it was. Emptied first: tmux, when its window has changed its size meanwhile,
    // leaves rows of what was here above what was there.
    this.#output.write(`\x1b[0m${EMPTY}${undo}`);
  };

  readonly #exited = (): void => {
    this.#restore();
    this.#guard.end();
  };

  readonly #continued = (): void => {
    clearInterval(this.#waiting);
    // Who stopped us from outside has left all of it on.
    this.#keyboard.off("data", this.#typed);
    this.#keyboard.off("end", this.#over);
    this.#output.off("resize", this.#resized);
    process.off("SIGTSTP", this.#stopped);
    process.on("SIGTSTP", this.#stopped);
    this.#guard.end();
    this.#takeOver();
    this.#listener?.redraw();
  };

  readonly #over = (): void => {
    this.#listener?.quit();
  };

  readonly #resized = (): void => {
    this.#listener?.redraw();
  };

  readonly #typed = (octets: Buffer | string): void => {
    clearTimeout(this.#escape);
    const text = typeof octets === "string" ? octets : this.#decoder.write(octets);
    this.#tell(this.#keys.feed(text));
    if (this.#keys.waits) {
      this.#escape = setTimeout(() => {
        this.#tell(this.#keys.flush());
      }, ESCAPE_DELAY);
    }
  };

  #tell(inputs: readonly (Input | Report)[]): void {
    for (const input of inputs) {
      if (input.kind !== "report") this.#listener?.input(input);
      else if (this.#graphics.take(input)) this.#listener?.redraw();
    }
  }
}
