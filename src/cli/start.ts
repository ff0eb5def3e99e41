/** One run of the program in its process: what of it belongs to the system, and how it ends. */
import { PortholeError } from "../errors.js";
import { run } from "./run.js";

/** Ends the process. */
export async function start(): Promise<void> {
  // Read when the first thread is wanted. Files are synced by these: so many of them the disk takes at once.
  process.env["UV_THREADPOOL_SIZE"] ??= "16";
  heed(process.stdout);
  const status = await run({
    argv: process.argv.slice(2),
    environment: process.env,
    platform: process.platform,
    program: process.argv[1] ?? "porthole",
    // Opened when it is asked for: most commands never do.
    get stdin() {
      heedLoss();
      return process.stdin;
    },
    stdout: process.stdout,
    stderr: process.stderr,
    stranded: new Promise((_, reject) => {
      process.once("beforeExit", () => reject(new PortholeError("other", "stopped with the work undone")));
    }),
    onSignal: (name, act) => {
      process.once(name, () => {
        act();
        hungUp ||= name === "SIGHUP" && (process.stdout.isTTY || process.stderr.isTTY);
        // Who asks twice does not want to wait for what is being put in order.
        process.once(name, () => process.exit(130));
      });
    },
  });
  if (hungUp) endHungUp();
  // Packages may keep timers and idle connections; the work is done and said.
  process.exit(status);
}

/** The terminal is gone: its window was closed, or its line broke. */
let hungUp = false;
let heeded = false;

function heedLoss(): void {
  if (heeded) return;
  heeded = true;
  heed(process.stdin);
}

/** A terminal that is gone takes nothing, and refuses to be set right again (EIO), which is no fault of the program. */
function heed(stream: NodeJS.ReadStream | NodeJS.WriteStream): void {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    hungUp ||= stream.isTTY && error.code === "EIO";
  });
}

/** By the signal itself: at an orderly end Node asserts that the terminal takes its settings back, and crashes. */
function endHungUp(): void {
  process.removeAllListeners("SIGHUP");
  process.kill(process.pid, "SIGHUP");
}
