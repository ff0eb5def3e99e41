/** The program as people start it: a process of its own, with a home of its own, and no terminal. */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const PROGRAM = fileURLToPath(new URL("../../../dist/program/porthole.js", import.meta.url));

export type Environment = Readonly<Record<string, string>>;

/** What a run came to. */
export interface Ended {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly octets: Buffer;
  readonly stdout: string;
  readonly stderr: string;
}

export interface StartOptions {
  readonly environment?: Environment;
  /** Given on standard input; nothing when absent. */
  readonly input?: string;
}

/** A user: a home, a working folder, a configuration, and nothing from outside. */
export class User implements AsyncDisposable {
  readonly home: string;
  /** The working folder. */
  readonly folder: string;
  readonly #children = new Set<ChildProcessWithoutNullStreams>();

  private constructor(home: string) {
    this.home = home;
    this.folder = join(home, "work");
  }

  static async create(): Promise<User> {
    const user = new User(await mkdtemp(join(tmpdir(), "porthole-user-")));
    await mkdir(user.folder);
    return user;
  }

  get environment(): Environment {
    return {
      PATH: process.env["PATH"] ?? "",
      HOME: this.home,
      XDG_CONFIG_HOME: join(this.home, ".config"),
      NO_PROXY: "*",
      TZ: "UTC",
      LANG: "C.UTF-8",
    };
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  /** Writes the configuration file, for its owner alone unless told otherwise. @returns its path */
  async configure(text: string, mode = 0o600): Promise<string> {
    const folder = join(this.home, ".config", "porthole");
    await mkdir(folder, { recursive: true });
    const path = join(folder, "config.toml");
    await rm(path, { force: true });
    await writeFile(path, text, { mode });
    return path;
  }

  /** Types a command line and waits for its end. */
  async run(args: readonly string[], options: StartOptions = {}): Promise<Ended> {
    const running = this.start(args, options);
    return running.ended;
  }

  start(args: readonly string[], options: StartOptions = {}): Running {
    const child = spawn(process.execPath, [PROGRAM, ...args], {
      cwd: this.folder,
      env: { ...this.environment, ...options.environment },
      detached: true,
    });
    return this.#watched(child, options.input);
  }

  /** Types a line of shell; `porthole` in it is the program. */
  async shell(line: string, environment: Environment = {}): Promise<Ended> {
    const script = `porthole() { '${process.execPath}' '${PROGRAM}' "$@"; }\n${line}`;
    const child = spawn("bash", ["-c", script], {
      cwd: this.folder,
      env: { ...this.environment, ...environment },
      // What it starts belongs to its group and ends with it.
      detached: true,
    });
    return this.#watched(child).ended;
  }

  #watched(child: ChildProcessWithoutNullStreams, input = ""): Running {
    child.stdin.on("error", () => undefined);
    child.stdin.end(input);
    this.#children.add(child);
    child.once("close", () => this.#children.delete(child));
    return new Running(child);
  }

  /** Ends what a failed test left running. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const { pid } of this.#children) if (pid !== undefined) killGroup(pid);
    // A shell whose window was closed a moment ago still writes what it remembers.
    await rm(this.home, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
  }
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // It ended by itself just now.
  }
}

/** A run that can be watched and ended. */
export class Running {
  readonly child: ChildProcessWithoutNullStreams;
  readonly ended: Promise<Ended>;
  readonly #out: Buffer[] = [];
  readonly #err: Buffer[] = [];

  constructor(child: ChildProcessWithoutNullStreams) {
    this.child = child;
    child.stdout.on("data", (chunk: Buffer) => this.#out.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => this.#err.push(chunk));
    this.ended = this.#wait();
  }

  get stdout(): string {
    return Buffer.concat(this.#out).toString("utf8");
  }

  get stderr(): string {
    return Buffer.concat(this.#err).toString("utf8");
  }

  /** Waits until standard output holds it. @throws Error with what it holds instead */
  async says(wanted: string | RegExp): Promise<string> {
    await until(
      () => (typeof wanted === "string" ? this.stdout.includes(wanted) : wanted.test(this.stdout)),
      () => `${String(wanted)} in standard output, which is:\n${this.stdout}\n${this.stderr}`,
    );
    return this.stdout;
  }

  async #wait(): Promise<Ended> {
    const [status, signal] = await once(this.child, "close");
    const octets = Buffer.concat(this.#out);
    return { status, signal, octets, stdout: octets.toString("utf8"), stderr: this.stderr };
  }
}

/** Waits for what comes about in another process. @throws Error after ten seconds */
export async function until(
  holds: () => boolean | Promise<boolean>,
  what: () => string,
  ms = 10_000,
): Promise<void> {
  const deadline = performance.now() + ms;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`waited in vain for ${what()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** The objects of NDJSON. */
export function objects(text: string): Record<string, unknown>[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}
