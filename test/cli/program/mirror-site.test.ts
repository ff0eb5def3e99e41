/** `porthole mirror https://site/ ./folder`: links followed, pages that open offline, and only what is new the next time. */
import { readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { objects, User, until } from "./program.js";
import { numbered, Web } from "./web.js";

let user: User;
beforeAll(async () => {
  user = await User.create();
});
afterAll(() => user[Symbol.asyncDispose]());

interface Page {
  readonly type?: string;
  readonly body?: string;
  readonly status?: number;
  readonly location?: string;
  readonly etag?: string;
}

const LINKS = (...urls: readonly string[]) =>
  `<!doctype html><p>${urls.map((url) => `<a href="${url}">x</a>`).join(" ")}`;

/** A site out of a table, with ETags and answers to If-None-Match. */
function site(pages: Record<string, Page>): Promise<Web> {
  return Web.serve((response, { path, headers }) => {
    const page = pages[path];
    if (page === undefined) {
      response.writeHead(404, { "Content-Type": "text/html" }).end("<p>not there");
      return;
    }
    const { type = "text/html", body = "", status = 200, location, etag = `"${body.length}"` } = page;
    if (location !== undefined) response.writeHead(302, { Location: location }).end();
    else if (headers["if-none-match"] === etag) response.writeHead(304).end();
    else response.writeHead(status, { "Content-Type": type, ETag: etag }).end(body);
  });
}

async function tree(folder: string): Promise<string[]> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true });
  return found
    .filter((one) => one.isFile())
    .map((one) => join(one.parentPath, one.name).slice(folder.length + 1))
    .sort();
}

const paths = (web: Web) => web.asked.map(({ method, path }) => `${method} ${path}`);

describe("mirror of a site", () => {
  it("follows links within the start, takes what the pages need, and changes the addresses", async () => {
    const pages: Record<string, Page> = {
      "/docs/": {
        body: `<!doctype html><link rel=stylesheet href=/style.css><img src="/docs/img/a%20b.png" srcset="/docs/img/a%20b.png 1x, big.png 2x">
<a href="guide">Guide</a> <a href='/docs/list?page=2&amp;all=1#end'>List</a> <a href="/other/">up</a> <a href="https://elsewhere.example/">far</a>
<a href="#here">here</a> <form action="/search"></form><div style="background: url('bg.png')"></div>`,
      },
      "/docs/guide": {
        body: `<base href="/docs/sub/"><a href="../">back</a><a href="page.html">page</a> caf\u00e9`,
      },
      "/docs/sub/page.html": { body: LINKS("../guide", "mailto:a@b.example", "file.pdf") },
      "/docs/sub/file.pdf": { type: "application/pdf", body: "%PDF" },
      "/docs/list?page=2&all=1": { body: LINKS("/docs/") },
      "/docs/img/a%20b.png": { type: "image/png", body: "png" },
      "/docs/big.png": { type: "image/png", body: "bigger" },
      "/docs/bg.png": { type: "image/png", body: "bg" },
      "/style.css": { type: "text/css", body: `@import "more.css"; body { background: url(/docs/bg.png) }` },
      "/more.css": { type: "text/css", body: "p { color: red }" },
      "/other/": { body: "not wanted" },
    };
    await using web = await site(pages);
    const folder = user.path("docs");
    const { status, stderr } = await user.run(["mirror", web.url("/docs/"), folder]);
    expect([status, stderr]).toEqual([0, expect.stringContaining("10 copied")]);
    expect(await tree(folder)).toEqual([
      "_/more.css",
      "_/style.css",
      "bg.png",
      "big.png",
      "guide.html",
      "img/a b.png",
      "index.html",
      "list_page=2&all=1.html",
      "sub/file.pdf",
      "sub/page.html",
    ]);
    const text = async (name: string) => readFile(join(folder, name), "utf8");
    const index = await text("index.html");
    expect(index).toContain('href="_/style.css"');
    expect(index).toContain('src="img/a%20b.png" srcset="img/a%20b.png 1x, big.png 2x"');
    expect(index).toContain('href="guide.html"');
    expect(index).toContain("href='list_page=2&#38;all=1.html#end'");
    expect(index).toContain(`href="${web.url("/other/")}"`);
    expect(index).toContain('href="https://elsewhere.example/"');
    expect(index).toContain('href="#here"');
    expect(index).toContain(`action="${web.url("/search")}"`);
    expect(index).toContain("url('bg.png')");
    expect(await text("guide.html")).toBe(
      `<base href=""><a href="index.html">back</a><a href="sub/page.html">page</a> caf\u00e9`,
    );
    expect(await text("_/style.css")).toBe(`@import "more.css"; body { background: url(../bg.png) }`);
    expect(paths(web)).not.toContain("GET /other/");
    expect(paths(web)).toContain("GET /robots.txt");
  });

  it("asks a second time only about what it has, and takes what is new", async () => {
    const pages: Record<string, Page> = {
      "/": { body: LINKS("a", "b") },
      "/a": { body: LINKS("c") },
      "/b": { body: "one" },
      "/c": { body: "c" },
    };
    await using web = await site(pages);
    const folder = user.path("again");
    const args = ["mirror", web.url("/"), folder, "--json"];
    const report = async (more: readonly string[] = []) =>
      objects((await user.run([...args, ...more])).stdout).at(-1);
    expect(await report()).toMatchObject({ copied: 4, same: 0 });
    pages["/b"] = { body: "changed" };
    expect(await report()).toMatchObject({ copied: 1, same: 3, failed: 0 });
    expect(await readFile(join(folder, "b.html"), "utf8")).toBe("changed");
    // What is no longer there is fetched again.
    await rm(join(folder, "c.html"));
    expect(await report()).toMatchObject({ copied: 1, same: 3 });
    pages["/a"] = { body: "no more links" };
    expect(await report()).toMatchObject({ copied: 1, same: 2, removed: 0, extra: 1 });
    expect(await report(["--delete"])).toMatchObject({ same: 3, removed: 1 });
    expect(await tree(folder)).toEqual(["a.html", "b.html", "index.html"]);
  });

  it("goes on where it was killed, though nothing tells whether a page has changed", async () => {
    let hangs = true;
    await using web = await Web.serve((response, { path }) => {
      if (path === "/robots.txt") response.writeHead(404).end();
      else if (path === "/c" && hangs) response.writeHead(200, { "Content-Type": "text/html" }).write("<p>");
      else
        response
          .writeHead(200, { "Content-Type": "text/html" })
          .end(path === "/" ? LINKS("a", "b", "c") : "<p>so");
    });
    const folder = user.path("killed");
    const args = ["mirror", web.url("/"), folder, "--json"];
    const running = user.start(args);
    await running.says("b.html");
    await until(
      () => web.asked.some(({ path }) => path === "/c"),
      () => "the last page",
    );
    running.child.kill("SIGKILL");
    await running.ended;
    hangs = false;
    web.asked.length = 0;
    expect(objects((await user.run(args)).stdout).at(-1)).toMatchObject({ copied: 1, same: 3, failed: 0 });
    // What kind of page it begins at is looked at each time.
    expect(paths(web).filter((path) => !path.endsWith(" /"))).toEqual(["GET /robots.txt", "GET /c"]);
    // That one was whole: the next asks for all.
    web.asked.length = 0;
    expect(objects((await user.run(args)).stdout).at(-1)).toMatchObject({ copied: 4, same: 0 });
  });

  it("does as robots.txt asks, unless told not to", async () => {
    await using web = await site({
      "/robots.txt": {
        type: "text/plain",
        body: "User-agent: *\nDisallow: /private\nAllow: /private/open\n",
      },
      "/": { body: LINKS("/private/x", "/private/open", "/free") },
      "/private/x": { body: "secret" },
      "/private/open": { body: "open" },
      "/free": { body: "free" },
    });
    const folder = user.path("robots");
    expect((await user.run(["mirror", web.url("/"), folder])).status).toBe(0);
    expect(await tree(folder)).toEqual(["free.html", "index.html", "private/open.html"]);
    expect(await readFile(join(folder, "index.html"), "utf8")).toContain(`href="${web.url("/private/x")}"`);
    expect((await user.run(["mirror", web.url("/"), user.path("no-robots"), "--no-robots"])).status).toBe(0);
    expect(await tree(user.path("no-robots"))).toContain("private/x.html");
  });

  it("goes as deep as it is told, with --include and --exclude", async () => {
    await using web = await site({
      "/": { body: LINKS("one", "skip/x") },
      "/one": { body: `${LINKS("two")}<img src="one.png">` },
      "/one.png": { type: "image/png", body: "png" },
      "/two": { body: LINKS("three") },
      "/three": { body: "deep" },
      "/skip/x": { body: "skipped" },
    });
    const run = async (name: string, ...more: string[]) => {
      expect((await user.run(["mirror", web.url("/"), user.path(name), ...more])).status).toBe(0);
      return tree(user.path(name));
    };
    expect(await run("depth-1", "--depth", "1")).toEqual([
      "index.html",
      "one.html",
      "one.png",
      "skip/x.html",
    ]);
    expect(await run("depth-0", "--depth", "0")).toEqual(["index.html"]);
    expect(await run("no-skip", "--exclude", "skip")).not.toContain("skip/x.html");
    expect(await run("pictures", "--include", "*.png")).toEqual(["one.png"]);
  });

  it("tells what is not there, goes on, and ends with 13; does not leave the site by a redirect", async () => {
    await using other = await site({ "/": { body: "elsewhere" } });
    await using web = await site({
      "/": { body: LINKS("lost", "moved", "away", "there") },
      "/moved": { location: "/there" },
      "/away": { location: other.url("/") },
      "/there": { body: "there" },
    });
    const folder = user.path("failures");
    const { status, stderr } = await user.run(["mirror", web.url("/"), folder]);
    expect(status).toBe(13);
    expect(stderr).toContain("404 Not Found");
    expect(stderr).toContain(`left out, it is at ${other.url("/")} now`);
    expect(await tree(folder)).toEqual(["index.html", "moved.html", "there.html"]);
  });

  it("waits between two requests as it is told", async () => {
    await using web = await Web.serve((response, { path }) => {
      if (path === "/robots.txt") response.writeHead(404).end();
      else {
        response.setHeader("Content-Type", "text/html");
        response.end(path === "/index.html" ? LINKS("a", "b") : "x");
      }
    });
    const args = ["mirror", web.url("/index.html"), user.path("slow"), "--wait", "0.3", "--jobs", "3"];
    const { status, stderr } = await user.run([...args, "-v"]);
    expect(status).toBe(0);
    // When they were sent: they may come late, and one after the other then.
    const sent = stderr.matchAll(/^ *([\d.]+) .*C: GET \/(?!robots)/gm);
    const times = Array.from(sent, ([, seconds]) => Number(seconds) * 1000);
    const gaps = times.slice(1).map((time, at) => time - (times[at] ?? 0));
    expect(gaps).toHaveLength(2);
    for (const gap of gaps) expect(gap).toBeGreaterThan(250);
  });

  it("keeps names from far away in its folder", async () => {
    await using web = await site({
      "/": { body: LINKS("/..%2f..%2fevil", "/%2e%2e%2f%2e%2e%2fworse", "/a%00b", "/con") },
      "/..%2f..%2fevil": { body: "evil" },
      "/%2e%2e%2f%2e%2e%2fworse": { body: "worse" },
      "/con": { body: "device" },
    });
    const folder = user.path("safe");
    await user.run(["mirror", web.url("/"), folder]);
    for (const name of await tree(folder)) expect(name).not.toMatch(/\.\.\/|^\//);
    expect(await tree(folder)).toContain("_con.html");
  });

  it("only tells with --dry-run", async () => {
    await using web = await site({ "/": { body: LINKS("a") }, "/a": { body: "a" } });
    const { status, stdout } = await user.run(["mirror", web.url("/"), user.path("dry"), "--dry-run"]);
    expect([status, stdout]).toEqual([0, "new\tindex.html\nnew\ta.html\n"]);
    await expect(readdir(user.path("dry"))).rejects.toThrow();
  });
});

describe("a large file of a site that breaks off", () => {
  const MIB = 1024 ** 2;

  /** A page and a large file: the file's answers are cut after so many octets, as long as there are numbers. */
  async function breaking(cuts: number[], etag: () => string, octets: () => Buffer): Promise<Web> {
    return Web.serve((response, { path, headers }) => {
      if (path === "/") {
        response.setHeader("Content-Type", "text/html");
        response.end(LINKS("big.iso"));
        return;
      }
      if (path !== "/big.iso") {
        response.writeHead(404).end();
        return;
      }
      const all = octets();
      const [, from = ""] = /^bytes=(\d+)-$/.exec(headers.range ?? "") ?? [];
      const partly = from !== "" && headers["if-range"] === etag();
      const first = partly ? Number(from) : 0;
      response.writeHead(partly ? 206 : 200, {
        "Content-Type": "application/x-iso9660-image",
        "Content-Length": all.length - first,
        ETag: etag(),
        ...(partly ? { "Content-Range": `bytes ${first}-${all.length - 1}/${all.length}` } : {}),
      });
      const cut = cuts.shift();
      if (cut === undefined) response.end(all.subarray(first));
      else response.write(all.subarray(first, first + cut), () => response.socket?.destroySoon());
    });
  }

  const ranges = (web: Web) =>
    web.asked.filter(({ path }) => path === "/big.iso").map(({ headers }) => headers.range ?? "all");

  it("goes on where it was cut, within a run and in the next", async () => {
    const octets = numbered(6 * MIB);
    await using web = await breaking(
      [2 * MIB, MIB, MIB],
      () => '"1"',
      () => octets,
    );
    const folder = user.path("broken-off");
    const args = ["mirror", web.url("/"), folder, "--json"];
    const first = await user.run([...args, "--retry", "1"]);
    expect([first.status, objects(first.stdout).at(-1)]).toMatchObject([13, { copied: 1, failed: 1 }]);
    expect(await tree(folder)).toContain(".big.iso.porthole-part");
    expect(await tree(folder)).not.toContain("big.iso");
    const second = await user.run(args);
    expect(second.status).toBe(13);
    const third = await user.run(args);
    expect([third.status, objects(third.stdout).at(-1)]).toMatchObject([0, { failed: 0 }]);
    expect(ranges(web)).toEqual(["all", `bytes=${2 * MIB}-`, `bytes=${3 * MIB}-`, `bytes=${4 * MIB}-`]);
    expect((await readFile(join(folder, "big.iso"))).equals(octets)).toBe(true);
    expect(await tree(folder)).toEqual(["big.iso", "index.html"]);
  });

  it("begins anew when it is another one by then", async () => {
    const versions = [numbered(4 * MIB), Buffer.alloc(3 * MIB, "x")];
    let version = 0;
    await using web = await breaking(
      [2 * MIB],
      () => `"${version}"`,
      () => versions[version] ?? Buffer.alloc(0),
    );
    const folder = user.path("changed-meanwhile");
    expect((await user.run(["mirror", web.url("/"), folder])).status).toBe(13);
    version = 1;
    expect((await user.run(["mirror", web.url("/"), folder])).status).toBe(0);
    expect((await readFile(join(folder, "big.iso"))).equals(versions[1] ?? Buffer.alloc(0))).toBe(true);
  });
});

describe("mirror of an index page", () => {
  it("is one of files, as from FTP", async () => {
    const index = (path: string, rows: string) => ({
      body: `<html><head><title>Index of ${path}</title></head><body><pre><a href="../">../</a>\n${rows}</pre></body></html>`,
    });
    await using web = await site({
      "/pub/": index(
        "/pub/",
        `<a href="sub/">sub/</a>  27-Nov-2026 08:11  -\n<a href="a.txt">a.txt</a>  27-Nov-2026 08:11  5\n`,
      ),
      "/pub/sub/": index("/pub/sub/", `<a href="b.html">b.html</a>  27-Nov-2026 08:11  12\n`),
      "/pub/a.txt": { type: "text/plain", body: "hello" },
      "/pub/sub/b.html": { body: LINKS("c").slice(0, 12) },
    });
    for (const [name, ...args] of [
      ["m", "mirror"],
      ["c", "cp", "-r"],
    ] as const) {
      const folder = user.path(`index-${name}`);
      const { status } = await user.run([...args, web.url("/pub/"), folder]);
      expect(status).toBe(0);
      expect(await tree(folder)).toEqual(["a.txt", "sub/b.html"]);
      expect(await readFile(join(folder, "a.txt"), "utf8")).toBe("hello");
    }
    const again = await user.run(["mirror", web.url("/pub/"), user.path("index-m"), "--json"]);
    expect(objects(again.stdout).at(-1)).toMatchObject({ copied: 0, same: 2 });
  });

  it.each([
    ["goes on behind what came of a large file", '"1"', ["all", `bytes=${2 * 1024 ** 2}-`]],
    ["begins a large file anew where nothing tells whether it is the same", undefined, ["all", "all"]],
  ])("%s", async (_name, etag, asked) => {
    const octets = numbered(3 * 1024 ** 2);
    let cut = 2 * 1024 ** 2;
    await using web = await Web.serve((response, { path, headers }) => {
      if (path !== "/pub/big.bin") {
        const row = `<a href="big.bin">big.bin</a>  27-Nov-2026 08:11  ${octets.length}`;
        response.setHeader("Content-Type", "text/html");
        response.end(`<title>Index of /pub/</title><pre><a href="../">../</a>\n${row}\n</pre>`);
        return;
      }
      const from = Number(/^bytes=(\d+)-$/.exec(headers.range ?? "")?.[1] ?? 0);
      response.writeHead(from > 0 ? 206 : 200, {
        "Content-Length": octets.length - from,
        ...(etag === undefined ? {} : { ETag: etag }),
        ...(from > 0 ? { "Content-Range": `bytes ${from}-${octets.length - 1}/${octets.length}` } : {}),
      });
      if (cut === 0) response.end(octets.subarray(from));
      else response.write(octets.subarray(from, cut), () => response.socket?.destroySoon());
      cut = 0;
    });
    const folder = user.path(`index-cut-${etag === undefined}`);
    expect((await user.run(["mirror", web.url("/pub/"), folder])).status).toBe(13);
    expect((await user.run(["mirror", web.url("/pub/"), folder])).status).toBe(0);
    const ranges = web.asked.flatMap(({ path, headers }) =>
      path === "/pub/big.bin" ? [headers.range ?? "all"] : [],
    );
    expect(ranges).toEqual(asked);
    expect((await readFile(join(folder, "big.bin"))).equals(octets)).toBe(true);
    expect(await tree(folder)).toEqual(["big.bin"]);
  });
});
