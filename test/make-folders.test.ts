import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { makeFolders } from "../src/files/make-folders.js";

const root = mkdtempSync(join(tmpdir(), "porthole-folders-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe("folders", () => {
  it("are made with those above them, and left as they are when there", () => {
    const path = join(root, "a", "b", "c");
    makeFolders(path, 0o700);
    makeFolders(path);
    expect(statSync(path).isDirectory()).toBe(true);
    expect([join(root, "a"), path].map((made) => statSync(made).mode & 0o777)).toEqual([0o700, 0o700]);
    makeFolders(`${path}/d/`);
    expect(statSync(join(path, "d")).isDirectory()).toBe(true);
  });

  it("may have names that are no UTF-8", () => {
    const path = Buffer.concat([Buffer.from(`${root}/`), Buffer.from([0xe9, 0x2f, 0xe8])]);
    makeFolders(path);
    expect(statSync(path).isDirectory()).toBe(true);
  });

  it("are not made of files, nor in them", () => {
    writeFileSync(join(root, "file"), "");
    expect(() => makeFolders(join(root, "file"))).toThrow("EEXIST");
    expect(() => makeFolders(join(root, "file", "x"))).toThrow("ENOTDIR");
  });

  it("that a system will not have are an error, where Node's own way never ends", () => {
    expect(() => makeFolders("/proc/porthole/x")).toThrow("ENOENT");
  });
});
