/** One run of the command line: from argv to an exit status, with every stream, signal and setting put together. */
import type { Readable } from "node:stream";
import { type ConfigSchema, effectiveOptions, loadConfig } from "../config.js";
import { PortholeError } from "../errors.js";
import type { Transcript } from "../net/transcript.js";
import type { Options } from "../plugin.js";
import { Registry } from "../registry.js";
import type { ColorMode } from "./colors.js";
import type { Desk } from "./command.js";
import { reportError } from "./errors.js";
import { type CommandLine, parseCommandLine } from "./parse.js";
import { networkSettings, policySettings } from "./settings.js";
import { ALL_SHARED } from "./shared-options.js";
import { type OutputStream, Terminal } from "./terminal.js";
import { type WordSpec, wordNamed } from "./verbs.js";

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
    return (await perform(line, registry, terminal, surroundings)) ?? 0;
  } catch (thrown) {
    return reportError(thrown, terminal, { json: early.json, verbosity });
  } finally {
    await flushed(terminal.stdout);
  }
}

/** What was written has left the process: it may end. */
function flushed(stream: OutputStream): Promise<void> {
  return new Promise((resolve) => {
    if (stream.writableLength === 0 || stream.destroyed) resolve();
    else {
      stream.once("error", () => resolve());
      stream.write("", () => resolve());
    }
  });
}

function isColorMode(value: Options[string]): value is ColorMode {
  return value === "auto" || value === "always" || value === "never";
}

async function perform(
  line: Extract<CommandLine, { kind: "word" | "own" }>,
  registry: Registry,
  terminal: Terminal,
  surroundings: Surroundings,
): Promise<number | undefined> {
  const { environment } = surroundings;
  const schema: ConfigSchema = {
    shared: ALL_SHARED,
    protocols: Object.fromEntries(registry.manifests.map(({ name, options }) => [name, options])),
  };
  const file = line.options["config"];
  const config = await loadConfig({
    schema,
    environment,
    file: typeof file === "string" ? file : undefined,
    disabled: line.options["no-config"] === true,
  });
  for (const warning of config.warnings) terminal.warn(warning);
  const holding = (protocol?: string) =>
    effectiveOptions({ schema, config, environment, flags: line.options, protocol });
  const options = { ...line.options, ...holding() };
  // From here on something will be opened: until now a refusal or a help text had no need of it.
  const [{ Client }, { Transcript }, { ProgressView }, { credentialLookup }] = await Promise.all([
    import("../client.js"),
    import("../net/transcript.js"),
    import("./progress.js"),
    import("./credentials.js"),
  ]);
  const ending = endings(options, terminal, surroundings);
  const transcript = new Transcript();
  const progress = new ProgressView(terminal, {
    ...(typeof options["progress"] === "boolean" ? { wanted: options["progress"] } : {}),
  });
  const stopTranscript = await showTranscript(transcript, options, terminal);
  try {
    const client = new Client({
      registry,
      transcript,
      network: networkSettings(options, environment),
      policy: policySettings(options),
      options: (protocol) => ({ ...line.options, ...holding(protocol) }),
      credentials: credentialLookup({ options, config, terminal, surroundings, signal: ending.signal }),
      accountUrl: (name) => config.accounts.get(name)?.url,
      signal: ending.signal,
      progress: progress.report,
      warn: (text) => terminal.warn(text),
    });
    const desk: Desk = {
      terminal,
      client,
      registry,
      config,
      schema,
      options,
      flags: line.options,
      words: line.words,
      word: line.kind === "word" ? line.word : ownWord(line.own.name),
      signal: ending.signal,
      progress: progress.report,
      program: surroundings.program,
    };
    if (line.kind === "own") {
      const { runOwnCommand } = await import("./own-command.js");
      return await runOwnCommand(desk, line.own);
    }
    if (line.word.load === undefined) throw notYet(line.word);
    return await (await line.word.load()).run(desk);
  } catch (thrown) {
    // What a signal or a deadline ended is reported as that, whatever broke because of it.
    throw ending.signal.aborted ? ending.signal.reason : thrown;
  } finally {
    progress[Symbol.dispose]();
    ending.done();
    await stopTranscript();
  }
}

/** What may end the run from outside: Ctrl-C, a polite kill, --max-time, a reader that left. */
function endings(options: Options, terminal: Terminal, surroundings: Surroundings) {
  const controller = new AbortController();
  const stop = (words: string) => controller.abort(new PortholeError("aborted", words));
  surroundings.onSignal("SIGINT", () => stop("stopped by Ctrl-C"));
  surroundings.onSignal("SIGTERM", () => stop("stopped by a signal"));
  surroundings.onSignal("SIGHUP", () => stop("the terminal is gone"));
  terminal.outputClosed.addEventListener("abort", () => controller.abort(terminal.outputClosed.reason), {
    once: true,
  });
  const maxTime = options["max-time"];
  const timer =
    typeof maxTime === "number"
      ? setTimeout(() => {
          controller.abort(
            new PortholeError("timeout", `not done within ${maxTime} s`, {
              hint: "--max-time sets the limit",
            }),
          );
        }, maxTime * 1000)
      : undefined;
  return { signal: controller.signal, done: () => clearTimeout(timer) };
}

async function showTranscript(
  transcript: Transcript,
  options: Options,
  terminal: Terminal,
): Promise<() => Promise<void>> {
  const wanted =
    options["verbose"] !== undefined || options["trace"] !== undefined || options["record"] !== undefined;
  if (!wanted) return async () => {};
  const { startTranscript } = await import("./transcript-files.js");
  return startTranscript(transcript, options, terminal);
}

function notYet(word: WordSpec): PortholeError {
  return new PortholeError("usage", `${word.name} is in the plan and cannot be used yet`, {
    hint: "`porthole --help` lists what can",
  });
}

/** A protocol's own command has the shape of a word, without the table's row. */
function ownWord(name: string): WordSpec {
  return wordNamed(name) ?? { name, usage: "URL", summary: "", options: [] };
}
