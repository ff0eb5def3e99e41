import { Readable } from "node:stream";
import { describe, expect, it } from "vitest";
import { Client } from "../../src/client.js";
import { PortholeError } from "../../src/errors.js";
import type { Document, ManyRead, Session } from "../../src/plugin.js";
import { type Carriage, carryMany } from "../../src/verbs/carry-many.js";
import { Door, type Doors, Pair } from "../../src/verbs/doors.js";

const NEVER = new AbortController().signal;
const LARGE = 3 * 1024 * 1024;

/** What happened, in order: `open`, `ask 1`, `read 1`, `write 1 (5)`, `one 2`, `failed 3 missing`. */
interface Told {
  readonly log: string[];
}

interface Shelf {
  /** What a path gives: octets, or what goes wrong with it. */
  readonly gives: (path: string, session: number) => Buffer | PortholeError | "lost" | "cut";
  readonly ahead?: boolean;
}

function documentOf(path: string, octets: Buffer, cut = false): Document {
  const pieces = function* () {
    for (let at = 0; at < octets.length; at += 65_536) yield octets.subarray(at, at + 65_536);
    if (cut) throw new PortholeError("connect", "the connection was lost");
  };
  return {
    entry: { url: `shelf:${path}`, name: path, kind: "file", meta: {} },
    type: "text/plain",
    offset: 0,
    body: Readable.from(pieces(), { objectMode: false }),
  };
}

function carriageOf(
  items: readonly string[],
  { gives, ahead = true }: Shelf,
  change: Partial<Carriage<string>> = {},
): Carriage<string> & Told {
  const log: string[] = [];
  let sessions = 0;
  const open = async (): Promise<Session> => {
    sessions += 1;
    const number = sessions;
    log.push(`open ${number}`);
    const read = async (path: string) => {
      const given = gives(path, number);
      if (given instanceof PortholeError) throw given;
      if (typeof given === "string") throw new PortholeError("connect", "the connection was lost");
      return documentOf(path, given);
    };
    const session: Session = { read, [Symbol.asyncDispose]: async () => undefined };
    if (!ahead) return session;
    session.readMany = async function* (paths) {
      const asked: string[] = [];
      for await (const path of paths) {
        asked.push(path);
        log.push(`ask ${path}`);
        if (asked.length === 3) break;
      }
      const rest = paths[Symbol.asyncIterator]();
      for (let path = asked.shift(); path !== undefined; path = asked.shift()) {
        const given = gives(path, number);
        if (given === "lost") throw new PortholeError("connect", "the connection was lost");
        const result: ManyRead =
          given instanceof PortholeError
            ? { path, error: given }
            : {
                path,
                document: documentOf(path, given === "cut" ? Buffer.from("half") : given, given === "cut"),
              };
        yield result;
        const { done, value } = await rest.next();
        if (done !== true) {
          asked.push(value);
          log.push(`ask ${value}`);
        }
      }
    };
    return session;
  };
  const target = new Client().target("gopher://shelf.example/");
  const doors: Doors = {
    target: () => target,
    open,
    require: () => undefined,
    registry: { forScheme: () => undefined },
  };
  const written = async (path: string, document: Document, held?: Buffer) => {
    let size = held?.length ?? 0;
    if (held === undefined)
      for await (const chunk of document.body) size += Buffer.isBuffer(chunk) ? chunk.length : 0;
    log.push(`write ${path} (${size})`);
  };
  const carriage: Carriage<string> = {
    items: Readable.from(items),
    pathOf: (item) => item,
    ahead: () => true,
    jobs: 1,
    open: () => new Pair(doors, target, target, NEVER),
    writers: 2,
    openTarget: () => new Door(doors, target, NEVER),
    one: async (pair, item) => {
      log.push(`one ${item}`);
      try {
        const session = await pair.from.session();
        const document = await session.read?.(item);
        if (document !== undefined) await written(item, document);
      } catch (thrown) {
        await pair.close();
        log.push(`failed ${item} ${thrown instanceof PortholeError ? thrown.code : "?"}`);
      }
    },
    write: (_target, item, document, held) => written(item, document, held),
    failed: async (item, error) => void log.push(`failed ${item} ${error.code}`),
    signal: NEVER,
    ...change,
  };
  return { ...carriage, log };
}

const text = (path: string) => Buffer.from(`text of ${path}`);

describe("many things are carried", () => {
  it("asked for ahead, and written in the order they come", async () => {
    const carriage = carriageOf(["1", "2", "3", "4", "5"], { gives: text });
    await carryMany(carriage);
    expect(carriage.log.slice(0, 4)).toEqual(["open 1", "ask 1", "ask 2", "ask 3"]);
    expect(carriage.log.filter((line) => line.startsWith("write"))).toEqual(
      ["1", "2", "3", "4", "5"].map((path) => `write ${path} (9)`),
    );
    expect(carriage.log.filter((line) => line.startsWith("one"))).toEqual([]);
  });

  it("one by one where the source cannot be asked ahead", async () => {
    const carriage = carriageOf(["1", "2"], { gives: text, ahead: false });
    await carryMany(carriage);
    expect(carriage.log).toEqual(["open 1", "one 1", "write 1 (9)", "one 2", "write 2 (9)"]);
  });

  it("and what is not there is told, and the rest goes on", async () => {
    const missing = new PortholeError("missing", "there is none");
    const carriage = carriageOf(["1", "2", "3"], { gives: (path) => (path === "2" ? missing : text(path)) });
    await carryMany(carriage);
    expect(carriage.log.filter((line) => /^(?:write|failed)/.test(line)).sort()).toEqual([
      "failed 2 missing",
      "write 1 (9)",
      "write 3 (9)",
    ]);
  });

  it("large ones straight through, small ones whole", async () => {
    const carriage = carriageOf(["1", "2", "3"], {
      gives: (path) => (path === "2" ? Buffer.alloc(LARGE) : text(path)),
    });
    await carryMany(carriage);
    expect(carriage.log).toContain(`write 2 (${LARGE})`);
    expect(carriage.log.filter((line) => line.startsWith("write"))).toHaveLength(3);
  });

  it.each(["lost", "cut"] as const)(
    "after a session was %s: the first by itself, the rest asked for anew",
    async (how) => {
      const carriage = carriageOf(["1", "2", "3", "4"], {
        gives: (path, session) => (path === "2" && session === 1 ? how : text(path)),
      });
      await carryMany(carriage);
      expect(carriage.log).toContain("one 2");
      expect(carriage.log.filter((line) => line.startsWith("one"))).toEqual(["one 2"]);
      expect(carriage.log.filter((line) => line.startsWith("write")).sort()).toEqual(
        ["1", "2", "3", "4"].map((path) => `write ${path} (9)`),
      );
    },
  );

  it("also when a large one is cut in its middle", async () => {
    const octets = Buffer.alloc(LARGE);
    const cut = { ...documentOf("2", octets, true), total: LARGE + 1 };
    const carriage = carriageOf(["1", "2", "3"], { gives: text });
    const { open } = carriage;
    let first = true;
    await carryMany({
      ...carriage,
      open: () => {
        const pair = open();
        const session = pair.from.session.bind(pair.from);
        pair.from.session = async () => {
          const opened = await session();
          if (!first) return opened;
          first = false;
          const many = opened.readMany?.bind(opened);
          if (many === undefined) return opened;
          opened.readMany = async function* (paths) {
            for await (const result of many(paths)) {
              yield result.path === "2" ? { path: "2", document: cut } : result;
              if (result.path === "2") throw new PortholeError("connect", "the connection was lost");
            }
          };
          return opened;
        };
        return pair;
      },
    });
    expect(carriage.log.filter((line) => /^(?:one|write|failed)/.test(line)).sort()).toEqual([
      "one 2",
      "write 1 (9)",
      "write 2 (9)",
      "write 3 (9)",
    ]);
  });

  it("what cannot be had at all is told once, and the rest is carried", async () => {
    const carriage = carriageOf(["1", "2", "3"], { gives: (path) => (path === "2" ? "lost" : text(path)) });
    await carryMany(carriage);
    expect(carriage.log.filter((line) => /^(?:write|failed)/.test(line)).sort()).toEqual([
      "failed 2 connect",
      "write 1 (9)",
      "write 3 (9)",
    ]);
  });

  it("what may not be asked for ahead goes by itself, on sessions of its own", async () => {
    const carriage = carriageOf(["1", "2", "3"], { gives: text }, { ahead: (item) => item !== "2" });
    await carryMany(carriage);
    expect(carriage.log.filter((line) => line.startsWith("one"))).toEqual(["one 2"]);
    expect(carriage.log.filter((line) => line.startsWith("write"))).toHaveLength(3);
  });

  it("until something ends the whole", async () => {
    const missing = new PortholeError("missing", "there is none");
    const items = Array.from({ length: 50 }, (_, at) => String(at));
    const carriage = carriageOf(
      items,
      { gives: () => missing },
      {
        failed: async () => {
          throw new PortholeError("connect", "the far side is gone");
        },
      },
    );
    await expect(carryMany(carriage)).rejects.toThrow("the far side is gone");
    expect(carriage.log.length).toBeLessThan(10);
  });

  it("by several workers, each thing once", async () => {
    const items = Array.from({ length: 40 }, (_, at) => String(at));
    const carriage = carriageOf(items, { gives: text }, { jobs: 3, writers: 5 });
    await carryMany(carriage);
    const written = carriage.log.filter((line) => line.startsWith("write"));
    expect(new Set(written).size).toBe(40);
    expect(written).toHaveLength(40);
  });
});
