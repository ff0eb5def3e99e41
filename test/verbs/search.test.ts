import { Readable } from "node:stream";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Sandbox, startSandbox } from "../../fixtures/servers/sandbox.js";
import { Client } from "../../src/client.js";
import type { Entry, Session } from "../../src/plugin.js";
import { search } from "../../src/verbs/search.js";

let sandbox: Sandbox;

beforeAll(async () => {
  sandbox = await startSandbox({ only: ["http", "ftp", "gopher"] });
});
afterAll(async () => {
  await sandbox.close();
});

async function found(url: string, words: string, limit?: number): Promise<Entry[]> {
  const client = new Client();
  const target = client.target(url);
  return client.use(target, async (session) => {
    const entries: Entry[] = [];
    for await (const entry of search(session, target.path, words, limit === undefined ? {} : { limit })) {
      entries.push(entry);
    }
    return entries;
  });
}

describe("names in a listing", () => {
  it("hold the words, in whatever case, with all beneath the folder", async () => {
    const entries = await found(sandbox.url("ftp"), "LOGBOOK");
    expect(entries.map(({ name }) => name)).toEqual(["pub/logbook.txt"]);
    expect(entries[0]?.url).toBe(`${sandbox.url("ftp")}pub/logbook.txt`);
  });

  it("match a pattern, up to the limit", async () => {
    const all = await found(sandbox.url("ftp"), "*.txt");
    expect(all.length).toBeGreaterThan(2);
    expect(all.every(({ name }) => name.endsWith(".txt"))).toBe(true);
    expect(await found(sandbox.url("ftp"), "*.txt", 2)).toEqual(all.slice(0, 2));
  });

  it("a session that lists one level alone is listed so", async () => {
    const session: Session = {
      kindOf: () => "menu",
      async *list(_path, query) {
        const { PortholeError } = await import("../../src/errors.js");
        if (query?.recursive === true) throw new PortholeError("usage", "one at a time");
        for (const name of ["North pier", "South pier", "Lamp"]) {
          yield { url: `x:/${name}`, name, kind: "file", meta: {} };
        }
      },
      [Symbol.asyncDispose]: async () => {},
    };
    const names: string[] = [];
    for await (const { name } of search(session, "/", "pier north")) names.push(name);
    expect(names).toEqual(["North pier"]);
  });
});

describe("a server's own search", () => {
  it("is asked where there is one", async () => {
    const entries = await found(`${sandbox.url("gopher")}7/search`, "lighthouse");
    expect(entries.length).toBeGreaterThan(0);
  });
});

describe("lines of a document", () => {
  const reading = (octets: AsyncIterable<Uint8Array>, type = "text/plain"): Session => ({
    async read() {
      return {
        entry: { url: "x:/a", name: "a", kind: "file", meta: {} },
        type,
        offset: 0,
        body: Readable.from(octets, { objectMode: false }),
      };
    },
    [Symbol.asyncDispose]: async () => {},
  });
  async function lines(session: Session, words: string, told: string[] = []): Promise<unknown[]> {
    const shown: unknown[] = [];
    for await (const { name, meta } of search(session, "/", words, {}, (text) => told.push(text))) {
      shown.push([meta["line"], name]);
    }
    return shown;
  }
  async function* pieces(...texts: readonly string[]) {
    for (const text of texts) yield Buffer.from(text);
  }

  it("hold all of the words, cut where they may be", async () => {
    const session = reading(pieces("The la", "mp\r\nis lit.\nA LAMP in the nor", "th"));
    expect(await lines(session, "lamp")).toEqual([
      [1, "The lamp"],
      [3, "A LAMP in the north"],
    ]);
    expect(await lines(reading(pieces("The lamp\nthe north lamp")), "lamp north")).toEqual([
      [2, "the north lamp"],
    ]);
  });

  it("of a page are its words, not its marks", async () => {
    const session = reading(pieces("<p class=lamp>The <b>light</b>\n<a href=x>lamp</a>\n"), "text/html");
    expect(await lines(session, "lamp")).toEqual([[1, "The light lamp[1]"]]);
  });

  it("are looked for in the first 16 MiB, which is told", async () => {
    let given = 0;
    async function* endless() {
      const chunk = Buffer.from(`${"x".repeat(65_535)}\n`);
      for (;;) {
        given += chunk.length;
        yield chunk;
      }
    }
    const told: string[] = [];
    expect(await lines(reading(endless()), "lamp", told)).toEqual([]);
    expect(told).toEqual(["only the first 16777216 octets were searched"]);
    expect(given).toBeLessThan(17 * 1024 ** 2);
  });

  it("of a web page, over HTTP", async () => {
    const entries = await found(`${sandbox.url("http")}files/welcome.txt`, "the");
    expect(entries.length).toBeGreaterThan(0);
    expect(entries.every(({ name }) => name.toLowerCase().includes("the"))).toBe(true);
  });
});
