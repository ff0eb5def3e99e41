/** What lies beside menus and texts: phone books, caps.txt, dead links, certificates seen first, charsets, lying types. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { makeTlsMaterial } from "../../fixtures/servers/certificate.js";
import { type Sandbox, startSandbox } from "../../fixtures/servers/sandbox.js";
import { conversation, script, scripted } from "../../fixtures/servers/scripted.js";
import { delayIn, isAllowed, parseCaps, parseRobots } from "../../protocols/gopher/caps.js";
import { decodeDisplay, guessCharset } from "../../protocols/gopher/charset.js";
import { sniffedType } from "../../protocols/gopher/sniff.js";
import { Client } from "../../src/client.js";
import type { Entry } from "../../src/plugin.js";
import { saveDocument } from "../../src/verbs/save.js";
import { performed, type Told } from "./performed.js";

async function names(entries: AsyncIterable<Entry> | undefined): Promise<string[]> {
  const found: string[] = [];
  for await (const { name } of entries ?? []) found.push(name);
  return found;
}

describe("a phone book (type 2)", () => {
  const search = async (play: Parameters<typeof scripted>[0], words: string) => {
    await using server = await scripted(play, { timeout: 5000 });
    const client = new Client();
    const found = await client.use(client.target(server.url("gopher", "/2")), (session) =>
      names(session.search?.("/2", words)),
    );
    await server.done;
    return found;
  };

  it("is asked for a name, and gives people line by line", async () => {
    const play = conversation(`
      C: query ada
      C: quit
      S: 102:There were 2 matches to your request.
      S: -200:1:        name: Ada L
      S: -200:1:       email: ada@harbour.example
      S: -200:2:        name: Ada K
      S: 200:Ok.
      S: 200:Bye!
    `);
    expect(await search(play, "ada")).toEqual([
      "name: Ada L",
      "email: ada@harbour.example",
      "",
      "name: Ada K",
    ]);
  });

  it("gives what it says as lines, into a pipe too", async () => {
    await using server = await scripted(
      conversation(`
        C: query ada
        C: quit
        S: -200:1:        name: Ada L
        S: 200:Ok.
      `),
      { timeout: 5000 },
    );
    const client = new Client();
    const kinds: string[] = [];
    await client.use(client.target(server.url("gopher", "/2")), async (session) => {
      for await (const { kind } of session.search?.("/2", "ada") ?? []) kinds.push(kind);
    });
    expect(kinds).toEqual(["line"]);
  });

  it("has nobody of that name", async () => {
    const play = conversation(`
      C: query nobody
      C: quit
      S: 501:No matches to your query.
    `);
    await expect(search(play, "nobody")).rejects.toMatchObject({
      code: "missing",
      reply: "No matches to your query.",
    });
  });
});

describe("caps.txt and robots.txt", () => {
  it("are told", async () => {
    const server = await scripted(
      [
        script()
          .expect("caps.txt")
          .send("CAPS\r\nCapsVersion=1\r\nPathDelimeter=/\r\nServerSoftware=x\r\n.\r\n"),
        script().expect("robots.txt").send("User-agent: *\r\nDisallow: /private\r\n"),
      ],
      { timeout: 5000 },
    );
    await using _server = server;
    const [told] = await performed("caps", [server.url("gopher", "/")]);
    expect(told?.data).toEqual({
      caps: { CapsVersion: "1", PathDelimeter: "/", ServerSoftware: "x" },
      robots: { disallow: ["/private"] },
    });
  });

  it("are read as they are written", () => {
    expect(parseCaps("Hello")).toBeUndefined();
    const robots = parseRobots(
      "User-agent: evil\nDisallow: /\n\nUser-agent: a\nUser-agent: *\nDisallow: /x # y\nDisallow:\n",
    );
    expect(robots).toEqual(["/x"]);
    expect([isAllowed("/x/1", robots), isAllowed("/y", robots)]).toEqual([false, true]);
  });
});

describe("a crawl", () => {
  let sandbox: Sandbox;
  beforeAll(async () => {
    sandbox = await startSandbox({ only: ["gopher"] });
  });
  afterAll(async () => {
    await sandbox.close();
  });

  it("goes through every menu once, circles and all, and tells dead links", async () => {
    const told: Told[] = [];
    const done = performed("crawl", [sandbox.url("gopher")], { jobs: 4, documents: true }, told);
    await expect(done).rejects.toMatchObject({ code: "partial", exit: 13 });
    expect(told[0]?.data).toMatchObject({
      dead: `${sandbox.url("gopher")}1/lost`,
      in: sandbox.url("gopher"),
      code: "missing",
      reply: "'/lost' is not in this harbour",
    });
    expect(told.at(-1)?.data).toMatchObject({ dead: 1, unseen: 0 });
    expect(Number(told.at(-1)?.data["asked"])).toBeGreaterThan(15);
  });

  it("keeps to its bounds", async () => {
    const told = await performed("crawl", [`${sandbox.url("gopher")}1/walk`], { limit: 2, depth: 1 });
    expect(told.at(-1)?.data).toMatchObject({ asked: 2, dead: 0 });
  });
});

describe("gophers, trusted on first use", () => {
  let folder = "";
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "porthole-tofu-"));
  });
  afterEach(async () => {
    await rm(folder, { recursive: true });
  });
  const answer = script().expect(/.*/).sendLines("ihere", ".");
  const listed = async (url: string, warnings: string[] = [], tofu = true) => {
    const client = new Client({
      options: { tofu },
      stateFolder: folder,
      warn: (text) => warnings.push(text),
    });
    return client.use(client.target(url), (session) => names(session.list?.("/")));
  };

  it("says so, keeps the fingerprint, and takes that certificate alone from then on", async () => {
    const first = await makeTlsMaterial();
    const server = await scripted([answer, answer], { tls: first, timeout: 5000 });
    const { port } = server;
    const url = `gophers://127.0.0.1:${port}/`;
    const warnings: string[] = [];
    expect(await listed(url, warnings)).toEqual(["here"]);
    expect(warnings[0]).toContain("is trusted from now on");
    expect(await listed(url, warnings)).toEqual(["here"]);
    expect(warnings).toHaveLength(1);
    await server.close();
    const kept = await readFile(join(folder, "gopher-certificates"), "utf8");
    expect(kept).toMatch(new RegExp(`^127\\.0\\.0\\.1:${port} [0-9A-F:]{95} 20`));
    // Another certificate at the same place: as if somebody listened in.
    await writeFile(join(folder, "gopher-certificates"), kept.replace(/ [0-9A-F]{2}:/, " 00:"));
    await using other = await scripted([answer], { tls: first, timeout: 5000 });
    other.done.catch(() => undefined);
    await writeFile(
      join(folder, "gopher-certificates"),
      `127.0.0.1:${other.port} ${"00:".repeat(31)}00 2024-01-01T00:00:00Z\n`,
    );
    await expect(listed(`gophers://127.0.0.1:${other.port}/`)).rejects.toMatchObject({
      code: "tls",
      message: `the certificate of 127.0.0.1:${other.port} is not the one that was seen since 2024-01-01`,
    });
  });

  it("is offered where it was not asked for", async () => {
    await using server = await scripted([answer], { tls: await makeTlsMaterial(), timeout: 5000 });
    server.done.catch(() => undefined);
    await expect(listed(`gophers://127.0.0.1:${server.port}/`, [], false)).rejects.toMatchObject({
      code: "tls",
      hint: expect.stringContaining("--tofu"),
    });
  });
});

describe("gophers, trusted by the person's word", () => {
  let folder = "";
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "porthole-tofu-"));
  });
  afterEach(async () => {
    await rm(folder, { recursive: true });
  });
  const answer = script().expect(/.*/).sendLines("ihere", ".");
  // Whoever does not take the certificate leaves without a word.
  const unheard = script();

  it("asks with the fingerprint, refuses after no, and takes it from then on after yes, without being told", async () => {
    const tls = await makeTlsMaterial();
    await using server = await scripted([unheard, unheard, answer, answer], { tls, timeout: 5000 });
    const url = `gophers://127.0.0.1:${server.port}/`;
    const asked: string[] = [];
    const listed = (says?: boolean) => {
      const client = new Client({
        stateFolder: folder,
        ...(says === undefined
          ? {}
          : {
              confirm: async (question: string) => {
                asked.push(question);
                return says;
              },
            }),
      });
      return client.use(client.target(url), (session) => names(session.list?.("/")));
    };
    await expect(listed(false)).rejects.toMatchObject({
      code: "tls",
      hint: expect.stringContaining("--tofu"),
    });
    expect(await listed(true)).toEqual(["here"]);
    expect(asked).toHaveLength(2);
    expect(asked[0]).toMatch(/127\.0\.0\.1:\d+ \(.*, SHA-256 [0-9A-F:]{95}\)\. Trust it from now on\?$/);
    expect(await listed()).toEqual(["here"]);
    expect(server.connections).toHaveLength(4);
    await server.done;
  });

  it("never asks about another certificate than the one that was taken", async () => {
    await using server = await scripted([unheard], { tls: await makeTlsMaterial(), timeout: 5000 });
    await writeFile(
      join(folder, "gopher-certificates"),
      `127.0.0.1:${server.port} ${"00:".repeat(31)}00 2024-01-01T00:00:00Z\n`,
    );
    const client = new Client({
      stateFolder: folder,
      confirm: async () => expect.fail("it was asked about"),
    });
    const target = client.target(`gophers://127.0.0.1:${server.port}/`);
    await expect(client.use(target, (session) => names(session.list?.("/")))).rejects.toMatchObject({
      code: "tls",
      message: `the certificate of 127.0.0.1:${server.port} is not the one that was seen since 2024-01-01`,
    });
  });
});

describe("charsets", () => {
  it.each([
    ["UTF-8", Buffer.from("Grüße ─ λ"), undefined],
    ["ASCII", Buffer.from("plain"), undefined],
    ["Latin-1", Buffer.from("Gr\xfc\xdfe aus \xc5land", "latin1"), "iso-8859-1"],
    ["CP437 frames", Buffer.from("\xc9\xcd\xcd\xcd\xbb\r\n\xba x \xba", "latin1"), "cp437"],
    ["CP437 letters", Buffer.from("Gr\x81n, sch\x94n, caf\x82", "latin1"), "cp437"],
    ["windows-1252 quotes", Buffer.from("\x93so\x94 \x96 caf\xe9", "latin1"), "windows-1252"],
  ])("%s is guessed", (_name, octets, wanted) => {
    expect(guessCharset(octets)).toBe(wanted);
  });

  it("menus have their frames, and any charset that is asked for", () => {
    expect(decodeDisplay(Buffer.from("\xc9\xcd\xcd\xbb \xb0\xb1\xb2", "latin1"), undefined)).toBe("╔══╗ ░▒▓");
    expect(decodeDisplay(Buffer.from("\xeb\xcf\xc8", "latin1"), "koi8-r")).toBe("Кох");
    expect(decodeDisplay(Buffer.from("\xe9"), "no such charset")).toBe("Ã©");
  });
});

describe("what a document is", () => {
  it.each([
    ["a picture under 0", "\x89PNG\r\n\x1a\n", "text/plain", "image/png"],
    ["a page under 0", "<!DOCTYPE html><p>", "text/plain", "text/html"],
    ["octets under 0", "a\0b", "text/plain", "application/octet-stream"],
    ["a text that begins as a bitmap does", "BMW is no picture", "text/plain", "text/plain"],
    ["a picture without extension", "GIF89a....", "application/octet-stream", "image/gif"],
    ["what is told otherwise", "%PDF-1.4", "image/gif", "image/gif"],
  ])("%s is told from its octets", (_what, octets, claimed, wanted) => {
    expect(sniffedType(Buffer.from(octets, "latin1"), claimed)).toBe(wanted);
  });
});

describe("a binary", () => {
  it("is poured into a file octet for octet, from the first on", async () => {
    const octets = Buffer.from(Array.from({ length: 700_001 }, (_, at) => (at * 31 + (at >> 8)) & 0xff));
    octets[0] = 0x33;
    const folder = await mkdtemp(join(tmpdir(), "porthole-pour-"));
    try {
      await using server = await scripted(script().expect("/b").send(octets), { timeout: 5000 });
      const client = new Client();
      await client.use(client.target(server.url("gopher", "/9/b")), async (session) => {
        const read = session.read?.bind(session);
        if (read === undefined) throw new Error("it reads");
        const document = await read("/9/b");
        expect(document.pour).toBeDefined();
        await saveDocument({
          url: "x",
          path: join(folder, "b"),
          read: async () => document,
        });
      });
      expect((await readFile(join(folder, "b"))).equals(octets)).toBe(true);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it("that is reset on its way is an error", async () => {
    await using server = await scripted(script().expect("/b").send("xx".repeat(1000)).pause(50).reset(), {
      timeout: 5000,
    });
    const client = new Client();
    const done = client.use(client.target(server.url("gopher", "/9/b")), async (session) => {
      const document = await session.read?.("/9/b");
      document?.body.on("error", () => undefined);
      await document?.pour?.(() => undefined);
    });
    await expect(done).rejects.toMatchObject({ code: "connect" });
  });
});

describe("links", () => {
  it("to the web as it was written before URL:", async () => {
    await using server = await scripted(
      script()
        .expect("")
        .sendLines("hOld link\tGET /a/b.html?x=1\twww.example.org\t80", "hOdd\tGET /\tw.example\t8080", "."),
    );
    const client = new Client();
    const urls = await client.use(client.target(server.url("gopher", "/")), async (session) => {
      const found: string[] = [];
      for await (const { url } of session.list?.("/") ?? []) found.push(url);
      return found;
    });
    expect(urls).toEqual(["http://www.example.org/a/b.html?x=1", "http://w.example:8080/"]);
  });
});

it("reads a whole text whose charset is CP437 as such", async () => {
  await using server = await scripted(
    script().expect("/t").send(Buffer.from("\xc9\xcd\xcd\xbb\r\n.\r\n", "latin1")),
  );
  const client = new Client();
  await client.use(client.target(server.url("gopher", "/0/t")), async (session) => {
    const document = await session.read?.("/0/t");
    expect(document?.charset).toBe("cp437");
    expect(document === undefined ? undefined : (await buffer(document.body)).length).toBe(6);
  });
});

describe("robots.txt", () => {
  it("says how long to wait between two requests, in seconds", () => {
    expect(delayIn("User-agent: *\nCrawl-delay: 1.5\n")).toBe(1.5);
    for (const none of ["", "Crawl-delay: soon", "Crawl-delay: 0", "# Crawl-delay: 3"])
      expect(delayIn(none)).toBeUndefined();
  });
});
