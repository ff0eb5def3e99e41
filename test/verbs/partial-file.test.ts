/** What lies beside a file until it is whole. */
import { existsSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { factsPath, PartialFile } from "../../src/verbs/partial-file.js";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "porthole-partial-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("a file that is finished", () => {
  it("never has its name beside what told of it: a process that is killed would leave that for good", async () => {
    const target = join(folder, "large.bin");
    const partial = PartialFile.open(target, 0);
    partial.write(Buffer.alloc(1024, "x"), 0);
    await partial.remember({ url: "ftp://harbour.example/large.bin" });
    let isDone = false;
    const done = partial.finish({ replace: false, modified: undefined, mode: undefined }).then(() => {
      isDone = true;
    });
    let looks = 0;
    while (!isDone) {
      expect(existsSync(target) && existsSync(factsPath(target))).toBe(false);
      looks += 1;
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
    await done;
    expect(looks).toBeGreaterThan(2);
    expect(await readdir(folder)).toEqual(["large.bin"]);
  });
});
