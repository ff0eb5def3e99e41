/** `porthole put FILE... URL` */
import { constants, createReadStream, promises as files } from "node:fs";
import { basename } from "node:path";
import type { Client } from "../../client.js";
import { isLocalFailure, localError, PortholeError } from "../../errors.js";
import type { Entry, EntryKind, Session, Source, Target } from "../../plugin.js";
import { repeatWhilePossible } from "../../repeat.js";
import { encodeSegment } from "../../url.js";
import type { Desk } from "../command.js";
import { entryJson, jsonLine } from "../json-line.js";

const FILE_CHUNK = 256 * 1024;
/** A message has no name there that it could be put under. */
const MESSAGE_PLACES: ReadonlySet<EntryKind | undefined> = new Set(["mailbox", "group"]);

export async function run(desk: Desk): Promise<number | undefined> {
  const { client, terminal, words } = desk;
  const files = words.slice(0, -1);
  const url = words.at(-1);
  if (url === undefined || files.length === 0) {
    throw new PortholeError("usage", "put wants files and a URL", { hint: "porthole put FILE... URL" });
  }
  const target = client.target(url);
  client.require(target, "put", ["put"]);
  const atItself = takesItself(client, target);
  const intoFolder = !atItself && (target.path.endsWith("/") || target.path === "" || files.length > 1);
  if (files.includes("-") && intoFolder) throw nameless();
  const uploads = await Promise.all(
    files.map(async (file) => ({ local: await localFile(file), begun: false, failure: undefined })),
  );
  const left: Upload[] = uploads.reverse();
  const given = await repeatWhilePossible(
    client.policy.retries,
    desk.signal,
    (text) => terminal.warn(client.transcript.cover(text)),
    () => client.use(target, (session) => putAll(desk, { session, target, intoFolder }, left)),
  );
  if (given !== undefined) throw given.failure;
  return undefined;
}

/** A socket has no names: the place itself is written to. */
function takesItself(client: Client, target: Target): boolean {
  const address = client.registry.forScheme(target.url.scheme)?.scheme.address;
  return address === "socket" || address === "socket-path";
}

/** Where it goes. */
interface Destination {
  readonly session: Session;
  readonly target: Target;
  readonly intoFolder: boolean;
}

interface Upload {
  readonly local: LocalFile;
  /** The server has asked for its octets: what is there is ours, in part. */
  begun: boolean;
  /** Why the attempt before this one failed. */
  failure: unknown;
}

/** @returns the failure of one that cannot be repeated */
async function putAll(
  desk: Desk,
  { session, target, intoFolder }: Destination,
  left: Upload[],
): Promise<{ readonly failure: unknown } | undefined> {
  const { options, terminal } = desk;
  if (session.write === undefined) throw new PortholeError("usage", "nothing can be put here");
  const takesMessages = MESSAGE_PLACES.has(session.kindOf?.(target.path));
  for (let upload = left.at(-1); upload !== undefined; upload = left.at(-1)) {
    const { local, begun, failure } = upload;
    const path = intoFolder && !takesMessages ? pathInFolder(target, local) : target.path;
    let entry: Entry;
    try {
      const wanted = options["resume"] === true || begun;
      const there = wanted ? await octetsThere(session, path, local) : undefined;
      // A mail or an article that was under way may have arrived: nothing is sent twice but what can be continued.
      if (begun && there === undefined) return { failure };
      entry = await session.write(path, sourceOf(desk, upload, there));
    } catch (thrown) {
      // Nor here, where what is there cannot be continued.
      if (begun && thrown instanceof PortholeError && thrown.code === "usage") return { failure };
      upload.failure = thrown;
      throw thrown;
    }
    left.pop();
    if (options["json"] === true) await terminal.write(jsonLine(entryJson(entry, target.protocol)));
  }
  return undefined;
}

function nameless(): PortholeError {
  return new PortholeError("usage", "standard input has no name", { hint: "end the URL in a file's name" });
}

function pathInFolder(target: Target, { path }: LocalFile): string {
  if (path === undefined) throw nameless();
  return `${target.path.replace(/\/?$/, "/")}${encodeSegment(basename(path))}`;
}

/** What is sent: a file, or standard input when there is no path. */
interface LocalFile {
  readonly name: string;
  readonly path?: string;
  readonly size?: number;
  readonly modified?: Date;
}

/** Looked at before the server is: a missing file sends nothing. */
async function localFile(file: string): Promise<LocalFile> {
  if (file === "-") return { name: "standard input" };
  try {
    const facts = await files.stat(file);
    if (facts.isDirectory())
      throw new PortholeError("local", `${file}: is a folder`, { hint: "mirror copies folders" });
    await files.access(file, constants.R_OK);
    // A pipe or a device does not tell its size.
    const size = facts.isFile() ? { size: facts.size } : {};
    return { name: basename(file), path: file, modified: facts.mtime, ...size };
  } catch (thrown) {
    throw localError(thrown, file);
  }
}

/** How much of the file an earlier run has sent, undefined when nothing is there. @throws PortholeError `local` when it cannot be the same file */
async function octetsThere(session: Session, path: string, local: LocalFile): Promise<number | undefined> {
  if (local.size === undefined) {
    throw new PortholeError("usage", `${local.name} cannot be sent from the middle`, {
      hint: "leave out --resume",
    });
  }
  const there = await sizeAt(session, path);
  if (there === undefined || there <= local.size) return there;
  throw new PortholeError("local", `what is there is larger than ${local.name}: ${there} octets`, {
    hint: "--force instead of --resume replaces it",
  });
}

async function sizeAt(session: Session, path: string): Promise<number | undefined> {
  try {
    return (await session.stat?.(path))?.size;
  } catch (thrown) {
    if (thrown instanceof PortholeError && thrown.code === "missing") return undefined;
    throw thrown;
  }
}

/** @param there octets at the server already, to be continued */
function sourceOf(desk: Desk, upload: Upload, there: number | undefined): Source {
  const { name, path, size, modified } = upload.local;
  const offset = there ?? 0;
  // Opened when the server is ready: a failure before that would have nobody to hear of it.
  const open = () => {
    upload.begun = true;
    return path === undefined
      ? desk.terminal.stdin
      : // A pipe cannot be told where to begin, not even at its start.
        createReadStream(path, { highWaterMark: FILE_CHUNK, ...(offset === 0 ? {} : { start: offset }) });
  };
  return {
    body: counted(desk, name, open, offset, size),
    // Of an empty one nothing can be lost.
    replace: desk.options["force"] === true || there === 0,
    offset,
    ...(size === undefined ? {} : { size: size - offset }),
    ...(modified === undefined ? {} : { modified }),
  };
}

async function* counted(
  desk: Desk,
  what: string,
  open: () => AsyncIterable<Uint8Array | string>,
  offset: number,
  total?: number,
): AsyncGenerator<Uint8Array> {
  let done = offset;
  const size = total === undefined ? {} : { total };
  try {
    for await (const chunk of open()) {
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
