import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { conversation, script, scripted } from "../../fixtures/servers/scripted.js";
import { parseListLine } from "../../protocols/ftp/listing.js";
import { all, failureOf, GOODBYE, LOGIN, names, opened, passive, pieces, talk } from "./opened.js";
import { prepareSandbox, sandbox } from "./served.js";

prepareSandbox();

/** Octets of memory in use, garbage not counted. */
function heap(): number {
  setFlagsFromString("--expose-gc");
  runInNewContext("gc")();
  return process.memoryUsage().heapUsed;
}

const NOW = new Date("2026-03-10T12:00:00Z");

describe("LIST of rarer servers", () => {
  it.each([
    [
      "+i8388621.48594,m825718503,r,s280,\tdjb.html",
      {
        name: "djb.html",
        kind: "file",
        size: 280,
        modified: new Date("1996-03-01T22:15:03Z"),
        meta: { unique: "8388621.48594" },
      },
    ],
    ["+i8388621.50690,m824255907,/,\t514", { name: "514", kind: "directory" }],
    ["+up644,r,s5,\ta b\tc", { name: "a b\tc", kind: "file", size: 5, meta: { mode: "0644" } }],
    [
      "CORE.DIR;1          1  8-SEP-1996 16:09 [SYSTEM]  (RWE,RWE,RE,RE)",
      {
        name: "CORE",
        kind: "directory",
        modified: new Date("1996-09-08T16:09:00Z"),
        meta: { owner: "SYSTEM", permissions: "RWE,RWE,RE,RE" },
      },
    ],
    [
      "CII-MANUAL.TEX;2    213/216  29-JAN-1996 03:33:12  [ANONYMOU,ANONYMOUS]   (RWED,RWED,,)",
      { name: "CII-MANUAL.TEX", kind: "file", meta: { version: "2", blocks: "213", mostOctets: "109056" } },
    ],
    [
      "d [R----F--] supervisor            512       Jan 16 18:53    login",
      { name: "login", kind: "directory", modified: new Date("2026-01-16T18:53:00Z") },
    ],
    [
      "- [R----F--] rhesus             214059       Oct 20 15:27    cx.exe",
      {
        name: "cx.exe",
        kind: "file",
        size: 214_059,
        modified: new Date("2025-10-20T15:27:00Z"),
        meta: { owner: "rhesus", permissions: "R----F--" },
      },
    ],
    [
      "                 0           DIR   12-30-97   12:32  LANGUAGE",
      { name: "LANGUAGE", kind: "directory", modified: new Date("1997-12-30T12:32:00Z") },
    ],
    [
      "              1098      A          04-02-101   06:51  two words.txt",
      {
        name: "two words.txt",
        kind: "file",
        size: 1098,
        modified: new Date("2001-04-02T06:51:00Z"),
        meta: { attributes: "A" },
      },
    ],
  ])("%s", (line, wanted) => {
    expect(parseListLine(line, NOW)).toMatchObject(wanted);
  });

  it("passes over what VMS writes before and after", () => {
    expect(parseListLine("Directory SYS$SYSDEVICE:[PUB]", NOW)).toBe("self");
    expect(parseListLine("Total of 11 files, 274 blocks.", NOW)).toBe("self");
  });

  it("joins a line that VMS breaks behind a long name", async () => {
    await sandbox({ mlsd: false, listing: "vms" }, async ({ url }) => {
      await opened(url, async (session) => {
        await session.makeFolder("/incoming/a-folder-of-a-long-name");
        const [found] = await all(session.list("/incoming/"));
        expect(found).toMatchObject({ name: "a-folder-of-a-long-name", kind: "directory" });
        expect(found?.modified).toBeInstanceOf(Date);
      });
    });
  });

  it("falls back to names alone, with the folder before them or without", async () => {
    await sandbox({ mlsd: false, namesOnly: true }, async ({ url }) => {
      await opened(url, async (session) => {
        expect(await names(session.list("/pub/charts/"))).toContain("bay.txt");
      });
    });
    await using data = await scripted(script().send("/pub/a\r\n./b\r\nc/\r\n/pub/../etc\r\n"));
    const nlst = [
      'C: PWD\nS: 257 "/"',
      "C: CWD /pub\nS: 250 ok",
      ...["LIST -a", "LIST"].map((list) => `${passive(data)}\nC: ${list}\nS: 500 what?`),
      `${passive(data)}\nC: NLST\nS: 150 here\nS: 226 done`,
    ];
    const listed = await talk(LOGIN.and(conversation(nlst.join("\n"))).and(GOODBYE), (session) =>
      all(session.list("/pub/")),
    );
    expect(listed.map(({ name, kind }) => [name, kind])).toEqual([
      ["a", "file"],
      ["b", "file"],
      ["c", "directory"],
    ]);
  });
});

describe("a pattern", () => {
  it("lists what matches, and beneath the folder with it", async () => {
    await sandbox({}, async ({ url }) => {
      await opened(url, async (session) => {
        expect(await names(session.list("/pub/charts/b*.txt"))).toEqual(["bay.txt"]);
        expect(await names(session.list("/pub/char*"))).toEqual(["charts"]);
      });
    });
  });

  it("that something has for a name is that thing, and a star that is written %2A is no pattern", async () => {
    await sandbox({}, async ({ url }) => {
      await opened(url, async (session) => {
        await session.makeFolder("/incoming/a%5B1%5D");
        await session.write("/incoming/a%5B1%5D/in.txt", { body: pieces("x") });
        await session.write("/incoming/star%2A", { body: pieces("x") });
        await session.write("/incoming/starlight", { body: pieces("x") });
        expect(await names(session.list("/incoming/a[1]"))).toEqual(["in.txt"]);
        expect(await names(session.list("/incoming/star%2A"))).toEqual(["star*"]);
        expect((await names(session.list("/incoming/star*"))).sort()).toEqual(["star*", "starlight"]);
      });
    });
  });

  it("of which there is nothing is not there", async () => {
    await sandbox({}, async ({ url }) => {
      await opened(url, async (session) => {
        expect(await failureOf(all(session.list("/pub/*.nothing")))).toMatchObject({ code: "missing" });
      });
    });
  });
});

describe("a listing without measure", () => {
  it("is read as it comes, in little memory", { timeout: 120_000 }, async () => {
    const line = "type=file;size=5;modify=20240301083015; a file among very many\r\n";
    const count = 200_000;
    await using data = await scripted(script().flood(line.length * count, line));
    await using server = await scripted(
      conversation(`
        S: 220 ready
        C: USER anonymous
        S: 230 come in
        C: FEAT
        S: 211-Features:
        S:  MLST type*;size*;modify*;
        S: 211 End
        C: EPSV
        S: 229 Entering Extended Passive Mode (|||${data.port}|)
        C: MLSD /
        S: 150 here
      `)
        .call(() => data.done)
        .and(conversation("S: 226 done"))
        .and(GOODBYE),
      { timeout: 100_000 },
    );
    let seen = 0;
    const before = heap();
    let most = 0;
    await opened(server.url("ftp", "//"), async (session) => {
      for await (const _entry of session.list("//")) {
        seen += 1;
        if (seen % 50_000 === 0) most = Math.max(most, heap());
      }
    });
    expect(seen).toBe(count);
    // Half a kilobyte each: all of them would be more than that above what was there.
    expect(most - before).toBeLessThan(60 * 1024 ** 2);
  });
});
