/** A protocol's own command, performed as the command line does it, and what it gave. */
import { Readable } from "node:stream";
import { Client, type ClientSettings, loadPlugin } from "../../src/client.js";
import type { JsonObject, Options, Session } from "../../src/plugin.js";

export interface Performance {
  /** All that went to standard output. */
  readonly text: string;
  readonly records: readonly JsonObject[];
  readonly warnings: readonly string[];
}

export interface Stage {
  readonly settings?: ClientSettings;
  readonly stdin?: Readable;
  /** Called with each warning, as it comes. */
  readonly onWarning?: (text: string) => void;
  /** Called with each record, as it comes. */
  readonly onRecord?: (data: JsonObject) => void;
  /** Called with all text so far, as it comes. */
  readonly onText?: (text: string) => void;
}

/** `["send=a", "expect=b"]`, in an order that counts. */
export function steps(...order: readonly string[]): Options {
  return { send: order, expect: order };
}

/** @throws what the command throws */
export async function perform(
  protocol: string,
  name: string,
  words: readonly string[],
  options: Options = {},
  stage: Stage = {},
): Promise<Performance> {
  const client = new Client({ options, ...stage.settings });
  const manifest = client.registry.named(protocol);
  if (manifest === undefined) throw new Error(`no protocol is named ${protocol}`);
  const command = (await loadPlugin(manifest)).commands[name];
  if (command === undefined) throw new Error(`${protocol} has no command ${name}`);
  const sessions: Session[] = [];
  const warnings: string[] = [];
  const records: JsonObject[] = [];
  const pieces: Buffer[] = [];
  try {
    const outputs = command({
      words,
      options,
      signal: client.signal,
      stdin: stage.stdin ?? Readable.from([]),
      stdinIsTerminal: false,
      warn: (text) => {
        warnings.push(text);
        stage.onWarning?.(text);
      },
      async open(url) {
        const target = client.target(url);
        const session = await client.open(target);
        sessions.push(session);
        return { session, target };
      },
    });
    for await (const output of outputs) {
      if (output.kind === "record") {
        records.push(output.data);
        stage.onRecord?.(output.data);
      }
      if (output.kind === "octets") {
        pieces.push(Buffer.from(output.octets));
        stage.onText?.(Buffer.concat(pieces).toString("latin1"));
      }
    }
  } finally {
    for (const session of sessions) await session[Symbol.asyncDispose]();
  }
  return { text: Buffer.concat(pieces).toString("latin1"), records, warnings };
}

/** A command that serves, until `stop`. */
export interface Service {
  /** Where it listens, as it says itself. */
  readonly port: number;
  readonly warnings: readonly string[];
  /** Ends it as Ctrl-C does, when it has not ended by itself. */
  stop(): Promise<void>;
  /** What it gave; rejects with what it threw. */
  readonly ended: Promise<Performance>;
}

export async function serve(
  protocol: string,
  name: string,
  words: readonly string[],
  options: Options = {},
  stage: Stage = {},
): Promise<Service> {
  const stop = new AbortController();
  const warnings: string[] = [];
  let listening: (port: number) => void = () => undefined;
  const port = new Promise<number>((resolve) => {
    listening = resolve;
  });
  const ended = perform(protocol, name, words, options, {
    ...stage,
    settings: { signal: stop.signal, ...stage.settings },
    onWarning: (text) => {
      warnings.push(text);
      const [, found] = /^(?:listening on|relaying from) .*?:(\d+)(?:[ ,]|$)/.exec(text) ?? [];
      if (found !== undefined) listening(Number(found));
      stage.onWarning?.(text);
    },
  });
  ended.catch(() => undefined);
  const started = await Promise.race([
    port,
    ended.then(() => Promise.reject(new Error("it ended before it listened"))),
  ]);
  return {
    port: started,
    warnings,
    ended,
    stop: async () => {
      stop.abort();
      await ended.catch(() => undefined);
    },
  };
}
