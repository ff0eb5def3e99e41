/** A protocol that a test writes: `mem:` URLs over a session of its own making. */
import { Readable } from "node:stream";
import { PortholeError } from "../../src/errors.js";
import type { Document, Entry, Manifest, Session, Source, Target, Verb } from "../../src/plugin.js";
import { Registry } from "../../src/registry.js";

export class Memory {
  readonly files = new Map<string, string>();
  /** What was asked, in order: `read /a`. */
  readonly asked: string[] = [];
  /** Instead of the usual: throws, hangs, lies. */
  read?: (path: string) => Promise<Document>;
  write?: (path: string, source: Source) => Promise<Entry>;
  opened = 0;
  closed = 0;

  constructor(files: Readonly<Record<string, string>> = {}) {
    for (const [path, text] of Object.entries(files)) this.files.set(path, text);
  }

  registry(verbs: readonly Verb[] = ["ls", "get", "put", "stat"]): Registry {
    const registry = new Registry();
    const manifest: Manifest = {
      name: "mem",
      title: "memory",
      summary: "for tests",
      schemes: { mem: { port: 1, tls: "never" } },
      verbs,
      options: [],
      commands: [],
      load: async () => ({ commands: {}, open: async (target) => this.#session(target) }),
    };
    registry.register(manifest);
    return registry;
  }

  entry(target: Target, path: string): Entry {
    const kind = path.endsWith("/") ? "directory" : "file";
    const size = this.files.get(path)?.length;
    const name = path.replace(/\/$/, "").split("/").at(-1) ?? "";
    return { url: target.href(path), name, kind, ...(size === undefined ? {} : { size }), meta: {} };
  }

  document(target: Target, path: string, body: Readable, total = this.files.get(path)?.length): Document {
    return {
      entry: this.entry(target, path),
      type: "text/plain",
      offset: 0,
      ...(total === undefined ? {} : { total }),
      body,
    };
  }

  #session(target: Target): Session {
    this.opened += 1;
    return {
      list: async function* (this: Memory, path: string) {
        const inside = [...this.files.keys()].filter((file) => file.startsWith(path));
        const names = new Set(inside.map((file) => /^[^/]+\/?/.exec(file.slice(path.length))?.[0] ?? ""));
        for (const name of names) yield this.entry(target, path + name);
      }.bind(this),
      stat: async (path) => {
        this.asked.push(`stat ${path}`);
        if (this.files.has(path)) return this.entry(target, path);
        const folder = `${path.replace(/\/+$/, "")}/`;
        if ([...this.files.keys()].some((file) => file.startsWith(folder))) return this.entry(target, folder);
        throw new PortholeError("missing", "not there");
      },
      read: async (path) => {
        this.asked.push(`read ${path}`);
        if (this.read !== undefined) return this.read(path);
        const text = this.files.get(path);
        if (text === undefined) throw new PortholeError("missing", "not there");
        return this.document(target, path, Readable.from([Buffer.from(text)], { objectMode: false }));
      },
      write: async (path, source) => {
        this.asked.push(`write ${path}`);
        if (this.write !== undefined) return this.write(path, source);
        if (source.replace !== true && this.files.has(path))
          throw new PortholeError("local", "exists already");
        const pieces: Uint8Array[] = [];
        for await (const piece of source.body) pieces.push(piece);
        this.files.set(path, Buffer.concat(pieces).toString());
        return this.entry(target, path);
      },
      [Symbol.asyncDispose]: async () => {
        this.closed += 1;
      },
    };
  }
}
