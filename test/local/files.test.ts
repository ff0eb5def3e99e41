import {
  appendFile,
  chmod,
  link,
  mkdir,
  readdir,
  readFile,
  readlink,
  stat,
  symlink,
  unlink,
  utimes,
  writeFile,
} from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { Client } from "../../src/client.js";
import { search } from "../../src/verbs/search.js";
import { all, failing, inFolder, names, opened, source } from "./opened.js";

const octets = (...codes: number[]) => Buffer.from(codes);

describe("paths of file: URLs", () => {
  it("may be typed as people do, and are this machine's alone", async () => {
    const client = new Client();
    const paths = [
      "/a b",
      "./x?y",
      "~/mail",
      "file:///a/b",
      "file:/a/b",
      "file://localhost/a",
      "file:../x",
    ].map((text) => client.target(text).path);
    expect(paths).toEqual(["/a%20b", "./x%3Fy", "~/mail", "/a/b", "/a/b", "/a", "../x"]);
    await expect(client.open(client.target("file://elsewhere/a"))).rejects.toMatchObject({
      code: "usage",
      message: "'elsewhere' is not this machine",
    });
    await expect(client.open(client.target("maildir://./backup"))).rejects.toMatchObject({
      hint: "write maildir:./backup or maildir:///PATH",
    });
  });

  it("stay relative when they are, and ~ is the home folder", async () => {
    await opened("file:.", async ({ session }) => {
      const entry = await session.stat("./test/local/files.test.ts");
      expect(entry).toMatchObject({
        url: "file:./test/local/files.test.ts",
        name: "files.test.ts",
        kind: "file",
      });
      expect(await session.stat("~")).toMatchObject({ url: "file:~/", kind: "directory" });
      expect((await stat(homedir())).isDirectory()).toBe(true);
    });
  });

  it("refuse a slash that hides in a name, and broken encoding", async () => {
    await opened("file:.", async ({ session }) => {
      for (const path of ["./a%2Fb", "./a%zz", "./a%00b"]) {
        await expect(session.stat(path)).rejects.toMatchObject({ code: "usage", exit: 2 });
      }
    });
  });
});

describe("a folder", () => {
  it("is listed in order, with facts, and what is in it opens again though its name is no UTF-8", async () => {
    await inFolder(async (folder) => {
      await mkdir(join(folder, "inner"));
      await writeFile(join(folder, "b.txt"), "b");
      await chmod(join(folder, "b.txt"), 0o640);
      const odd = Buffer.concat([Buffer.from(`${folder}/`), octets(0x67, 0xfc, 0x0a, 0x25)]);
      await writeFile(odd, "odd");
      await opened(`file://${folder}`, async ({ session, pathOf, contentOf }) => {
        const entries = await all(session.list(`${folder}/`));
        expect(entries).toMatchObject([
          {
            url: `file://${folder}/b.txt`,
            name: "b.txt",
            kind: "file",
            size: 1,
            type: "text/plain",
            meta: { mode: "0640" },
          },
          { url: `file://${folder}/g%FC%0A%25`, name: "gü\n%", kind: "file", meta: { octets: "g%FC%0A%25" } },
          { url: `file://${folder}/inner/`, name: "inner", kind: "directory" },
        ]);
        const [, second] = entries;
        expect(second === undefined ? "" : await contentOf(pathOf(second))).toBe("odd");
      });
    });
  });

  it("is listed with what is beneath it, links not followed", async () => {
    await inFolder(async (folder) => {
      await mkdir(join(folder, "a", "b"), { recursive: true });
      await writeFile(join(folder, "a", "b", "c.txt"), "c");
      await symlink("..", join(folder, "a", "up"));
      await symlink("nowhere", join(folder, "a", "x"));
      await opened(`file://${folder}`, async ({ session }) => {
        const entries = await all(session.list(folder, { recursive: true }));
        expect(entries.map(({ name, kind }) => `${kind} ${name}`)).toEqual([
          "directory a",
          "directory a/b",
          "link a/up",
          "link a/x",
          "file a/b/c.txt",
        ]);
        expect(entries[2]?.meta).toEqual({ target: "..", leadsTo: "directory" });
        expect(entries[3]?.meta).toEqual({ target: "nowhere", leadsTo: "nothing" });
        expect(await names(session.list(folder, { recursive: true, limit: 2 }))).toEqual(["a", "a/b"]);
      });
    });
  });

  it("is searched by pattern, or by what a name holds, and a file by its lines", async () => {
    await inFolder(async (folder) => {
      await mkdir(join(folder, "a"));
      for (const name of ["one.txt", "two.TXT", "a/three.txt", "a/four.md"])
        await writeFile(join(folder, name), "first\nsecond line\n");
      await opened(`file://${folder}`, async ({ session }) => {
        const found = (words: string, path = folder, limit = 9) =>
          names(search(session, path, words, { limit }));
        expect(await found("*.txt")).toEqual(["one.txt", "a/three.txt"]);
        expect(await found("a/*")).toEqual(["a/four.md", "a/three.txt"]);
        expect(await found("**/{three,four}.*", folder, 1)).toEqual(["a/four.md"]);
        expect(await found("TX")).toEqual(["one.txt", "two.TXT", "a/three.txt"]);
        expect(await found("second", join(folder, "one.txt"))).toEqual(["second line"]);
      });
    });
  });

  it("is removed when it is empty, or with all that is in it, and never what a link leads to", async () => {
    await inFolder(async (folder) => {
      await mkdir(join(folder, "kept"));
      await writeFile(join(folder, "kept", "file"), "");
      await mkdir(join(folder, "gone", "deep"), { recursive: true });
      await symlink("../kept", join(folder, "gone", "link"));
      await symlink("kept", join(folder, "direct"));
      await opened(`file://${folder}`, async ({ session }) => {
        await expect(session.remove(`${folder}/gone`)).rejects.toMatchObject({
          code: "local",
          hint: "-r removes it with all that is in it",
        });
        await session.remove(`${folder}/gone`, { recursive: true });
        await session.remove(`${folder}/direct/`, { recursive: true });
        expect(await readdir(folder, { recursive: true })).toEqual(["kept", "kept/file"]);
        for (const path of ["/", ".", "~", `${folder}/..`]) {
          await expect(session.remove(path, { recursive: true })).rejects.toMatchObject({ code: "usage" });
        }
      });
    });
  });
});

describe("a file", () => {
  it("is read from an octet on, as long as it is the same", async () => {
    await inFolder(async (folder) => {
      const path = join(folder, "f");
      await writeFile(path, "0123456789");
      await opened(`file://${folder}`, async ({ session }) => {
        const first = await session.read(path, { length: 4 });
        expect(first).toMatchObject({ total: 10, offset: 0, type: "application/octet-stream" });
        expect(Buffer.concat(await all(first.body)).toString()).toBe("0123");
        const validator = first.validator ?? "";
        const rest = await session.read(path, { offset: 4, validator });
        expect(rest.offset).toBe(4);
        expect(Buffer.concat(await all(rest.body)).toString()).toBe("456789");
        await utimes(path, 1, 1);
        const anew = await session.read(path, { offset: 4, validator });
        expect(anew.offset).toBe(0);
        anew.body.destroy();
      });
    });
  });

  it("says when it changed underneath, unless it only grew", async () => {
    await inFolder(async (folder) => {
      const path = join(folder, "f");
      await writeFile(path, Buffer.alloc(2 * 1024 * 1024));
      await opened(`file://${folder}`, async ({ session }) => {
        const cut = await session.read(path);
        for await (const _chunk of cut.body) break;
        const half = await session.read(path);
        half.body.once("data", () => void writeFile(path, "short"));
        await expect(all(half.body)).rejects.toMatchObject({
          code: "local",
          message: expect.stringContaining("changed while it was read"),
        });
        await writeFile(path, "line\n");
        const log = await session.read(path);
        await appendFile(path, "another\n");
        expect(Buffer.concat(await all(log.body)).toString()).toBe("line\n");
      });
    });
  });

  it("without a counted size is read to its end", async () => {
    await opened("file:/proc", async ({ contentOf }) => {
      expect(await contentOf("/proc/version")).toMatch(/^Linux/);
    });
  });

  it("is whole under its name or not there, and dated as its source", async () => {
    await inFolder(async (folder) => {
      await opened(`file://${folder}`, async ({ session, contentOf }) => {
        const path = `${folder}/new.txt`;
        await expect(session.write(path, { body: failing() })).rejects.toThrow("the source ran dry");
        expect(await readdir(folder)).toEqual([]);
        const modified = new Date("2020-02-02T02:02:02Z");
        const entry = await session.write(path, source("content", { modified }));
        expect(entry).toMatchObject({ url: `file://${path}`, size: 7, modified });
        expect(await contentOf(path)).toBe("content");
        expect(await readdir(folder)).toEqual(["new.txt"]);
      });
    });
  });

  it("keeps its mode and its links when it is replaced", async () => {
    await inFolder(async (folder) => {
      await writeFile(join(folder, "real"), "old", { mode: 0o600 });
      await symlink("real", join(folder, "link"));
      await opened(`file://${folder}`, async ({ session }) => {
        await session.write(`${folder}/link`, source("new", { replace: true }));
        expect(await readlink(join(folder, "link"))).toBe("real");
        expect(await readFile(join(folder, "real"), "utf8")).toBe("new");
        expect((await stat(join(folder, "real"))).mode & 0o777).toBe(0o600);
      });
    });
  });

  it("is continued only where it ends", async () => {
    await inFolder(async (folder) => {
      const path = join(folder, "f");
      await writeFile(path, "0123");
      await opened(`file://${folder}`, async ({ session }) => {
        await expect(session.write(path, source("x", { offset: 3 }))).rejects.toMatchObject({
          code: "usage",
        });
        await session.write(path, source("456", { offset: 4 }));
        expect(await readFile(path, "utf8")).toBe("0123456");
      });
    });
  });

  it("says what is wrong: no folder, a folder, no room", async () => {
    await inFolder(async (folder) => {
      await opened(`file://${folder}`, async ({ session }) => {
        await expect(session.write(`${folder}/no/f`, source("x"))).rejects.toMatchObject({
          code: "missing",
          exit: 12,
        });
        await expect(session.write(folder, source("x"))).rejects.toMatchObject({
          code: "local",
          hint: "ls lists it",
        });
        await expect(session.write("/dev/full", source("x".repeat(100)))).rejects.toMatchObject({
          code: "local",
          message: "/dev/full: no room left on the device",
        });
        await session.write("/dev/null", source("x"));
        await expect(session.read(folder)).rejects.toMatchObject({ code: "local", exit: 12 });
        await expect(session.read(`${folder}/lost`)).rejects.toMatchObject({ code: "missing", exit: 12 });
      });
    });
  });

  it("moves with its other names left alone, and a folder not into itself", async () => {
    await inFolder(async (folder) => {
      await writeFile(join(folder, "a"), "a");
      await link(join(folder, "a"), join(folder, "other"));
      await mkdir(join(folder, "d"));
      await mkdir(join(folder, "empty"));
      await opened(`file://${folder}`, async ({ session }) => {
        await session.move(`${folder}/a`, `${folder}/b`);
        expect(await readdir(folder)).toEqual(["b", "d", "empty", "other"]);
        await expect(session.move(`${folder}/d`, `${folder}/empty`)).rejects.toMatchObject({ code: "local" });
        await expect(session.move(`${folder}/d`, `${folder}/d/in`)).rejects.toMatchObject({ code: "local" });
      });
    });
  });
});

describe("watching", () => {
  it("tells what is new, changed and gone in a folder, until it is stopped", async () => {
    await inFolder(async (folder) => {
      const stop = new AbortController();
      await writeFile(join(folder, "old"), "1");
      await opened(
        `file://${folder}`,
        async ({ session }) => {
          const told: string[] = [];
          const watching = (async () => {
            for await (const { event, entry } of session.watch(folder)) told.push(`${event} ${entry.name}`);
          })();
          const heard = async (line: string) => {
            for (let tries = 0; tries < 200 && !told.includes(line); tries++) await wait(20);
            expect(told).toContain(line);
          };
          await wait(150);
          await writeFile(join(folder, "fresh"), "1");
          await heard("new fresh");
          await writeFile(join(folder, "old"), "22");
          await heard("changed old");
          await unlink(join(folder, "old"));
          await heard("gone old");
          stop.abort();
          await expect(watching).rejects.toMatchObject({ code: "aborted", exit: 130 });
        },
        { signal: stop.signal },
      );
    });
  });
});
