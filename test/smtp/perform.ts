/** A command of SMTP, performed as the command line does it, and what it gave. */
import { Readable } from "node:stream";
import { type Script, scripted } from "../../fixtures/servers/scripted.js";
import { Client, type ClientSettings, loadPlugin } from "../../src/client.js";
import { PortholeError } from "../../src/errors.js";
import type { JsonObject, Options, Session } from "../../src/plugin.js";

export interface Performance {
  readonly records: readonly JsonObject[];
  /** What people see. */
  readonly lines: readonly string[];
  readonly failure?: PortholeError;
}

export async function perform(
  name: string,
  words: readonly string[],
  options: Options = {},
  settings: ClientSettings = {},
  stdin = "",
): Promise<Performance> {
  const client = new Client({ options, ...settings });
  const manifest = client.registry.named("smtp");
  const command = manifest === undefined ? undefined : (await loadPlugin(manifest)).commands[name];
  if (command === undefined) throw new Error(`smtp has no command ${name}`);
  const sessions: Session[] = [];
  const records: JsonObject[] = [];
  const lines: string[] = [];
  let failure: PortholeError | undefined;
  try {
    const outputs = command({
      words,
      options,
      signal: client.signal,
      stdin: Readable.from(stdin === "" ? [] : [Buffer.from(stdin)]),
      stdinIsTerminal: false,
      warn: () => {},
      reach: (url) => {
        const target = client.target(url);
        return { target, context: client.contextFor(target) };
      },
      async open(url) {
        const target = client.target(url);
        const session = await client.open(target);
        sessions.push(session);
        return { session, target };
      },
    });
    for await (const output of outputs) {
      if (output.kind !== "record") continue;
      records.push(output.data);
      lines.push(output.text);
    }
  } catch (thrown) {
    if (!(thrown instanceof PortholeError)) throw thrown;
    failure = thrown;
  } finally {
    for (const session of sessions) await session[Symbol.asyncDispose]();
  }
  return { records, lines, ...(failure === undefined ? {} : { failure }) };
}

/** The same, of a server that plays a script to its end. */
export async function performed(
  play: Script,
  name: string,
  words: readonly string[] = [],
  options: Options = {},
  settings: ClientSettings = {},
): Promise<Performance> {
  await using server = await scripted(play, { timeout: 5000 });
  const done = await perform(name, [server.url("smtp"), ...words], options, settings);
  await server.done;
  return done;
}
