import { mkdir, readdir, readFile, readlink, writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { filesOf, ftpOf, type Place, treeOf } from "../../verbs/places.js";
import { objects, User } from "./program.js";

const FILES = { "bay.txt": "sand\n", "north/mole.txt": "stone\n" };

let user: User;
let server: Place;

beforeAll(async () => {
  user = await User.create();
  server = await ftpOf(treeOf(FILES));
});

afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await user[Symbol.asyncDispose]();
});

describe("porthole mirror", () => {
  it("prints the plan with --dry-run, a line for each step, and changes nothing", async () => {
    await mkdir(user.path("dry"));
    await writeFile(user.path("dry/old.txt"), "old\n");
    const ended = await user.run(["mirror", server.url, "./dry", "--dry-run", "--delete"]);
    expect(ended.status).toBe(0);
    expect(ended.stdout).toBe("new\tbay.txt\nfolder\tnorth\nnew\tnorth/mole.txt\ngone\told.txt\n");
    expect(await readdir(user.path("dry"))).toEqual(["old.txt"]);
  });

  it("makes a folder the same, reports, and has nothing to do the second time", async () => {
    const first = await user.run(["mirror", server.url, "./copy", "--jobs", "2"]);
    expect(first.status).toBe(0);
    expect(first.stderr).toMatch(/^2 copied \(11\), 0 removed, 0 the same\n$/m);
    expect(await readFile(user.path("copy/north/mole.txt"), "utf8")).toBe("stone\n");
    const second = await user.run(["mirror", server.url, "./copy", "--json", "-q"]);
    expect(objects(second.stdout)).toEqual([
      { event: "done", dryRun: false, copied: 0, same: 2, removed: 0, failed: 0, octets: 0, extra: 0 },
    ]);
  });

  it("carries up with --delete, --include and --exclude", async () => {
    await using to = await ftpOf(treeOf({ "old.html": "old", "keep.txt": "kept" }));
    await mkdir(user.path("site/drafts"), { recursive: true });
    for (const name of ["site/index.html", "site/notes.txt", "site/drafts/new.html"]) {
      await writeFile(user.path(name), name);
    }
    const args = ["mirror", "./site", to.url, "--delete", "--include", "*.html", "--exclude", "drafts", "-q"];
    const ended = await user.run(args);
    expect([ended.status, ended.stdout, ended.stderr]).toEqual([0, "", ""]);
    expect(filesOf(to.tree)).toEqual({ "index.html": "site/index.html", "keep.txt": "kept" });
  });

  it("leaves links out, follows them or keeps them, and tells how many", async () => {
    const tree = treeOf(FILES);
    tree.link("/newest.txt", "north/mole.txt");
    tree.link("/away", "/etc");
    await using linked = await ftpOf(tree);
    const out = await user.run(["mirror", linked.url, "./out"]);
    expect([out.status, await readdir(user.path("out"))]).toEqual([0, ["bay.txt", "north"]]);
    expect(out.stderr).toContain(
      "newest.txt: left out, a link (--follow-links carries what it leads to, --keep-links the link)\n",
    );
    expect(out.stderr).toMatch(/^2 copied \(11\), 0 removed, 0 the same, 2 left out$/m);
    const followed = await user.run(["mirror", linked.url, "./followed", "--follow-links"]);
    expect(await readFile(user.path("followed/newest.txt"), "utf8")).toBe("stone\n");
    expect(followed.stderr).toMatch(/^3 copied \(17\), 0 removed, 0 the same, 1 link followed, 1 left out$/m);
    const plan = await user.run(["mirror", linked.url, "./kept", "--keep-links", "--dry-run", "-q"]);
    expect(plan.stdout).toBe("new\tbay.txt\nfolder\tnorth\nlink\tnewest.txt\nnew\tnorth/mole.txt\n");
    const kept = await user.run(["mirror", linked.url, "./kept", "--keep-links", "--json"]);
    expect(await readlink(user.path("kept/newest.txt"))).toBe("north/mole.txt");
    expect(objects(kept.stdout).slice(-2)).toMatchObject([
      { event: "linked", name: "newest.txt", target: "north/mole.txt" },
      { event: "done", linksKept: 1, leftOut: 1 },
    ]);
    const both = await user.run(["mirror", "./kept", "./both", "--keep-links", "--follow-links"]);
    expect([both.status, both.stderr]).toEqual([
      2,
      "porthole: a link is either followed or kept - --follow-links, or --keep-links\n",
    ]);
  });

  it("what cannot be carried is 13, and the rest is done", async () => {
    await mkdir(user.path("partly/north/mole.txt"), { recursive: true });
    const ended = await user.run(["mirror", server.url, "./partly"]);
    expect(ended.status).toBe(13);
    expect(ended.stderr).toMatch(/a folder stands where a file should be - --delete removes it/);
    expect(await readFile(user.path("partly/bay.txt"), "utf8")).toBe("sand\n");
  });

  it("wants two places", async () => {
    expect((await user.run(["mirror", server.url])).status).toBe(2);
  });
});
