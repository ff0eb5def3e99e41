/** FTP as a Session. */
import { PortholeError } from "../../src/errors.js";
import { mediaTypeOf } from "../../src/files/media-type.js";
import type {
  CheckStep,
  Context,
  Document,
  Entry,
  ListQuery,
  ManyRead,
  ReadQuery,
  Session,
  Source,
  Target,
} from "../../src/plugin.js";
import { PathsToRead, readAhead, readInTurn } from "./ahead.js";
import { checkSteps } from "./check.js";
import type { Control } from "./control.js";
import { Download, isBulk } from "./download.js";
import { FolderReader } from "./folder.js";
import { walkFolders } from "./folder-walk.js";
import type { Listed } from "./listing.js";
import { openControl } from "./login.js";
import { type FtpPath, parsePath, pathOf, shownName, shownPath } from "./path.js";
import { Refusal, refusal } from "./refusal.js";
import { removeAt } from "./removal.js";
import { findAt, lookAt, lookBehind } from "./standing.js";
import { setMode, setTime } from "./traits.js";
import type { Transfer } from "./transfer.js";
import { append, upload } from "./upload.js";
import { digestAt, startVerifying, type Verifying, wayOf } from "./verify.js";

/** Milliseconds of silence after which a server may have closed the session without our hearing of it. */
const DOUBTFUL_MS = 15_000;

export class FtpSession implements Session {
  #control: Control;
  #folders: FolderReader;
  /** Something was asked and answered on this connection: what is lost now was lost between two calls. */
  #worked = false;
  readonly #target: Target;
  readonly #context: Context;

  constructor(control: Control, target: Target, context: Context) {
    this.#control = control;
    this.#target = target;
    this.#context = context;
    this.#folders = this.#foldersOf(control);
    if (context.options["fxp"] === true) {
      this.handOver = (path, to, at, query) => this.passOn(path, to, at, query);
    }
  }

  /** A control connection that is there: the server may have closed the one that we had, between two calls. */
  async control(): Promise<Control> {
    if (this.#control.over && this.#worked) {
      this.#context.note("the server had closed the session; logging in again");
      this.#control.drop();
      this.#control = await openControl(this.#target, this.#context);
      this.#folders = this.#foldersOf(this.#control);
      this.#worked = false;
    }
    return this.#control;
  }

  place(path: string): FtpPath {
    return parsePath(path, this.#control.names);
  }

  /** Folders before what is in them. Entries of inner folders are named from the folder asked for: `charts/bay.txt`. */
  async *list(path: string, query: ListQuery = {}): AsyncGenerator<Entry> {
    await this.#awake();
    const place = this.place(path);
    const found = walkFolders(this.#control, this.#folders, place, {
      recursive: query.recursive === true,
      whole: query.whole === true,
      warn: (text) => this.#context.warn(text),
    });
    for await (const { path: where, listed, name } of query.limit === undefined
      ? found
      : limited(found, query.limit)) {
      yield this.#entry(where, listed, name);
    }
    this.#worked = true;
  }

  async stat(path: string): Promise<Entry> {
    const place = this.place(path);
    const found = await this.#again(async (control) =>
      lookBehind(control, place, await lookAt(control, place)),
    );
    return this.#entryAt(place, found);
  }

  async read(path: string, query: ReadQuery = {}): Promise<Document> {
    const place = this.place(path);
    return this.#again(async (control) => {
      // Without an answer RETR decides: a server may tell nothing about a file and hand it out all the same.
      const there = (await findAt(control, place)) ?? { name: place.last, kind: "file", meta: {} };
      const found = await lookBehind(control, place, there);
      if (found.meta["leadsTo"] === "directory") throw isFolder(place);
      if (found.kind === "directory") throw isFolder(place);
      await control.useType(place.text ? "A" : "I");
      const pathname = await control.pathname(place);
      const offset = place.text ? 0 : startOf(query, validatorOf(found), found.size);
      // Of a part nothing is known; whoever joins it to others asks for what the whole makes.
      const verifies = this.#context.options["verify"] === true && !place.text && query.length === undefined;
      if (verifies && offset > 0) await wayOf(control);
      const verifying = verifies && offset === 0 ? await startVerifying(control, pathname) : undefined;
      const transfer = await control.transfer(`RETR ${pathname}`, {
        offset,
        unavailable: "missing",
        bulk: isBulk(found.size),
      });
      const document = this.#documentOf(place, found, transfer, query, verifying);
      if (!verifies) return document;
      const checksum = async () => {
        const { algorithm, hex } = await digestAt(control, pathname);
        return `${algorithm}:${hex}`;
      };
      return { ...document, checksum };
    });
  }

  async *readMany(paths: AsyncIterable<string>): AsyncGenerator<ManyRead> {
    await this.#awake();
    // A checksum is asked for when its file is through, and not behind the next one.
    if (this.#context.options["verify"] === true) {
      yield* readInTurn(this, paths);
      return;
    }
    const left = new PathsToRead(paths);
    try {
      // Whoever closes the session between two files is asked again for the rest; who gives none at all is not.
      for (let came = true; came; ) {
        came = false;
        const control = await this.control();
        try {
          for await (const result of this.#readAhead(control, left)) {
            left.settle();
            came = true;
            yield result;
          }
          return;
        } catch (thrown) {
          if (!came || !control.over) throw thrown;
          this.#worked = true;
          left.repeat();
        }
      }
    } finally {
      await left.close();
    }
  }

  #readAhead(control: Control, paths: AsyncIterable<string>): AsyncIterable<ManyRead> {
    return readAhead(control, paths, {
      place: (path) => this.place(path),
      document: (place, found, transfer) => this.#documentOf(place, found, transfer),
      isFolder,
    });
  }

  async write(path: string, source: Source): Promise<Entry> {
    const place = this.place(path);
    if (this.handOver !== undefined) throw onlyBetweenServers();
    if (place.folder) throw isFolder(place);
    const offset = source.offset ?? 0;
    if (offset > 0 || source.replace !== true) {
      const found = await this.#again((control) => findAt(control, place));
      if (offset > 0) refuseGap(place, found, offset);
      else if (found !== undefined) throw existsAlready(place);
    }
    // Until data flow nothing of the source is used, and nothing at the server changed: it may be asked twice.
    const { control, transfer, pathname, verifying } = await this.#again(async (asked) => {
      await asked.useType(place.text ? "A" : "I");
      const name = await asked.pathname(place);
      const verifier = this.#verifies(place, offset) ? await startVerifying(asked, name) : undefined;
      const begun =
        offset > 0 ? await append(asked, name) : await asked.transfer(`STOR ${name}`, { takesFile: true });
      return { control: asked, transfer: begun, pathname: name, verifying: verifier };
    });
    const sent = await upload(transfer, source.body, { text: place.text, seen: verifying?.update });
    await verifying?.compare();
    const mode = this.#context.options["chmod"];
    if (typeof mode === "string") await setMode(control, pathname, mode);
    const timed = source.modified !== undefined && (await setTime(control, pathname, source.modified));
    return this.#entryAt(place, {
      name: place.last,
      kind: "file",
      ...(place.text ? {} : { size: offset + sent }),
      ...(timed && source.modified !== undefined ? { modified: source.modified } : {}),
      meta: {},
    });
  }

  /** There when `--fxp` asks for it. */
  readonly handOver?: NonNullable<Session["handOver"]>;

  async remove(path: string, query: { readonly recursive?: boolean } = {}): Promise<void> {
    await this.#awake();
    await removeAt(this.#control, this.#folders, this.place(path), query.recursive === true);
  }

  async move(from: string, to: string, query: { readonly replace?: boolean } = {}): Promise<Entry> {
    await this.#awake();
    const control = this.#control;
    const source = this.place(from);
    const place = this.place(to);
    if (query.replace !== true && (await findAt(control, place)) !== undefined) throw existsAlready(place);
    const [oldName, newName] = [await control.pathname(source), await control.pathname(place)];
    const asked = await control.ask(`RNFR ${oldName}`);
    if (asked.code !== 350) throw refusal(asked, "missing");
    const moved = await control.ask(`RNTO ${newName}`);
    if (moved.code >= 300) throw refusal(moved);
    return this.#entryAt(place, await lookAt(control, place));
  }

  async makeFolder(path: string): Promise<Entry> {
    await this.#awake();
    const control = this.#control;
    const place = this.place(path);
    const pathname = await control.pathname(place);
    const reply = await control.ask(`MKD ${pathname}`);
    if (reply.code >= 300) {
      const found = reply.code >= 500 ? await findAt(control, place) : undefined;
      if (found !== undefined) throw existsAlready(place);
      throw reply.code === 550
        ? new Refusal(reply, "refused", "-p makes the folders above it, too")
        : refusal(reply);
    }
    return this.#entryAt(place, { name: place.last, kind: "directory", meta: {} });
  }

  check(): AsyncIterable<CheckStep> {
    return checkSteps(this.#control, this.#target, this.#context);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#control.quit();
  }

  /** Before what may not be asked twice: when the server may have gone meanwhile, it is asked whether it is there. */
  async #awake(): Promise<void> {
    await this.#again(async (control) => {
      if (performance.now() - control.ftp.lastWord > DOUBTFUL_MS) await control.ask("NOOP");
    });
  }

  /** What may be asked twice is, when the session proves to have been closed since the last call. */
  async #again<T>(act: (control: Control) => Promise<T>): Promise<T> {
    const control = await this.control();
    try {
      const result = await act(control);
      this.#worked = true;
      return result;
    } catch (thrown) {
      if (!this.#worked || !control.over || !isLoss(thrown)) throw thrown;
      return act(await this.control());
    }
  }

  /** @throws PortholeError `local` when the target is there and `replace` is not set; see fxp.ts */
  async passOn(
    path: string,
    to: Session,
    at: string,
    query: { readonly replace?: boolean } = {},
  ): Promise<Entry> {
    if (!(to instanceof FtpSession)) throw onlyBetweenServers();
    const { passOn } = await import("./fxp.js");
    await this.#awake();
    await to.#awake();
    const other = to.place(at);
    if (query.replace !== true && (await findAt(to.#control, other)) !== undefined)
      throw existsAlready(other);
    const { options } = this.#context;
    const passed = await passOn(
      { control: this.#control, place: this.place(path), renewed: () => this.control() },
      { control: to.#control, place: other, renewed: () => to.control() },
      { verify: options["verify"] === true, mode: options["chmod"] },
    );
    return to.#entryAt(other, passed);
  }

  #foldersOf(control: Control): FolderReader {
    return new FolderReader(control, (text) => this.#context.warn(text));
  }

  #verifies(place: FtpPath, offset: number): boolean {
    if (this.#context.options["verify"] !== true || place.text) return false;
    if (offset > 0) {
      this.#context.warn(`${shownPath(place)} is continued: its checksum is not compared`);
    }
    return offset === 0;
  }

  #documentOf(
    place: FtpPath,
    found: Listed,
    transfer: Transfer,
    query: ReadQuery = {},
    verifying?: Verifying,
  ): Document {
    const { offset } = transfer;
    // A text's octets are counted by nobody before it is sent (RFC 3659, 4.2).
    const total = place.text ? undefined : found.size;
    const validator = validatorOf(found);
    const entry = this.#entryAt(place, found);
    const body = new Download(transfer, {
      announced: total === undefined ? undefined : total - offset,
      wanted: query.length,
      text: place.text,
      verifying,
    });
    return {
      entry,
      type: entry.type ?? "application/octet-stream",
      offset,
      ...(total === undefined ? {} : { total }),
      ...(validator === undefined || place.text ? {} : { validator }),
      body,
      pour: (take) => body.pour(take),
      whole: (most) => body.whole(most),
    };
  }

  #entryAt(place: FtpPath, listed: Listed): Entry {
    return this.#entry(pathOf(place, listed.kind === "directory"), listed, shownName(place, listed.name));
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

async function* limited<T>(things: AsyncIterable<T>, limit: number): AsyncGenerator<T> {
  let count = 0;
  if (limit <= 0) return;
  for await (const thing of things) {
    yield thing;
    count += 1;
    if (count >= limit) return;
  }
}

/** The session ended, and not by a refusal of what was asked. */
function isLoss(thrown: unknown): boolean {
  if (thrown instanceof Refusal) return thrown.status === 421;
  return thrown instanceof PortholeError && thrown.code === "connect";
}

function validatorOf({ size, modified }: Listed): string | undefined {
  return size === undefined || modified === undefined ? undefined : `${size}-${modified.getTime()}`;
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

function onlyBetweenServers(): PortholeError {
  return new PortholeError("usage", "--fxp is for a copy from one ftp: server to another", {
    hint: "without it the octets go through this machine",
  });
}

function isFolder(place: FtpPath): PortholeError {
  return new PortholeError("refused", `${shownPath(place)} is a folder`, { hint: "ls lists it" });
}
