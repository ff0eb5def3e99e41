/** Debian's pygopherd, which speaks Gopher+ too: the session, the commands, and the browser against it. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Client } from "../../src/client.js";
import type { Entry, Session } from "../../src/plugin.js";
import { Browsing } from "../browser/browsing.js";
import { performed } from "../gopher/performed.js";
import { freePort } from "./free-port.js";
import { LAMP, rowsOf, WALK_MAP, WALK_TEXT, walked } from "./gopher-walk.js";

const PROGRAM = ["/usr/sbin/pygopherd", "/usr/bin/pygopherd"].find((path) => existsSync(path));
const CONFIGURATION = "/etc/pygopherd/pygopherd.conf";

/** Debian's own configuration, with what must differ for a server of a test. */
function configuration(root: string, port: number): string {
  const values: Readonly<Record<string, string>> = {
    port: String(port),
    interface: "127.0.0.1",
    servername: "127.0.0.1",
    root,
    usechroot: "no",
    detach: "no",
    pidfile: join(root, "..", "pid"),
    setuid: userInfo().username === "root" ? "nobody" : userInfo().username,
    setgid: "nogroup",
    logmethod: "none",
    initgroups: "nogroup",
  };
  return (
    readFileSync(CONFIGURATION, "utf8")
      .split("\n")
      .map((line) => {
        const [, key] = /^#?\s*(\w+)\s*=/.exec(line) ?? [];
        const value = key === undefined || line.startsWith("# ") ? undefined : values[key];
        return value === undefined ? line : `${key} = ${value}`;
      })
      .join("\n")
      // Scripts are run by those that are executable alone.
      .replace(/^(handlers = [^\]]*)file\.FileHandler\]/m, "$1scriptexec.ExecHandler, file.FileHandler]")
  );
}

/** A search, as a script that pygopherd runs. */
const SEEK = `#!/bin/sh
printf '0Found %s\\t/.walk/text.txt\\t127.0.0.1\\t%s\\r\\n' "$SEARCHREQUEST" "$SERVER_PORT"
`;
const TEXT = "One\n.\n..two\nThe end.\n";
const OCTETS = Buffer.from(Array.from({ length: 50_000 }, (_, at) => (at * 7 + (at >> 8)) & 0xff));

describe.skipIf(PROGRAM === undefined)(
  PROGRAM === undefined ? "pygopherd (pygopherd not installed)" : "pygopherd",
  () => {
    let folder = "";
    let server: ChildProcess | undefined;
    let port = 0;
    let words = "";

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), "porthole-pygopherd-"));
      const root = join(folder, "root");
      await mkdir(join(root, "folder"), { recursive: true });
      await writeFile(join(root, "text.txt"), TEXT);
      await writeFile(join(root, "octets.bin"), OCTETS);
      await writeFile(join(root, "folder", "inner.txt"), "An inner text\n");
      await writeFile(join(root, "text.txt.abstract"), "What the text is about\n");
      await mkdir(join(root, ".walk"));
      await writeFile(join(root, ".walk", "gophermap"), WALK_MAP("/.walk/seek.sh"));
      await writeFile(join(root, ".walk", "text.txt"), WALK_TEXT);
      await writeFile(join(root, ".walk", "lamp.png"), LAMP);
      await writeFile(join(root, ".walk", "seek.sh"), SEEK);
      for (const path of ["", "root", "root/folder", "root/.walk", "root/.walk/seek.sh"])
        await chmod(join(folder, path), 0o777);
      port = await freePort();
      const file = join(folder, "pygopherd.conf");
      await writeFile(file, configuration(root, port));
      server = spawn(PROGRAM ?? "", [file], { stdio: ["ignore", "pipe", "pipe"] });
      server.stderr?.on("data", (chunk: Buffer) => {
        words += chunk.toString();
      });
      server.stdout?.resume();
      const client = new Client();
      for (let attempt = 0; ; attempt++) {
        try {
          await client.use(client.target(`gopher://127.0.0.1:${port}/`), (session) =>
            all(session.list?.("/")),
          );
          return;
        } catch (thrown) {
          if (attempt > 100) throw new Error(`it does not answer: ${words}`, { cause: thrown });
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
      }
    }, 20_000);

    afterAll(async () => {
      if (server !== undefined && server.exitCode === null) {
        server.kill("SIGKILL");
        await once(server, "close");
      }
      await rm(folder, { recursive: true, force: true });
    });

    // As it names itself in its menus.
    const urlOf = (rest: string) => `gopher://localhost:${port}${rest}`;

    async function all(entries: AsyncIterable<Entry> | undefined): Promise<Entry[]> {
      const found: Entry[] = [];
      for await (const entry of entries ?? []) found.push(entry);
      return found;
    }

    const withSession = <T>(act: (session: Session) => Promise<T>) => {
      const client = new Client();
      return client.use(client.target(urlOf("/")), act);
    };

    it("gives its menu, with Gopher+ said", async () => {
      const entries = (await withSession((session) => all(session.list?.("/")))).filter(
        ({ kind }) => kind !== "note",
      );
      expect(entries.map(({ kind, url }) => `${kind} ${url}`).sort()).toEqual(
        [
          `menu ${urlOf("/1/folder")}`,
          `file ${urlOf("/9/octets.bin")}`,
          `file ${urlOf("/0/text.txt")}`,
        ].sort(),
      );
      expect(entries.every(({ meta }) => meta["plus"] === true)).toBe(true);
    });

    it("gives a text as it is, and octets as they are", async () => {
      const read = (path: string) =>
        withSession(async (session) => {
          const document = await session.read?.(path);
          return document === undefined ? Buffer.alloc(0) : buffer(document.body);
        });
      expect((await read("/0/text.txt")).toString().replaceAll("\r\n", "\n")).toBe(TEXT);
      expect((await read("/9/octets.bin")).equals(OCTETS)).toBe(true);
      // The same by Gopher+, which says how long they are.
      expect((await read("/9/octets.bin%09%09+")).equals(OCTETS)).toBe(true);
    });

    it("tells attributes of an item, and of all items of a menu", async () => {
      const told = await performed("attributes", [urlOf("/0/text.txt")]);
      expect(told.map(({ data }) => data["block"])).toEqual(
        expect.arrayContaining(["INFO", "ADMIN", "VIEWS", "ABSTRACT"]),
      );
      const views = told.find(({ data }) => data["block"] === "VIEWS");
      expect(views?.data["views"]).toMatchObject([{ type: "text/plain" }]);
      const everything = await performed("attributes", [urlOf("/")], { all: true });
      expect(everything.filter(({ data }) => data["block"] === "INFO")).toHaveLength(4);
    });

    it("tells what is not there", async () => {
      await expect(withSession((session) => all(session.list?.("/1/lost")))).rejects.toMatchObject({
        code: "missing",
      });
    });

    it("has no dead links", async () => {
      const told = await performed("crawl", [urlOf("/")], { documents: true, jobs: 2 });
      expect(told.at(-1)?.data).toMatchObject({ asked: 5, dead: 0 });
    });

    it("is walked through on a terminal: menu, search, text, picture, and back", async () => {
      const walk = await walked(urlOf("/1/.walk"));
      expect(rowsOf(walk.menu)).toEqual([
        " .walk - gopher://HOST/1/.walk",
        "           The harbour",
        "",
        "   1  text A text",
        "   2  img  A lamp",
        "   3  find Find",
      ]);
      expect(rowsOf(walk.found).slice(1)).toEqual(["   1  text Found fog horn"]);
      expect(rowsOf(walk.text).slice(1)).toEqual(["One", ".", "..two", "The end."]);
      expect(walk.named).toContain("Type  image/png");
      expect(rowsOf(walk.picture).slice(1)).toEqual(["▀▀▀▀▀▀▀▀", "▀▀▀▀▀▀▀▀"]);
      expect(rowsOf(walk.back)).toEqual(rowsOf(walk.menu));
      expect(walk.after).toMatch(/^before\nstatus 0\necho$/);
    }, 60_000);

    it("can be browsed", async () => {
      await using at = await Browsing.open({ url: urlOf("/"), rows: 14 });
      await at.sees(/menu folder[\s\S]*100%/);
      at.press("1");
      await at.sees(/text inner[\s\S]*100%/);
      at.press("1");
      await at.sees("An inner text");
      at.press("Left");
      await at.sees("inner");
      at.press("Left");
      await at.sees("file octets");
      expect(at.screen.strange).toEqual([]);
    });
  },
);
