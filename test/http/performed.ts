/** A command of HTTP, performed as the command line does it, and what it gave. */
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { Client, type ClientSettings, loadPlugin } from "../../src/client.js";
import { PortholeError } from "../../src/errors.js";
import type { JsonObject, Options, Session } from "../../src/plugin.js";

export interface Performance {
  /** All that would go to standard output, documents included. */
  readonly text: string;
  readonly octets: Buffer;
  readonly records: readonly JsonObject[];
  /** What would go to standard error. */
  readonly told: readonly string[];
  /** What it ended in. */
  readonly failure?: PortholeError;
}

export async function perform(
  name: string,
  words: readonly string[],
  options: Options = {},
  settings: ClientSettings & { readonly stdin?: Readable } = {},
): Promise<Performance> {
  const client = new Client({ options, ...settings });
  const manifest = client.registry.named("http");
  const command = manifest === undefined ? undefined : (await loadPlugin(manifest)).commands[name];
  if (command === undefined) throw new Error(`http has no command ${name}`);
  const sessions: Session[] = [];
  const records: JsonObject[] = [];
  const pieces: Buffer[] = [];
  const told: string[] = [];
  let failure: PortholeError | undefined;
  try {
    const outputs = command({
      words,
      options,
      signal: client.signal,
      stdin: settings.stdin ?? Readable.from([]),
      stdinIsTerminal: false,
      warn: (text) => told.push(text),
      tell: (text) => told.push(text),
      async open(url) {
        const target = client.target(url);
        const session = await client.open(target);
        sessions.push(session);
        return { session, target };
      },
    });
    for await (const output of outputs) {
      if (output.kind === "record") records.push(output.data);
      if (output.kind === "octets") pieces.push(Buffer.from(output.octets));
      if (output.kind === "document") pieces.push(await buffer(output.document.body));
    }
  } catch (thrown) {
    if (!(thrown instanceof PortholeError)) throw thrown;
    failure = thrown;
  } finally {
    for (const session of sessions) await session[Symbol.asyncDispose]();
  }
  const octets = Buffer.concat(pieces);
  return { text: octets.toString(), octets, records, told, ...(failure === undefined ? {} : { failure }) };
}
