/** The folder that a site is mirrored to: where its files lie, what an earlier run left there, and how they get there. */
import { Readable } from "node:stream";
import { PortholeError } from "../errors.js";
import type { Document, Progress, ReadQuery, Target } from "../plugin.js";
import { filePath, pathInside } from "./cp-plan.js";
import type { Door } from "./doors.js";
import { refuseOversize } from "./oversize.js";
import { findPartial } from "./partial-file.js";
import { continuation, saveDocument } from "./save.js";
import { namesIn } from "./site-frontier.js";

export interface Keeping {
  readonly url: string;
  /** Within the folder. */
  readonly file: string;
  /** Octets: it is refused with more. */
  readonly maxSize?: number | undefined;
  readonly signal: AbortSignal;
  readonly progress?: (report: Progress) => void;
}

interface Putting {
  readonly body: Readable;
  readonly size: number | undefined;
  readonly maxSize?: number;
}

export class SiteFolder {
  readonly #target: Target;
  readonly #folders = new Map<string, Promise<void>>();

  constructor(target: Target) {
    this.#target = target;
  }

  /** @param file within the folder, its names parted by slashes */
  pathOf(file: string): string {
    return namesIn(file).reduce((place, name) => pathInside(place, name), this.#top);
  }

  urlOf(file: string): string {
    return this.#target.href(this.pathOf(file));
  }

  /** Octets of the file; undefined when there is none. */
  async sizeOf(to: Door, file: string): Promise<number | undefined> {
    const entry = await to.use(async (session) => session.stat?.(this.pathOf(file))).catch(() => undefined);
    return entry?.size;
  }

  /** What asks for the rest of a file that was broken off; undefined when there is nothing to continue. */
  async restOf(url: string, file: string): Promise<ReadQuery | undefined> {
    const path = this.#fileAt(file);
    const earlier = path === undefined ? undefined : await findPartial(path, url);
    return earlier === undefined ? undefined : continuation(earlier);
  }

  /** A page that was made fit for reading here. @returns its octets */
  async writePage(to: Door, file: string, document: Document, octets: Uint8Array): Promise<number> {
    const body = Readable.from(octets.length === 0 ? [] : [octets], { objectMode: false });
    return this.#put(to, file, document, { body, size: octets.length });
  }

  /**
   * A document as it is, or the rest of it. When it breaks off, what came stays beside its place for the next attempt,
   * or the next run. @returns its octets, and how many of them came now
   */
  async write(
    to: Door,
    document: Document,
    { url, file, maxSize, signal, progress }: Keeping,
  ): Promise<{ readonly size: number; readonly came: number }> {
    const path = this.#fileAt(file);
    if (path === undefined) {
      const size = await this.#put(to, file, document, {
        body: document.body,
        size: document.total,
        ...(maxSize === undefined ? {} : { maxSize }),
      });
      return { size, came: size };
    }
    await this.#makeFolders(to, file);
    const { size, from } = await saveDocument({
      url,
      path,
      read: async () => document,
      replace: true,
      resume: true,
      ...(maxSize === undefined ? {} : { maxSize }),
      signal,
      ...(progress === undefined ? {} : { progress }),
    });
    return { size, came: size - from };
  }

  /** @throws PortholeError `protocol` when other octets came than were announced; what the session throws */
  async #put(
    to: Door,
    file: string,
    { type, entry }: Document,
    { body, size: expected, maxSize }: Putting,
  ): Promise<number> {
    await this.#makeFolders(to, file);
    let size = 0;
    async function* counted(): AsyncGenerator<Uint8Array, void, undefined> {
      for await (const chunk of body) {
        if (!(chunk instanceof Uint8Array))
          throw new TypeError("a document's body holds something that is no octets");
        size += chunk.length;
        refuseOversize(size, maxSize, { body });
        yield chunk;
      }
      if (expected !== undefined && size !== expected) {
        throw new PortholeError("protocol", `the transfer ended early: ${size} of ${expected} octets`);
      }
    }
    await to.use(async (session) =>
      session.write?.(this.pathOf(file), {
        body: counted(),
        ...(expected === undefined ? {} : { size: expected }),
        type,
        ...(entry.modified === undefined ? {} : { modified: entry.modified }),
        replace: true,
      }),
    );
    return size;
  }

  async remove(to: Door, file: string): Promise<void> {
    await to.use(async (session) => session.remove?.(this.pathOf(file)));
  }

  get #top(): string {
    const { path } = this.#target;
    return path === "" ? "/" : path;
  }

  /** Undefined where the folder is none of this machine's, or its name no text: then a session writes. */
  #fileAt(file: string): string | undefined {
    return this.#target.url.scheme === "file" ? filePath(this.pathOf(file)) : undefined;
  }

  /** The folder and those above it, each once. */
  #makeFolders(to: Door, file: string): Promise<void> {
    const top = this.#top.replace(/(?<=.)\/+$/, "");
    let place = top;
    let made = this.#makeFolder(to, top, Promise.resolve());
    for (const name of namesIn(file).slice(0, -1)) {
      place = pathInside(place, name);
      made = this.#makeFolder(to, place, made);
    }
    return made;
  }

  #makeFolder(to: Door, path: string, above: Promise<void>): Promise<void> {
    const known = this.#folders.get(path);
    if (known !== undefined) return known;
    const made = above.then(async () => {
      try {
        await to.use(async (session) => session.makeFolder?.(path));
      } catch (thrown) {
        // One that is there already is as good.
        const entry = await to.use(async (session) => session.stat?.(path)).catch(() => undefined);
        if (entry?.kind !== "directory") throw thrown;
      }
    });
    this.#folders.set(path, made);
    return made;
  }
}
