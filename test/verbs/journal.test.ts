import { appendFile, mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Journal } from "../../src/verbs/journal.js";

let folder: string;
let count = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "porthole-journal-"));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

function fresh(): string {
  count += 1;
  return join(folder, `${count}`, "state");
}

const JOB = ["cp", "ftp://a/x", "file:/y"];

describe("a journal", () => {
  it("holds in a second run what was noted in the first; the last note of a key counts", async () => {
    const place = fresh();
    const first = await Journal.open(place, JOB);
    await first.note("a", { state: "begun" });
    await first.note("b", { state: "begun" });
    await first.note("a", { state: "done", size: 5 });
    await first.note("b", undefined);
    await first.close();
    const second = await Journal.open(place, JOB);
    expect([...second.facts]).toEqual([["a", { state: "done", size: 5 }]]);
    await second.discard();
    expect(await readdir(place)).toEqual([]);
  });

  it("is one for each job, and for its owner alone", async () => {
    const place = fresh();
    const one = await Journal.open(place, JOB);
    await one.note("a", { state: "done" });
    const other = await Journal.open(place, ["cp", "ftp://a/x", "file:/z"]);
    expect([...other.facts]).toEqual([]);
    await Promise.all([one.close(), other.close()]);
    expect((await stat(one.path)).mode & 0o777).toBe(0o600);
    expect((await stat(place)).mode & 0o777).toBe(0o700);
  });

  it("passes over a line that a break cut short, and goes on after it", async () => {
    const place = fresh();
    const first = await Journal.open(place, JOB);
    await first.note("a", { state: "done" });
    await first.close();
    await appendFile(first.path, '{"key":"b","facts":{"sta');
    const second = await Journal.open(place, JOB);
    expect([...second.facts.keys()]).toEqual(["a"]);
    await second.note("c", { state: "done" });
    await second.close();
    const third = await Journal.open(place, JOB);
    expect([...third.facts.keys()]).toEqual(["a", "c"]);
    await third.close();
  });

  it("that is damaged or of another job is begun anew", async () => {
    const place = fresh();
    const first = await Journal.open(place, JOB);
    await first.discard();
    await appendFile(first.path, "something else\n");
    const second = await Journal.open(place, JOB);
    expect([...second.facts]).toEqual([]);
    await second.close();
    expect(await readFile(second.path, "utf8")).toMatch(/^\{"porthole":"journal","version":1,/);
  });

  it("is written anew when most of it holds no more", async () => {
    const place = fresh();
    const first = await Journal.open(place, JOB);
    for (let at = 0; at < 1100; at++) await first.note("a", { at });
    await first.close();
    const second = await Journal.open(place, JOB);
    expect([...second.facts]).toEqual([["a", { at: 1099 }]]);
    await second.close();
    expect((await readFile(second.path, "utf8")).split("\n")).toHaveLength(3);
  });

  it("where none can be kept is an error of this side", async () => {
    await expect(Journal.open("/dev/null/state", JOB)).rejects.toMatchObject({ code: "local" });
  });
});
