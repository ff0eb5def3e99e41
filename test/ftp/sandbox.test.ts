import { buffer } from "node:stream/consumers";
import { describe, expect, it } from "vitest";
import type { FtpOptions } from "../../fixtures/servers/ftp.js";
import { plugin } from "../../protocols/ftp/index.js";
import { manifest } from "../../protocols/ftp/manifest.js";
import type { ClientSettings } from "../../src/client.js";
import { all, closed, contentOf, failureOf, names, opened, pieces } from "./opened.js";
import { prepareSandbox, sandbox, trusting } from "./served.js";

prepareSandbox();

const DIALECTS = [
  ["MLSD", {}],
  ["LIST of Unix", { mlsd: false }],
  ["LIST of MS-DOS", { mlsd: false, listing: "dos" }],
  ["EPLF", { mlsd: false, listing: "eplf" }],
  ["LIST of NetWare", { mlsd: false, listing: "netware" }],
  ["LIST of OS/2", { mlsd: false, listing: "os2" }],
] as const satisfies readonly (readonly [string, Partial<FtpOptions>])[];

describe.each(DIALECTS)("by %s", (_name, options) => {
  it("lists names of all kinds, and every URL opens again", async () => {
    await sandbox(options, async ({ url }) => {
      await opened(url, async (session) => {
        const listed = await all(session.list("/names"));
        expect(listed.map((entry) => entry.name).sort()).toEqual([
          "-dash.txt",
          ".hidden",
          "100% #1?.txt",
          "café.txt",
          "harbour plan.txt",
          "häfen.txt",
          'quote"d.txt',
          "灯台.txt",
        ]);
        const start = `${url.replace(":sandbox", "")}/names/`;
        for (const entry of listed) {
          expect(entry.url.startsWith(start)).toBe(true);
          const path = entry.url.slice(start.length - "/names/".length);
          expect(await session.stat(path)).toMatchObject({ url: entry.url, name: entry.name, kind: "file" });
          expect((await contentOf(session, path)).length).toBeGreaterThan(9);
        }
      });
    });
  });

  it("tells kinds, sizes, dates and types", async () => {
    await sandbox(options, async ({ url }) => {
      await opened(url, async (session) => {
        const listed = await all(session.list("/pub/"));
        const large = listed.find(({ name }) => name === "large.bin");
        expect(large).toMatchObject({ kind: "file", size: 5 * 1024 * 1024 });
        expect(large?.modified?.toISOString().slice(0, 10)).toBe("2024-03-01");
        expect(listed.find(({ name }) => name === "tides.csv")).toMatchObject({ type: "text/csv" });
        const charts = listed.find(({ name }) => name === "charts");
        expect(charts).toMatchObject({ kind: "directory" });
        expect(charts?.url).toMatch(/\/pub\/charts\/$/);
        expect(charts).not.toHaveProperty("size");
      });
    });
  });

  it("lists an empty folder, a file, and the folders within", async () => {
    await sandbox(options, async ({ url }) => {
      await opened(url, async (session) => {
        expect(await names(session.list("/empty"))).toEqual([]);
        expect(await names(session.list("/welcome.txt"))).toEqual(["welcome.txt"]);
        const within = await names(session.list("/pub/charts", { recursive: true }));
        expect(within.indexOf("north")).toBeLessThan(within.indexOf("north/1875"));
        expect(within.sort()).toEqual([
          "bay.txt",
          "north",
          "north/1875",
          "north/1875/wreck.txt",
          "north/mole.txt",
        ]);
        expect(await names(session.list("/names", { limit: 2 }))).toHaveLength(2);
        // The session goes on after a listing that was left.
        expect(await names(session.list("/names", { limit: 1000 }))).toHaveLength(8);
        expect(await names(session.list("/names", { limit: 0 }))).toEqual([]);
      });
    });
  });

  it("says that a path is not there", async () => {
    await sandbox(options, async ({ url }) => {
      await opened(url, async (session) => {
        const missing = { code: "missing", exit: 8, protocol: "ftp", reply: expect.stringMatching(/^550 /) };
        expect(await failureOf(all(session.list("/nowhere")))).toMatchObject(missing);
        expect(await failureOf(session.stat("/nowhere"))).toMatchObject(missing);
        expect(await failureOf(session.read("/nowhere"))).toMatchObject(missing);
        expect(await failureOf(session.remove("/nowhere"))).toMatchObject(missing);
        expect(await failureOf(session.move("/nowhere", "/else"))).toMatchObject(missing);
        expect(await contentOf(session, "/pub/empty.txt")).toBe("");
      });
    });
  });

  it("removes a folder with all that is in it, and only when asked", async () => {
    await sandbox(options, async ({ url }) => {
      await opened(url, async (session) => {
        expect(await failureOf(session.remove("/pub"))).toMatchObject({
          code: "refused",
          hint: "a folder that is not empty goes with -r",
        });
        expect(await names(session.list("/pub"))).toContain("charts");
        await session.remove("/pub", { recursive: true });
        expect(await failureOf(session.stat("/pub"))).toMatchObject({ code: "missing" });
        await session.remove("/empty");
        await session.remove("/names/100%25%20%231%3F.txt");
        expect(await names(session.list("/names"))).not.toContain("100% #1?.txt");
        expect(await failureOf(session.remove("/", { recursive: true }))).toMatchObject({ code: "usage" });
      });
    });
  });
});

describe("reading", () => {
  it("gives what the server holds, with size, date and type", async () => {
    await sandbox({}, async ({ url }) => {
      await opened(url, async (session) => {
        const document = await session.read("/pub/exact.bin");
        expect(document).toMatchObject({
          type: "application/octet-stream",
          offset: 0,
          total: 256,
          entry: { name: "exact.bin", size: 256, modified: new Date("2024-03-01T08:30:15Z") },
        });
        const octets = await buffer(document.body);
        expect([...octets]).toEqual(Array.from({ length: 256 }, (_, octet) => octet));
      });
    });
  });

  it.each([
    ["from an octet", { offset: 250 }, 250, [250, 251, 252, 253, 254, 255]],
    ["a piece", { offset: 3, length: 4 }, 3, [3, 4, 5, 6]],
    ["nothing", { length: 0 }, 0, []],
    ["nothing at the end", { offset: 256 }, 256, []],
  ])("%s", async (_name, query, offset, wanted) => {
    await sandbox({}, async ({ url }) => {
      await opened(url, async (session) => {
        const document = await session.read("/pub/exact.bin", query);
        expect(document.offset).toBe(offset);
        expect([...(await buffer(document.body))]).toEqual(wanted);
        expect(await contentOf(session, "/pub/charts/bay.txt")).toBe("bay: sand, 12 m\n");
      });
    });
  });

  it("starts over when the file has changed or is shorter", async () => {
    await sandbox({}, async ({ url }) => {
      await opened(url, async (session) => {
        const first = await session.read("/pub/exact.bin", { offset: 200, validator: "another" });
        expect(first.offset).toBe(0);
        const { validator = "" } = first;
        expect(await buffer(first.body)).toHaveLength(256);
        const again = await session.read("/pub/exact.bin", { offset: 200, validator });
        expect(again.offset).toBe(200);
        expect(await buffer(again.body)).toHaveLength(56);
        const beyond = await session.read("/pub/exact.bin", { offset: 257 });
        expect(beyond.offset).toBe(0);
        expect(await buffer(beyond.body)).toHaveLength(256);
      });
    });
  });

  it("asks for text by ;type=a, whose octets nobody can count beforehand", async () => {
    await sandbox({}, async ({ url }) => {
      await opened(url, async (session) => {
        const document = await session.read("/pub/charts/bay.txt;type=a");
        expect(document.total).toBeUndefined();
        expect(document.type).toBe("text/plain");
        expect(String(await buffer(document.body))).toBe("bay: sand, 12 m\n");
        expect(await contentOf(session, "/pub/charts/bay.txt")).toBe("bay: sand, 12 m\n");
      });
    });
  });

  it("can be left early, and the session goes on", async () => {
    await sandbox({}, async ({ url }) => {
      await opened(url, async (session) => {
        for (let round = 0; round < 3; round++) {
          const { body } = await session.read("/pub/large.bin");
          for await (const chunk of body) {
            expect(chunk.length).toBeGreaterThan(0);
            break;
          }
          await closed(body);
          expect((await session.stat("/welcome.txt")).kind).toBe("file");
        }
      });
    });
  });

  it("never takes a body that was cut for whole", async () => {
    await sandbox({ cutAfterBytes: 100_000 }, async ({ url }) => {
      await opened(url, async (session) => {
        const { body, total } = await session.read("/pub/large.bin");
        expect(total).toBe(5 * 1024 * 1024);
        const failure = await failureOf(buffer(body));
        expect(failure).toMatchObject({
          code: "busy",
          protocol: "ftp",
          reply: expect.stringMatching(/^426 /),
        });
      });
    });
  });

  it("of a folder says so", async () => {
    await sandbox({}, async ({ url }) => {
      await opened(url, async (session) => {
        for (const path of ["/pub", "/pub/", "/", "//"]) {
          expect(await failureOf(session.read(path))).toMatchObject({ code: "refused", hint: "ls lists it" });
        }
      });
    });
  });
});

describe("writing", () => {
  it("makes a file, and the server has all of it", async () => {
    await sandbox({}, async ({ url, arrivals }) => {
      await opened(url, async (session) => {
        const entry = await session.write("/new%20file.txt", { body: pieces("one ", "two") });
        expect(entry).toMatchObject({ name: "new file.txt", kind: "file", size: 7, type: "text/plain" });
        expect(entry.url).toMatch(/\/new%20file\.txt$/);
        expect(await contentOf(session, "/new%20file.txt")).toBe("one two");
      });
      expect(arrivals).toEqual([{ kind: "upload", protocol: "ftp", path: "/new file.txt", size: 7 }]);
    });
  });

  it("replaces only when told to", async () => {
    await sandbox({}, async ({ url }) => {
      await opened(url, async (session) => {
        const refused = await failureOf(session.write("/welcome.txt", { body: pieces("x") }));
        expect(refused).toMatchObject({ code: "local", exit: 12, message: "welcome.txt: exists already" });
        expect((await contentOf(session, "/welcome.txt")).length).toBeGreaterThan(1);
        await session.write("/welcome.txt", { body: pieces("x"), replace: true });
        expect(await contentOf(session, "/welcome.txt")).toBe("x");
        expect(await failureOf(session.write("/pub", { body: pieces("x"), replace: true }))).toMatchObject({
          code: "refused",
        });
        expect(await failureOf(session.write("/pub/", { body: pieces("x") }))).toMatchObject({
          code: "refused",
        });
      });
    });
  });

  it("continues where the first part ended, and nowhere else", async () => {
    await sandbox({}, async ({ url }) => {
      await opened(url, async (session) => {
        await session.write("/part.txt", { body: pieces("hello") });
        const gap = await failureOf(session.write("/part.txt", { body: pieces("x"), offset: 6 }));
        expect(gap).toMatchObject({ code: "usage", message: expect.stringContaining("has 5 octets") });
        const absent = await failureOf(session.write("/none.txt", { body: pieces("x"), offset: 6 }));
        expect(absent).toMatchObject({ code: "usage", message: expect.stringContaining("is not there") });
        const entry = await session.write("/part.txt", { body: pieces(" world"), offset: 5 });
        expect(entry.size).toBe(11);
        expect(await contentOf(session, "/part.txt")).toBe("hello world");
      });
    });
  });

  it("leaves nothing whole behind when the source fails, and the session goes on", async () => {
    await sandbox({}, async ({ url, arrivals }) => {
      await opened(url, async (session) => {
        async function* failing() {
          yield Buffer.from("half of it");
          throw new Error("the disk is gone");
        }
        expect(await failureOf(session.write("/half.txt", { body: failing() }))).toMatchObject({
          message: "the disk is gone",
        });
        expect(await failureOf(session.stat("/half.txt"))).toMatchObject({ code: "missing" });
        await session.write("/whole.txt", { body: pieces("whole") });
        expect(await contentOf(session, "/whole.txt")).toBe("whole");
      });
      expect(arrivals).toHaveLength(1);
    });
  });

  it("says what the server says when it may not", async () => {
    await sandbox({}, async ({ url }) => {
      await opened(url.replace("porthole:sandbox@", ""), async (session) => {
        expect(await failureOf(session.write("/no.txt", { body: pieces("x") }))).toMatchObject({
          code: "refused",
          exit: 9,
          reply: expect.stringMatching(/^55\d /),
        });
        expect(await failureOf(session.makeFolder("/no"))).toMatchObject({ code: "refused" });
        await session.write("/incoming/yes.txt", { body: pieces("x") });
      });
    });
  });
});

describe("moving and making", () => {
  it("moves, and replaces only when told to", async () => {
    await sandbox({}, async ({ url }) => {
      await opened(url, async (session) => {
        const moved = await session.move("/welcome.txt", "/pub/hello%20again.txt");
        expect(moved).toMatchObject({ name: "hello again.txt", kind: "file" });
        expect(await failureOf(session.stat("/welcome.txt"))).toMatchObject({ code: "missing" });
        const refused = await failureOf(session.move("/pub/tides.csv", "/pub/empty.txt"));
        expect(refused).toMatchObject({ code: "local", message: "pub/empty.txt: exists already" });
        await session.move("/pub/tides.csv", "/pub/empty.txt", { replace: true });
        expect(await contentOf(session, "/pub/empty.txt")).not.toBe("");
        expect(await session.move("/pub/charts/", "/maps")).toMatchObject({ kind: "directory" });
        expect(await names(session.list("/maps"))).toContain("bay.txt");
      });
    });
  });

  it("makes a folder once", async () => {
    await sandbox({}, async ({ url }) => {
      await opened(url, async (session) => {
        const made = await session.makeFolder("/new%20folder");
        expect(made).toMatchObject({ name: "new folder", kind: "directory" });
        expect(made.url).toMatch(/\/new%20folder\/$/);
        expect(await failureOf(session.makeFolder("/new%20folder/"))).toMatchObject({ code: "local" });
        expect(await failureOf(session.makeFolder("/a/b"))).toMatchObject({ code: "refused" });
      });
    });
  });
});

describe("TLS", () => {
  it.each(["ftp", "ftps"])("by %s, every data connection resuming the session", async (scheme) => {
    await sandbox({ requireTls: true, requireSessionReuse: true }, async ({ url, secure }) => {
      const settings = { ...trusting(), policy: { starttls: "require" } } satisfies ClientSettings;
      await opened(
        scheme === "ftp" ? url : secure,
        async (session) => {
          expect(await names(session.list("/pub"))).toContain("large.bin");
          expect(await buffer((await session.read("/pub/large.bin")).body)).toHaveLength(5 * 1024 * 1024);
          await session.write("/secret.txt", { body: pieces("secret") });
          expect(await contentOf(session, "/secret.txt")).toBe("secret");
        },
        settings,
      );
    });
  });

  it("is not begun with a certificate that is not trusted", async () => {
    await sandbox({}, async ({ url, secure }) => {
      const policy = { policy: { starttls: "require" } } satisfies ClientSettings;
      for (const one of [url, secure]) {
        expect(await failureOf(opened(one, () => Promise.resolve(), policy))).toMatchObject({
          code: "tls",
          exit: 5,
        });
      }
    });
  });

  it("that the server insists on is hinted at", async () => {
    await sandbox({ requireTls: true }, async ({ url }) => {
      expect(await failureOf(opened(url, () => Promise.resolve()))).toMatchObject({
        code: "auth",
        hint: "use ftps: or --starttls require",
      });
    });
  });
});

describe("passive mode", () => {
  it("falls back to PASV, and connects to the server's own address whatever PASV says", async () => {
    await sandbox({ noEpsv: true, foreignPasv: true }, async ({ url }) => {
      await opened(url, async (session) => {
        expect(await names(session.list("/"))).toContain("welcome.txt");
        expect((await contentOf(session, "/welcome.txt")).length).toBeGreaterThan(1);
      });
    });
  });
});

describe("the login", () => {
  it("is refused with the server's words", async () => {
    await sandbox({}, async ({ url }) => {
      const wrong = url.replace("sandbox@", "wrong@");
      const failure = await failureOf(opened(wrong, () => Promise.resolve()));
      expect(failure).toMatchObject({ code: "auth", exit: 7, reply: expect.stringMatching(/^530 /) });
      expect(JSON.stringify(failure)).not.toContain("wrong");
    });
  });
});

describe("the plugin", () => {
  it("does what its manifest says", () => {
    expect(Object.keys(plugin.commands)).toEqual(manifest.commands.map(({ name }) => name));
  });
});
