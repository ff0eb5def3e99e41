/** A real terminal for tests: a tmux server of its own, with one window of 60 by 10. */
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL("../..", import.meta.url));

export class Screen implements AsyncDisposable {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Runs a shell command in the project's folder, with these variables. */
  static async open(command: string, environment: Readonly<Record<string, string>> = {}): Promise<Screen> {
    const folder = await mkdtemp(join(tmpdir(), "porthole-screen-"));
    const screen = new Screen(folder);
    const variables = Object.entries(environment).flatMap(([name, value]) => ["-e", `${name}=${value}`]);
    const size = ["-x", "60", "-y", "10"];
    // The window stays to be looked at when the command is done.
    await screen.#tmux(
      "-f",
      "/dev/null",
      "new-session",
      "-d",
      ...size,
      "-c",
      ROOT,
      ...variables,
      `${command}; sleep 60`,
    );
    return screen;
  }

  /** Types keys as tmux names them: `Enter`, `C-c`; anything else letter by letter. */
  async type(...keys: readonly string[]): Promise<void> {
    await this.#tmux("send-keys", ...keys);
  }

  async resize(columns: number, rows: number): Promise<void> {
    await this.#tmux("resize-window", "-x", String(columns), "-y", String(rows));
  }

  /** Sends a signal to what runs in the foreground: the youngest child of the window's shell. */
  async signal(name: string): Promise<void> {
    const { stdout } = await this.#tmux("display-message", "-p", "#{pane_pid}");
    const { stdout: children } = await run("ps", ["-o", "pid=", "--ppid", stdout.trim()]);
    const pid = Number(children.trim().split(/\s+/).at(-1));
    process.kill(pid, name);
  }

  /** The shells that wait for the end of programs on this terminal. */
  readonly guards = async (): Promise<number> => {
    const { stdout: tty } = await this.#tmux("display-message", "-p", "#{pane_tty}");
    const { stdout } = await run("ps", ["-o", "args=", "-t", tty.trim().replace("/dev/", "")]);
    return stdout.split("\n").filter((args) => args.includes("read -r over")).length;
  };

  async text(): Promise<string> {
    const { stdout } = await this.#tmux("capture-pane", "-p", "-J");
    return stdout.trimEnd();
  }

  /** Waits until the screen shows it. @throws Error with what the screen shows instead */
  async shows(wanted: string | RegExp, ms = 15_000): Promise<string> {
    const deadline = performance.now() + ms;
    for (;;) {
      const text = await this.text();
      if (typeof wanted === "string" ? text.includes(wanted) : wanted.test(text)) return text;
      if (performance.now() > deadline)
        throw new Error(`the screen does not show ${String(wanted)} but:\n${text}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#tmux("kill-server");
    await rm(this.#folder, { recursive: true, force: true });
  }

  #tmux(...words: readonly string[]): Promise<{ stdout: string }> {
    return run("tmux", ["-S", join(this.#folder, "socket"), ...words]);
  }
}
