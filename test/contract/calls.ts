/** Every method of a session, called in the same way: on what the place has, or on a path given instead. */
import { buffer } from "node:stream/consumers";
import type { Entry, Session, Source } from "../../src/plugin.js";
import { type Asking, need, offered, type Place } from "./place.js";

/** Ends when all of the answer has come. */
type Call = (session: Session, place: Place, path?: string) => Promise<unknown>;

/** A name that nothing has. */
export const NEW_NAME = "contract.bin";

export const CALLS: Readonly<Record<Asking, Call>> = {
  list: (session, place, path = need(place.listable, "listable path")) => all(offered(session, "list")(path)),
  stat: (session, place, path = documentOf(place)) => offered(session, "stat")(path),
  read: async (session, place, path = documentOf(place)) => contentOf(session, path),
  write: (session, place, path = newPath(place)) =>
    offered(session, "write")(path, sourceOf([place.writable ?? "new"])),
  remove: (session, place, path = newPath(place)) => offered(session, "remove")(path),
  move: (session, place, path = newPath(place)) => offered(session, "move")(path, `${newPath(place)}.moved`),
  makeFolder: (session, place, path = newPath(place)) => offered(session, "makeFolder")(path),
  search: (session, place, path = need(place.search, "search").path) =>
    all(offered(session, "search")(path, need(place.search, "search").words)),
  send: (session, place) => offered(session, "send")(need(place.outgoing, "outgoing")()),
};

export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const taken: T[] = [];
  for await (const item of items) taken.push(item);
  return taken;
}

/** The names of a folder's entries. */
export async function namesIn(session: Session, path: string): Promise<string[]> {
  const entries: Entry[] = await all(offered(session, "list")(path));
  return entries.map(({ name }) => name);
}

export async function contentOf(session: Session, path: string): Promise<Buffer> {
  const { body } = await offered(session, "read")(path);
  return buffer(body);
}

export function sourceOf(pieces: readonly (string | Buffer)[], facts: Omit<Source, "body"> = {}): Source {
  return { body: piecesOf(pieces), ...facts };
}

async function* piecesOf(pieces: readonly (string | Buffer)[]): AsyncGenerator<Uint8Array> {
  for (const piece of pieces) yield Buffer.from(piece);
}

/** What became of a call: the words "an answer", or what it threw. */
export function outcome(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    () => "an answer",
    (thrown: unknown) => thrown,
  );
}

/** A call that takes longer has not ended, whatever it does afterwards. */
export async function within<T>(milliseconds: number, call: Promise<T>): Promise<T | string> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(`no end within ${milliseconds} ms`), milliseconds);
  });
  try {
    return await Promise.race([call, late]);
  } finally {
    clearTimeout(timer);
  }
}

function documentOf(place: Place): string {
  return need(place.readable, "readable document").path;
}

function newPath(place: Place): string {
  return `${need(place.folder, "folder to write to")}${NEW_NAME}`;
}
