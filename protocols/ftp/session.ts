/** FTP as a Session. */
import { messageOf, PortholeError } from "../../src/errors.js";
import { mediaTypeOf } from "../../src/files/media-type.js";
import type {
  CheckStep,
  Context,
  Document,
  Entry,
  ListQuery,
  ReadQuery,
  Session,
  Source,
  Target,
} from "../../src/plugin.js";
import { checkSteps } from "./check.js";
import type { Control } from "./control.js";
import { Download } from "./download.js";
import { FolderReader } from "./folder.js";
import type { Listed } from "./listing.js";
import { textOf } from "./octets.js";
import { type FtpPath, parsePath, pathBelow, pathOf, placeBelow, shownPath } from "./path.js";
import { refusal } from "./refusal.js";
import { removeAt } from "./removal.js";
import { findAt, lookAt } from "./standing.js";
import { upload } from "./upload.js";

/** A folder of a recursive listing that is still to be read. */
interface Waiting {
  readonly folder: FtpPath;
  /** What the names of its entries begin with: `charts/north/`. */
  readonly prefix: string;
}

export class FtpSession implements Session {
  readonly control: Control;
  readonly #target: Target;
  readonly #context: Context;
  readonly #folders: FolderReader;

  constructor(control: Control, target: Target, context: Context) {
    this.control = control;
    this.#target = target;
    this.#context = context;
    this.#folders = new FolderReader(control, (text) => context.warn(text));
  }

  /** Folders before what is in them. Entries of inner folders are named from the folder asked for: `charts/bay.txt`. */
  async *list(path: string, query: ListQuery = {}): AsyncGenerator<Entry> {
    const limit = query.limit ?? Number.POSITIVE_INFINITY;
    let count = 0;
    if (limit <= 0) return;
    for await (const entry of this.#walk(parsePath(path), query.recursive === true)) {
      yield entry;
      count += 1;
      if (count >= limit) return;
    }
  }

  async stat(path: string): Promise<Entry> {
    const place = parsePath(path);
    return this.#entryAt(place, await lookAt(this.control, place));
  }

  async read(path: string, query: ReadQuery = {}): Promise<Document> {
    const place = parsePath(path);
    // Without an answer RETR decides: a server may tell nothing about a file and hand it out all the same.
    const found = (await findAt(this.control, place)) ?? { name: place.last, kind: "file", meta: {} };
    if (found.kind === "directory") throw isFolder(place);
    const { size, modified } = found;
    const validator =
      size === undefined || modified === undefined ? undefined : `${size}-${modified.getTime()}`;
    // A text's octets are counted by nobody before it is sent (RFC 3659, 4.2).
    const total = place.text ? undefined : size;
    await this.control.useType(place.text ? "A" : "I");
    const pathname = await this.control.pathname(place);
    const transfer = await this.control.transfer(`RETR ${pathname}`, {
      offset: place.text ? 0 : startOf(query, validator, total),
      unavailable: "missing",
    });
    const { offset } = transfer;
    const entry = this.#entryAt(place, found);
    return {
      entry,
      type: entry.type ?? "application/octet-stream",
      offset,
      ...(total === undefined ? {} : { total }),
      ...(validator === undefined || place.text ? {} : { validator }),
      body: new Download(transfer, {
        announced: total === undefined ? undefined : total - offset,
        wanted: query.length,
      }),
    };
  }

  async write(path: string, source: Source): Promise<Entry> {
    const place = parsePath(path);
    if (place.folder) throw isFolder(place);
    const offset = source.offset ?? 0;
    const found = offset > 0 || source.replace !== true ? await findAt(this.control, place) : undefined;
    if (offset > 0) refuseGap(place, found, offset);
    else if (found !== undefined) throw existsAlready(place);
    await this.control.useType(place.text ? "A" : "I");
    const pathname = await this.control.pathname(place);
    const transfer = await this.control.transfer(`${offset > 0 ? "APPE" : "STOR"} ${pathname}`);
    const sent = await upload(transfer, source.body);
    return this.#entryAt(place, {
      name: place.last,
      kind: "file",
      ...(place.text ? {} : { size: offset + sent }),
      meta: {},
    });
  }

  async remove(path: string, query: { readonly recursive?: boolean } = {}): Promise<void> {
    await removeAt(this.control, this.#folders, parsePath(path), query.recursive === true);
  }

  async move(from: string, to: string, query: { readonly replace?: boolean } = {}): Promise<Entry> {
    const source = parsePath(from);
    const place = parsePath(to);
    if (query.replace !== true && (await findAt(this.control, place)) !== undefined)
      throw existsAlready(place);
    const [oldName, newName] = [await this.control.pathname(source), await this.control.pathname(place)];
    const asked = await this.control.ask(`RNFR ${oldName}`);
    if (asked.code !== 350) throw refusal(asked, "missing");
    const moved = await this.control.ask(`RNTO ${newName}`);
    if (moved.code >= 300) throw refusal(moved);
    return this.#entryAt(place, await lookAt(this.control, place));
  }

  async makeFolder(path: string): Promise<Entry> {
    const place = parsePath(path);
    const reply = await this.control.ask(`MKD ${await this.control.pathname(place)}`);
    if (reply.code >= 300) {
      if (reply.code >= 500 && (await findAt(this.control, place)) !== undefined) throw existsAlready(place);
      throw refusal(reply);
    }
    return this.#entryAt(place, { name: place.last, kind: "directory", meta: {} });
  }

  check(): AsyncIterable<CheckStep> {
    return checkSteps(this.control, this.#target);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.control.quit();
  }

  async *#walk(start: FtpPath, recursive: boolean): AsyncGenerator<Entry> {
    // The last is read next.
    const waiting: Waiting[] = [{ folder: start, prefix: "" }];
    let failed = 0;
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const { folder, prefix } = next;
      const inner: Waiting[] = [];
      try {
        for await (const listed of this.#folders.entries(folder)) {
          const isDirectory = listed.kind === "directory";
          const name = `${prefix}${textOf(listed.name)}`;
          if (recursive && isDirectory) {
            inner.push({ folder: placeBelow(folder, listed.name, true), prefix: `${name}/` });
          }
          yield this.#entry(pathBelow(folder, listed.name, isDirectory), listed, name);
        }
      } catch (thrown) {
        if (folder === start) {
          yield* this.#fileInstead(start, thrown);
          return;
        }
        if (!(thrown instanceof PortholeError) || !["missing", "refused"].includes(thrown.code)) throw thrown;
        failed += 1;
        this.#context.warn(`${shownPath(folder)}: ${thrown.reply ?? messageOf(thrown)}`);
      }
      for (const found of inner.reverse()) waiting.push(found);
    }
    if (failed > 0) throw new PortholeError("partial", `${failed} folders could not be listed`);
  }

  /** A file is its own listing, as with ls. */
  async *#fileInstead(place: FtpPath, thrown: unknown): AsyncGenerator<Entry> {
    if (!(thrown instanceof PortholeError) || !["missing", "refused"].includes(thrown.code)) throw thrown;
    const found = await findAt(this.control, place);
    if (found === undefined || found.kind === "directory") throw thrown;
    yield this.#entryAt(place, found);
  }

  #entryAt(place: FtpPath, listed: Listed): Entry {
    return this.#entry(pathOf(place, listed.kind === "directory"), listed, textOf(listed.name));
  }

  /** @param path of the URL, as pathOf and pathBelow make it */
  #entry(path: string, listed: Listed, name: string): Entry {
    const type = listed.kind === "file" || listed.kind === "link" ? mediaTypeOf(name) : undefined;
    return {
      url: this.#target.href(path),
      name: name === "" ? "/" : name,
      kind: listed.kind,
      ...(listed.size === undefined ? {} : { size: listed.size }),
      ...(listed.modified === undefined ? {} : { modified: listed.modified }),
      ...(type === undefined ? {} : { type }),
      meta: listed.meta,
    };
  }
}

/** Where a transfer may begin: not within a file that has changed, and not beyond its end. */
function startOf(query: ReadQuery, validator: string | undefined, total: number | undefined): number {
  const offset = query.offset ?? 0;
  if (query.validator !== undefined && query.validator !== validator) return 0;
  return total !== undefined && offset > total ? 0 : offset;
}

function refuseGap(place: FtpPath, found: Listed | undefined, offset: number): void {
  if (found?.size === offset) return;
  const there = found === undefined ? "is not there" : `has ${found.size ?? "an unknown number of"} octets`;
  throw new PortholeError("usage", `${shownPath(place)} ${there}: it cannot be continued at ${offset}`, {
    hint: "send it from the start",
  });
}

function existsAlready(place: FtpPath): PortholeError {
  return new PortholeError("local", `${shownPath(place)}: exists already`, { hint: "--force replaces it" });
}

function isFolder(place: FtpPath): PortholeError {
  return new PortholeError("refused", `${shownPath(place)} is a folder`, { hint: "ls lists it" });
}
