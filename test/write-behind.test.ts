import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WriteBehind } from "../src/files/write-behind.js";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "porthole-behind-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Octets that differ from their neighbours, near and far. */
function octets(size: number): Buffer {
  return Buffer.from(Uint32Array.from({ length: size / 4 }, (_, at) => at * 2_654_435_761).buffer);
}

describe("writing behind", () => {
  it("keeps all octets in their order, though what is given is overwritten at once", async () => {
    const path = join(folder, "whole");
    const descriptor = openSync(path, "w");
    const behind = new WriteBehind(descriptor);
    const all = octets(9_000_000);
    const reused = Buffer.alloc(300_000);
    for (let at = 0, step = 1; at < all.length; step = (step * 7) % 300_000) {
      const size = all.copy(reused, 0, at, Math.min(all.length, at + step));
      await behind.add(reused.subarray(0, size), at);
      reused.fill(0);
      at += size;
    }
    await behind.flush();
    expect(readFileSync(path).equals(all)).toBe(true);
    closeSync(descriptor);
  });

  it("holds back who gives more than is written, and takes the rest then", async () => {
    const path = join(folder, "much");
    const descriptor = openSync(path, "w");
    const behind = new WriteBehind(descriptor);
    const all = octets(40_000_000);
    const taking = behind.add(all, 0);
    expect(taking).toBeInstanceOf(Promise);
    await taking;
    await behind.flush();
    expect(readFileSync(path).equals(all)).toBe(true);
    closeSync(descriptor);
  });

  it("tells a failure when more is given, and at the end", async () => {
    const descriptor = openSync("/dev/full", "w");
    const behind = new WriteBehind(descriptor);
    await expect((async () => behind.add(octets(40_000_000), 0))()).rejects.toMatchObject({ code: "ENOSPC" });
    await expect(behind.flush()).rejects.toMatchObject({ code: "ENOSPC" });
    expect(() => behind.add(octets(4), 40_000_000)).toThrow(/ENOSPC/);
    closeSync(descriptor);
  });
});
