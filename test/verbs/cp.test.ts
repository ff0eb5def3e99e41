import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { textContent } from "../../fixtures/servers/content.js";
import { FileTree } from "../../fixtures/servers/files.js";
import { Client } from "../../src/client.js";
import { PortholeError } from "../../src/errors.js";
import { type CpEvent, type CpRequest, cp } from "../../src/verbs/cp.js";
import { Memory } from "./memory.js";
import { all, clientOf, filesOf, ftpOf, httpOf, treeOf } from "./places.js";

let folder: string;
let count = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "porthole-cp-"));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

function fresh(): string {
  count += 1;
  return join(folder, `${count}`);
}

function run(job: Omit<CpRequest, "client">, client: CpRequest["client"] = clientOf()): Promise<CpEvent[]> {
  return all(cp({ client, ...job }));
}

function sums(events: readonly CpEvent[]) {
  const report = events.at(-1);
  if (report?.event !== "done") throw new Error("no report");
  return { copied: report.copied, kept: report.kept, failed: report.failed };
}

const FILES = { "bay.txt": "sand\n", "north/mole.txt": "stone\n", "north/1875/wreck.txt": "keep off\n" };

describe("a file", () => {
  it("goes from HTTP to FTP, and is told", async () => {
    await using web = await httpOf(treeOf(FILES));
    await using to = await ftpOf(treeOf({}));
    const events = await run({ from: [`${web.url}bay.txt`], to: `${to.url}sand.txt` });
    expect(events).toEqual([
      {
        event: "copied",
        from: `${web.url}bay.txt`,
        to: expect.stringMatching(/^ftp:\/\/porthole@127\.0\.0\.1:\d+\/sand\.txt$/),
        size: 5,
        resumedAt: 0,
      },
      { event: "done", copied: 1, kept: 0, failed: 0, octets: 5 },
    ]);
    expect(filesOf(to.tree)).toEqual({ "sand.txt": "sand\n" });
  });

  it("goes from FTP to HTTP", async () => {
    await using from = await ftpOf(treeOf(FILES));
    await using web = await httpOf(treeOf({}));
    await run({ from: [`${from.url}north/mole.txt`], to: web.url });
    expect(filesOf(web.tree)).toEqual({ "mole.txt": "stone\n" });
  });

  it("goes into a folder that is there, under its own name", async () => {
    await using from = await ftpOf(treeOf(FILES));
    const to = fresh();
    await mkdir(to);
    await run({ from: [`${from.url}bay.txt`], to });
    expect(await readFile(join(to, "bay.txt"), "utf8")).toBe("sand\n");
  });

  it("does not replace what is there without `replace`, and leaves it untouched", async () => {
    await using from = await ftpOf(treeOf(FILES));
    await using to = await ftpOf(treeOf({ "bay.txt": "mine\n" }));
    const job = { from: [`${from.url}bay.txt`], to: `${to.url}bay.txt`, journalFolder: fresh() };
    await expect(run(job)).rejects.toMatchObject({ code: "local", exit: 12 });
    // And a journal of the first attempt does not make it ours.
    await expect(run(job)).rejects.toMatchObject({ code: "local", exit: 12 });
    expect(filesOf(to.tree)).toEqual({ "bay.txt": "mine\n" });
    await run({ ...job, replace: true });
    expect(filesOf(to.tree)).toEqual({ "bay.txt": "sand\n" });
  });

  it("is continued where both sides can", async () => {
    await using from = await ftpOf(treeOf({ "a.bin": "0123456789" }));
    await using to = await ftpOf(treeOf({ "a.bin": "0123" }));
    const events = await run({ from: [`${from.url}a.bin`], to: `${to.url}a.bin`, resume: true });
    expect(events[0]).toMatchObject({ event: "copied", size: 10, resumedAt: 4 });
    expect(filesOf(to.tree)).toEqual({ "a.bin": "0123456789" });
  });

  it("is not continued onto what is larger", async () => {
    await using from = await ftpOf(treeOf({ "a.bin": "0123" }));
    await using to = await ftpOf(treeOf({ "a.bin": "0123456789" }));
    await expect(
      run({ from: [`${from.url}a.bin`], to: `${to.url}a.bin`, resume: true }),
    ).rejects.toMatchObject({ code: "local" });
    expect(filesOf(to.tree)).toEqual({ "a.bin": "0123456789" });
  });
});

describe("several, and folders", () => {
  it("go into a folder, each under its own name", async () => {
    await using from = await ftpOf(treeOf(FILES));
    await using to = await ftpOf(treeOf({ "in/x": "" }));
    const urls = [`${from.url}bay.txt`, `${from.url}north/mole.txt`];
    expect(sums(await run({ from: urls, to: `${to.url}in` }))).toEqual({ copied: 2, kept: 0, failed: 0 });
    expect(filesOf(to.tree, "/in")).toEqual({ x: "", "bay.txt": "sand\n", "mole.txt": "stone\n" });
  });

  it("want -r", async () => {
    await using from = await ftpOf(treeOf(FILES));
    await expect(run({ from: [`${from.url}north`], to: fresh() })).rejects.toMatchObject({
      code: "usage",
      hint: "-r copies it with all that is in it",
    });
  });

  it("go with all that is in them: under the target's name, or into it when it is there", async () => {
    await using from = await ftpOf(treeOf(FILES));
    await using to = await ftpOf(treeOf({}));
    const job = { from: [`${from.url}north`], to: `${to.url}new`, recursive: true, jobs: 2 };
    await run(job);
    await run(job);
    expect(filesOf(to.tree)).toEqual({
      "new/mole.txt": "stone\n",
      "new/1875/wreck.txt": "keep off\n",
      "new/north/mole.txt": "stone\n",
      "new/north/1875/wreck.txt": "keep off\n",
    });
  });

  it("fail one by one, and the rest is done; a second run does only what failed", async () => {
    await using from = await ftpOf(treeOf(FILES));
    await using to = await ftpOf(treeOf({ "copy/127.0.0.1/north/mole.txt": "mine\n" }));
    const job = { from: [from.url], to: `${to.url}copy`, recursive: true, journalFolder: fresh() };
    const names = async (again: typeof job) =>
      (await run(again)).flatMap((event) =>
        event.event === "made" || event.event === "done" ? [] : [`${event.event} ${event.from.slice(-8)}`],
      );
    // The top of a server has the host's name.
    expect(await names(job)).toEqual(["copied /bay.txt", "failed mole.txt", "copied reck.txt"]);
    to.tree.removeFile("/copy/127.0.0.1/north/mole.txt");
    expect(await names(job)).toEqual(["kept /bay.txt", "copied mole.txt", "kept reck.txt"]);
    // All is done: nothing is remembered.
    expect(await readdir(job.journalFolder)).toEqual([]);
  });

  it("are copied again when an earlier run's copy is gone", async () => {
    await using from = await ftpOf(treeOf(FILES));
    await using to = await ftpOf(treeOf({ "x/mole.txt": "mine\n" }));
    const job = {
      from: [`${from.url}bay.txt`, `${from.url}north/mole.txt`],
      to: `${to.url}x`,
      journalFolder: fresh(),
    };
    expect(sums(await run(job))).toEqual({ copied: 1, kept: 0, failed: 1 });
    to.tree.removeFile("/x/bay.txt");
    expect(sums(await run(job))).toEqual({ copied: 1, kept: 0, failed: 1 });
    expect(filesOf(to.tree)["x/bay.txt"]).toBe("sand\n");
  });
});

describe("what is refused", () => {
  it("a copy onto itself, also by another name", async () => {
    const top = fresh();
    await mkdir(top);
    await writeFile(join(top, "a"), "1");
    await symlink(join(top, "a"), join(top, "b"));
    for (const to of [join(top, "a"), `file:${top}/x/../a`, join(top, "b"), `${top}/`]) {
      await expect(run({ from: [join(top, "a")], to, replace: true }), to).rejects.toMatchObject({
        code: "usage",
        message: expect.stringContaining("onto itself"),
      });
    }
    expect(await readFile(join(top, "a"), "utf8")).toBe("1");
  });

  it("a folder into its own subtree, on a server too", async () => {
    await using server = await ftpOf(treeOf(FILES));
    await expect(
      run({ from: [`${server.url}north`], to: `${server.url}n%6Frth/1875/x`, recursive: true }),
    ).rejects.toMatchObject({
      code: "usage",
      message: expect.stringContaining("lies within what is copied"),
    });
    expect(filesOf(server.tree)).toEqual(FILES);
  });

  it("files into a mailbox and messages into a folder, with what would do", async () => {
    await using server = await ftpOf(treeOf(FILES));
    const mailbox = `maildir:${fresh()}`;
    await expect(run({ from: [`${server.url}bay.txt`], to: mailbox })).rejects.toMatchObject({
      code: "usage",
      hint: expect.stringContaining("eml:FILE"),
    });
  });

  it("a target that cannot be written, before anything is sent", async () => {
    await expect(run({ from: ["ftp://127.0.0.1:1/x"], to: "gopher://127.0.0.1:1/" })).rejects.toMatchObject({
      code: "usage",
      protocol: "gopher",
    });
  });
});

describe("messages", () => {
  it("go from a file into a Maildir, octet for octet", async () => {
    const top = fresh();
    await mkdir(top);
    const mail = "From: a@example.org\r\nSubject: Hi\r\n\r\nIt works\r\n";
    await writeFile(join(top, "m.eml"), mail);
    await run({ from: [`eml:${top}/m.eml`], to: `maildir:${top}/box` });
    // Seen or not is the Maildir's to say.
    const [name = ""] = (await readdir(join(top, "box"), { recursive: true })).filter((path) =>
      /^(?:new|cur)\/./.test(path),
    );
    expect(await readFile(join(top, "box", name), "utf8")).toBe(mail);
  });
});

describe("a side that misbehaves", () => {
  it("a source that ends early: an error, and the target is not told that this was all", async () => {
    const memory = new Memory({ "/a": "0123456789" });
    const client = new Client({ registry: memory.registry() });
    memory.read = async (path) =>
      memory.document(
        client.target("mem://x/"),
        path,
        Readable.from([Buffer.from("012")], { objectMode: false }),
      );
    await expect(run({ from: ["mem://x/a"], to: "mem://x/b" }, client)).rejects.toMatchObject({
      code: "protocol",
      message: "the transfer ended early: 3 of 10 octets",
    });
    expect(memory.files.has("/b")).toBe(false);
  });

  it("a source that hangs: the signal ends it, and both sessions are closed", async () => {
    const memory = new Memory({ "/a": "0123456789" });
    const client = new Client({ registry: memory.registry() });
    memory.read = async (path) =>
      memory.document(client.target("mem://x/"), path, new Readable({ read() {} }));
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 100);
    await expect(
      run({ from: ["mem://x/a"], to: "mem://x/b", signal: stop.signal }, client),
    ).rejects.toMatchObject({ code: "aborted" });
    expect(memory.closed).toBe(memory.opened);
  });

  it("a session that throws something else", async () => {
    const memory = new Memory({ "/a": "1", "/b": "2" });
    const client = new Client({ registry: memory.registry() });
    memory.write = async (path) => {
      throw new TypeError(`no ${path}`);
    };
    const events = await run({ from: ["mem://x/a", "mem://x/b"], to: "mem://x/new/" }, client);
    expect(events.filter(({ event }) => event === "failed")).toHaveLength(2);
    expect(memory.closed).toBe(memory.opened);
  });

  it("a target that takes two names for one: the second does not replace the first", async () => {
    const memory = new Memory({ "/d/Bay.txt": "first", "/d/bay.txt": "second" });
    const client = new Client({ registry: memory.registry() });
    const held = new Map<string, string>();
    memory.write = async (path, source) => {
      const folded = path.toLowerCase();
      if (held.has(folded) && source.replace !== true) throw new PortholeError("local", "exists already");
      held.set(folded, await text(source.body));
      return memory.entry(client.target("mem://x/"), path);
    };
    const events = await run({ from: ["mem://x/d/"], to: "mem://x/e/", recursive: true }, client);
    expect(sums(events)).toEqual({ copied: 1, kept: 0, failed: 1 });
    expect([...held.values()]).toEqual(["first"]);
  });

  it("a session without the verb that its manifest claims", async () => {
    const memory = new Memory({ "/a": "1" });
    const client = new Client({ registry: memory.registry() });
    const open = client.open.bind(client);
    client.open = async (target, signal) => {
      const session = await open(target, signal);
      delete session.write;
      return session;
    };
    await expect(run({ from: ["mem://x/a"], to: "mem://x/b" }, client)).rejects.toMatchObject({
      code: "usage",
    });
  });

  it("a server that is gone: the rest is not tried", async () => {
    const memory = new Memory(
      Object.fromEntries(Array.from({ length: 100 }, (_, at) => [`/d/${at}`, `${at}`])),
    );
    const client = new Client({ registry: memory.registry() });
    const events: CpEvent[] = [];
    const copying = async () => {
      const request = { client, from: ["mem://x/d/"], to: "ftp://127.0.0.1:9/", recursive: true };
      for await (const event of cp(request)) events.push(event);
    };
    await expect(copying()).rejects.toMatchObject({ code: "connect" });
    expect(events.length).toBeLessThan(10);
  });

  it("ten thousand failures are ten thousand events, and one sum", async () => {
    const files = Object.fromEntries(Array.from({ length: 10_000 }, (_, at) => [`/d/${at}`, ""]));
    const memory = new Memory(files);
    const client = new Client({ registry: memory.registry() });
    memory.read = async () => {
      throw new Error("no");
    };
    let failed = 0;
    let sum: CpEvent | undefined;
    for await (const event of cp({
      client,
      from: ["mem://x/d/"],
      to: "mem://x/e/",
      recursive: true,
      jobs: 2,
    })) {
      if (event.event === "failed") failed += 1;
      sum = event;
    }
    expect(failed).toBe(10_000);
    expect(sum).toMatchObject({ event: "done", failed: 10_000, copied: 0 });
  });
});

describe("a server that fails in the middle", () => {
  it("a full target: what does not fit fails, the rest is done", async () => {
    await using from = await ftpOf(treeOf({ "d/a": "1", "d/large": "x".repeat(8000), "d/z": "26" }));
    await using to = await ftpOf(new FileTree(5000));
    const events = await run({ from: [`${from.url}d`], to: `${to.url}d`, recursive: true });
    expect(sums(events)).toEqual({ copied: 2, kept: 0, failed: 1 });
    expect(filesOf(to.tree)).toEqual({ "d/a": "1", "d/z": "26" });
  });

  it("a source that drops: an error, and a second run ends well, with what is there untorn", async () => {
    const text = "0123456789".repeat(1000);
    await using web = await ftpOf(treeOf({ "a.bin": text, "b.bin": "b" }), { cutAfterBytes: 5000 });
    await using to = await ftpOf(treeOf({ "in/x": "" }));
    const job = { from: [`${web.url}a.bin`, `${web.url}b.bin`], to: `${to.url}in`, journalFolder: fresh() };
    expect(sums(await run(job))).toEqual({ copied: 1, kept: 0, failed: 1 });
    web.tree.write("/a.bin", textContent("short now"));
    expect(sums(await run({ ...job, resume: true }))).toEqual({ copied: 1, kept: 1, failed: 0 });
    expect(filesOf(to.tree, "/in")).toEqual({ x: "", "a.bin": "short now", "b.bin": "b" });
  });
});

describe("leaving early", () => {
  it("ends the work and closes all sessions", async () => {
    const memory = new Memory(
      Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`/d/${at}`, `${at}`])),
    );
    const client = new Client({ registry: memory.registry() });
    for await (const event of cp({ client, from: ["mem://x/d/"], to: "mem://x/e/", recursive: true })) {
      if (event.event === "copied") break;
    }
    expect(memory.closed).toBe(memory.opened);
    expect(memory.files.size).toBeLessThan(1000);
  });

  it("holds the source back when the target is slow", async () => {
    const memory = new Memory({ "/a": "" });
    const client = new Client({ registry: memory.registry() });
    let made = 0;
    memory.read = async (path) => {
      const body = Readable.from(
        (function* () {
          for (; made < 1000; made += 1) yield Buffer.alloc(16 * 1024);
        })(),
        { objectMode: false },
      );
      return memory.document(client.target("mem://x/"), path, body, 1000 * 16 * 1024);
    };
    memory.write = async (path, source) => {
      for await (const _piece of source.body) {
        await new Promise((resolve) => setTimeout(resolve, 50));
        expect(made).toBeLessThan(20);
        break;
      }
      return memory.entry(client.target("mem://x/"), path);
    };
    await expect(run({ from: ["mem://x/a"], to: "mem://x/b" }, client)).rejects.toMatchObject({
      code: "protocol",
    });
    expect(made).toBeLessThan(20);
  });
});

describe("the journal", () => {
  it("makes what an earlier run left in part this job's own", async () => {
    await using from = await ftpOf(treeOf({ "a.bin": "0123456789" }));
    await using to = await ftpOf(treeOf({}));
    const job = { from: [`${from.url}a.bin`], to: `${to.url}a.bin`, journalFolder: fresh() };
    const client = clientOf();
    const cutting: CpRequest["client"] = {
      registry: client.registry,
      target: (url) => client.target(url),
      require: () => undefined,
      open: async (target, signal) => {
        const session = await client.open(target, signal);
        const write = session.write?.bind(session);
        if (write !== undefined) {
          // The target keeps half of it, as after a process that was killed.
          session.write = async (path, source) => {
            if (target.port === client.target(to.url).port) {
              to.tree.write("/a.bin", textContent("01234"));
              throw new Error("killed");
            }
            return write(path, source);
          };
        }
        return session;
      },
    };
    await expect(run(job, cutting)).rejects.toThrow("killed");
    const events = await run({ ...job, resume: true });
    expect(events[0]).toMatchObject({ event: "copied", resumedAt: 5 });
    expect(filesOf(to.tree)).toEqual({ "a.bin": "0123456789" });
    expect(await readdir(job.journalFolder)).toEqual([]);
  });
});
