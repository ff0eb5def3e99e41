/** `maxSize`: what is larger is passed over by mirror and cp, and taken by a later run that may. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CpEvent, type CpRequest, cp } from "../../src/verbs/cp.js";
import { type MirrorEvent, type MirrorRequest, mirror } from "../../src/verbs/mirror.js";
import { Memory } from "./memory.js";
import { all, clientOf, filesOf, ftpOf, treeOf } from "./places.js";

let folder: string;
let count = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "porthole-max-size-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function fresh(): string {
  count += 1;
  return join(folder, `place-${count}`);
}

/** A Maildir with a mail of each of these sizes; their files' names tell no size. */
async function maildir(...sizes: readonly number[]): Promise<string> {
  const path = fresh();
  for (const part of ["tmp", "new", "cur"]) await mkdir(join(path, part), { recursive: true });
  for (const size of sizes) {
    const head = `Message-ID: <${size}@example.org>\r\nSubject: ${size}\r\n\r\n`;
    await writeFile(join(path, "new", `1700000000.${size}.host`), head.padEnd(size, "x"));
  }
  return path;
}

const mirrored = (job: Omit<MirrorRequest, "client">): Promise<MirrorEvent[]> =>
  all(mirror({ client: clientOf(), ...job }));
const copied = (job: Omit<CpRequest, "client">): Promise<CpEvent[]> =>
  all(cp({ client: clientOf(), ...job }));

async function sizesIn(box: string): Promise<number[]> {
  const sizes: number[] = [];
  for (const part of ["new", "cur"])
    for (const name of await readdir(join(box, part)))
      sizes.push((await readFile(join(box, part, name))).length);
  return sizes.sort((a, b) => a - b);
}

describe("messages", () => {
  it("that are larger stay where they are, with --delete and --delete-after too, and come when they may", async () => {
    const [from, to] = [await maildir(100, 1000, 5000), fresh()];
    const job = { from: `maildir:${from}`, to: `maildir:${to}`, stateFolder: fresh(), deleteAfter: 0 };
    const first = await mirrored({ ...job, delete: true, maxSize: 1000 });
    expect(first.at(-1)).toMatchObject({ copied: 2, same: 0, removed: 2, failed: 0, large: 1 });
    expect(first.filter(({ event }) => event === "large")).toMatchObject([{ size: 5000 }]);
    expect([await sizesIn(from), await sizesIn(to)]).toEqual([[5000], [100, 1000]]);
    const second = await mirrored({ ...job, maxSize: 1000 });
    expect(second.at(-1)).toMatchObject({ copied: 0, removed: 0, failed: 0, large: 1 });
    const third = await mirrored({ ...job, maxSize: 5000 });
    expect(third.at(-1)).toMatchObject({ copied: 1, removed: 1, failed: 0 });
    expect(third.at(-1)).not.toHaveProperty("large");
    expect([await sizesIn(from), await sizesIn(to)]).toEqual([[], [100, 1000, 5000]]);
  });

  it("are in the plan of a dry run, and nothing is done", async () => {
    const [from, to] = [await maildir(100, 5000), fresh()];
    const job = { from: `maildir:${from}`, to: `maildir:${to}`, stateFolder: fresh(), dryRun: true };
    const events = await mirrored({ ...job, maxSize: 1000 });
    const plan = events.flatMap((one) => (one.event === "plan" ? [[one.action, one.size]] : []));
    expect(plan).toContainEqual(["large", 5000]);
    expect(plan.filter(([action]) => action === "new")).toEqual([["new", 100]]);
    expect(events.at(-1)).toMatchObject({ copied: 0, large: 1 });
    expect(events.filter(({ event }) => event === "large")).toEqual([]);
  });

  it("that are at the target already are the same, however low the bound is now", async () => {
    const [from, to] = [await maildir(5000), fresh()];
    const job = { from: `maildir:${from}`, to: `maildir:${to}`, stateFolder: fresh() };
    await mirrored(job);
    expect((await mirrored({ ...job, maxSize: 10 })).at(-1)).toMatchObject({ copied: 0, same: 1 });
  });

  it("that cp has passed over are taken by the same command with a higher bound, the others once", async () => {
    const [from, to] = [await maildir(100, 5000), fresh()];
    const job = {
      from: [`maildir:${from}`],
      to: `maildir:${to}`,
      recursive: true,
      journalFolder: fresh(),
    };
    const first = await copied({ ...job, maxSize: 1000 });
    expect(first.at(-1)).toMatchObject({ copied: 1, failed: 0, large: 1 });
    expect(first.filter(({ event }) => event === "large")).toMatchObject([{ size: 5000 }]);
    expect((await copied({ ...job, maxSize: 5000 })).at(-1)).toMatchObject({ copied: 1, kept: 1 });
    expect(await sizesIn(to)).toEqual([100, 5000]);
  });

  it("that cp has copied are copied again when somebody has taken the copy away", async () => {
    const [from, to] = [await maildir(100, 5000), fresh()];
    const job = {
      from: [`maildir:${from}`],
      to: `maildir:${to}`,
      recursive: true,
      journalFolder: fresh(),
    };
    await copied({ ...job, maxSize: 1000 });
    await rm(to, { recursive: true });
    expect((await copied({ ...job, maxSize: 1000 })).at(-1)).toMatchObject({ copied: 1, kept: 0, large: 1 });
    expect(await sizesIn(to)).toEqual([100]);
  });
});

describe("files", () => {
  it("that are larger are never asked for, and what stands at their place stays", async () => {
    await using server = await ftpOf(
      treeOf({ "a.txt": "small", "big.bin": "x".repeat(5000), "deep/b": "y".repeat(5000) }),
    );
    const to = fresh();
    await mkdir(to);
    await writeFile(join(to, "big.bin"), "an older one");
    const job = { from: server.url, to, stateFolder: fresh(), delete: true };
    const events = await mirrored({ ...job, maxSize: 1000 });
    expect(events.at(-1)).toMatchObject({ copied: 1, removed: 0, failed: 0, large: 2 });
    expect(await readFile(join(to, "big.bin"), "utf8")).toBe("an older one");
    const again = await mirrored({ ...job, maxSize: 5000 });
    expect(again.at(-1)).toMatchObject({ copied: 2, same: 1, failed: 0 });
    expect((await readFile(join(to, "big.bin"))).length).toBe(5000);
  });

  it("whose size nobody tells are left when they come with more, and nothing of them is kept", async () => {
    const source = new Memory({ "/small": "s".repeat(500), "/large": "l".repeat(5_000_000) });
    const entry = source.entry.bind(source);
    source.entry = (target, path) => {
      const { size: _untold, ...rest } = entry(target, path);
      return rest;
    };
    let given = 0;
    const client = clientOf({ registry: source.registry() });
    const target = client.target("mem://host/");
    source.read = async (path) => {
      const text = source.files.get(path) ?? "";
      const pieces = function* () {
        for (let at = 0; at < text.length; at += 1000) {
          given += 1;
          yield Buffer.from(text.slice(at, at + 1000));
        }
      };
      const body = Readable.from(pieces(), { objectMode: false });
      return { entry: source.entry(target, path), type: "text/plain", offset: 0, body };
    };
    const to = fresh();
    const job = { client, from: "mem://host/", to, maxSize: 1000, retries: 3, stateFolder: fresh() };
    const events = await all(mirror(job));
    expect(events.at(-1)).toMatchObject({ copied: 1, failed: 0, large: 1 });
    expect(events.filter(({ event }) => event === "large" || event === "repeated")).toEqual([
      { event: "large", name: "large", from: "mem://host/large" },
    ]);
    expect(await readdir(to)).toEqual(["small"]);
    expect(given).toBeLessThan(1000);
    const { maxSize: _bound, ...unbound } = job;
    expect((await all(mirror(unbound))).at(-1)).toMatchObject({ failed: 0 });
    expect((await readFile(join(to, "large"))).length).toBe(5_000_000);
  });

  it("to a server: what it had of one that came with more is taken away again", async () => {
    await using web = await chunked("w".repeat(200_000));
    await using server = await ftpOf(treeOf({ "here.txt": "here" }));
    const events = await copied({
      from: [`${web.url}large.bin`],
      to: `${server.url}large`,
      maxSize: 1000,
      retries: 2,
    });
    expect(events.map(({ event }) => event)).toEqual(["large", "done"]);
    expect(events.at(-1)).toMatchObject({ copied: 0, failed: 0, large: 1 });
    expect(filesOf(server.tree)).toEqual({ "here.txt": "here" });
    expect(web.requests.filter((line) => line === "GET /large.bin")).toHaveLength(1);
  });

  it("to a server that says what is there: one that is too large from the start touches nothing", async () => {
    await using web = await chunked("w".repeat(200_000), true);
    await using server = await ftpOf(treeOf({ large: "somebody's" }));
    const events = await copied({ from: [`${web.url}large.bin`], to: `${server.url}large`, maxSize: 1000 });
    expect(events.at(-1)).toMatchObject({ copied: 0, large: 1 });
    expect(filesOf(server.tree)).toEqual({ large: "somebody's" });
  });
});

describe("a site", () => {
  it("keeps what is small enough; with a page left out, nothing is removed", async () => {
    await using web = await chunked("w".repeat(200_000));
    const to = fresh();
    const job = { from: web.url, to, stateFolder: fresh(), retries: 1 };
    const events = await mirrored({ ...job, maxSize: 1000 });
    expect(events.at(-1)).toMatchObject({ copied: 2, failed: 0, large: 1 });
    expect((await readdir(to)).sort()).toEqual(["index.html", "small.bin"]);
    const later = await mirrored(job);
    expect(later.at(-1)).toMatchObject({ failed: 0 });
    expect((await readdir(to)).sort()).toEqual(["index.html", "large.bin", "small.bin"]);
    // The page itself is too large now: what it led to is not known to be gone.
    const low = await mirrored({ ...job, maxSize: 10, delete: true });
    expect(low.at(-1)).toMatchObject({ removed: 0, large: 1 });
    expect(low.map(({ event }) => event)).toContain("spared");
    expect((await readdir(to)).sort()).toEqual(["index.html", "large.bin", "small.bin"]);
  });
});

/** A page that leads to /small and /large; nothing tells a size but with `told`. */
async function chunked(large: string, told = false) {
  const requests: string[] = [];
  const bodies = new Map([
    ["/", '<html><body><a href="small.bin">s</a> <a href="large.bin">l</a></body></html>'],
    ["/small.bin", "small"],
    ["/large.bin", large],
  ]);
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    const body = bodies.get(request.url ?? "");
    response.statusCode = body === undefined ? 404 : 200;
    response.setHeader("Content-Type", request.url === "/" ? "text/html" : "application/octet-stream");
    if (told && body !== undefined && request.method === "GET")
      response.setHeader("Content-Length", body.length);
    response.on("error", () => undefined);
    response.write(request.method === "HEAD" ? "" : (body ?? "").slice(0, 10));
    response.end(request.method === "HEAD" ? "" : (body ?? "").slice(10));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    requests,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
