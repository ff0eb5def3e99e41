import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Entry } from "../../src/plugin.js";
import { makeFolders } from "../../src/verbs/folders.js";
import { clientOf, filesOf, ftpOf, treeOf } from "./places.js";

let folder = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "porthole-folders-"));
});

afterAll(() => rm(folder, { recursive: true }));

async function make(url: string, mayBeThere: boolean): Promise<Entry | undefined> {
  const client = clientOf();
  const target = client.target(url);
  return client.use(target, (session) => makeFolders(session, target.path, mayBeThere));
}

describe("a folder with those above", () => {
  it("is made on a server", async () => {
    await using place = await ftpOf(treeOf({ "here/file.txt": "x" }));
    expect((await make(`${place.url}here/a/b/c`, false))?.name).toBe("c");
    expect(filesOf(place.tree)).toMatchObject({ "here/a/b/c/": "" });
  });

  it("may be there already, or may not", async () => {
    await using place = await ftpOf(treeOf({ "here/file.txt": "x" }));
    expect(await make(`${place.url}here`, true)).toBeUndefined();
    await expect(make(`${place.url}here`, false)).rejects.toMatchObject({ code: "local" });
    await expect(make(`${place.url}here/file.txt`, true)).rejects.toMatchObject({ code: "local" });
  });

  it("is not made where a file is in the way", async () => {
    await writeFile(join(folder, "file"), "x");
    await expect(make(join(folder, "file", "a", "b"), true)).rejects.toMatchObject({ name: "PortholeError" });
  });

  it("is made on this machine", async () => {
    await make(join(folder, "x", "y"), true);
    expect((await stat(join(folder, "x", "y"))).isDirectory()).toBe(true);
    expect(await make(join(folder, "x", "y"), true)).toBeUndefined();
  });
});
