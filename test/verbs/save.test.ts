import {
  chmod,
  link,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PortholeError } from "../../src/errors.js";
import type { Document, Progress, ReadQuery } from "../../src/plugin.js";
import { partialPath } from "../../src/verbs/partial-file.js";
import { saveDocument } from "../../src/verbs/save.js";

const URL = "https://example.org/big.iso";

let root = "";
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "porthole-save-"));
});
afterAll(async () => {
  await rm(root, { recursive: true });
});

/** A folder of its own for each test, and the target in it. */
async function place(): Promise<{ folder: string; path: string }> {
  const folder = await mkdtemp(join(root, "case-"));
  return { folder, path: join(folder, "big.iso") };
}

interface Facts extends Partial<Omit<Document, "body" | "entry">> {
  readonly modified?: Date;
}

function documentOf(body: Readable, facts: Facts = {}): Document {
  const { modified, ...rest } = facts;
  const entry = { url: URL, name: "big.iso", kind: "file", meta: {} } as const;
  return {
    entry: modified === undefined ? entry : { ...entry, modified },
    type: "application/octet-stream",
    offset: 0,
    body,
    ...rest,
  };
}

/** A body that gives these octets and then breaks. */
function cutAfter(text: string): Readable {
  return Readable.from(
    (async function* () {
      yield Buffer.from(text);
      throw new PortholeError("connect", "the connection was reset");
    })(),
  );
}

const whole = (text: string, facts: Facts = {}) => {
  return async () => documentOf(Readable.from([Buffer.from(text)]), facts);
};

function failure(promise: Promise<unknown>): Promise<PortholeError> {
  return promise.then(
    () => {
      throw new Error("it did not fail");
    },
    (thrown: unknown) => {
      if (thrown instanceof PortholeError) return thrown;
      throw thrown;
    },
  );
}

describe("saving a document", () => {
  it("puts the whole of it under its name, with its date, and nothing beside it", async () => {
    const { folder, path } = await place();
    const modified = new Date("2020-02-29T12:00:00Z");
    const saved = await saveDocument({ url: URL, path, read: whole("hello", { modified, total: 5 }) });
    expect(saved).toEqual({ path, size: 5, from: 0 });
    expect(await readFile(path, "utf8")).toBe("hello");
    expect((await stat(path)).mtime).toEqual(modified);
    expect(await readdir(folder)).toEqual(["big.iso"]);
  });

  it("leaves the disk and the name for later where somebody waits for the session", async () => {
    const { folder, path } = await place();
    const names = Array.from({ length: 100 }, (_, at) => join(folder, `f${at}`));
    const finishing: Promise<void>[] = [];
    const later = (promise: Promise<void>) => void finishing.push(promise);
    for (const name of [...names, path]) {
      expect(await saveDocument({ url: URL, path: name, read: whole("hello"), later })).toMatchObject({
        size: 5,
      });
    }
    // Somebody else was there first.
    await writeFile(path, "theirs");
    const ended = await Promise.allSettled(finishing);
    expect(ended.map(({ status }) => status)).toEqual([...names.map(() => "fulfilled"), "rejected"]);
    expect(ended.at(-1)).toMatchObject({ reason: { code: "local", message: `${path}: exists already` } });
    expect(await readFile(path, "utf8")).toBe("theirs");
    for (const name of names) expect(await readFile(name, "utf8")).toBe("hello");
  });

  it("keeps every octet of a body in odd pieces, and reports how far it is", async () => {
    const { path } = await place();
    const pieces = Array.from({ length: 700 }, (_, at) => Buffer.alloc(1 + ((at * 37) % 2000), at % 256));
    const octets = Buffer.concat(pieces);
    const reports: Progress[] = [];
    await saveDocument({
      url: URL,
      path,
      read: async () => documentOf(Readable.from(pieces), { total: octets.length }),
      progress: (report) => reports.push(report),
    });
    expect((await readFile(path)).equals(octets)).toBe(true);
    expect(reports.map(({ done }) => done)).toEqual([262_144, 524_288, octets.length, octets.length]);
    expect(reports.at(-1)).toEqual({
      what: "big.iso",
      done: octets.length,
      total: octets.length,
      finished: true,
    });
  });

  it("makes an empty file of an empty document", async () => {
    const { path } = await place();
    expect(await saveDocument({ url: URL, path, read: async () => documentOf(Readable.from([])) })).toEqual({
      path,
      size: 0,
      from: 0,
    });
    expect((await stat(path)).size).toBe(0);
  });

  it("takes a name of 255 octets", async () => {
    const { folder } = await place();
    const path = join(folder, "n".repeat(255));
    await saveDocument({ url: URL, path, read: whole("x") });
    expect(await readdir(folder)).toEqual(["n".repeat(255)]);
  });

  it("writes to a device directly", async () => {
    expect(await saveDocument({ url: URL, path: "/dev/null", read: whole("gone") })).toEqual({
      path: "/dev/null",
      size: 4,
      from: 0,
    });
    const full = await failure(saveDocument({ url: URL, path: "/dev/full", read: whole("no room") }));
    expect([full.exit, full.message]).toEqual([12, "/dev/full: no room left on the device"]);
  });
});

describe("a target that exists", () => {
  it("is not touched, and nothing is asked of the server", async () => {
    const { folder, path } = await place();
    await writeFile(path, "mine");
    let asked = 0;
    const read = async () => {
      asked += 1;
      return whole("theirs")();
    };
    const error = await failure(saveDocument({ url: URL, path, read }));
    expect([error.exit, error.message, error.hint]).toEqual([
      12,
      `${path}: exists already`,
      "--force replaces it",
    ]);
    expect([asked, await readFile(path, "utf8"), await readdir(folder)]).toEqual([0, "mine", ["big.iso"]]);
  });

  it("is not touched either when it came into being meanwhile", async () => {
    const { path } = await place();
    const read = async () => {
      await writeFile(path, "mine");
      return whole("theirs")();
    };
    const error = await failure(saveDocument({ url: URL, path, read }));
    expect([error.exit, await readFile(path, "utf8")]).toEqual([12, "mine"]);
  });

  it("is replaced at once with --force, its mode kept", async () => {
    const { folder, path } = await place();
    await writeFile(path, "old");
    await chmod(path, 0o600);
    await link(path, join(folder, "witness"));
    await saveDocument({ url: URL, path, read: whole("new"), replace: true });
    expect(await readFile(path, "utf8")).toBe("new");
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    // The old file was not written into: its other name still shows it.
    expect(await readFile(join(folder, "witness"), "utf8")).toBe("old");
  });

  it("stays as it was when the new one breaks off", async () => {
    const { path } = await place();
    await writeFile(path, "old");
    const read = async () => documentOf(cutAfter("new, but not all"));
    expect((await failure(saveDocument({ url: URL, path, read, replace: true }))).code).toBe("connect");
    expect(await readFile(path, "utf8")).toBe("old");
  });

  it("is followed when it is a symbolic link", async () => {
    const { folder, path } = await place();
    await writeFile(join(folder, "real"), "old");
    await symlink("real", path);
    await saveDocument({ url: URL, path, read: whole("new"), replace: true });
    expect(await readFile(join(folder, "real"), "utf8")).toBe("new");
    expect(await readdir(folder)).toEqual(["big.iso", "real"]);
  });

  it("that is a folder is refused", async () => {
    const { path } = await place();
    await mkdir(path);
    const error = await failure(saveDocument({ url: URL, path, read: whole("x"), replace: true }));
    expect([error.exit, error.message]).toEqual([12, `${path}: is a folder`]);
  });

  it("in a folder to be named by the server: the folder is made when something has come", async () => {
    const { folder } = await place();
    const path = { folder: join(folder, "made", "here"), nameOf: () => "x.txt" };
    await failure(
      saveDocument({ url: URL, path, read: async () => Promise.reject(new PortholeError("missing", "no")) }),
    );
    expect(await readdir(folder)).toEqual([]);
    await saveDocument({ url: URL, path, resume: true, read: whole("x") });
    expect(await readFile(join(folder, "made", "here", "x.txt"), "utf8")).toBe("x");
    const taken = { ...path, folder: join(folder, "made", "here", "x.txt") };
    const error = await failure(saveDocument({ url: URL, path: taken, read: whole("x") }));
    expect([error.exit, error.message]).toEqual([12, `${taken.folder}: is not a folder`]);
  });

  it("in a folder that is not there is a local error", async () => {
    const { folder } = await place();
    const path = join(folder, "missing", "x");
    const error = await failure(saveDocument({ url: URL, path, read: whole("x") }));
    expect([error.exit, error.message]).toEqual([12, `${path}: no such file or folder`]);
  });
});

describe("a transfer that ends early", () => {
  it("leaves a partial copy and no file under the final name", async () => {
    const { folder, path } = await place();
    const read = async () => documentOf(cutAfter("first half,"), { total: 22, validator: '"v1"' });
    const error = await failure(saveDocument({ url: URL, path, read }));
    expect([error.exit, error.message]).toEqual([4, "the connection was reset"]);
    expect(await readdir(folder)).toEqual([".big.iso.porthole-part", ".big.iso.porthole-part.json"]);
    expect(await readFile(partialPath(path), "utf8")).toBe("first half,");
  });

  it("is noticed by its length", async () => {
    const { folder, path } = await place();
    const error = await failure(saveDocument({ url: URL, path, read: whole("hello", { total: 9 }) }));
    expect([error.exit, error.message]).toEqual([11, "the transfer ended early: 5 of 9 octets"]);
    expect(await readdir(folder)).not.toContain("big.iso");
  });

  it("leaves nothing when nothing came", async () => {
    const { folder, path } = await place();
    await failure(saveDocument({ url: URL, path, read: async () => documentOf(cutAfter("")) }));
    expect(await readdir(folder)).toEqual([]);
  });

  it("by the user's will is exit 130 and can be continued", async () => {
    const { folder, path } = await place();
    const abort = new AbortController();
    const endless = new Readable({ read: () => undefined });
    endless.push("so far");
    setTimeout(() => abort.abort(), 30);
    const read = async () => documentOf(endless);
    const error = await failure(saveDocument({ url: URL, path, read, signal: abort.signal }));
    expect(error.exit).toBe(130);
    expect(endless.destroyed).toBe(true);
    expect(await readFile(partialPath(path), "utf8")).toBe("so far");
    expect(await readdir(folder)).not.toContain("big.iso");
  });
});

describe("--resume", () => {
  /** A first run that breaks off after `text`. */
  async function interrupted(text: string, facts: Facts): Promise<{ folder: string; path: string }> {
    const where = await place();
    await failure(
      saveDocument({ url: URL, path: where.path, read: async () => documentOf(cutAfter(text), facts) }),
    );
    return where;
  }

  it("asks for what is missing, with the validator, and joins both", async () => {
    const { folder, path } = await interrupted("hello ", { total: 11, validator: '"v1"' });
    const asked: ReadQuery[] = [];
    const read = async (query: ReadQuery) => {
      asked.push(query);
      return documentOf(Readable.from([Buffer.from("world")]), { offset: 6, total: 11 });
    };
    expect(await saveDocument({ url: URL, path, read, resume: true })).toEqual({ path, size: 11, from: 6 });
    expect(asked).toEqual([{ offset: 6, validator: '"v1"' }]);
    expect(await readFile(path, "utf8")).toBe("hello world");
    expect(await readdir(folder)).toEqual(["big.iso"]);
  });

  it("starts over when the server sends all, as it does when the validator no longer holds", async () => {
    const { path } = await interrupted("hello, old", { total: 20, validator: '"v1"' });
    const read = whole("new", { total: 3, validator: '"v2"' });
    expect(await saveDocument({ url: URL, path, read, resume: true })).toEqual({ path, size: 3, from: 0 });
    expect(await readFile(path, "utf8")).toBe("new");
  });

  it("refuses to join what does not belong together", async () => {
    const { path } = await interrupted("hello ", { total: 11 });
    const read = whole("rest", { offset: 6, total: 10 });
    const error = await failure(saveDocument({ url: URL, path, read, resume: true }));
    expect([error.exit, error.message]).toEqual([11, "the original changed since the partial copy was made"]);
  });

  it("fetches the last octet again when all of them were there", async () => {
    const { path } = await interrupted("hello", { total: 5 });
    const asked: ReadQuery[] = [];
    const read = async (query: ReadQuery) => {
      asked.push(query);
      return documentOf(Readable.from([Buffer.from("o")]), { offset: 4, total: 5 });
    };
    await saveDocument({ url: URL, path, read, resume: true });
    expect(asked).toEqual([{ offset: 4 }]);
    expect(await readFile(path, "utf8")).toBe("hello");
  });

  it("never continues the copy of another URL, nor one whose facts are damaged", async () => {
    const { path } = await interrupted("hello ", { total: 11 });
    const asked: ReadQuery[] = [];
    const read = async (query: ReadQuery) => {
      asked.push(query);
      return documentOf(cutAfter("other"));
    };
    await failure(saveDocument({ url: "https://example.org/other", path, read, resume: true }));
    await writeFile(`${partialPath(path)}.json`, "{ cut of");
    await failure(saveDocument({ url: URL, path, read, resume: true }));
    expect(asked).toEqual([{}, {}]);
  });

  it("can break off again and again", async () => {
    const { path } = await interrupted("a", { total: 3 });
    const next = (text: string) => async (query: ReadQuery) =>
      documentOf(cutAfter(text), { offset: query.offset ?? 0, total: 3 });
    await failure(saveDocument({ url: URL, path, read: next("b"), resume: true }));
    await saveDocument({
      url: URL,
      path,
      read: async () => documentOf(Readable.from([Buffer.from("c")]), { offset: 2, total: 3 }),
      resume: true,
    });
    expect(await readFile(path, "utf8")).toBe("abc");
  });
});

describe("--max-size", () => {
  it("refuses what the server announces as larger", async () => {
    const { folder, path } = await place();
    const read = whole("hello", { total: 5 });
    const error = await failure(saveDocument({ url: URL, path, read, maxSize: 4 }));
    expect([error.exit, error.message]).toEqual([11, "the document is larger than the 4 octets allowed"]);
    expect(await readdir(folder)).toEqual([]);
  });

  it("stops what turns out to be larger, and leaves nothing", async () => {
    const { folder, path } = await place();
    const body = Readable.from(
      (function* () {
        for (;;) yield Buffer.alloc(65_536);
      })(),
    );
    const error = await failure(
      saveDocument({ url: URL, path, read: async () => documentOf(body), maxSize: 1_000_000 }),
    );
    expect([error.exit, body.destroyed, await readdir(folder)]).toEqual([11, true, []]);
  });

  it("lets pass what has exactly the size", async () => {
    const { path } = await place();
    await saveDocument({ url: URL, path, read: whole("1234"), maxSize: 4 });
    expect((await stat(path)).size).toBe(4);
  });
});

describe("two processes that save to the same name", () => {
  it("never put a half file under it", async () => {
    const { path } = await place();
    const slow = async () =>
      documentOf(
        Readable.from(
          (async function* () {
            yield Buffer.from("first ");
            await saveDocument({ url: URL, path, read: whole("second") });
            yield Buffer.from("run");
          })(),
        ),
      );
    const error = await failure(saveDocument({ url: URL, path, read: slow }));
    expect(error.exit).toBe(12);
    expect(await readFile(path, "utf8")).toBe("second");
  });
});
