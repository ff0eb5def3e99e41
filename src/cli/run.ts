/** One run of the command line: from argv to an exit status, whatever happens in between. */
import type { Readable } from "node:stream";
import type { Options } from "../plugin.js";
import { Registry } from "../registry.js";
import type { ColorMode } from "./colors.js";
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
}

/** @returns the exit status; never throws */
export async function run(surroundings: Surroundings): Promise<number> {
  const { argv, environment } = surroundings;
  // Errors in the command line itself are shown as the words on it ask, as far as they can be read.
  const early = { json: argv.includes("--json"), verbosity: argv.includes("-vv") ? 2 : 0 };
  let terminal = new Terminal(surroundings, { environment });
  let verbosity = early.verbosity;
  try {
    const registry = new Registry();
    const line = parseCommandLine(argv, registry);
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
    terminal = new Terminal(surroundings, {
      environment,
      ...(isColorMode(line.options["color"]) ? { color: line.options["color"] } : {}),
      quiet: line.options["quiet"] === true,
    });
    verbosity = Number(line.options["verbose"] ?? 0);
    const { perform } = await import("./perform.js");
    return (await perform(line, registry, terminal, surroundings)) ?? 0;
  } catch (thrown) {
    const { reportError } = await import("./errors.js");
    return reportError(thrown, terminal, { json: early.json, verbosity });
  } finally {
    await terminal.drain();
  }
}

function isColorMode(value: Options[string]): value is ColorMode {
  return value === "auto" || value === "always" || value === "never";
}
