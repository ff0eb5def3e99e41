/** Symbolic links in a mirror: left out, followed, kept; never out of what is mirrored, never written through. */
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { textContent } from "../../fixtures/servers/content.js";
import type { FileTree } from "../../fixtures/servers/files.js";
import { DEEPEST_LINK, keptLink } from "../../src/verbs/links.js";
import { type MirrorEvent, type MirrorRequest, mirror } from "../../src/verbs/mirror.js";
import { all, clientOf, DATE, filesOf, ftpOf, treeOf } from "./places.js";

let folder: string;
let count = 0;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "porthole-links-"));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function fresh(): string {
  count += 1;
  return join(folder, `${count}`);
}

async function run(job: Omit<MirrorRequest, "client">): Promise<MirrorEvent[]> {
  return all(mirror({ client: clientOf(), ...job }));
}

function reportIn(events: readonly MirrorEvent[]) {
  const report = events.at(-1);
  if (report?.event !== "done") throw new Error("no report");
  const { copied, failed, linksKept = 0, linksFollowed = 0, leftOut = 0 } = report;
  return { copied, failed, linksKept, linksFollowed, leftOut };
}

/** Why what was left out was, by its last name. */
function passedIn(events: readonly MirrorEvent[]): Record<string, string> {
  return Object.fromEntries(
    events.flatMap((event) => (event.event === "passed" ? [[event.from.split("/").at(-1), event.why]] : [])),
  );
}

/** `a -> b` for links, what they hold for files, and an empty text for folders without anything. */
function diskOf(top: string): Record<string, string> {
  const found: Record<string, string> = {};
  const visit = (below: string) => {
    const names = readdirSync(join(top, below));
    if (names.length === 0 && below !== "") found[`${below}/`] = "";
    for (const name of names) {
      const path = below === "" ? name : `${below}/${name}`;
      const facts = lstatSync(join(top, path));
      if (facts.isSymbolicLink()) found[path] = `-> ${readlinkSync(join(top, path))}`;
      else if (facts.isDirectory()) visit(path);
      else found[path] = readFileSync(join(top, path), "utf8");
    }
  };
  visit("");
  return found;
}

const FILES = { "charts/bay.txt": "sand\n", "charts/north/mole.txt": "stone\n", "welcome.txt": "hello\n" };
const LINKS = {
  "/newest.txt": "charts/bay.txt",
  "/north": "charts/north",
  "/charts/up": "../welcome.txt",
  "/lost": "nowhere",
};

function linked(
  links: Readonly<Record<string, string>> = LINKS,
  files: Readonly<Record<string, string>> = FILES,
): FileTree {
  const tree = treeOf(files);
  for (const [path, to] of Object.entries(links)) tree.link(path, to);
  return tree;
}

function onDisk(links: Readonly<Record<string, string>> = LINKS): string {
  const top = fresh();
  for (const [path, text] of Object.entries(FILES)) {
    mkdirSync(join(top, path, ".."), { recursive: true });
    writeFileSync(join(top, path), text);
  }
  for (const [path, to] of Object.entries(links)) symlinkSync(to, join(top, path));
  return top;
}

const FOLLOWED = {
  ...FILES,
  "charts/up": "hello\n",
  "newest.txt": "sand\n",
  "north/mole.txt": "stone\n",
};
const KEPT = {
  ...FILES,
  "charts/up": "-> ../welcome.txt",
  lost: "-> nowhere",
  "newest.txt": "-> charts/bay.txt",
  north: "-> charts/north",
};

/** MLSD tells of links in a type of its own, LIST behind an arrow. */
const DIALECTS = [
  ["MLSD", {}],
  ["LIST", { mlsd: false }],
] as const;

describe.each(DIALECTS)("from a server, by %s", (_, options) => {
  it("are left out, and told with what would take them along", async () => {
    await using from = await ftpOf(linked(), options);
    const to = fresh();
    const events = await run({ from: from.url, to });
    expect(diskOf(to)).toEqual(FILES);
    expect(reportIn(events)).toEqual({ copied: 3, failed: 0, linksKept: 0, linksFollowed: 0, leftOut: 4 });
    expect(passedIn(events)["newest.txt"]).toBe(
      "a link (--follow-links carries what it leads to, --keep-links the link)",
    );
  });

  it("are followed, one to nothing told", async () => {
    await using from = await ftpOf(linked(), options);
    const to = fresh();
    const events = await run({ from: from.url, to, links: "follow" });
    expect(diskOf(to)).toEqual(FOLLOWED);
    expect(reportIn(events)).toEqual({ copied: 6, failed: 0, linksKept: 0, linksFollowed: 3, leftOut: 1 });
    expect(passedIn(events)).toEqual({ lost: "a link to nothing" });
    expect(lstatSync(join(to, "newest.txt")).mtime).toEqual(DATE);
    expect(reportIn(await run({ from: from.url, to, links: "follow" })).copied).toBe(0);
  });

  it("are kept, and the same in the next run; what they say may change", async () => {
    const tree = linked();
    await using from = await ftpOf(tree, options);
    const to = fresh();
    const events = await run({ from: from.url, to, links: "keep" });
    expect(diskOf(to)).toEqual(KEPT);
    expect(reportIn(events)).toEqual({ copied: 3, failed: 0, linksKept: 4, linksFollowed: 0, leftOut: 0 });
    expect(reportIn(await run({ from: from.url, to, links: "keep" })).linksKept).toBe(0);
    tree.removeFile("/newest.txt");
    tree.link("/newest.txt", "welcome.txt");
    expect(reportIn(await run({ from: from.url, to, links: "keep" })).linksKept).toBe(1);
    expect(diskOf(to)["newest.txt"]).toBe("-> welcome.txt");
  });

  it("go with --delete when they are gone at the source, what they lead to stays", async () => {
    const tree = linked();
    await using from = await ftpOf(tree, options);
    const to = fresh();
    await run({ from: from.url, to, links: "keep" });
    tree.removeFile("/north");
    await run({ from: from.url, to, links: "keep", delete: true });
    const { north: _gone, ...rest } = KEPT;
    expect(diskOf(to)).toEqual(rest);
  });

  it("stay with --delete when they were only left out", async () => {
    await using from = await ftpOf(linked(), options);
    const to = fresh();
    await run({ from: from.url, to, links: "keep" });
    await run({ from: from.url, to, delete: true });
    expect(diskOf(to)).toEqual(KEPT);
  });

  it("lead round in circles, and are followed to where they meet themselves", async () => {
    const tree = linked({
      "/a": "b",
      "/b": "a",
      "/self": "self",
      "/charts/top": "..",
      "/charts/north/here": ".",
      "/charts/north/round": "../../charts",
    });
    await using from = await ftpOf(tree, options);
    const to = fresh();
    const events = await run({ from: from.url, to, links: "follow" });
    expect(diskOf(to)).toEqual(FILES);
    expect(passedIn(events)).toEqual({
      a: "a link to nothing",
      b: "a link to nothing",
      self: "a link to nothing",
      top: "a link to a folder that it lies in",
      here: "a link to a folder that it lies in",
      round: "a link to a folder that it lies in",
    });
  });

  it("that lead out of what is mirrored are not followed unless that is wanted, and never kept", async () => {
    const files = { "pub/a.txt": "a\n", "etc/passwd": "secret\n" };
    const links = { "/pub/abs": "/etc/passwd", "/pub/rel": "../etc", "/pub/sly": "x/../../etc" };
    await using from = await ftpOf(linked(links, files), options);
    const plain = fresh();
    const events = await run({ from: `${from.url}pub/`, to: plain, links: "follow" });
    expect(diskOf(plain)).toEqual({ "a.txt": "a\n" });
    expect(new Set(Object.values(passedIn(events)))).toEqual(
      new Set(["a link that leads out of what is mirrored (--outside-links follows it)"]),
    );
    const told = fresh();
    await run({ from: `${from.url}pub/`, to: told, links: "follow", outsideLinks: true });
    expect(diskOf(told)).toMatchObject({ "a.txt": "a\n", abs: "secret\n", "rel/passwd": "secret\n" });
    const kept = fresh();
    const refused = await run({ from: `${from.url}pub/`, to: kept, links: "keep" });
    expect(diskOf(kept)).toEqual({ "a.txt": "a\n" });
    expect(passedIn(refused)).toEqual({
      abs: "a link that leads out of what is mirrored: it names an absolute place",
      rel: "a link that leads out of what is mirrored",
      sly: "a link that leads down and up again, which may lead out of what is mirrored",
    });
    expect(reportIn(refused)).toMatchObject({ linksKept: 0, leftOut: 3, failed: 0 });
  });
});

/** The same client; its listings do not tell where links lead, as those of some servers' MLSD do not. */
function untold(client: ReturnType<typeof clientOf>): MirrorRequest["client"] {
  return {
    registry: client.registry,
    target: (text) => client.target(text),
    require: (target, word, needs) => client.require(target, word, needs),
    open: async (target, signal) => {
      const session = await client.open(target, signal);
      const list = session.list?.bind(session);
      if (list === undefined || target.protocol !== "ftp") return session;
      session.list = async function* (asked, query) {
        for await (const entry of list(asked, query)) yield { ...entry, meta: {} };
      };
      return session;
    },
  };
}

describe("links of a server that does not tell where they lead", () => {
  it("are followed, to an end even where they lead round", async () => {
    await using from = await ftpOf(linked({ "/newest.txt": "charts/bay.txt", "/charts/top": ".." }));
    const to = fresh();
    const events = await all(mirror({ client: untold(clientOf()), from: from.url, to, links: "follow" }));
    const disk = diskOf(to);
    expect(disk).toMatchObject({ ...FILES, "newest.txt": "sand\n", "charts/top/welcome.txt": "hello\n" });
    const round = Object.keys(disk).map((path) => path.split("/").filter((name) => name === "top").length);
    expect(Math.max(...round)).toBe(DEEPEST_LINK);
    expect(passedIn(events)).toEqual({ top: `a link behind ${DEEPEST_LINK} others` });
  });

  it("cannot be kept", async () => {
    await using from = await ftpOf(linked());
    const to = fresh();
    const events = await all(mirror({ client: untold(clientOf()), from: from.url, to, links: "keep" }));
    expect(diskOf(to)).toEqual(FILES);
    expect(passedIn(events)["lost"]).toBe("a link that does not tell where it leads");
  });
});

describe("nothing is written through a link", () => {
  it("that was kept, and is a folder at the server later", async () => {
    const tree = linked({ "/sub/out": "../charts" }, { ...FILES, "sub/x.txt": "x\n" });
    await using from = await ftpOf(tree);
    const to = fresh();
    await run({ from: from.url, to, links: "keep" });
    tree.removeFile("/sub/out");
    tree.makeFolder("/sub/out");
    tree.write("/sub/out/bay.txt", textContent("written through\n"), { modified: DATE });
    const events = await run({ from: from.url, to, links: "keep" });
    expect(diskOf(to)).toMatchObject({ "charts/bay.txt": "sand\n", "sub/out": "-> ../charts" });
    expect(events.flatMap((event) => (event.event === "failed" ? [event.error.message] : []))).toEqual([
      "a link stands where a folder should be",
    ]);
    await run({ from: from.url, to, links: "keep", delete: true });
    expect(diskOf(to)).toMatchObject({ "charts/bay.txt": "sand\n", "sub/out/bay.txt": "written through\n" });
  });

  it.each([
    ["a folder", "outside/x.txt"],
    ["a file", "outside"],
  ])("of this machine's owner, where the server has %s", async (_, path) => {
    await using from = await ftpOf(treeOf({ [path]: "from the server\n" }));
    const [to, elsewhere] = [fresh(), fresh()];
    mkdirSync(to);
    mkdirSync(elsewhere);
    writeFileSync(join(elsewhere, "x.txt"), "mine\n");
    symlinkSync(path === "outside" ? join(elsewhere, "x.txt") : elsewhere, join(to, "outside"));
    for (const job of [
      {},
      { include: ["*.txt", "outside"] },
      { links: "follow" },
      { links: "keep" },
    ] as const) {
      const events = await run({ from: from.url, to, ...job });
      expect(reportIn(events)).toMatchObject({ copied: 0, failed: 1 });
    }
    await run({ from: from.url, to, include: ["*.txt"] });
    expect(diskOf(elsewhere)).toEqual({ "x.txt": "mine\n" });
    await run({ from: from.url, to, delete: true });
    expect(diskOf(elsewhere)).toEqual({ "x.txt": "mine\n" });
    expect(diskOf(to)).toEqual({ [path]: "from the server\n" });
  });

  it("though the server has a link and a folder of one name", async () => {
    // The server follows its link when it is asked for the folder; here there is one folder, and no link.
    const tree = linked({}, { "a/x.txt": "through\n", "b/y.txt": "b\n" });
    tree.folder("/").links.set("a", "b");
    await using from = await ftpOf(tree);
    const to = fresh();
    const events = await run({ from: from.url, to, links: "keep" });
    expect(diskOf(to)).toEqual({ "a/y.txt": "b\n", "b/y.txt": "b\n" });
    expect(reportIn(events).failed).toBe(1);
  });
});

describe("from this machine", () => {
  it("to a folder of it: followed, and kept", async () => {
    const from = onDisk();
    const [followed, kept] = [fresh(), fresh()];
    await run({ from, to: followed, links: "follow" });
    expect(diskOf(followed)).toEqual(FOLLOWED);
    await run({ from, to: kept, links: "keep" });
    expect(diskOf(kept)).toEqual(KEPT);
  });

  it("up to a server: followed; it can keep none, which is told", async () => {
    const from = onDisk();
    await using to = await ftpOf(treeOf({}));
    const events = await run({ from, to: `${to.url}kept`, links: "keep" });
    expect(filesOf(to.tree, "/kept")).toEqual(FILES);
    expect(reportIn(events)).toMatchObject({ linksKept: 0, leftOut: 4 });
    expect(passedIn(events)["north"]).toBe("a link, and no link can be made at the target");
    await run({ from, to: `${to.url}led`, links: "follow" });
    expect(filesOf(to.tree, "/led")).toEqual(FOLLOWED);
  });

  it("by way of other links, in circles, out of it, and into the target", async () => {
    const from = onDisk({
      "charts/x": "..",
      entry: "charts/x",
      away: folder,
      "to-target": "charts/../target-link",
    });
    const to = fresh();
    mkdirSync(to);
    symlinkSync(to, join(from, "target-link"));
    const events = await run({ from, to, links: "follow" });
    expect(diskOf(to)).toEqual(FILES);
    expect(passedIn(events)).toEqual({
      x: "a link to a folder that it lies in",
      entry: "a link to a folder that it lies in",
      away: "a link that leads out of what is mirrored (--outside-links follows it)",
      "to-target": "a link that leads out of what is mirrored (--outside-links follows it)",
      "target-link": "a link that leads out of what is mirrored (--outside-links follows it)",
    });
    rmSync(join(from, "away"));
    const outside = await run({ from, to, links: "follow", outsideLinks: true });
    expect(passedIn(outside)).toMatchObject({ "target-link": "a link that leads to the target" });
    expect(diskOf(to)).toEqual(FILES);
  });

  it("with names that are no UTF-8, octet for octet", async () => {
    const from = onDisk({});
    const octets = Buffer.from("caf\xe9.txt", "latin1");
    writeFileSync(Buffer.concat([Buffer.from(`${from}/`), octets]), "latin1\n");
    symlinkSync(octets, join(from, "link"));
    const to = fresh();
    await run({ from, to, links: "keep" });
    expect(readlinkSync(join(to, "link"), "buffer")).toEqual(octets);
  });
});

describe("what a kept link says", () => {
  const entry = (target: string) => ({ url: "x:/l", name: "l", kind: "link", meta: { target } }) as const;
  it.each([
    [["l"], "a", "a"],
    [["l"], "./a//b/", "a/b"],
    [["d", "e", "l"], "../../a", "../../a"],
    [["d", "l"], "..", ".."],
    [["l"], ".", "."],
    [["l"], "..", undefined],
    [["d", "l"], "../..", undefined],
    [["d", "l"], "e/..", undefined],
    [["l"], "/a", undefined],
    [["l"], "//a", undefined],
    [["l"], "", undefined],
  ])("%j -> %s", (names, target, text) => {
    const kept = keptLink(names, entry(target), (name) => name);
    expect("text" in kept ? kept.text : undefined).toBe(text);
  });
});
