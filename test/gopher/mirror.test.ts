/** A hole in a folder: menus as pages that lead to what was kept, robots heeded, what was broken off done to its end. */
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Client } from "../../src/client.js";
import type { Session, Target } from "../../src/plugin.js";
import { type MirrorEvent, type MirrorRequest, mirror } from "../../src/verbs/mirror.js";
import { Browsing } from "../browser/browsing.js";

let folder: string;
let server: Server;
let hole: Record<string, string | ((port: number) => string)>;
let asked: string[];
let port: number;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "porthole-hole-"));
  asked = [];
  server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", (line) => {
      const selector = line.toString("latin1").replace(/\r\n$/, "");
      asked.push(selector);
      const answer = hole[selector];
      if (answer === undefined) socket.end(`3'${selector}' is not here\t\terror.host\t1\r\n.\r\n`);
      else socket.end(typeof answer === "string" ? answer : answer(port));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  port = typeof address === "object" && address !== null ? address.port : 0;
});
afterEach(async () => {
  server.close();
  await rm(folder, { recursive: true, force: true });
});

const menu =
  (...items: readonly string[]) =>
  (own: number) =>
    `${items.map((item) => `${item}\t127.0.0.1\t${own}\r\n`).join("")}.\r\n`;

async function mirrored(path = "/", more: Partial<MirrorRequest> = {}): Promise<MirrorEvent[]> {
  const events: MirrorEvent[] = [];
  const [from, to] = [`gopher://127.0.0.1:${port}${path}`, join(folder, "hole")];
  const stateFolder = join(folder, "state");
  for await (const event of mirror({ client: new Client(), from, to, stateFolder, ...more }))
    events.push(event);
  return events;
}

async function tree(): Promise<string[]> {
  const top = join(folder, "hole");
  const found = await readdir(top, { recursive: true, withFileTypes: true });
  const files = found.filter((one) => one.isFile());
  return files.map((one) => join(one.parentPath, one.name).slice(top.length + 1)).sort();
}

const SMALL = {
  "": menu(
    "iA <small> hole\t",
    "0About\t/about.txt",
    "1More\t/more",
    "7Find\t/find",
    "hWeb\tURL:https://a.example/",
  ),
  "/about.txt": "It is small.\r\n.\r\n",
  "/more": menu("1Back\t", "0Odd\t/../../etc/passwd", "9Octets\t/v1.0/data", "1Version\t/v1.0"),
  "/v1.0": menu("iNothing\t"),
  "/../../etc/passwd": "harmless",
  "/v1.0/data": "\0\x01\x02",
};

describe("mirror of a hole", () => {
  it("keeps menus as pages and documents as they are, beneath the folder, and loops end", async () => {
    hole = SMALL;
    const events = await mirrored();
    expect(events.at(-1)).toMatchObject({ event: "done", copied: 6, failed: 0 });
    expect(await tree()).toEqual([
      "0/about.txt",
      "1/more.html",
      "1/v1.0.html",
      "9/v1.0/data",
      "etc/passwd",
      "index.html",
    ]);
    expect(await readFile(join(folder, "hole/0/about.txt"), "utf8")).toBe("It is small.\r\n");
    const index = await readFile(join(folder, "hole/index.html"), "utf8");
    expect(index).toContain("        A &#60;small&#62; hole\n");
    expect(index).toContain('text    <a href="0/about.txt">About</a>');
    expect(index).toContain('menu    <a href="1/more.html">More</a>');
    expect(index).toContain(`search  <a href="gopher://127.0.0.1:${port}/7/find">Find</a>`);
    expect(index).toContain('link    <a href="https://a.example/">Web</a>');
    const more = await readFile(join(folder, "hole/1/more.html"), "utf8");
    expect(more).toContain('<a href="../index.html">Back</a>');
    // Each once, whoever links to it.
    expect(asked.filter((selector) => selector === "/more")).toHaveLength(1);
  });

  it("stays beneath the menu that it begins at, and takes what that names", async () => {
    hole = {
      "/a": menu("1Up\t", "1In\t/a/b", "1Beside\t/ab", "0Text\t/texts/t"),
      "/a/b": menu("0Text\t/texts/t"),
      "/texts/t": "text",
    };
    await mirrored("/1/a");
    expect(asked.sort()).toEqual(["/a", "/a/b", "/texts/t", "robots.txt"]);
  });

  it("stays beneath it over a session that was opened above, as the shell's is", async () => {
    class Above extends Client {
      override open(target: Target): Promise<Session> {
        return super.open(target.protocol === "gopher" ? this.target(`gopher://127.0.0.1:${port}/`) : target);
      }
    }
    hole = { "": menu("1A\t/a"), "/a": menu("1Up\t/", "1In\t/a/b"), "/a/b": menu("iNothing\t") };
    await mirrored("/1/a", { client: new Above() });
    expect(asked.sort()).toEqual(["/a", "/a/b", "robots.txt"]);
  });

  it("leaves what robots.txt asks to leave", async () => {
    hole = { ...SMALL, "robots.txt": "User-agent: *\nCrawl-delay: 0.05\nDisallow: /more\n" };
    await mirrored();
    expect(asked).not.toContain("/more");
    expect(await readFile(join(folder, "hole/index.html"), "utf8")).toContain(
      `gopher://127.0.0.1:${port}/1/more`,
    );
  });

  it("that was broken off goes on where it was; one that was whole asks for all of it again", async () => {
    hole = SMALL;
    const breaking = new AbortController();
    const signal = breaking.signal;
    const events = mirror({
      client: new Client(),
      from: `gopher://127.0.0.1:${port}/`,
      to: join(folder, "hole"),
      stateFolder: join(folder, "state"),
      signal,
    });
    await expect(async () => {
      for await (const event of events)
        if (event.event === "copied" && /about/.test(event.name)) breaking.abort();
    }).rejects.toThrow();
    asked = [];
    const rest = (await mirrored()).at(-1);
    expect(rest).toMatchObject({ event: "done", failed: 0 });
    expect(rest).not.toHaveProperty("again");
    expect(asked).not.toContain("/about.txt");
    expect(asked).toContain("/v1.0/data");
    asked = [];
    expect((await mirrored()).at(-1)).toMatchObject({ copied: 6, again: 6, same: 0 });
    expect(asked).toContain("/about.txt");
  });

  it("that was broken off after a whole one asks anew for what it had not asked for yet, and for nothing else", async () => {
    hole = SMALL;
    await mirrored();
    const breaking = new AbortController();
    await expect(async () => {
      const events = mirror({
        client: new Client(),
        from: `gopher://127.0.0.1:${port}/`,
        to: join(folder, "hole"),
        stateFolder: join(folder, "state"),
        signal: breaking.signal,
      });
      for await (const event of events)
        if (event.event === "copied" && /more/.test(event.name)) breaking.abort();
    }).rejects.toThrow();
    hole = { ...SMALL, "/v1.0/data": "\0newer" };
    asked = [];
    await mirrored();
    expect(asked).not.toContain("");
    expect(asked).not.toContain("/more");
    expect(asked).toContain("/v1.0/data");
    expect(await readFile(join(folder, "hole/9/v1.0/data"), "utf8")).toBe("\0newer");
  });

  it("asks again only for what may be had the next time; what is gone for good ends no run", async () => {
    hole = { ...SMALL };
    delete hole["/about.txt"];
    server.removeAllListeners("connection");
    let down = true;
    server.on("connection", (socket) => {
      socket.on("error", () => undefined);
      socket.once("data", (line) => {
        const selector = line.toString("latin1").replace(/\r\n$/, "");
        asked.push(selector);
        const answer = hole[selector] ?? "3not here\t\terror.host\t1\r\n.\r\n";
        if (down && selector === "/v1.0/data") socket.resetAndDestroy();
        else socket.end(typeof answer === "string" ? answer : answer(port));
      });
    });
    expect((await mirrored()).at(-1)).toMatchObject({ event: "done", failed: 2 });
    down = false;
    asked = [];
    expect((await mirrored()).at(-1)).toMatchObject({ event: "done", copied: 1, failed: 1 });
    expect(asked.sort()).toEqual(["/about.txt", "/v1.0/data", "robots.txt"]);
    // All that can be had is there: the next run is one of its own.
    asked = [];
    await mirrored();
    expect(asked).toContain("/more");
  });

  it("reads offline: the folder opens as its menu, and its links lead on", async () => {
    hole = SMALL;
    await mirrored();
    server.close();
    const top = join(folder, "hole");
    await using at = await Browsing.open({ url: top, columns: 100 });
    await at.sees("A <small> hole");
    await at.sees(/^text {4}About\[1\]$/m);
    at.press("1");
    await at.sees("It is small.");
    at.press("h", "2");
    await at.sees("Octets[3]");
    at.press("1");
    await at.sees("A <small> hole");
    await writeFile(join(top, "index.html"), "<p>somebody's page");
    at.press("g", "C-u", `${top}/`, "Enter");
    await at.sees("index.html");
    expect(at.screen.text).not.toContain("somebody");
  });

  it("says when all that its menu leads to is at another name", async () => {
    hole = {
      "": (own) =>
        `0A\t/a\tlocalhost\t${own}\r\n1B\t/b\tlocalhost\t${own}\r\nhWeb\tURL:http://example.org/\t\t\r\n.\r\n`,
    };
    const passed = (await mirrored()).filter(({ event }) => event === "passed");
    expect(passed).toEqual([
      {
        event: "passed",
        from: `gopher://127.0.0.1:${port}/`,
        why: `all that it leads to is at localhost:${port} - mirror gopher://localhost:${port}/ if that is its name`,
      },
    ]);
    hole = { "": menu("0A\t/a"), "/a": "A\r\n" };
    expect(
      (await mirrored("/", { stateFolder: join(folder, "other") })).map(({ event }) => event),
    ).not.toContain("passed");
  });
});
