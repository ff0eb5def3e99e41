import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Client } from "../../src/client.js";
import type { Entry, Session } from "../../src/plugin.js";
import { Browsing } from "../browser/browsing.js";
import { LAMP, rowsOf, WALK_MAP, WALK_TEXT, walked } from "./gopher-walk.js";
import { type Inetd, startInetd } from "./inetd.js";

const PROGRAM = ["/usr/sbin/gophernicus", "/usr/bin/gophernicus"].find((path) => existsSync(path));

const NOBODY = { uid: 65534, gid: 65534 };

function start(program: string, root: string): Promise<Inetd> {
  return startInetd({ allowHalfOpen: true }, (socket) => {
    const port = String(socket.localPort);
    // -nm: no shared memory; -ns: nothing into the system's log.
    const child = spawn(program, ["-h", "127.0.0.1", "-p", port, "-r", root, "-nm", "-ns", "-nu"], {
      stdio: ["pipe", "pipe", "ignore"],
      // It refuses to run as root.
      ...(process.getuid?.() === 0 ? NOBODY : {}),
    });
    child.stdin.on("error", () => undefined);
    socket.once("close", () => child.kill());
    socket.pipe(child.stdin);
    child.stdout.pipe(socket);
    return child;
  });
}

const TEXT = "One\n.\n..two\n...\nThe end.\n";
const OCTETS = Buffer.from(Array.from({ length: 100_000 }, (_, at) => (at * 7 + (at >> 8)) & 0xff));
const MAP = [
  "!The harbour",
  "Plain words",
  "0A text\t/text.txt",
  "1A folder\t/folder",
  "9Octets\t/octets.bin",
  "7Find\t/cgi-bin/find",
  "hThe web\tURL:http://example.org/",
  "8Library\tguest\tlib.example\t23",
  "1Elsewhere\t/x\tgopher.example\t7070",
  "",
].join("\n");
const FIND = `#!/bin/sh
printf '0Found %s\\t/text.txt\\t127.0.0.1\\t%s\\r\\n.\\r\\n' "$SEARCHREQUEST" "$SERVER_PORT"
`;

const TITLE = PROGRAM === undefined ? "gophernicus (gophernicus not installed)" : "gophernicus";

describe.skipIf(PROGRAM === undefined)(TITLE, () => {
  let root = "";
  let server: Inetd;

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "porthole-gophernicus-"));
    await mkdir(join(root, "folder"));
    await mkdir(join(root, "cgi-bin"));
    await writeFile(join(root, "gophermap"), MAP);
    await writeFile(join(root, "text.txt"), TEXT);
    await writeFile(join(root, "empty.txt"), "");
    await writeFile(join(root, "octets.bin"), OCTETS);
    await writeFile(join(root, "folder", "a b#c%d.txt"), "An odd name\n");
    await writeFile(join(root, "folder", "café.txt"), "An accent\n");
    await writeFile(join(root, "folder", "picture.gif"), "GIF89a");
    await writeFile(join(root, "cgi-bin", "find"), FIND);
    await mkdir(join(root, "walk"));
    await writeFile(join(root, "walk", "gophermap"), WALK_MAP("/cgi-bin/seek"));
    await writeFile(join(root, "walk", "text.txt"), WALK_TEXT);
    await writeFile(join(root, "walk", "lamp.png"), LAMP);
    await writeFile(join(root, "cgi-bin", "seek"), FIND.replace("/text.txt", "/walk/text.txt"));
    // The server gives out only what all may read.
    for (const path of ["", "walk", "cgi-bin/seek", "folder", "cgi-bin", "cgi-bin/find"])
      await chmod(join(root, path), 0o755);
    server = await start(PROGRAM ?? "", root);
  });

  afterAll(async () => {
    await server.close();
    await rm(root, { recursive: true, force: true });
  });

  function urlOf(rest: string): string {
    return `gopher://127.0.0.1:${server.port}${rest}`;
  }

  async function withSession<T>(act: (session: Session) => Promise<T>): Promise<T> {
    const client = new Client();
    const session = await client.open(client.target(urlOf("/")));
    try {
      return await act(session);
    } finally {
      await session[Symbol.asyncDispose]();
    }
  }

  function list(path: string): Promise<Entry[]> {
    return withSession(async (session) => {
      const entries: Entry[] = [];
      for await (const entry of session.list?.(path) ?? []) entries.push(entry);
      return entries;
    });
  }

  function get(path: string): Promise<Buffer> {
    return withSession(async (session) => {
      const document = await session.read?.(path);
      return document === undefined ? Buffer.alloc(0) : buffer(document.body);
    });
  }

  it("gives its menu", async () => {
    const entries = await list("/");
    expect(entries.slice(0, 2).map(({ kind, name }) => [kind, name])).toEqual([
      ["note", "The harbour"],
      ["note", "Plain words"],
    ]);
    const items = entries.filter(({ kind }) => kind !== "note");
    expect(items.map(({ kind, name, url }) => [kind, name, url])).toEqual([
      ["file", "A text", urlOf("/0/text.txt")],
      ["menu", "A folder", urlOf("/1/folder")],
      ["file", "Octets", urlOf("/9/octets.bin")],
      ["search", "Find", urlOf("/7/cgi-bin/find")],
      ["link", "The web", "http://example.org/"],
      ["session", "Library", "telnet://guest@lib.example"],
      ["menu", "Elsewhere", "gopher://gopher.example:7070/1/x"],
    ]);
  });

  it("gives a folder whose URLs open again, odd names too", async () => {
    const files = (await list("/1/folder")).filter(({ kind }) => kind === "file");
    // This server writes such octets as #NNN, octal, and reads them so.
    expect(files.map(({ url }) => url).sort()).toEqual([
      urlOf("/0/folder/a%23040b%23043c%23045d.txt"),
      urlOf("/0/folder/caf%23303%23251.txt"),
      urlOf("/g/folder/picture.gif"),
    ]);
    const client = new Client();
    const contents: string[] = [];
    for (const { url } of files) contents.push((await get(client.target(url).path)).toString());
    expect(contents.sort()).toEqual(["An accent\r\n", "An odd name\r\n", "GIF89a"]);
  });

  it("gives a text with lone dots and pairs as it is, its lines ended by CRLF", async () => {
    expect((await get("/0/text.txt")).toString()).toBe(TEXT.replaceAll("\n", "\r\n"));
    expect((await get("/0/empty.txt")).length).toBe(0);
  });

  it("gives octets as they are", async () => {
    expect((await get("/9/octets.bin")).equals(OCTETS)).toBe(true);
  });

  it("gives caps.txt", async () => {
    expect((await get("/0/caps.txt")).toString()).toMatch(/^CAPS\r\n/);
  });

  it("searches", async () => {
    const found = await withSession(async (session) => {
      const entries: Entry[] = [];
      for await (const entry of session.search?.("/7/cgi-bin/find", "fog horn") ?? []) entries.push(entry);
      return entries;
    });
    expect(found.map(({ name, url }) => [name, url])).toEqual([["Found fog horn", urlOf("/0/text.txt")]]);
  });

  it("tells what is there", async () => {
    const entry = await withSession(async (session) => session.stat?.("/9/octets.bin"));
    expect(entry).toMatchObject({ name: "octets.bin", kind: "file", url: urlOf("/9/octets.bin") });
  });

  it("can be browsed: a menu, a search, a text, and back", async () => {
    await using at = await Browsing.open({ url: urlOf("/"), rows: 16, columns: 80 });
    await at.sees("find Find");
    at.press("4");
    await at.sees("Find:");
    at.press("fog horn", "Enter");
    await at.sees("text Found fog horn");
    at.press("Enter");
    await at.sees("The end.");
    at.press("Left", "Left");
    await at.sees("The harbour");
    at.press("5");
    await at.sees(/This leads to HTTP: http:\/\/example.org\/ - open\? \[y\/n\]/);
    at.press("n");
    expect(at.screen.strange).toEqual([]);
  });

  it("is walked through on a terminal: menu, search, text, picture, and back", async () => {
    const walk = await walked(urlOf("/1/walk"));
    // Below it stands who served it.
    expect(rowsOf(walk.menu).slice(0, 6)).toEqual([
      " walk - gopher://HOST/1/walk",
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

  it("tells what is not there, as an item and as a text", async () => {
    const reply = "Error: File or directory not found! (null)";
    const missing = { code: "missing", exit: 8, reply };
    await expect(list("/1/lost/")).rejects.toMatchObject(missing);
    await expect(list("/1/lost")).rejects.toMatchObject(missing);
    await expect(get("/0/lost.txt")).rejects.toMatchObject(missing);
    await expect(withSession(async (session) => session.stat?.("/0/lost"))).rejects.toMatchObject(missing);
  });
});
