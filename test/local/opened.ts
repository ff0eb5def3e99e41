/** A session with a place on this machine, in a folder that is gone afterwards. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { Client, type ClientSettings } from "../../src/client.js";
import type { Entry, Session, Source } from "../../src/plugin.js";

/** What all four schemes offer; the manifest says so, and the contract suite compares. */
export type LocalSession = Required<Omit<Session, "send" | "check" | "interact" | "kindOf">> &
  Pick<Session, "kindOf">;

export interface Opened {
  readonly client: Client;
  readonly session: LocalSession;
  /** The path of a URL. */
  readonly pathOf: (entry: Entry) => string;
  /** The octets at a path. */
  readonly contentOf: (path: string) => Promise<string>;
}

export async function inFolder(act: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "porthole-local-"));
  try {
    await act(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

export async function opened(
  url: string,
  act: (opened: Opened) => Promise<void>,
  settings: ClientSettings = {},
): Promise<void> {
  const client = new Client(settings);
  const session = await client.open(client.target(url));
  if (!isWhole(session)) throw new Error("the session lacks a method");
  try {
    await act({
      client,
      session,
      pathOf: (entry) => client.target(entry.url).path,
      contentOf: async (path) => (await buffer((await session.read(path)).body)).toString("latin1"),
    });
  } finally {
    await session[Symbol.asyncDispose]();
  }
}

function isWhole(session: Session): session is LocalSession {
  const methods = ["list", "stat", "read", "write", "remove", "move", "makeFolder", "search", "watch"];
  return methods.every((method) => method in session);
}

export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const taken: T[] = [];
  for await (const item of items) taken.push(item);
  return taken;
}

export async function names(items: AsyncIterable<Entry>): Promise<string[]> {
  return (await all(items)).map(({ name }) => name);
}

export function source(text: string | Buffer, facts: Omit<Source, "body"> = {}): Source {
  return { body: pieces(Buffer.from(text)), ...facts };
}

/** Cut where it hurts. */
async function* pieces(octets: Buffer): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < octets.length; at += 7) yield octets.subarray(at, at + 7);
}

export async function* failing(): AsyncGenerator<Uint8Array> {
  yield Buffer.from("From: a@b\n\nthe beginning, and then ");
  throw new Error("the source ran dry");
}
