import { appendFile, readFile, stat, unlink, utimes, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { FromLines, quote, unquote } from "../../protocols/local/mbox-quoting.js";
import { isFromLine, type MboxFormat, MboxScanner } from "../../protocols/local/mbox-scanner.js";
import { all, failing, inFolder, names, opened, source } from "./opened.js";

const FROM = "From ann@example.org Thu Jan  1 12:00:00 2026\n";

async function inMbox(text: string, act: (path: string) => Promise<void>): Promise<void> {
  await inFolder(async (folder) => {
    await writeFile(join(folder, "box"), text);
    await act(join(folder, "box"));
  });
}

/** Each message as `start-end size subject`. */
function scanned(pieces: readonly Buffer[], format: MboxFormat = "mboxrd"): string[] {
  const scanner = new MboxScanner(format);
  return [...pieces.flatMap((piece) => scanner.feed(piece)), ...scanner.end()].map(
    ({ start, end, size, header }) => `${start}-${end} ${size} ${header.raw("subject")}`,
  );
}

describe("From_ lines", () => {
  it.each([
    "From ann@example.org Thu Jan  1 12:00:00 2026",
    "From - Sat Dec 31 23:59:59 1999",
    "From MAILER-DAEMON Fri Jul  8 12:08:34 2011 +0200",
    "From a b c Mon Jan 12 12:00 MET 1998",
    "From ann@example.org Thu, 1 Jan 2026 12:00:00 +0000",
  ])("%s", (line) => {
    expect(isFromLine(line)).toBe(true);
  });

  it.each([
    "From the beginning",
    "From Monday on, 2026 will be",
    "From ann@example.org",
    ">From a Thu Jan  1 12:00:00 2026",
  ])("%s is none", (line) => {
    expect(isFromLine(line)).toBe(false);
  });
});

describe("an mbox file", () => {
  const text = `${FROM}Subject: one\n\nFrom here on\n>From there\n>>From beyond\n\n${FROM}Subject: two\n\n${FROM}Subject: three\n\nno final line end`;
  const found = ["46-99 51 one", "146-159 13 two", "206-239 33 three"];

  it("is taken apart at its From_ lines, prose that begins alike left alone", () => {
    expect(scanned([Buffer.from(text)])).toEqual(found);
  });

  it("is the same cut at every octet", () => {
    const octets = Buffer.from(text);
    for (let cut = 0; cut <= octets.length; cut++) {
      expect(scanned([octets.subarray(0, cut), octets.subarray(cut)]), `cut at ${cut}`).toEqual(found);
    }
    expect(scanned(Array.from(octets, (octet) => Buffer.from([octet])))).toEqual(found);
  });

  it("counts what mboxo quotes, which is less", () => {
    expect(scanned([Buffer.from(text)], "mboxo")[0]).toBe("46-99 52 one");
  });

  it("may end lines with CRLF", () => {
    const crlf = `${FROM}Subject: one\n\ntext\n\n${FROM}Subject: two\n\n`.replaceAll("\n", "\r\n");
    expect(scanned([Buffer.from(crlf)])).toEqual(["47-69 22 one", "118-132 14 two"]);
  });

  it("quotes and unquotes octet for octet, cut anywhere", () => {
    const message = "From a\n>From b\n>>From c\nnot From d\nFrom";
    for (let cut = 0; cut <= message.length; cut++) {
      const quoting = new FromLines(quote);
      const quoted =
        [message.slice(0, cut), message.slice(cut)]
          .map((piece) => quoting.write(Buffer.from(piece)).toString())
          .join("") + quoting.end().toString();
      expect(quoted).toBe(">From a\n>>From b\n>>>From c\nnot From d\nFrom");
      const undoing = new FromLines(unquote("mboxrd"));
      expect(
        undoing.write(Buffer.from(quoted.slice(0, cut))).toString() +
          undoing.write(Buffer.from(quoted.slice(cut))).toString() +
          undoing.end().toString(),
      ).toBe(message);
    }
  });

  it("lists messages that open again, octet for octet, unquoted", async () => {
    await inMbox(text.replace("Subject: two\n", "Subject: two\nStatus: RO\nX-Status: F\n"), async (path) => {
      await opened(`mbox:${path}`, async ({ session, pathOf, contentOf }) => {
        const entries = await all(session.list(path));
        expect(entries).toMatchObject([
          {
            name: "one",
            kind: "message",
            size: 51,
            modified: new Date("2026-01-01T12:00:00Z"),
            meta: { flags: [] },
          },
          { name: "two", meta: { flags: ["\\Seen", "\\Flagged"] } },
          { name: "three", size: 33 },
        ]);
        const [one, , three] = entries;
        if (one === undefined || three === undefined) throw new Error("not listed");
        expect(one.url).toMatch(/^mbox:\/\/.*\/box\/;UID=0\.[0-9a-f]{12}$/);
        expect(await contentOf(pathOf(one))).toBe("Subject: one\n\nFrom here on\nFrom there\n>From beyond\n");
        expect(await contentOf(pathOf(three))).toBe("Subject: three\n\nno final line end");
        const part = await session.read(pathOf(one), { offset: 14, length: 12 });
        expect(Buffer.concat(await all(part.body)).toString()).toBe("From here on");
      });
    });
  });

  it("with Content-Length ends messages there, where that is right, and nowhere else (mboxcl2)", async () => {
    const body = `unquoted:\n${FROM}is text\n`;
    const first = `${FROM}Subject: one\nContent-Length: ${body.length}\n\n${body}\n`;
    const wrong = `${FROM}Subject: two\nContent-Length: 9999\n\ntext\n\n`;
    await inMbox(`${first}${wrong}${FROM}Subject: three\n\n>From stays\n`, async (path) => {
      await opened(`mbox:${path}`, async ({ session, pathOf, contentOf }) => {
        const entries = await all(session.list(path));
        expect(entries.map(({ name }) => name)).toEqual(["one", "two", "three"]);
        const texts = [];
        for (const entry of entries) texts.push((await contentOf(pathOf(entry))).split("\n\n")[1]);
        expect(texts).toEqual([body, "text\n", ">From stays\n"]);
      });
      await opened(
        `mbox:${path}`,
        async ({ session }) =>
          expect(await names(session.list(path))).toEqual(["one", "(no subject)", "two", "three"]),
        { options: { "mbox-format": "mboxrd" } },
      );
    });
  });

  it("that does not begin with a From_ line is none, and an empty one is", async () => {
    await inMbox("Subject: an eml file\n\n", async (path) => {
      await opened(`mbox:${path}`, async ({ session }) => {
        await expect(all(session.list(path))).rejects.toMatchObject({
          code: "local",
          message: `${path} is not an mbox file`,
        });
        await expect(session.write(path, source("Subject: x\n\n"))).rejects.toMatchObject({ code: "local" });
        await writeFile(path, "");
        expect(await all(session.list(path))).toEqual([]);
      });
    });
  });

  it("takes a message at its end as mboxrd has it, and gives it back the same", async () => {
    await inMbox(`${FROM}Subject: old\n\nno line end`, async (path) => {
      await opened(`mbox:${path}`, async ({ session, pathOf, contentOf }) => {
        const message = "Return-Path: <bee@example.org>\nSubject: new\n\nFrom here\n>From there\n";
        const entry = await session.write(
          path,
          source(message, { modified: new Date("2026-02-03T04:05:06Z") }),
        );
        expect(entry).toMatchObject({ name: "new", size: message.length });
        expect(await readFile(path, "utf8")).toBe(
          `${FROM}Subject: old\n\nno line end\n\nFrom bee@example.org Tue Feb  3 04:05:06 2026\nReturn-Path: <bee@example.org>\nSubject: new\n\n>From here\n>>From there\n\n`,
        );
        expect(await contentOf(pathOf(entry))).toBe(message);
        await session.write(path, source("Subject: large\n\n".padEnd(9 * 1024 * 1024, "x\n")));
        expect(await names(session.list(path))).toEqual(["old", "new", "large"]);
        await expect(stat(`${path}.lock`)).rejects.toMatchObject({ code: "ENOENT" });
      });
    });
  });

  it("is made by the first message, and is as it was when a source fails", async () => {
    await inFolder(async (folder) => {
      const path = join(folder, "new");
      await opened(`mbox:${path}`, async ({ session }) => {
        await session.write(path, source("Subject: first\n\n"));
        const before = await readFile(path, "utf8");
        await expect(session.write(path, { body: failing() })).rejects.toThrow("the source ran dry");
        expect(await readFile(path, "utf8")).toBe(before);
        await expect(stat(`${path}.lock`)).rejects.toMatchObject({ code: "ENOENT" });
      });
    });
  });

  it("loses a message that is removed and no other, and URLs of the others still hold", async () => {
    await inMbox(text, async (path) => {
      await opened(`mbox:${path}`, async ({ session, pathOf, contentOf }) => {
        const [one, two, three] = await all(session.list(path));
        if (one === undefined || two === undefined || three === undefined) throw new Error("not listed");
        await session.remove(pathOf(one));
        expect(await names(session.list(path))).toEqual(["two", "three"]);
        expect(await contentOf(pathOf(three))).toBe("Subject: three\n\nno final line end");
        await expect(session.remove(pathOf(one))).rejects.toMatchObject({ code: "missing", exit: 8 });
        const moved = await session.move(pathOf(two), `${path}-other`);
        expect(await names(session.list(path))).toEqual(["three"]);
        expect(await contentOf(pathOf(moved))).toBe("Subject: two\n\n".slice(0, -1));
      });
    });
  });

  it("waits for the lock of another program, and takes away one that was left behind", async () => {
    await inMbox(`${FROM}Subject: old\n\n\n`, async (path) => {
      await opened(`mbox:${path}`, async ({ session }) => {
        await writeFile(`${path}.lock`, "12345\n");
        let released = false;
        setTimeout(() => {
          released = true;
          void unlink(`${path}.lock`);
        }, 300);
        await session.write(path, source("Subject: waited\n\n"));
        expect(released).toBe(true);
        await writeFile(`${path}.lock`, "12345\n");
        await utimes(`${path}.lock`, 1, 1);
        await session.write(path, source("Subject: stale\n\n"));
        expect(await names(session.list(path))).toEqual(["old", "waited", "stale"]);
      });
    });
  });

  it("has what a killed run left half-written cut off", async () => {
    await inMbox(`${FROM}Subject: old\n\n\n`, async (path) => {
      const { size } = await stat(path);
      await appendFile(path, `${FROM}Subject: torn\n\nhal`);
      // No process has this number: it is beyond what Linux gives.
      await writeFile(`${path}.lock`, `porthole ${hostname()} 4194999 ${size}\n`);
      await opened(`mbox:${path}`, async ({ session }) => {
        await session.write(path, source("Subject: whole\n\n"));
        expect(await names(session.list(path))).toEqual(["old", "whole"]);
      });
    });
  });

  it("lies beside others in a folder of mailboxes", async () => {
    await inFolder(async (folder) => {
      await writeFile(join(folder, "notes.txt"), "no mailbox");
      await opened(`mbox:${folder}/`, async ({ session }) => {
        expect(await session.makeFolder(`${folder}/Sent`)).toMatchObject({
          name: "Sent",
          kind: "mailbox",
          size: 0,
        });
        const within = `${folder}/Sent/old`;
        const none = { code: "local", message: `${within}: an mbox file has no mailboxes in it` };
        await expect(session.makeFolder(within)).rejects.toMatchObject(none);
        await expect(session.write(within, source("Subject: x\n\n"))).rejects.toMatchObject(none);
        await session.makeFolder(`${folder}/inner/`);
        await session.write(`${folder}/inner/box`, source("Subject: x\n\n"));
        expect(await names(session.list(folder))).toEqual(["Sent", "inner"]);
        expect(await names(session.list(folder, { recursive: true }))).toEqual([
          "Sent",
          "inner",
          "inner/box",
          "inner/box/x",
        ]);
        await session.move(`${folder}/Sent`, `${folder}/Done`);
        await session.remove(`${folder}/Done`);
        await expect(session.remove(`${folder}/inner/box`)).rejects.toMatchObject({ code: "local" });
      });
    });
  });
});
