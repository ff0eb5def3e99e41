/** A Terminal over streams that keep what is written, for looking at it. */
import { PassThrough, Writable } from "node:stream";
import { Terminal, type TerminalSettings } from "../../src/cli/terminal.js";

class Kept extends Writable {
  readonly isTTY: boolean;
  readonly columns: number;
  readonly rows: number;
  readonly #chunks: Buffer[] = [];

  constructor(screen: { columns: number; rows: number } | undefined) {
    super();
    this.isTTY = screen !== undefined;
    this.columns = screen?.columns ?? 0;
    this.rows = screen?.rows ?? 0;
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#chunks.push(Buffer.from(chunk));
    done();
  }

  get octets(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  get text(): string {
    return this.octets.toString("utf8");
  }
}

export interface Collected {
  readonly terminal: Terminal;
  readonly stdout: Kept;
  readonly stderr: Kept;
}

/** @param screen the size of the terminal; none: both are pipes */
export function collected(
  screen?: { columns: number; rows: number },
  settings: Partial<TerminalSettings> = {},
): Collected {
  const [stdout, stderr] = [new Kept(screen), new Kept(screen)];
  const terminal = new Terminal(
    { stdin: new PassThrough(), stdout, stderr },
    { environment: { PAGER: "cat", NO_COLOR: "1" }, ...settings },
  );
  return { terminal, stdout, stderr };
}
