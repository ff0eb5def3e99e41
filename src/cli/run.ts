/** One run of the command line: from argv to an exit status, whatever happens in between. */
import type { Readable } from "node:stream";
import { Registry } from "../registry.js";
import { colorMode } from "./colors.js";
import type { Voice } from "./errors.js";
import { parseCommandLine } from "./parse.js";
import { type OutputStream, Terminal } from "./terminal.js";

export interface Surroundings {
  readonly argv: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly platform: string;
  /** The file that Node runs as `porthole`. */
  readonly program: string;
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly onSignal: (name: "SIGINT" | "SIGTERM" | "SIGHUP", act: () => void) => void;
  /** Fails when nothing is left that the work could wait for: Node would end the process, as if all were done. */
  readonly stranded?: Promise<never>;
}

/** How errors are told, as far as it is known by then. */
type GrowingVoice = { -readonly [key in keyof Voice]: Voice[key] };

/** @returns the exit status; never throws */
export async function run(surroundings: Surroundings): Promise<number> {
  const { argv, environment } = surroundings;
  // Errors in the command line itself are told as the words on it ask, as far as they can be read.
  const voice: GrowingVoice = { json: argv.includes("--json"), verbosity: argv.includes("-vv") ? 2 : 0 };
  const terminal = new Terminal(surroundings, { environment });
  let status: number;
  try {
    const work = runUnderstood(surroundings, terminal, voice);
    const { stranded } = surroundings;
    status = (await (stranded === undefined ? work : Promise.race([work, stranded]))) ?? 0;
  } catch (thrown) {
    status = await tell(thrown, terminal, voice);
  }
  await terminal.drain();
  // The last write may have failed when nobody waited for it any more.
  const { outputClosed } = terminal;
  return status === 0 && outputClosed.aborted ? tell(outputClosed.reason, terminal, voice) : status;
}

async function tell(thrown: unknown, terminal: Terminal, voice: Voice): Promise<number> {
  const { reportError } = await import("./errors.js");
  return reportError(thrown, terminal, voice);
}

async function runUnderstood(
  surroundings: Surroundings,
  terminal: Terminal,
  voice: GrowingVoice,
): Promise<number | undefined> {
  const registry = new Registry();
  const plugins = surroundings.environment["PORTHOLE_PLUGINS"] ?? "";
  if (plugins !== "") {
    const { registerPlugins } = await import("./plugins.js");
    await registerPlugins(plugins, registry, surroundings.program);
  }
  const line = parseCommandLine(surroundings.argv, registry);
  if (line.kind === "version") {
    const { readVersion } = await import("./version.js");
    await terminal.write(`porthole ${readVersion()}\n`);
    return 0;
  }
  if (line.kind === "help") {
    const { helpText } = await import("./help.js");
    await terminal.write(
      await helpText(line.topic, registry, terminal.outputIsTerminal ? terminal.columns : 100),
    );
    return 0;
  }
  const { color, quiet, verbose } = line.options;
  terminal.heed({ color: colorMode(color), quiet: quiet === true });
  voice.verbosity = Number(verbose ?? 0);
  const { perform } = await import("./perform.js");
  return perform(line, {
    registry,
    terminal,
    surroundings,
    speak: (known) => {
      Object.assign(voice, known);
    },
  });
}
