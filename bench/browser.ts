/**
 * The browser through a terminal (util-linux's `script` makes one): from the server's answer to the first page on the
 * screen, and from a key to what it changes, on a page of 100,000 lines.
 */
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from "node:child_process";
import { createServer } from "node:net";
import type { Bench } from "./bench.js";
import { median } from "./harness.js";

const LINES = 100_000;
const FIRST_PAGE_LIMIT = 150;
const KEY_LIMIT = 16;
const PAGES = 9;
const KEYS = ["j", "k", " ", "b", "G", "<", "j", " ", "\x1b[B", "\x1b[A"];
const ROUNDS = 10;

export const bench: Bench = async () => {
  if (spawnSync("script", ["--version"]).error !== undefined) {
    process.stdout.write("browser: skipped, script is not installed\n");
    return { pairs: [], bounds: [] };
  }
  const server = await startServer();
  try {
    const firsts: number[] = [];
    for (let run = 0; run < PAGES; run++) firsts.push(await firstPage(server));
    report(`first page of ${LINES} lines after the answer`, firsts, FIRST_PAGE_LIMIT);
    report(`key to repaint, ${LINES} lines`, await keyTimes(server), KEY_LIMIT);
  } finally {
    server.close();
  }
  return { pairs: [], bounds: [] };
};

interface Server {
  readonly url: string;
  /** When the latest answer began. */
  answered(): number;
  close(): void;
}

async function startServer(): Promise<Server> {
  const body = Array.from(
    { length: LINES },
    (_, at) => `Line ${at} of a long text that fills a row of the screen\r\n`,
  );
  let answered = 0;
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", () => {
      answered = performance.now();
      socket.end(body.join(""));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return { url: `gopher://127.0.0.1:${port}/0/long`, answered: () => answered, close: () => server.close() };
}

class Terminal {
  readonly #child: ChildProcessWithoutNullStreams;
  #seen = "";
  #heard: () => void = () => undefined;

  constructor(url: string) {
    const command = `stty cols 80 rows 24; exec ${process.execPath} dist/program/porthole.js browse ${url} --no-keep-history`;
    this.#child = spawn("script", ["-qfc", command, "/dev/null"], {
      env: { ...process.env, TERM: "xterm-256color" },
    });
    this.#child.stdout.on("data", (chunk: Buffer) => {
      this.#seen += chunk.toString();
      this.#heard();
    });
  }

  /** When that is on the screen. */
  async shows(wanted: string | RegExp): Promise<number> {
    const isThere = () =>
      typeof wanted === "string" ? this.#seen.includes(wanted) : wanted.test(this.#seen);
    while (!isThere()) await this.#more();
    return performance.now();
  }

  /** Milliseconds from a key to the first that changes. */
  async key(key: string): Promise<number> {
    this.#seen = "";
    const began = performance.now();
    this.#child.stdin.write(key);
    while (this.#seen === "") await this.#more();
    return performance.now() - began;
  }

  async quit(): Promise<void> {
    this.#child.stdin.write("q");
    await new Promise((resolve) => this.#child.once("close", resolve));
  }

  #more(): Promise<void> {
    return new Promise((resolve) => {
      this.#heard = resolve;
    });
  }
}

async function firstPage(server: Server): Promise<number> {
  const terminal = new Terminal(server.url);
  const drawn = await terminal.shows("Line 5 of");
  await terminal.quit();
  return drawn - server.answered();
}

async function keyTimes(server: Server): Promise<number[]> {
  const terminal = new Terminal(server.url);
  // Loaded to its end, and laid out.
  await terminal.shows(/ \d+%/);
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    for (const key of KEYS) {
      times.push(await terminal.key(key));
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
  }
  await terminal.quit();
  return times;
}

function report(what: string, times: readonly number[], limit: number): void {
  const middle = median(times);
  const verdict = middle <= limit ? "held" : "MISSED";
  if (middle > limit) process.exitCode = 1;
  process.stdout.write(
    `${what.padEnd(44)} ${middle.toFixed(1)} ms (limit ${limit}: ${verdict}), median of ${times.length}, ${Math.min(...times).toFixed(1)} to ${Math.max(...times).toFixed(1)}\n`,
  );
}
