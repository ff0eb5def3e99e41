import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { conversation, type Script, type ScriptedServer, scripted } from "../../fixtures/servers/scripted.js";
import { Client, type ClientSettings } from "../../src/client.js";
import type { Entry, Session } from "../../src/plugin.js";

export type Verbs = Required<
  Pick<Session, "list" | "stat" | "read" | "readMany" | "write" | "remove" | "move" | "makeFolder">
>;

/** Opens what `url` names, hands its session over, and closes it. */
export async function opened<T>(
  url: string,
  act: (session: Verbs) => Promise<T>,
  settings: ClientSettings = {},
): Promise<T> {
  const client = new Client(settings);
  const session = await client.open(client.target(url));
  try {
    const list = session.list?.bind(session);
    const stat = session.stat?.bind(session);
    const read = session.read?.bind(session);
    const readMany = session.readMany?.bind(session);
    const write = session.write?.bind(session);
    const remove = session.remove?.bind(session);
    const move = session.move?.bind(session);
    const makeFolder = session.makeFolder?.bind(session);
    if (!list || !stat || !read || !readMany || !write || !remove || !move || !makeFolder) {
      throw new Error("a verb is absent");
    }
    return await act({ list, stat, read, readMany, write, remove, move, makeFolder });
  } finally {
    await session[Symbol.asyncDispose]();
  }
}

export async function all(entries: AsyncIterable<Entry>): Promise<Entry[]> {
  const listed: Entry[] = [];
  for await (const entry of entries) listed.push(entry);
  return listed;
}

export async function names(entries: AsyncIterable<Entry>): Promise<string[]> {
  return (await all(entries)).map(({ name }) => name);
}

export async function contentOf(session: Verbs, path: string): Promise<string> {
  return text((await session.read(path)).body);
}

/** A body that was left is closed once the session may be used again. */
export async function closed(body: Readable): Promise<void> {
  if (!body.closed) await new Promise<void>((resolve) => body.once("close", () => resolve()));
}

export async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => "no failure",
    (thrown: unknown) => thrown,
  );
}

export async function* pieces(...texts: readonly string[]): AsyncGenerator<Buffer> {
  for (const piece of texts) yield Buffer.from(piece);
}

/** The login of anybody, to a server that lists no features. */
export const LOGIN = conversation(`
  S: 220 ready
  C: USER anonymous
  S: 331 password?
  C: PASS anonymous@
  S: 230 come in
  C: FEAT
  S: 502 what?
`);

export const GOODBYE = conversation("C: QUIT\nS: 221 bye");

/** The login, what `lines` say, and the goodbye. */
export function afterLogin(lines: string): Script {
  return LOGIN.and(conversation(lines)).and(GOODBYE);
}

/** What the server says before a transfer on the data connection that `data` plays. */
export function passive(data: ScriptedServer): string {
  return `C: EPSV\nS: 229 Entering Extended Passive Mode (|||${data.port}|)`;
}

/** A control connection that plays `control`, with a session on it. */
export async function talk<T>(
  control: Script | readonly Script[],
  act: (session: Verbs) => Promise<T>,
  settings: ClientSettings = {},
): Promise<T> {
  await using server = await scripted(control, { timeout: 5000 });
  const result = await opened(server.url("ftp", "/"), act, settings);
  await server.done;
  return result;
}
