import { mkdtemp, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { textContent } from "../../fixtures/servers/content.js";
import { octetsOf } from "../../fixtures/servers/files.js";
import { type MirrorEvent, type MirrorRequest, mirror } from "../../src/verbs/mirror.js";
import { all, clientOf, DATE, filesOf, ftpOf, treeOf } from "./places.js";

let folder: string;
let count = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "porthole-mirror-"));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

function fresh(): string {
  count += 1;
  return join(folder, `${count}`);
}

type Job = Omit<MirrorRequest, "client">;

async function run(job: Job): Promise<MirrorEvent[]> {
  return all(mirror({ client: clientOf(), ...job }));
}

/** `new charts/bay.txt` for each step of the plan. */
function planIn(events: readonly MirrorEvent[]): string[] {
  return events.flatMap((event) => (event.event === "plan" ? [`${event.action} ${event.name}`] : [])).sort();
}

function reportIn(events: readonly MirrorEvent[]) {
  const report = events.at(-1);
  if (report?.event !== "done") throw new Error("no report");
  const { copied, same, removed, failed, extra } = report;
  return { copied, same, removed, failed, extra };
}

const FILES = { "bay.txt": "sand\n", "north/mole.txt": "stone\n", "north/1875/wreck.txt": "keep off\n" };

describe("a server to another", () => {
  it("carries all, then nothing, though the target gives dates of its own", async () => {
    await using from = await ftpOf(treeOf(FILES));
    await using to = await ftpOf(treeOf({}));
    const job = { from: from.url, to: `${to.url}copy`, stateFolder: fresh(), jobs: 2 };
    expect(reportIn(await run(job))).toEqual({ copied: 3, same: 0, removed: 0, failed: 0, extra: 0 });
    expect(filesOf(to.tree, "/copy")).toEqual(FILES);
    const again = await run(job);
    expect(planIn(again)).toEqual([]);
    expect(reportIn(again)).toEqual({ copied: 0, same: 3, removed: 0, failed: 0, extra: 0 });
  });

  it.each([
    { from: 1, to: 100 },
    { from: 3, to: 100 },
    { from: 100, to: 2 },
  ])("carries all where the servers let $from and $to sessions in", async (most) => {
    const files = Object.fromEntries(Array.from({ length: 40 }, (_, at) => [`${at % 4}/${at}.txt`, `${at}`]));
    await using from = await ftpOf(treeOf(files), { mostSessions: most.from, delayMs: 1 });
    await using to = await ftpOf(treeOf({}), { mostSessions: most.to, delayMs: 1 });
    const report = reportIn(await run({ from: from.url, to: `${to.url}copy`, jobs: 4 }));
    expect(report).toEqual({ copied: 40, same: 0, removed: 0, failed: 0, extra: 0 });
    expect(filesOf(to.tree, "/copy")).toEqual(files);
  });

  it("carries what changed, on either side", async () => {
    await using from = await ftpOf(treeOf(FILES));
    await using to = await ftpOf(treeOf({}));
    const job = { from: from.url, to: `${to.url}copy`, stateFolder: fresh() };
    await run(job);
    from.tree.write("/bay.txt", textContent("mud, now\n"), { modified: DATE });
    to.tree.write("/copy/north/mole.txt", textContent("STONE\n"), {
      modified: new Date("2025-01-01T00:00:00Z"),
    });
    expect(planIn(await run(job))).toEqual(["changed bay.txt", "changed north/mole.txt"]);
    expect(filesOf(to.tree, "/copy")).toEqual({ ...FILES, "bay.txt": "mud, now\n" });
  });

  it("compared by content, carries what differs inside, whatever the dates and sizes say", async () => {
    const same = { "same.txt": "sand\n", "other.txt": "mud!\n", "short.txt": "x\n" };
    await using from = await ftpOf(treeOf(same));
    await using to = await ftpOf(
      treeOf({ "copy/same.txt": "sand\n", "copy/other.txt": "mud?\n", "copy/short.txt": "xy\n" }),
    );
    const job = { from: from.url, to: `${to.url}copy`, compareContent: true };
    expect(planIn(await run({ ...job, dryRun: true }))).toEqual(["changed other.txt", "changed short.txt"]);
    expect(reportIn(await run(job))).toEqual({ copied: 2, same: 1, removed: 0, failed: 0, extra: 0 });
    expect(filesOf(to.tree, "/copy")).toEqual(same);
  });

  it("told to take only what is newer, leaves what is not", async () => {
    await using from = await ftpOf(treeOf(FILES));
    const later = new Date(DATE.getTime() + 86_400_000);
    await using to = await ftpOf(treeOf({ "copy/bay.txt": "sandy, later\n" }, later));
    const job = { from: from.url, to: `${to.url}copy`, onlyNewer: true };
    expect(planIn(await run(job))).toEqual([
      "folder north",
      "folder north/1875",
      "new north/1875/wreck.txt",
      "new north/mole.txt",
    ]);
    from.tree.write("/bay.txt", textContent("mud, now\n"), {
      modified: new Date(later.getTime() + 86_400_000),
    });
    expect(planIn(await run(job))).toContain("changed bay.txt");
  });

  it("without a memory carries again what it cannot know to be the same", async () => {
    await using from = await ftpOf(treeOf(FILES));
    await using to = await ftpOf(treeOf({ "bay.txt": "SAND\n" }, new Date("2024-04-01T00:00:00Z")));
    expect(planIn(await run({ from: from.url, to: to.url }))).toContain("changed bay.txt");
    expect(filesOf(to.tree)).toEqual(FILES);
  });
});

describe("what is not at the source", () => {
  const EXTRA = { "old.txt": "old\n", "past/a.txt": "a\n", "past/deep/b.txt": "b\n" };

  it("stays, and is counted, without --delete", async () => {
    await using from = await ftpOf(treeOf(FILES));
    await using to = await ftpOf(treeOf({ ...FILES, ...EXTRA }));
    const events = await run({ from: from.url, to: to.url });
    expect(reportIn(events)).toEqual({ copied: 0, same: 3, removed: 0, failed: 0, extra: 5 });
    expect(filesOf(to.tree)).toEqual({ ...FILES, ...EXTRA });
  });

  it("goes with --delete, folders after what is in them", async () => {
    await using from = await ftpOf(treeOf(FILES));
    await using to = await ftpOf(treeOf({ ...FILES, ...EXTRA }));
    const events = await run({ from: from.url, to: to.url, delete: true });
    expect(reportIn(events)).toEqual({ copied: 0, same: 3, removed: 5, failed: 0, extra: 0 });
    expect(filesOf(to.tree)).toEqual(FILES);
  });

  it("stays when it is excluded", async () => {
    await using from = await ftpOf(treeOf(FILES));
    await using to = await ftpOf(treeOf({ ...FILES, ...EXTRA }));
    await run({ from: from.url, to: to.url, delete: true, exclude: ["past"] });
    expect(Object.keys(filesOf(to.tree)).sort()).toEqual(
      [...Object.keys(FILES), "past/a.txt", "past/deep/b.txt"].sort(),
    );
  });

  it("is replaced by a folder of its name with --delete, and told as a failure without", async () => {
    await using from = await ftpOf(treeOf(FILES));
    await using to = await ftpOf(treeOf({ north: "a file\n" }));
    const kept = await run({ from: from.url, to: to.url });
    expect(kept.find((event) => event.event === "failed")).toMatchObject({
      error: { code: "local", message: "a file stands where a folder should be" },
    });
    expect(filesOf(to.tree)["north"]).toBe("a file\n");
    await run({ from: from.url, to: to.url, delete: true });
    expect(filesOf(to.tree)).toEqual(FILES);
  });

  it("stays when the source was not listed to its end", async () => {
    const tree = treeOf({ ...FILES, "locked/x.txt": "x\n" });
    await using from = await ftpOf(tree);
    await using to = await ftpOf(treeOf({ ...FILES, ...EXTRA }));
    const events = await all(
      mirror({
        client: breaking(clientOf(), from.url, "/locked/"),
        from: from.url,
        to: to.url,
        delete: true,
      }),
    );
    expect(events.find((event) => event.event === "spared")).toBeDefined();
    expect(filesOf(to.tree)).toMatchObject(EXTRA);
  });
});

/** The same client; its sessions at `url` cannot list `path`. */
function breaking(client: ReturnType<typeof clientOf>, url: string, path: string): MirrorRequest["client"] {
  const broken = client.target(url).port;
  return {
    registry: client.registry,
    target: (text) => client.target(text),
    require: (target, word, needs) => client.require(target, word, needs),
    open: async (target, signal) => {
      const session = await client.open(target, signal);
      const list = session.list?.bind(session);
      if (list === undefined || target.port !== broken) return session;
      session.list = async function* (asked, query) {
        if (asked === path) throw new Error("not for you");
        yield* list(asked, query);
      };
      return session;
    },
  };
}

describe("a server to this machine and back", () => {
  it("gives files the dates of the source, and knows them by those", async () => {
    await using from = await ftpOf(treeOf(FILES));
    const to = fresh();
    await run({ from: from.url, to });
    expect(await readFile(join(to, "north/1875/wreck.txt"), "utf8")).toBe("keep off\n");
    expect((await stat(join(to, "bay.txt"))).mtime).toEqual(DATE);
    expect(reportIn(await run({ from: from.url, to })).same).toBe(3);
  });

  it("makes the folders that the target lies in", async () => {
    await using from = await ftpOf(treeOf({ a: "1" }));
    const to = join(fresh(), "deep", "down");
    expect(reportIn(await run({ from: from.url, to })).copied).toBe(1);
    expect(await readFile(join(to, "a"), "utf8")).toBe("1");
  });

  it("carries up what changed here", async () => {
    await using server = await ftpOf(treeOf(FILES));
    const here = fresh();
    await run({ from: server.url, to: here });
    await writeFile(join(here, "bay.txt"), "mud\n");
    await utimes(join(here, "bay.txt"), DATE, DATE);
    expect(planIn(await run({ from: here, to: server.url, stateFolder: fresh() }))).toEqual([
      "changed bay.txt",
    ]);
    expect(filesOf(server.tree)["bay.txt"]).toBe("mud\n");
  });

  it("takes names that no file here can have in percent form, tells, and gives them back", async () => {
    const tree = treeOf({ "bell\x07.txt": "ding\n", "50%25.txt": "half\n", "h\u00e4fen.txt": "Häfen\n" });
    tree.write("/caf\xe9", textContent("latin1\n"), { modified: DATE });
    await using from = await ftpOf(tree);
    await using back = await ftpOf(treeOf({}));
    const to = fresh();
    const events = await run({ from: from.url, to });
    expect(events.flatMap((event) => (event.event === "renamed" ? [event.name] : [])).sort()).toEqual([
      "50%2525.txt",
      "bell%07.txt",
    ]);
    expect(await readFile(join(to, "bell%07.txt"), "utf8")).toBe("ding\n");
    await run({ from: to, to: back.url });
    expect(filesOf(back.tree)).toEqual(filesOf(tree));
    expect(back.tree.find(`/${octetsOf("häfen.txt")}`)).toBeDefined();
  });
});

describe("--dry-run, --include and --exclude", () => {
  it("shows the plan and changes nothing", async () => {
    await using from = await ftpOf(treeOf(FILES));
    await using to = await ftpOf(treeOf({ "old.txt": "old\n" }));
    const job = { from: from.url, to: to.url, delete: true, dryRun: true, stateFolder: fresh() };
    const events = await run(job);
    expect(planIn(events)).toEqual([
      "folder north",
      "folder north/1875",
      "gone old.txt",
      "new bay.txt",
      "new north/1875/wreck.txt",
      "new north/mole.txt",
    ]);
    expect(filesOf(to.tree)).toEqual({ "old.txt": "old\n" });
  });

  it("takes what is included, with the folders that it needs, and leaves out what is excluded", async () => {
    await using from = await ftpOf(
      treeOf({ ...FILES, "north/plan.pdf": "pdf", "south/a.pdf": "a", "x/y": "z" }),
    );
    await using to = await ftpOf(treeOf({}));
    await run({ from: from.url, to: to.url, include: ["*.pdf"], exclude: ["south"] });
    expect(filesOf(to.tree)).toEqual({ "north/plan.pdf": "pdf" });
  });
});

describe("what is refused", () => {
  it.each([
    ["onto itself", "a", "a/"],
    ["into its own subtree", "a", "a/b"],
    ["onto what it lies in", "a/b", "a"],
  ])("%s", async (_, from, to) => {
    const top = fresh();
    await expect(run({ from: join(top, from), to: join(top, to) })).rejects.toMatchObject({ code: "usage" });
  });

  it("a source that is a file, before anything is removed", async () => {
    await using from = await ftpOf(treeOf(FILES));
    await using to = await ftpOf(treeOf(FILES));
    await expect(run({ from: `${from.url}bay.txt`, to: to.url, delete: true })).rejects.toMatchObject({
      code: "usage",
      hint: "mirror wants a folder; cp copies single files",
    });
    expect(filesOf(to.tree)).toEqual(FILES);
  });

  it("a source that is not there", async () => {
    await using from = await ftpOf(treeOf(FILES));
    await using to = await ftpOf(treeOf(FILES));
    await expect(run({ from: `${from.url}nowhere/`, to: to.url, delete: true })).rejects.toMatchObject({
      code: "missing",
    });
    expect(filesOf(to.tree)).toEqual(FILES);
  });
});
