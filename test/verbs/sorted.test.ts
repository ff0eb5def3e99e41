import { describe, expect, it } from "vitest";
import type { Entry } from "../../src/plugin.js";
import { type Sorting, sorted } from "../../src/verbs/sorted.js";

function entry(name: string, size?: number, modified?: number): Entry {
  return {
    url: `test:${name}`,
    name,
    kind: "file",
    ...(size === undefined ? {} : { size }),
    ...(modified === undefined ? {} : { modified: new Date(modified) }),
    meta: {},
  };
}

async function names(entries: AsyncIterable<Entry>, sorting: Sorting): Promise<string[]> {
  const found: string[] = [];
  for await (const { name } of sorted(entries, sorting)) found.push(name);
  return found;
}

async function* some(): AsyncGenerator<Entry> {
  yield entry("b", 5, 1000);
  yield entry("unknown");
  yield { ...entry("text between"), kind: "note" };
  yield entry("a", 5, 3000);
  yield entry("c", 9, 2000);
}

describe("a sorted listing", () => {
  it.each([
    ["name", ["a", "b", "c", "unknown"], ["unknown", "c", "b", "a"]],
    ["size", ["c", "a", "b", "unknown"], ["b", "a", "c", "unknown"]],
    ["time", ["a", "c", "b", "unknown"], ["b", "c", "a", "unknown"]],
  ] as const)("by %s, with what is not known at its end", async (by, order, reversed) => {
    expect(await names(some(), { by })).toEqual(order);
    expect(await names(some(), { by, reverse: true })).toEqual(reversed);
  });

  it("gives the first of many, and holds little more", async () => {
    async function* many(): AsyncGenerator<Entry> {
      for (let at = 0; at < 50_000; at++) yield entry(String(at), (at * 7919) % 50_000);
    }
    const sizes: number[] = [];
    for await (const { size } of sorted(many(), { by: "size", limit: 3 })) sizes.push(size ?? -1);
    expect(sizes).toEqual([49_999, 49_998, 49_997]);
    expect(await names(many(), { by: "name", limit: 0 })).toEqual([]);
  });

  it("refuses to hold a list without end", async () => {
    async function* endless(): AsyncGenerator<Entry> {
      const one = entry("one");
      for (;;) yield one;
    }
    await expect(names(endless(), { by: "name" })).rejects.toMatchObject({ code: "usage" });
  });
});
