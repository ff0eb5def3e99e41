/** Files of many articles: fetched over several sessions, on each with many commands under way. */
import { PortholeError } from "../../../src/errors.js";
import { fetchAll } from "../articles.js";
import type { NewsSession } from "../session.js";
import { type Assembled, Assembly, finished } from "./assembly.js";
import type { BinaryFile } from "./nzb.js";

export interface DownloadOptions {
  readonly folder: string;
  /** Replace files that are there already. */
  readonly replace: boolean;
  /** Sessions at most. */
  readonly jobs: number;
  /** Opens a session more. */
  open(): Promise<NewsSession>;
  /** Octets decoded so far, and file by file. */
  progress(name: string, octets: number): void;
  warn(text: string): void;
}

/** A body holds some 700 KB: with many under way the answer is always there when it is wanted. */
const DEPTH = 20;

/** What became of each file, as each is done. A file that is there already is passed over. */
export async function* download(
  files: readonly BinaryFile[],
  first: NewsSession,
  options: DownloadOptions,
): AsyncGenerator<Assembled, void, undefined> {
  const waiting = [...files];
  const done: Assembled[] = [];
  let stir: () => void = () => {};
  let working = 0;
  let failure: unknown;
  const work = async (session: NewsSession) => {
    for (let file = waiting.shift(); file !== undefined && failure === undefined; file = waiting.shift()) {
      const there = options.replace ? undefined : await finished(file, options.folder);
      if (there === undefined) done.push(await fetchFile(file, session, options));
      else options.warn(`${there} is there already`);
      stir();
    }
  };
  const start = (session: Promise<NewsSession>, needed: boolean) => {
    working += 1;
    session
      .then(work)
      .catch((thrown: unknown) => {
        // A server that has no room for another session has room for those there are.
        if (needed || !(thrown instanceof PortholeError) || thrown.code !== "busy") failure ??= thrown;
        else options.warn(`${thrown.message}; going on with fewer connections`);
      })
      .finally(() => {
        working -= 1;
        stir();
      });
  };
  start(Promise.resolve(first), true);
  for (let count = 1; count < Math.min(options.jobs, files.length); count++) start(options.open(), false);
  try {
    for (;;) {
      for (let one = done.shift(); one !== undefined; one = done.shift()) yield one;
      if (working === 0) break;
      await new Promise<void>((resolve) => {
        stir = resolve;
      });
    }
  } finally {
    waiting.length = 0;
  }
  if (failure !== undefined) throw failure;
}

async function fetchFile(
  file: BinaryFile,
  session: NewsSession,
  options: DownloadOptions,
): Promise<Assembled> {
  const assembly = await Assembly.begin(file, options.folder);
  try {
    const { left } = assembly;
    const numbers = new Map(left.map(({ id, number }) => [id, number]));
    const peer = await session.line.peer();
    const ids = left.map(({ id }) => id);
    for await (const { which, body } of fetchAll(peer, undefined, ids, "BODY", DEPTH)) {
      const octets = await assembly.take(numbers.get(String(which)) ?? 0, body);
      options.progress(file.subject, octets);
    }
  } catch (thrown) {
    await assembly.leave();
    throw thrown;
  }
  return assembly.finish(options.replace);
}
