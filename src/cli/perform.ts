/** A command line that was understood, done: with configuration, network, credentials and streams put together. */
import { Client } from "../client.js";
import { type ConfigSchema, effectiveOptions, loadConfig } from "../config.js";
import { PortholeError } from "../errors.js";
import { Transcript } from "../net/transcript.js";
import type { Options, Progress } from "../plugin.js";
import type { Registry } from "../registry.js";
import { colorMode } from "./colors.js";
import type { Desk } from "./command.js";
import { accountUrls, credentialLookup, passwordWarnings } from "./credentials.js";
import type { Voice } from "./errors.js";
import { heldInput } from "./held-input.js";
import { holdBackOptimizer } from "./optimizer.js";
import type { CommandLine } from "./parse.js";
import type { Surroundings } from "./run.js";
import { milliseconds, networkSettings, policySettings } from "./settings.js";
import { ALL_SHARED } from "./shared-options.js";
import { stateFolder } from "./state-folder.js";
import type { Terminal } from "./terminal.js";
import { type WordSpec, wordNamed } from "./verbs.js";

export interface Stage {
  readonly registry: Registry;
  readonly terminal: Terminal;
  readonly surroundings: Surroundings;
  /** Told how errors are to be told, as soon as all options are known: --json may stand in the configuration. */
  readonly speak: (voice: Voice) => void;
}

/** @returns the exit status when it is not 0 @throws PortholeError, OutputClosed */
export async function perform(
  line: Extract<CommandLine, { kind: "word" | "own" }>,
  { registry, terminal, surroundings, speak }: Stage,
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
  const holding = (flags: Options, protocol?: string): Options => ({
    ...flags,
    ...effectiveOptions({ schema, config, environment, flags, protocol }),
  });
  const options = holding(line.options);
  const transcript = new Transcript();
  const voice: Voice = {
    json: options["json"] === true,
    verbosity: Number(options["verbose"] ?? 0),
    cover: (text) => transcript.cover(text),
  };
  speak(voice);
  terminal.heed({
    color: colorMode(options["color"]),
    quiet: options["quiet"] === true,
    json: options["json"] === true,
  });
  for (const warning of [...config.warnings, ...passwordWarnings(line.words)]) terminal.warn(warning);
  const ending = endings(options, terminal, surroundings);
  const progress = await startProgress(options, terminal);
  const stopTranscript = await showTranscript(transcript, options, terminal);
  holdBackOptimizer();
  try {
    const { signal } = ending;
    const standardInput = heldInput(terminal);
    const furnished = (flags: Options) => {
      const held = holding(flags);
      const credentials = credentialLookup({ options: held, config, terminal, surroundings, signal });
      const client = new Client({
        registry,
        transcript,
        network: networkSettings(held, environment),
        policy: policySettings(held),
        options: (protocol) => holding(flags, protocol),
        credentials,
        accountUrl: accountUrls(config),
        environment,
        signal,
        stateFolder: stateFolder(environment),
        standardInput,
        progress: progress.report,
        warn: (text) => terminal.warn(transcript.cover(text)),
      });
      return { client, credentials };
    };
    const desk: Desk = {
      terminal,
      voice,
      ...furnished(line.options),
      clientWith: (flags) => furnished({ ...line.options, ...flags }).client,
      registry,
      config,
      schema,
      options,
      flags: line.options,
      words: line.words,
      word: line.kind === "word" ? line.word : ownWord(line.own.name),
      signal,
      progress: progress.report,
      progressOver: progress.over,
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
    throw ending.signal.aborted ? ending.reason() : thrown;
  } finally {
    progress.end();
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
  // 0 is no limit, as with the other times.
  const timer =
    typeof maxTime === "number" && maxTime > 0
      ? setTimeout(() => {
          controller.abort(
            new PortholeError("timeout", `not done within ${maxTime} s`, {
              hint: "--max-time sets the limit",
            }),
          );
        }, milliseconds(maxTime))
      : undefined;
  const reason = (): unknown => {
    const given: unknown = controller.signal.reason;
    // A protocol at work puts its name on what ended it; but Ctrl-C and a full disk are nobody's fault.
    return given instanceof PortholeError && (given.code === "aborted" || given.code === "local")
      ? new PortholeError(given.code, given.message, { cause: given.cause })
      : given;
  };
  return { signal: controller.signal, reason, done: () => clearTimeout(timer) };
}

async function showTranscript(
  transcript: Transcript,
  options: Options,
  terminal: Terminal,
): Promise<() => Promise<void>> {
  const wanted =
    options["verbose"] !== undefined ||
    options["trace"] !== undefined ||
    options["record"] !== undefined ||
    options["transcript"] !== undefined;
  if (!wanted) return async () => {};
  const { startTranscript } = await import("./transcript-files.js");
  return startTranscript(transcript, options, terminal);
}

/** The progress line, where somebody will see it: what draws it is not loaded for a script. */
async function startProgress(options: Options, terminal: Terminal) {
  const wanted = options["progress"];
  const seen = typeof wanted === "boolean" ? wanted : terminal.errorIsTerminal && !terminal.quiet;
  if (!seen) return { report: (_report: Progress) => {}, over: () => {}, end: () => {} };
  const { ProgressView } = await import("./progress.js");
  const view = new ProgressView(terminal, { wanted: true });
  return { report: view.report, over: view.over, end: () => view[Symbol.dispose]() };
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
