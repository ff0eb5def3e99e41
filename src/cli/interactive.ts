/**
 * A person and a far side: `porthole telnet://host`, `porthole tcp://host:port`. Keys go out, what comes is shown,
 * Ctrl-] opens a small command line, and the terminal is as it was afterwards, whatever happens.
 */
import { createWriteStream, type WriteStream as FileStream } from "node:fs";
import { StringDecoder } from "node:string_decoder";
import { ReadStream, WriteStream } from "node:tty";
import { localError, messageOf, PortholeError } from "../errors.js";
import { roomIn } from "../net/room.js";
import type { Interaction, Session, Target } from "../plugin.js";
import { HarmlessStream } from "../text/harmless-stream.js";
import { safeLine } from "../text/safe.js";
import type { Desk } from "./command.js";
import { ScreenModes } from "./screen-modes.js";
import { TypedLine } from "./typed-line.js";

/** Milliseconds of silence after which the far side of a pipe that has ended has said all, at least. */
const SETTLED = 1500;
/** A far side that took its time for its first word takes its time for others: so many times as long. */
const PATIENCE = 3;
/** Milliseconds that it has for its first word. */
const FIRST_WORD = 30_000;
/** Milliseconds that input from a pipe waits for the first word. */
const HELD_BACK = 1000;
const LF = 0x0a;
const DEFAULT_ESCAPE = "^]";

/**
 * @param input what is said to the far side: keys, or lines
 * @returns when the far side closed, or the person left @throws PortholeError
 */
export async function interact(
  desk: Desk,
  session: Session,
  target: Target,
  input: AsyncIterable<Uint8Array> = desk.terminal.stdin,
): Promise<void> {
  const { terminal } = desk;
  if (session.interact === undefined) throw new PortholeError("usage", "there is nobody to talk to");
  const stream = await session.interact({
    columns: terminal.columns,
    rows: terminal.rows,
    type: terminal.environment["TERM"] ?? "dumb",
  });
  const seat = new Seat(desk, stream, target, input);
  try {
    await seat.talk();
  } finally {
    await seat.leave();
    stream.destroy();
  }
}

class Seat {
  readonly #desk: Desk;
  readonly #stream: Interaction;
  readonly #place: string;
  readonly #input: AsyncIterable<Uint8Array>;
  readonly #keyboard: ReadStream | undefined;
  readonly #escape: string | undefined;
  readonly #modes = new ScreenModes();
  readonly #harmless = new HarmlessStream();
  readonly #raw: boolean;
  readonly #fullLog: boolean;
  #log: FileStream | undefined;
  readonly #logsEnding: Promise<void>[] = [];
  #logHarmless = new HarmlessStream();
  /** The small command line is open: keys are its own. */
  #line: string | undefined;
  readonly #typedLine = new TypedLine();
  /** A character may come in pieces. */
  readonly #characters = new StringDecoder("utf8");
  /** What was shown last does not end its line. */
  #lineOpen = false;
  #left = false;
  #heard: () => void = () => {};
  /** Something was said by the other side. */
  readonly #spokenTo = new Promise<void>((resolve) => {
    this.#heard = resolve;
  });
  #inputEnded = false;
  readonly #began = performance.now();
  /** Milliseconds until the far side said something. */
  #firstWord: number | undefined;
  #settling: NodeJS.Timeout | undefined;

  constructor(desk: Desk, stream: Interaction, target: Target, input: AsyncIterable<Uint8Array>) {
    const { options, terminal } = desk;
    this.#desk = desk;
    this.#stream = stream;
    this.#place = safeLine(target.href(""));
    this.#input = input;
    this.#keyboard = input instanceof ReadStream ? input : undefined;
    this.#escape = escapeCharacter(options["escape"]);
    this.#raw = options["raw"] === true || !terminal.outputIsTerminal || stream.draws;
    this.#fullLog = options["log-raw"] === true;
    if (typeof options["log"] === "string") this.#openLog(options["log"]);
  }

  async talk(): Promise<void> {
    const { terminal } = this.#desk;
    const typing = this.#keyboard === undefined ? this.#pourInput() : this.#readKeys();
    // What fails here fails the stream too.
    typing.catch((thrown: Error) => this.#stream.destroy(thrown));
    try {
      for await (const piece of this.#stream) await this.#show(piece);
    } catch (thrown) {
      // What we ended ourselves has not failed.
      if (this.#stream.errored) throw thrown;
    }
    if (this.#keyboard !== undefined && !this.#left && !terminal.quiet) {
      terminal.say(`${this.#endOfLine()}porthole: ${this.#place} closed the connection`);
    }
  }

  /** Puts the terminal back. */
  async leave(): Promise<void> {
    const { terminal } = this.#desk;
    const keyboard = this.#keyboard;
    clearTimeout(this.#settling);
    if (keyboard !== undefined) {
      keyboard.removeAllListeners("data");
      keyboard.setRawMode(false);
      keyboard.pause();
    }
    if (terminal.stdout instanceof WriteStream) terminal.stdout.off("resize", this.#onResize);
    const undo = this.#modes.undo() + (this.#lineOpen ? this.#endOfLine() : "");
    if (terminal.outputIsTerminal && undo !== "" && !terminal.outputClosed.aborted)
      await terminal.write(undo);
    this.#endLog();
    // What is still to be written of it would be lost with the process.
    await Promise.all(this.#logsEnding);
  }

  async #show(piece: Uint8Array): Promise<void> {
    const { terminal } = this.#desk;
    this.#lineOpen = piece.at(-1) !== LF;
    this.#firstWord ??= performance.now() - this.#began;
    this.#heard();
    this.#endWhenSettled();
    const log = this.#log;
    if (log !== undefined && !log.write(this.#fullLog ? piece : this.#logHarmless.text(piece)))
      await roomIn(log);
    if (this.#raw) {
      if (terminal.outputIsTerminal) this.#modes.see(piece);
      await terminal.write(piece);
    } else await terminal.write(this.#harmless.text(piece));
  }

  // --- the keyboard -------------------------------------------------------------------------------------------

  async #readKeys(): Promise<void> {
    const keyboard = this.#keyboard;
    const { terminal } = this.#desk;
    if (keyboard === undefined) return;
    if (!terminal.quiet) {
      const way = this.#escape === undefined ? "" : `; ${shownEscape(this.#escape)} for commands`;
      terminal.say(`porthole: connected to ${this.#place}${way}`);
    }
    if (terminal.stdout instanceof WriteStream) terminal.stdout.on("resize", this.#onResize);
    this.#stream.on("mode", this.#applyMode);
    this.#applyMode();
    keyboard.on("data", (octets: Buffer) => this.#typed(octets));
    keyboard.once("end", () => this.#stream.end());
    // The browser, whose keys they were before, has paused them.
    keyboard.resume();
  }

  readonly #onResize = (): void => {
    const { terminal } = this.#desk;
    this.#stream.resize(terminal.columns, terminal.rows);
  };

  /** Lines are left to the terminal's own editing, where the far side has no say in it. */
  readonly #applyMode = (): void => {
    if (this.#line !== undefined) return;
    const { keys, lineKeys } = this.#stream;
    this.#keyboard?.setRawMode(keys || lineKeys !== undefined);
    if (lineKeys?.edits === true) return;
    // The far side has taken the editing back: what was typed of a line is its own now.
    const typed = this.#typedLine.take();
    if (typed !== "") this.#send(Buffer.from(typed));
  };

  #typed(octets: Buffer): void {
    const keyboard = this.#keyboard;
    if (keyboard === undefined) return;
    if (this.#line !== undefined) {
      this.#typedCommand(octets.toString("utf8"));
      return;
    }
    const at = this.#escape === undefined ? -1 : octets.indexOf(this.#escape, 0, "latin1");
    this.#keys(at < 0 ? octets : octets.subarray(0, at));
    if (at < 0) return;
    this.#openCommandLine();
    // A terminal that gives whole lines has what was typed behind it already.
    const rest = octets.subarray(at + 1).toString("utf8");
    if (rest.trim() !== "") this.#typedCommand(rest);
  }

  #keys(octets: Buffer): void {
    const { lineKeys } = this.#stream;
    if (lineKeys === undefined) {
      this.#send(octets);
      return;
    }
    for (const event of this.#typedLine.type(this.#characters.write(octets), lineKeys)) {
      if (event.kind === "show") {
        this.#desk.terminal.write(event.text).catch((thrown: Error) => this.#stream.destroy(thrown));
      }
      if (event.kind === "send") this.#send(Buffer.from(event.text));
      if (event.kind === "signal") this.#stream.signal(event.name);
    }
  }

  #send(octets: Buffer): void {
    const keyboard = this.#keyboard;
    if (octets.length === 0 || this.#stream.destroyed || this.#stream.writableEnded) return;
    if (this.#stream.write(octets)) return;
    keyboard?.pause();
    this.#stream.once("drain", () => keyboard?.resume());
  }

  // --- the small command line ---------------------------------------------------------------------------------

  #openCommandLine(): void {
    this.#line = "";
    this.#keyboard?.setRawMode(false);
    this.#desk.terminal.stderr.write("\r\nporthole> ");
  }

  #typedCommand(text: string): void {
    const typed = this.#line + text;
    const end = typed.search(/[\r\n]/);
    if (end < 0) {
      this.#line = typed;
      return;
    }
    this.#line = undefined;
    this.#lineOpen = false;
    const told = this.#command(
      typed
        .slice(0, end)
        .replaceAll(this.#escape ?? "\0", "")
        .trim(),
    );
    if (told !== "") this.#desk.terminal.stderr.write(`${told}\n`);
    this.#applyMode();
  }

  /** @returns what to tell */
  #command(line: string): string {
    const [word = "", ...rest] = line.split(/\s+/);
    const { signals } = this.#stream;
    try {
      switch (word) {
        case "":
          return "";
        case "close":
        case "quit":
        case "q":
          this.#left = true;
          this.#stream.destroy();
          return "";
        case "log":
          return this.#logCommand(rest);
        case "send":
          return this.#signal(word, rest[0], Object.keys(signals));
        case "mode":
          return this.#signal(word, rest[0], Object.keys(this.#stream.modes ?? {}));
        case "status":
          return "status" in signals ? this.#stream.signal("status") : `connected to ${this.#place}`;
        case "help":
        case "?":
          return this.#help(signals);
        default:
          return `there is no command '${word}'\n${this.#help(signals)}`;
      }
    } catch (thrown) {
      return messageOf(thrown);
    }
  }

  #signal(word: string, name: string | undefined, names: readonly string[]): string {
    if (name !== undefined && names.includes(name)) return this.#stream.signal(name);
    if (names.length === 0) return `there is nothing to ${word} here`;
    const what = name === undefined ? `${word} what?` : `there is no ${word} '${name}':`;
    return `${what} ${names.filter((one) => one !== "status").join(", ")}`;
  }

  #logCommand([word = "", file]: string[]): string {
    if (word === "off") {
      this.#endLog();
      return "nothing is logged";
    }
    const named = word === "on" ? file : word === "" ? undefined : word;
    const to = named ?? "porthole.log";
    this.#openLog(to);
    return `logging to ${to}`;
  }

  #help(signals: Readonly<Record<string, string>>): string {
    const lines = [
      "close          end the session",
      "status         what was agreed on",
      "log FILE       keep what is shown, control characters visible (--log-raw: as is)",
      "log off        stop that",
      ...Object.entries(signals)
        .filter(([name]) => name !== "status")
        .map(([name, summary]) => `send ${name}`.padEnd(15) + summary),
      ...Object.entries(this.#stream.modes ?? {}).map(
        ([name, summary]) => `mode ${name}`.padEnd(15) + summary,
      ),
      "an empty line  back to the session",
    ];
    return lines.join("\n");
  }

  #endLog(): void {
    const log = this.#log;
    if (log === undefined) return;
    this.#log = undefined;
    this.#logsEnding.push(
      new Promise((resolve) => {
        log.once("close", () => resolve());
        log.end();
      }),
    );
  }

  #openLog(file: string): void {
    this.#endLog();
    this.#logHarmless = new HarmlessStream();
    const log = createWriteStream(file, { flags: "a" });
    log.on("error", (error) => {
      this.#desk.terminal.warn(`the log is not kept: ${localError(error, file).message}`);
      if (this.#log === log) this.#log = undefined;
    });
    this.#log = log;
  }

  // --- a pipe instead of a keyboard ---------------------------------------------------------------------------

  async #pourInput(): Promise<void> {
    const stream = this.#stream;
    // What comes before a login is there to read it may be taken for nobody's, and the connection reset.
    if (stream.draws) await this.#firstWords();
    for await (const piece of this.#input) {
      if (stream.destroyed || stream.writableEnded) return;
      if (!stream.write(piece)) await roomIn(stream);
    }
    if (!stream.draws) {
      stream.end();
      return;
    }
    // A terminal session does not end with its input: what was typed last is still being answered.
    this.#inputEnded = true;
    this.#endWhenSettled();
  }

  async #firstWords(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const enough = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, HELD_BACK);
    });
    await Promise.race([this.#spokenTo, enough]);
    clearTimeout(timer);
  }

  #endWhenSettled(): void {
    clearTimeout(this.#settling);
    if (!this.#inputEnded) return;
    const quiet = this.#firstWord === undefined ? FIRST_WORD : Math.max(SETTLED, PATIENCE * this.#firstWord);
    this.#settling = setTimeout(() => this.#stream.destroy(), quiet);
  }

  /** What stands before a message of our own: a prompt, most often, has no line end. */
  #endOfLine(): string {
    const open = this.#lineOpen;
    this.#lineOpen = false;
    if (this.#keyboard === undefined) return "";
    return open ? "\r\n" : "\r";
  }
}

/** `^]` and its like, a character, or `none`. @throws PortholeError `usage` */
function escapeCharacter(written: unknown): string | undefined {
  const text = typeof written === "string" ? written : DEFAULT_ESCAPE;
  if (text === "none") return undefined;
  const [, control] = /^\^([@-_a-z?])$/.exec(text) ?? [];
  if (control !== undefined) {
    return control === "?" ? "\x7f" : String.fromCharCode(control.toUpperCase().charCodeAt(0) & 0x1f);
  }
  if (text.length === 1) return text;
  throw new PortholeError("usage", `--escape takes a character, not '${text}'`, {
    hint: "write ^] for Ctrl-], or none",
  });
}

function shownEscape(character: string): string {
  const code = character.charCodeAt(0);
  return code < 0x20 ? `Ctrl-${String.fromCharCode(code | 0x40)}` : character;
}
