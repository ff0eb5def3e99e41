/** Downloads that must not fail: parts, checksums, what has changed, many at once, again and again. */
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, stat, utimes, writeFile } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { objects, User } from "./program.js";
import { type Asked, numbered, Web } from "./web.js";

let user: User;
beforeAll(async () => {
  user = await User.create();
});
afterAll(() => user[Symbol.asyncDispose]());

async function folder(name: string): Promise<string> {
  const path = user.path(name);
  await mkdir(path);
  return path;
}

const MIB = 1024 ** 2;
const DATE = new Date("2026-03-01T08:00:00Z");

/** Gives `octets`, or the range of them that is asked for. */
function give(response: ServerResponse, { headers }: Asked, octets: Buffer): void {
  response.setHeader("ETag", '"one"');
  const [, first = "", last = ""] = /^bytes=(\d+)-(\d*)$/.exec(headers.range ?? "") ?? [];
  if (first === "") {
    response.setHeader("Content-Length", octets.length);
    response.end(octets);
    return;
  }
  const [from, to] = [Number(first), last === "" ? octets.length - 1 : Number(last)];
  response.writeHead(206, {
    "Content-Range": `bytes ${from}-${to}/${octets.length}`,
    "Content-Length": to - from + 1,
  });
  response.end(octets.subarray(from, to + 1));
}

describe("get --segments", () => {
  const octets = numbered(10 * MIB + 12);

  it("fetches the parts at once, each with its range, and puts them together", async () => {
    await using web = await Web.serve((response, asked) => give(response, asked, octets));
    const place = await folder("segments");
    const { status, stderr } = await user.run(["get", web.url("/big"), "-d", place, "--segments", "4"]);
    expect([status, stderr]).toEqual([0, ""]);
    expect((await readFile(join(place, "big"))).equals(octets)).toBe(true);
    const ranges = web.asked.map(({ headers }) => headers.range ?? "all").sort();
    expect(ranges).toEqual([
      "all",
      "bytes=2621443-5242885",
      "bytes=5242886-7864328",
      "bytes=7864329-10485771",
    ]);
    expect(web.asked.filter(({ headers }) => headers["if-range"] === '"one"')).toHaveLength(3);
    expect(await readdir(place)).toEqual(["big"]);
  });

  it("takes all from a server that gives no parts, and from one that tells no size", async () => {
    await using whole = await Web.serve((response) => {
      response.setHeader("ETag", '"one"');
      response.setHeader("Content-Length", octets.length);
      response.end(octets);
    });
    await using sizeless = await Web.serve((response) => {
      response.write(octets.subarray(0, 1000));
      response.end(octets.subarray(1000));
    });
    const place = await folder("no-segments");
    for (const [at, web] of [whole, sizeless].entries()) {
      const file = join(place, String(at));
      const { status, stderr } = await user.run(["get", web.url("/big"), "-o", file, "--segments", "3"]);
      expect([status, stderr]).toEqual([0, ""]);
      expect((await readFile(file)).equals(octets)).toBe(true);
    }
    expect(sizeless.asked).toHaveLength(1);
  });

  it("asks for a part that broke again, from where it broke", async () => {
    let broken = false;
    await using web = await Web.serve((response, asked) => {
      if (broken || !(asked.headers.range ?? "").startsWith("bytes=5242886-")) {
        give(response, asked, octets);
        return;
      }
      broken = true;
      response.writeHead(206, {
        "Content-Range": `bytes 5242886-10485771/${octets.length}`,
        "Content-Length": 5242886,
      });
      response.write(octets.subarray(5242886, 5242886 + MIB), () => setTimeout(() => response.destroy(), 50));
    });
    const file = join(await folder("broken-segment"), "big");
    const args = ["get", web.url("/big"), "-o", file, "--segments", "2", "--retry", "1"];
    const { status, stderr } = await user.run(args);
    expect([status, stderr]).toEqual([0, expect.stringContaining("trying again in 1 s (1 of 1)")]);
    expect((await readFile(file)).equals(octets)).toBe(true);
    const again = Number(/^bytes=(\d+)-10485771$/.exec(web.asked.at(-1)?.headers.range ?? "")?.[1]);
    expect(again).toBeGreaterThan(5242886);
  });

  it("keeps what came, with holes in it, and --resume asks for what is missing alone", async () => {
    let whole = false;
    await using web = await Web.serve((response, asked) => {
      const range = asked.headers.range ?? "";
      if (whole || !range.startsWith("bytes=3495258-")) {
        give(response, asked, octets);
        return;
      }
      response.writeHead(206, {
        "Content-Range": `bytes 3495258-6990515/${octets.length}`,
        "Content-Length": 3495258,
      });
      // The others are through by then.
      const cut = () => setTimeout(() => response.destroy(), 1000);
      response.write(octets.subarray(3495258, 3495258 + MIB), cut);
    });
    const place = await folder("holes");
    const file = join(place, "big");
    const args = ["get", web.url("/big"), "-o", file, "--segments", "3"];
    expect((await user.run(args)).status).toBe(11);
    expect((await readdir(place)).includes("big")).toBe(false);
    whole = true;
    const before = web.asked.length;
    const { status, stderr } = await user.run([...args, "--resume"]);
    expect([status, stderr]).toEqual([0, ""]);
    expect((await readFile(file)).equals(octets)).toBe(true);
    const [first, ...others] = web.asked.slice(before).map(({ headers }) => headers.range ?? "all");
    const from = Number(/^bytes=(\d+)-$/.exec(first ?? "")?.[1]);
    expect(from).toBeGreaterThan(3495258);
    for (const range of others) expect(Number(/-(\d+)$/.exec(range)?.[1])).toBeLessThan(6990516);
    expect(await readdir(place)).toEqual(["big"]);
  });

  it("--resume without parts fills the holes, too", async () => {
    let whole = false;
    await using web = await Web.serve((response, asked) => {
      if (!whole && (asked.headers.range ?? "all") === "all") {
        response.writeHead(200, { ETag: '"one"', "Content-Length": octets.length });
        response.write(octets.subarray(0, MIB), () => setTimeout(() => response.destroy(), 1000));
      } else give(response, asked, octets);
    });
    const file = join(await folder("holes-alone"), "big");
    const args = ["get", web.url("/big"), "-o", file];
    expect((await user.run([...args, "--segments", "2"])).status).not.toBe(0);
    whole = true;
    const before = web.asked.length;
    expect((await user.run([...args, "--resume"])).status).toBe(0);
    expect((await readFile(file)).equals(octets)).toBe(true);
    expect(web.asked.length).toBe(before + 1);
  });

  it("starts over when the original has changed since", async () => {
    let changed = false;
    const other = Buffer.from(octets).reverse();
    await using web = await Web.serve((response, asked) => {
      const range = asked.headers.range ?? "all";
      if (changed) {
        // As If-Range has it: another thing comes whole.
        response.writeHead(200, { ETag: '"two"', "Content-Length": other.length }).end(other);
      } else if (range.startsWith("bytes=5242886-")) {
        response.writeHead(206, {
          "Content-Range": `bytes 5242886-10485771/${octets.length}`,
          "Content-Length": 5242886,
        });
        response.write(octets.subarray(5242886, 5242886 + MIB), () =>
          setTimeout(() => response.destroy(), 500),
        );
      } else give(response, asked, octets);
    });
    const file = join(await folder("holes-changed"), "big");
    const args = ["get", web.url("/big"), "-o", file];
    expect((await user.run([...args, "--segments", "2"])).status).toBe(11);
    changed = true;
    expect((await user.run([...args, "--resume"])).status).toBe(0);
    expect((await readFile(file)).equals(other)).toBe(true);
  });

  it("goes on with the connections that the server gives", async () => {
    await using web = await Web.serve((response, asked) => {
      const busy = web.asked.length === 2;
      if (busy) response.writeHead(503).end("too many");
      else give(response, asked, octets);
    });
    const file = join(await folder("fewer"), "big");
    const { status, stderr } = await user.run(["get", web.url("/big"), "-o", file, "--segments", "4"]);
    expect([status, stderr]).toEqual([0, expect.stringContaining("3 of 4 connections go on")]);
    expect((await readFile(file)).equals(octets)).toBe(true);
  });

  it("wants a file, and a number", async () => {
    expect((await user.run(["get", "http://127.0.0.1:9/x", "--segments", "2"])).status).toBe(2);
    expect((await user.run(["get", "http://127.0.0.1:9/x", "-O", "--segments", "0"])).status).toBe(2);
  });
});

describe("get --checksum", () => {
  const octets = numbered(3 * MIB);
  const sum = createHash("sha256").update(octets).digest("hex");

  it("gives the file its name when it is right", async () => {
    await using web = await Web.serve((response, asked) => give(response, asked, octets));
    const file = join(await folder("sum"), "big");
    const { status } = await user.run(["get", web.url("/big"), "-o", file, "--checksum", `sha256:${sum}`]);
    expect(status).toBe(0);
    expect((await readFile(file)).equals(octets)).toBe(true);
  });

  it("leaves nothing when it is wrong: 11", async () => {
    await using web = await Web.serve((response, asked) => give(response, asked, octets));
    const place = await folder("wrong-sum");
    const wrong = `sha256:${"0".repeat(64)}`;
    const { status, stderr } = await user.run(["get", web.url("/big"), "-d", place, "--checksum", wrong]);
    expect(status).toBe(11);
    expect(stderr).toContain(`the checksum is wrong: sha256:${sum}`);
    expect(await readdir(place)).toEqual([]);
  });

  it.each(["sha256:12", "crc:12345678", "nonsense"])("refuses '%s' before it asks", async (given) => {
    await using web = await Web.serve((response, asked) => give(response, asked, octets));
    const { status } = await user.run(["get", web.url("/big"), "-O", "--checksum", given]);
    expect(status).toBe(2);
    expect(web.asked).toHaveLength(0);
  });
});

describe("get --if-changed", () => {
  it("writes nothing on 304, and the new one otherwise, with its date", async () => {
    let modified = DATE;
    await using web = await Web.serve((response, { headers }) => {
      const since = Date.parse(headers["if-modified-since"] ?? "");
      response.setHeader("Last-Modified", modified.toUTCString());
      if (since >= modified.getTime()) response.writeHead(304).end();
      else response.end(`as of ${modified.toISOString()}\n`);
    });
    const place = await folder("changed");
    const args = ["get", web.url("/news.txt"), "-d", place, "--if-changed", "--json"];
    const first = await user.run(args);
    expect(objects(first.stdout)).toMatchObject([{ path: join(place, "news.txt") }]);
    const file = join(place, "news.txt");
    const before = await stat(file);
    expect(before.mtime).toEqual(DATE);
    const second = await user.run(args);
    expect([second.status, objects(second.stdout)]).toMatchObject([0, [{ path: file, unchanged: true }]]);
    expect((await stat(file)).ino).toBe(before.ino);
    modified = new Date(DATE.getTime() + 1000);
    expect((await user.run(args)).status).toBe(0);
    expect(await readFile(file, "utf8")).toBe(`as of ${modified.toISOString()}\n`);
    expect((await stat(file)).mtime).toEqual(modified);
    expect(await readdir(place)).toEqual(["news.txt"]);
  });

  it("goes by date and size where the server does not heed the question", async () => {
    await using web = await Web.serve((response) => {
      response.setHeader("Last-Modified", DATE.toUTCString());
      response.setHeader("Content-Length", 3);
      response.end("new");
    });
    const file = join(await folder("heedless"), "x");
    await writeFile(file, "old");
    await utimes(file, DATE, DATE);
    const args = ["get", web.url("/x"), "-o", file, "--if-changed"];
    expect((await user.run(args)).status).toBe(0);
    expect(await readFile(file, "utf8")).toBe("old");
    await writeFile(file, "longer");
    await utimes(file, DATE, DATE);
    expect((await user.run(args)).status).toBe(0);
    expect(await readFile(file, "utf8")).toBe("new");
  });
});

describe("get --if-changed, of what has an ETag and no date", () => {
  it("asks by the ETag that it has remembered, as long as the file is what it was", async () => {
    let tag = 'W/"1"';
    await using web = await Web.serve((response, { headers }) => {
      response.setHeader("ETag", tag);
      if (headers["if-none-match"] === tag) response.writeHead(304).end();
      else {
        response.setHeader("Content-Encoding", "gzip");
        response.end(gzipSync(`version ${tag}\n`));
      }
    });
    const place = await folder("tagged");
    const file = join(place, "x");
    const args = (where: readonly string[]) => ["get", web.url("/x"), ...where, "--if-changed", "--json"];
    const asked = () => web.asked.at(-1)?.headers["if-none-match"];
    for (const where of [
      ["-o", file],
      ["-d", place],
    ]) {
      await user.run(args(where));
      const again = await user.run(args(where));
      expect([again.status, objects(again.stdout)]).toMatchObject([0, [{ path: file, unchanged: true }]]);
      expect(asked()).toBe(tag);
      tag = `W/"${where[0]}"`;
    }
    expect((await user.run(args(["-o", file]))).status).toBe(0);
    expect(await readFile(file, "utf8")).toBe('version W/"-d"\n');
    // Written over by somebody: nobody knows any more what it is a version of.
    await writeFile(file, "mine");
    await user.run(args(["-o", file]));
    expect(asked()).toBeUndefined();
    expect(await readFile(file, "utf8")).toBe('version W/"-d"\n');
    expect(await readdir(place)).toEqual(["x"]);
  });

  it("takes another ETag for another document, though size and date are the same", async () => {
    let tag = '"1"';
    await using web = await Web.serve((response) => {
      response.setHeader("ETag", tag);
      response.setHeader("Last-Modified", DATE.toUTCString());
      response.end(tag);
    });
    const file = join(await folder("retagged"), "x");
    const args = ["get", web.url("/x"), "-o", file, "--if-changed"];
    await user.run(args);
    tag = '"2"';
    await user.run(args);
    expect(await readFile(file, "utf8")).toBe('"2"');
  });
});

describe("get of many", () => {
  it("takes URLs from a file, and asks over as many connections as there are jobs", async () => {
    const ports = new Set<number | undefined>();
    await using web = await Web.serve((response, { path }) => {
      ports.add(response.socket?.remotePort);
      response.end(path);
    });
    const place = await folder("many");
    const list = user.path("list.txt");
    const names = Array.from({ length: 30 }, (_, at) => `f${at}`);
    await writeFile(list, `# a comment\n\n${names.map((name) => web.url(`/${name}`)).join("\n")}\n`);
    const { status, stderr } = await user.run(["get", "--input", list, "-d", place, "--jobs", "3"]);
    expect([status, stderr]).toEqual([0, ""]);
    expect((await readdir(place)).sort()).toEqual([...names].sort());
    expect(await readFile(join(place, "f7"), "utf8")).toBe("/f7");
    expect(ports.size).toBeLessThanOrEqual(3);
  });

  it("takes an empty list for nothing to do, and says so", async () => {
    const list = user.path("empty.txt");
    await writeFile(list, "# nothing today\n\n");
    const { status, stdout, stderr } = await user.run(["get", "--input", list]);
    expect([status, stdout]).toEqual([0, ""]);
    expect(stderr).toContain(`${list} names no URL: there is nothing to get`);
  });

  it("goes on after one that is not there", async () => {
    await using web = await Web.serve((response, { path }) => {
      if (path === "/b") response.writeHead(404);
      response.end(path);
    });
    const place = await folder("one-lost");
    const urls = ["/a", "/b", "/c"].map((path) => web.url(path));
    const { status, stderr } = await user.run(["get", ...urls, "-d", place]);
    expect(status).toBe(13);
    // Which one it was.
    expect(stderr).toContain(`${web.url("/b")}: the server has no such page (404 Not Found)`);
    expect((await readdir(place)).sort()).toEqual(["a", "c"]);
  });
});

describe("--retry", () => {
  it("waits as long as Retry-After says, not the usual second", async () => {
    const times: number[] = [];
    await using web = await Web.serve((response, _asked, number) => {
      times.push(performance.now());
      if (number === 1) response.writeHead(429, { "Retry-After": "2" }).end();
      else response.end("at last");
    });
    const { status, stdout, stderr } = await user.run(["get", web.url(), "--retry", "1"]);
    expect([status, stdout]).toEqual([0, "at last"]);
    expect(stderr).toContain("trying again in 2 s (1 of 1)");
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThan(1900);
  });

  it("does not wait for hours", async () => {
    await using web = await Web.serve((response) => response.writeHead(503, { "Retry-After": "7200" }).end());
    expect((await user.run(["get", web.url(), "--retry", "3"])).status).toBe(10);
    expect(web.asked).toHaveLength(1);
  });

  it("repeats what the http commands may repeat, and not a POST", async () => {
    await using web = await Web.serve((response, { method }, number) => {
      if (method === "POST" || number === 1) response.writeHead(503).end("busy");
      else response.end(`answer ${number}`);
    });
    const got = await user.run(["http", "get", web.url(), "--retry", "2", "-w", " after %{num_retries}"]);
    expect([got.status, got.stdout]).toEqual([0, "answer 2 after 1"]);
    const posted = await user.run(["http", "post", web.url(), "a=b", "--retry", "2"]);
    expect([posted.status, posted.stdout]).toEqual([10, "busy"]);
    expect(web.asked.map(({ method }) => method)).toEqual(["GET", "GET", "POST"]);
  });

  it("shows the last answer when all were in vain", async () => {
    await using web = await Web.serve((response, _asked, number) =>
      response.writeHead(503).end(`no ${number}`),
    );
    const { status, stdout } = await user.run(["http", "put", web.url(), "a=b", "--retry", "1"]);
    expect([status, stdout]).toEqual([10, "no 2"]);
    expect(web.asked).toHaveLength(2);
  });
});
