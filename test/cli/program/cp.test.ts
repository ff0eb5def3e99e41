import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { filesOf, ftpOf, httpOf, type Place, treeOf } from "../../verbs/places.js";
import { objects, User } from "./program.js";

const FILES = { "bay.txt": "sand\n", "north/mole.txt": "stone\n", "north/wreck.txt": "keep off\n" };

let user: User;
let web: Place;

beforeAll(async () => {
  user = await User.create();
  web = await httpOf(treeOf(FILES));
});

afterAll(async () => {
  await web[Symbol.asyncDispose]();
  await user[Symbol.asyncDispose]();
});

describe("porthole cp", () => {
  it("copies from HTTP to FTP, and prints nothing", async () => {
    await using to = await ftpOf(treeOf({}));
    const ended = await user.run(["cp", `${web.url}bay.txt`, to.url, "-q"]);
    expect([ended.status, ended.stdout, ended.stderr]).toEqual([0, "", ""]);
    expect(filesOf(to.tree)).toEqual({ "bay.txt": "sand\n" });
  });

  it("leaves an existing target untouched: exit 12; --force replaces it", async () => {
    const path = user.path("there.txt");
    await writeFile(path, "mine\n");
    const refused = await user.run(["cp", `${web.url}bay.txt`, "./there.txt"]);
    expect(refused.status).toBe(12);
    expect(refused.stderr).toMatch(/^porthole: [^\n]*exists already - --force replaces it\n$/);
    expect(await readFile(path, "utf8")).toBe("mine\n");
    expect((await user.run(["cp", `${web.url}bay.txt`, "./there.txt", "--force"])).status).toBe(0);
    expect(await readFile(path, "utf8")).toBe("sand\n");
  });

  it("a folder again, with a large file that is left half read: each is refused, nothing else happens", async () => {
    const large = Buffer.alloc(3 * 1024 * 1024, "x").toString();
    await using from = await ftpOf(treeOf({ "sea/large.bin": large, "sea/small.txt": "sand\n" }));
    expect((await user.run(["cp", "-r", `${from.url}sea`, "./again/", "-q"])).status).toBe(0);
    const again = await user.run(["cp", "-r", `${from.url}sea`, "./again/", "-q"]);
    expect(again.stderr.trimEnd().split("\n")).toEqual([
      expect.stringMatching(/large\.bin: exists already/),
      expect.stringMatching(/small\.txt: exists already/),
      "porthole: 2 failed (2 local), 0 done - the same command again does the rest",
    ]);
    expect(again.status).toBe(13);
    expect((await user.run(["cp", "-r", `${from.url}sea`, "./again/", "-q", "--force"])).status).toBe(0);
  });

  it("takes no file of this folder for a host", async () => {
    await writeFile(user.path("note.txt"), "mine\n");
    expect(await user.run(["cp", "note.txt", `${web.url}x`])).toMatchObject({
      status: 2,
      stderr: "porthole: 'note.txt' would be taken for a host, and is a file here - write ./note.txt\n",
    });
  });

  it("tells each copy as an object with --json, and ends with a sum", async () => {
    await using from = await ftpOf(treeOf(FILES));
    const ended = await user.run(["cp", "-r", `${from.url}north`, "./json", "--json", "-q"]);
    expect([ended.status, ended.stderr]).toEqual([0, ""]);
    const told = objects(ended.stdout);
    expect(told.map(({ event }) => event)).toEqual(["made", "copied", "copied", "done"]);
    expect(told.at(-1)).toEqual({ event: "done", copied: 2, kept: 0, failed: 0, octets: 15 });
  });

  it("some of many: exit 13, each failure a line and then their sum; a second run does the rest", async () => {
    await mkdir(user.path("some"));
    await writeFile(user.path("some/mole.txt"), "mine\n");
    const args = ["cp", `${web.url}bay.txt`, `${web.url}north/mole.txt`, `${web.url}nowhere`, "./some"];
    const first = await user.run(args);
    expect(first.status).toBe(13);
    expect(first.stderr.trimEnd().split("\n")).toEqual([
      expect.stringMatching(/exists already/),
      expect.stringMatching(/^porthole: http: /),
      "porthole: 2 failed (1 local, 1 missing), 1 done - the same command again does the rest",
    ]);
    const state = join(user.home, ".local/state/porthole");
    expect((await readdir(state)).filter((name) => name.startsWith("cp-"))).toHaveLength(1);
    const second = await user.run([...args, "--json", "--force"]);
    expect(second.status).toBe(13);
    expect(objects(second.stdout).map(({ event }) => event)).toEqual(["kept", "copied", "failed", "done"]);
    expect(await readFile(user.path("some/mole.txt"), "utf8")).toBe("stone\n");
  });

  it("wants two places, and -r for a folder", async () => {
    const streamed = await user.run(["cp", `${web.url}bay.txt`, "-"]);
    expect([streamed.status, streamed.stderr]).toEqual([
      2,
      expect.stringContaining("- porthole get URL writes"),
    ]);
    expect((await user.run(["cp", web.url])).status).toBe(2);
    await mkdir(user.path("folder"), { recursive: true });
    const ended = await user.run(["cp", "./folder", "./other"]);
    expect([ended.status, ended.stderr]).toEqual([
      2,
      expect.stringMatching(/is a directory - -r copies it with all that is in it\n$/),
    ]);
  });
});
