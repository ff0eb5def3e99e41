import { mkdtemp, readdir, readFile, rm, stat, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Script } from "../../fixtures/servers/scripted.js";
import { scripted } from "../../fixtures/servers/scripted.js";
import { saveDocument } from "../../src/verbs/save.js";
import { answered, asked, read, sent, type TalkSettings, talk, textOf, withSession } from "./over-client.js";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "porthole-cache-"));
});
afterEach(() => rm(folder, { recursive: true }));

const settings = (): TalkSettings => ({ options: { "cache-folder": join(folder, "cache") } });
const given = (headers: readonly string[], text: string | Buffer): Script =>
  asked().and(answered("200 OK", headers, text));
const gets = (lines: readonly string[]) => lines.filter((line) => /GET/.test(line)).length;

describe("the cache", () => {
  it("gives what is fresh without asking, also in another session, with its age", async () => {
    await using server = await scripted(given(["Cache-Control: max-age=60", "X-Key: 1"], "one").drain());
    const url = server.url("http", "/a");
    await withSession(url, async (session) => expect(await textOf(session, "/a")).toBe("one"), settings());
    await withSession(
      url,
      async (session) => {
        const document = await read(session, "/a");
        document.body.destroy();
        expect(document.entry.meta["headers"]).toMatchObject({ "x-key": "1", age: expect.any(String) });
        expect(await textOf(session, "/a")).toBe("one");
      },
      settings(),
    );
    expect(server.connections).toHaveLength(1);
    expect(gets(server.lines)).toBe(1);
  });

  it("keeps what goes to a file, short or long", async () => {
    const long = "long".repeat(100_000);
    await using server = await scripted(
      given(["Cache-Control: max-age=60"], "short")
        .and(given(["Cache-Control: max-age=60"], long))
        .drain(),
    );
    for (const attempt of ["first", "second"]) {
      await withSession(
        server.url("http", "/"),
        async (session) => {
          for (const [name, text] of Object.entries({ short: "short", long })) {
            const path = join(folder, `${attempt}-${name}`);
            await saveDocument({
              url: server.url("http", `/${name}`),
              path,
              read: () => read(session, `/${name}`),
            });
            expect(await readFile(path, "utf8")).toBe(text);
          }
        },
        settings(),
      );
    }
    expect(gets(server.lines)).toBe(2);
  });

  it("asks whether what is stale still holds: 304 renews it, 200 replaces it", async () => {
    await talk(
      given(['ETag: "1"', "Cache-Control: no-cache"], "one")
        .and(asked().send('HTTP/1.1 304 Not Modified\r\nETag: "1"\r\nX-New: 1\r\n\r\n'))
        .and(given(['ETag: "2"', "Cache-Control: no-cache"], "two"))
        .drain(),
      async (session, server) => {
        expect(await textOf(session, "/")).toBe("one");
        expect(await textOf(session, "/")).toBe("one");
        expect(await textOf(session, "/")).toBe("two");
        expect(sent(server, "if-none-match")).toEqual(['"1"', '"1"']);
      },
      settings(),
    );
  });

  const english = { options: { header: ["Accept-Language: en"] } };
  const german = { options: { header: ["Accept-Language: de"] } };
  const speaking = (language: { options: { header: string[] } }): TalkSettings => ({
    options: { ...settings().options, ...language.options },
  });

  it("keeps one for each request that Vary tells apart (RFC 9111, 4.1)", async () => {
    const fresh = ["Cache-Control: max-age=60", "Vary: Accept-Language"];
    await using server = await scripted([given(fresh, "tide").drain(), given(fresh, "Flut").drain()]);
    const url = server.url("http", "/");
    for (let round = 0; round < 3; round++) {
      for (const [language, text] of [
        [english, "tide"],
        [german, "Flut"],
      ] as const) {
        await withSession(
          url,
          async (session) => expect(await textOf(session, "/")).toBe(text),
          speaking(language),
        );
      }
    }
    expect(gets(server.lines)).toBe(2);
  });

  it("asks for one that is kept for another request by all tags, and takes what 304 names (RFC 9111, 4.3)", async () => {
    const headers = (tag: string) => [
      `ETag: "${tag}"`,
      "Content-Type: text/x-tide",
      "Cache-Control: max-age=60",
      "Vary: Accept-Language",
    ];
    const french = { options: { header: ["Accept-Language: fr"] } };
    await using server = await scripted([
      given(headers("en"), "tide").drain(),
      given(headers("de"), "Flut").drain(),
      asked().send('HTTP/1.1 304 Not Modified\r\nETag: "en"\r\nVary: Accept-Language\r\n\r\n').drain(),
    ]);
    const url = server.url("http", "/");
    const says = async (language: typeof english, text: string) =>
      withSession(
        url,
        async (session) => {
          const document = await read(session, "/");
          expect(document.type).toBe("text/x-tide");
          expect(await buffer(document.body)).toEqual(Buffer.from(text));
        },
        speaking(language),
      );
    await says(english, "tide");
    await says(german, "Flut");
    await says(french, "tide");
    // All three are kept now, two of them in one file.
    for (const [language, text] of [
      [french, "tide"],
      [english, "tide"],
      [german, "Flut"],
    ] as const)
      await says(language, text);
    expect(sent(server, "if-none-match")).toEqual(['"en"', '"de", "en"']);
    expect(gets(server.lines)).toBe(3);
    const names = await readdir(join(folder, "cache"));
    expect(names.filter((name) => name.endsWith(".body"))).toHaveLength(2);
  });

  it("asks once more, without conditions, when a 304 names nothing that is kept", async () => {
    const kept = ['ETag: "1"', "Cache-Control: no-cache"];
    await talk(
      given(kept, "one")
        .and(asked().send('HTTP/1.1 304 Not Modified\r\nETag: "9"\r\n\r\n'))
        .and(given(kept, "two"))
        .drain(),
      async (session, server) => {
        expect(await textOf(session, "/")).toBe("one");
        expect(await textOf(session, "/")).toBe("two");
        expect(sent(server, "if-none-match")).toEqual(['"1"']);
      },
      settings(),
    );
  });

  it("keeps what a 304 without any validator leaves unsaid", async () => {
    const kept = ['ETag: "1"', "Content-Type: text/x-tide", "Cache-Control: no-cache"];
    const unchanged = asked().send("HTTP/1.1 304 Not Modified\r\nX-New: 1\r\n\r\n");
    await talk(
      given(kept, "one").and(unchanged).and(unchanged).drain(),
      async (session, server) => {
        for (let count = 0; count < 3; count++) {
          const document = await read(session, "/");
          expect(document.type).toBe("text/x-tide");
          expect((await buffer(document.body)).toString()).toBe("one");
        }
        expect(sent(server, "if-none-match")).toEqual(['"1"', '"1"']);
      },
      settings(),
    );
  });

  it("keeps a few variants of a URL, and no more", async () => {
    const fresh = ["Cache-Control: max-age=60", "Vary: X-Who"];
    const people = Array.from({ length: 12 }, (_, at) => `X-Who: ${at}`);
    await using server = await scripted(people.map(() => given(fresh, "hello").drain()));
    for (const who of people) {
      await withSession(
        server.url("http", "/"),
        async (session) => expect(await textOf(session, "/")).toBe("hello"),
        speaking({ options: { header: [who] } }),
      );
    }
    const names = await readdir(join(folder, "cache"));
    expect(names.filter((name) => name.endsWith(".body"))).toHaveLength(8);
  });

  it.each([
    ["no-store", ["Cache-Control: no-store"]],
    ["an answer to every request otherwise", ["Cache-Control: max-age=60", "Vary: *"]],
  ])("keeps nothing with %s", async (_what, headers) => {
    await talk(
      given(headers, "one").and(given(headers, "two")).drain(),
      async (session, server) => {
        expect(await textOf(session, "/")).toBe("one");
        expect(await textOf(session, "/")).toBe("two");
        expect(gets(server.lines)).toBe(2);
      },
      settings(),
    );
  });

  it("keeps one for each URL, octets as they came, for their owner alone", async () => {
    const packed = gzipSync("packed");
    const fresh = "Cache-Control: max-age=60";
    await talk(
      given([fresh, "Content-Encoding: gzip"], packed)
        .and(given([fresh], "other"))
        .drain(),
      async (session, server) => {
        for (let count = 0; count < 2; count++) {
          expect(await textOf(session, "/a?1")).toBe("packed");
          expect(await textOf(session, "/a?2")).toBe("other");
        }
        expect(gets(server.lines)).toBe(2);
      },
      settings(),
    );
    const names = await readdir(join(folder, "cache"));
    expect(names).toHaveLength(4);
    for (const name of names) expect((await stat(join(folder, "cache", name))).mode & 0o077).toBe(0);
  });

  it("keeps nothing that was cut, left, or spoilt on disk", async () => {
    const fresh = "Cache-Control: max-age=60";
    await using cut = await scripted([
      asked().send(`HTTP/1.1 200 OK\r\n${fresh}\r\nContent-Length: 9\r\n\r\nhalf`).drop(),
      given([fresh], "the whole").drain(),
    ]);
    await withSession(
      cut.url("http", "/"),
      async (session) => {
        await expect(textOf(session, "/")).rejects.toMatchObject({ code: "protocol" });
        expect(await readdir(join(folder, "cache"))).toEqual([]);
        expect(await textOf(session, "/")).toBe("the whole");
      },
      settings(),
    );
    const [body = ""] = (await readdir(join(folder, "cache"))).filter((name) => name.endsWith(".body"));
    await truncate(join(folder, "cache", body), 3);
    await using again = await scripted(given([fresh], "the whole").drain());
    await withSession(
      again.url("http", "/"),
      async (session) => expect(await textOf(session, "/")).toBe("the whole"),
      settings(),
    );
  });

  it("keeps nothing of what was left, before or while it was read", async () => {
    // More than all buffers on the way hold: what is wholly there is wholly read.
    const large = "x".repeat(8_000_000);
    const fresh = "Cache-Control: max-age=60";
    await using server = await scripted(given([fresh], large).drain(), { connections: 3 });
    await withSession(
      server.url("http", "/"),
      async (session) => {
        (await read(session, "/")).body.destroy();
        for await (const _octets of (await read(session, "/")).body) break;
        // Still open when the session ends.
        const { body } = await read(session, "/");
        body.on("error", () => undefined);
        await new Promise((resolve) => body.once("readable", resolve));
      },
      settings(),
    );
    expect(await readdir(join(folder, "cache")).catch(() => [])).toEqual([]);
  });

  it("forgets what was written over", async () => {
    const fresh = "Cache-Control: max-age=60";
    await talk(
      given([fresh], "one")
        .and(asked().expectUntil("new").and(answered("204 No Content")))
        .and(given([fresh], "new"))
        .drain(),
      async (session) => {
        expect(await textOf(session, "/a")).toBe("one");
        const source = {
          body: (async function* () {
            yield Buffer.from("new");
          })(),
          size: 3,
          replace: true,
        };
        await session.write?.("/a", source);
        expect(await textOf(session, "/a")).toBe("new");
      },
      settings(),
    );
  });

  it("stays out of the way of parts, and of conditions that the user set", async () => {
    const fresh = "Cache-Control: max-age=60";
    await talk(
      given([fresh], "0123456789")
        .and(asked().and(answered("206 Partial Content", [fresh, "Content-Range: bytes 5-9/10"], "56789")))
        .drain(),
      async (session) => {
        expect(await textOf(session, "/a")).toBe("0123456789");
        expect(await textOf(session, "/a", { offset: 5 })).toBe("56789");
        expect(await textOf(session, "/a")).toBe("0123456789");
      },
      settings(),
    );
  });

  it("wants a folder", async () => {
    await expect(
      withSession("http://127.0.0.1:1/", async () => 0, { options: { cache: true } }),
    ).rejects.toMatchObject({ code: "usage" });
  });
});
