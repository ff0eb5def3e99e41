/** `porthole put FILE... URL` */
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { basename } from "node:path";
import { isLocalFailure, localError, PortholeError } from "../../errors.js";
import type { Source, Target } from "../../plugin.js";
import { encodeSegment } from "../../url.js";
import type { Desk } from "../command.js";
import { entryJson, jsonLine } from "../json-line.js";

export async function run(desk: Desk): Promise<number | undefined> {
  const { client, terminal, words, options } = desk;
  const files = words.slice(0, -1);
  const url = words.at(-1);
  if (url === undefined || files.length === 0) {
    throw new PortholeError("usage", "put wants files and a URL", { hint: "porthole put FILE... URL" });
  }
  const target = client.target(url);
  client.require(target, "put", ["put"]);
  const intoFolder = target.path.endsWith("/") || target.path === "" || files.length > 1;
  const sources = await Promise.all(files.map((file) => sourceOf(desk, file)));
  await client.use(target, async (session) => {
    if (session.write === undefined) throw new PortholeError("usage", "nothing can be put here");
    for (const [index, file] of files.entries()) {
      const source = sources[index];
      if (source === undefined) continue;
      const path = intoFolder ? pathInFolder(target, file) : target.path;
      const entry = await session.write(path, source());
      if (options["json"] === true) await terminal.write(jsonLine(entryJson(entry, target.protocol)));
    }
  });
  return undefined;
}

function pathInFolder(target: Target, file: string): string {
  if (file === "-") {
    throw new PortholeError("usage", "standard input has no name", { hint: "end the URL in a file's name" });
  }
  return `${target.path.replace(/\/?$/, "/")}${encodeSegment(basename(file))}`;
}

/** Looked at before the server is: a missing file sends nothing. */
async function sourceOf(desk: Desk, file: string): Promise<() => Source> {
  const replace = desk.options["force"] === true;
  if (file === "-") return () => ({ body: counted(desk, "standard input", desk.terminal.stdin), replace });
  try {
    const facts = await stat(file);
    if (facts.isDirectory())
      throw new PortholeError("local", `${file}: is a folder`, { hint: "mirror copies folders" });
    return () => ({
      body: counted(desk, basename(file), createReadStream(file, { highWaterMark: 256 * 1024 }), facts.size),
      size: facts.size,
      modified: facts.mtime,
      replace,
    });
  } catch (thrown) {
    throw localError(thrown, file);
  }
}

async function* counted(
  desk: Desk,
  what: string,
  octets: AsyncIterable<Uint8Array | string>,
  total?: number,
): AsyncGenerator<Uint8Array> {
  let done = 0;
  const size = total === undefined ? {} : { total };
  try {
    for await (const chunk of octets) {
      const block = typeof chunk === "string" ? Buffer.from(chunk) : chunk;
      done += block.length;
      desk.progress({ what, done, ...size });
      yield block;
    }
  } catch (thrown) {
    throw isLocalFailure(thrown) ? localError(thrown, what) : thrown;
  }
  desk.progress({ what, done, ...size, finished: true });
}
