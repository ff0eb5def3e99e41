/** What a word of the command line gets to work with, and what it gives back. */
import type { Client, CredentialLookup } from "../client.js";
import type { Config, ConfigSchema } from "../config.js";
import type { Manifest, Options, Progress } from "../plugin.js";
import type { Registry } from "../registry.js";
import type { Voice } from "./errors.js";
import type { Terminal } from "./terminal.js";
import type { WordSpec } from "./verbs.js";

export interface Desk {
  readonly terminal: Terminal;
  readonly voice: Voice;
  readonly client: Client;
  /** One that these flags hold for, too, beside those of the command line: for lines that have flags of their own. */
  clientWith(flags: Options): Client;
  /** Where this run's credentials come from: for those who ask the person in a way of their own. */
  readonly credentials: CredentialLookup;
  readonly registry: Registry;
  readonly config: Config;
  readonly schema: ConfigSchema;
  /** The word's own flags, and the shared options as they hold: flag, environment, configuration. */
  readonly options: Options;
  /** What the command line itself said. */
  readonly flags: Options;
  /** What followed the word. */
  readonly words: readonly string[];
  readonly word: WordSpec;
  /** Fires at Ctrl-C, when --max-time is over, and when nobody reads standard output any more. */
  readonly signal: AbortSignal;
  progress(report: Progress): void;
  /** Nothing that was reported is under way any more: for those who go on after a failure. */
  progressOver(): void;
  /** The file that Node runs as `porthole`: the tour starts it again. */
  readonly program: string;
}

/** A protocol's own command, found on the command line. */
export interface OwnCommand {
  readonly manifest: Manifest;
  readonly name: string;
}

export interface CommandModule {
  /** @returns the exit status when it is not 0 @throws PortholeError */
  run(desk: Desk): Promise<number | undefined>;
}
