/** A command of Gopher's own, done: its records, and documents as text. */
import { text } from "node:stream/consumers";
import { Client } from "../../src/client.js";
import type { JsonObject, Options, Session } from "../../src/plugin.js";
import { MANIFESTS } from "../../src/registry.js";

export interface Told {
  readonly text: string;
  readonly data: JsonObject;
}

/** @param told gets each as it comes: what was told before a failure is not lost */
export async function performed(
  name: string,
  words: readonly string[],
  options: Options = {},
  told: Told[] = [],
): Promise<Told[]> {
  const manifest = MANIFESTS.find((one) => one.name === "gopher");
  const plugin = await manifest?.load?.();
  const command = plugin?.commands[name];
  if (command === undefined) throw new Error(`there is no gopher ${name}`);
  const client = new Client({ options });
  const sessions: Session[] = [];
  try {
    const outputs = command({
      words,
      options,
      open: async (url) => {
        const target = client.target(url);
        const session = await client.open(target);
        sessions.push(session);
        return { session, target };
      },
      signal: new AbortController().signal,
      stdin: (async function* () {})(),
      stdinIsTerminal: false,
      warn: () => undefined,
    });
    for await (const output of outputs) {
      if (output.kind === "record") told.push({ text: output.text, data: output.data });
      else if (output.kind === "document") told.push({ text: await text(output.document.body), data: {} });
    }
  } finally {
    for (const session of sessions) await session[Symbol.asyncDispose]();
  }
  return told;
}
