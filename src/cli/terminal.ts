/** The three standard streams, and all that is to know about them: the one place to ask, and the one way out. */
import type { Readable, Writable } from "node:stream";
import { localError, systemCode } from "../errors.js";
import { safeLine } from "../text/safe.js";
import { type ColorMode, type Environment, type Paint, painter, wantsColor } from "./colors.js";
import { jsonLine } from "./json-line.js";

export interface OutputStream extends Writable {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
}

export interface TerminalStreams {
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
}

export interface TerminalSettings {
  readonly environment: Environment;
  readonly color?: ColorMode | undefined;
  /** `-q`: warnings and notices are not shown; errors are. */
  readonly quiet?: boolean;
  /** `--json`: warnings are objects, as errors are. */
  readonly json?: boolean;
}

/** Whoever read standard output is gone (`| head -1`): reason to stop, not to complain. */
export class OutputClosed extends Error {
  override readonly name = "OutputClosed";
}

/** The width of what is no terminal, or does not tell. */
const USUAL_COLUMNS = 80;
const USUAL_ROWS = 24;

export class Terminal {
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly environment: Environment;
  readonly #outputClosed = new AbortController();
  readonly #streams: TerminalStreams;
  #quiet = false;
  #json = false;
  #paint: Paint = painter(false);
  #paintError: Paint = painter(false);
  #written = 0;
  #status = "";
  /** A line that a person is typing: what is said meanwhile stands above it. */
  typing: { readonly hide: () => void; readonly show: () => void } | undefined;

  constructor(streams: TerminalStreams, settings: TerminalSettings) {
    this.#streams = streams;
    this.stdout = streams.stdout;
    this.stderr = streams.stderr;
    this.environment = settings.environment;
    this.heed(settings);
    this.stdout.on("error", (error) => this.#outputClosed.abort(outputFailure(error)));
    // With standard error gone nobody can be told; the work goes on.
    this.stderr.on("error", () => undefined);
  }

  /** What the user wants, as far as it is known: first from the command line, then from the configuration too. */
  heed({ color = "auto", quiet = false, json = false }: Omit<TerminalSettings, "environment">): void {
    this.#quiet = quiet;
    this.#json = json;
    this.#paint = painter(wantsColor(color, this.environment, this.outputIsTerminal));
    this.#paintError = painter(wantsColor(color, this.environment, this.errorIsTerminal));
  }

  get quiet(): boolean {
    return this.#quiet;
  }

  /** For what goes to standard output. */
  get paint(): Paint {
    return this.#paint;
  }

  /** For what goes to standard error. */
  get paintError(): Paint {
    return this.#paintError;
  }

  /** How often something was written to standard output. */
  get written(): number {
    return this.#written;
  }

  get stdin(): TerminalStreams["stdin"] {
    return this.#streams.stdin;
  }

  get inputIsTerminal(): boolean {
    return this.stdin.isTTY === true;
  }

  get outputIsTerminal(): boolean {
    return this.stdout.isTTY === true;
  }

  get errorIsTerminal(): boolean {
    return this.stderr.isTTY === true;
  }

  /** Columns of the terminal, or of $COLUMNS, or 80. */
  get columns(): number {
    const told = Number(this.environment["COLUMNS"]);
    const own = this.stdout.columns ?? this.stderr.columns ?? 0;
    return own > 0 ? own : Number.isInteger(told) && told > 0 ? told : USUAL_COLUMNS;
  }

  get rows(): number {
    const own = this.stdout.rows ?? 0;
    return own > 0 ? own : USUAL_ROWS;
  }

  /** Fires when nothing can be written to standard output any more; the reason is what `write` throws then. */
  get outputClosed(): AbortSignal {
    return this.#outputClosed.signal;
  }

  /**
   * Data to standard output; waits while its reader is slower.
   * @throws OutputClosed when the reader is gone
   * @throws PortholeError `local` when it cannot be written (a full disk)
   */
  async write(data: string | Uint8Array): Promise<void> {
    this.outputClosed.throwIfAborted();
    this.#written += 1;
    if (this.outputIsTerminal) this.clearStatus();
    await new Promise<void>((resolve, reject) => {
      const hasRoom = this.stdout.write(data, (error) => {
        if (error) reject(outputFailure(error));
        else resolve();
      });
      // What is still held of it may be overwritten by whoever gave it.
      if (hasRoom && this.stdout.writableLength === 0) resolve();
    });
  }

  /** Resolves when all that was written has gone out, or cannot any more. */
  async drain(): Promise<void> {
    await Promise.all([flushed(this.stdout), flushed(this.stderr)]);
  }

  /** A line for the user on standard error. It is made of safe text; colours may be in it. */
  say(line: string): void {
    const status = this.#status;
    this.clearStatus();
    this.typing?.hide();
    this.stderr.write(`${line}\n`);
    this.typing?.show();
    if (status !== "") this.showStatus(status);
  }

  /** A warning or notice, which may hold a server's words: as `say`, unless the user wants quiet. */
  warn(line: string): void {
    if (this.quiet) return;
    if (this.#json) this.say(jsonLine({ warning: { message: line } }).trimEnd());
    else this.say(`${this.paintError("yellow", "porthole:")} ${safeLine(line)}`);
  }

  /** A line at the bottom of standard error that the next call replaces; not over what is typed. Only for terminals. */
  showStatus(line: string): void {
    if (this.typing !== undefined) return;
    this.#status = line;
    this.stderr.write(`\r\x1b[K${line}`);
  }

  clearStatus(): void {
    if (this.#status === "") return;
    this.#status = "";
    this.stderr.write("\r\x1b[K");
  }
}

function flushed(stream: OutputStream): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed || stream.writableEnded) resolve();
    // Called in order, after all that was written before; with an error when there is nobody to read.
    else stream.write("", () => resolve());
  });
}

function outputFailure(error: Error): Error {
  const code = systemCode(error);
  return code === "EPIPE" || code === "ECONNRESET" || code === "ERR_STREAM_DESTROYED"
    ? new OutputClosed("nobody reads standard output any more", { cause: error })
    : localError(error, "standard output");
}
