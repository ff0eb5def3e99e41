/**
 * The process is killed at random points of a copy or a mirror; a second run of the same command does the rest, and
 * nothing is lost, doubled or torn. PORTHOLE_KILL_ROUNDS says how often; 20 times when it is not set.
 */
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { FileTree } from "../../fixtures/servers/files.js";
import { User } from "../cli/program/program.js";
import { numbered } from "../cli/program/web.js";
import { filesOf, ftpOf, httpOf, type Place, treeOf } from "./places.js";

const ROUNDS = Number(process.env["PORTHOLE_KILL_ROUNDS"] ?? 20);
const FILES = {
  "large.bin": numbered(3 * 1024 * 1024),
  "a/second.bin": numbered(1024 * 1024),
  ...Object.fromEntries(Array.from({ length: 12 }, (_, at) => [`b/${at}.txt`, `number ${at}\n`])),
};
const WANTED: Record<string, string> = Object.fromEntries(
  Object.entries(FILES).map(([path, content]) => [path, Buffer.from(content).toString("latin1")]),
);

let user: User;
let source: Place;
let web: Place;
let target: Place;

beforeAll(async () => {
  user = await User.create();
  source = await ftpOf(treeOf(FILES), { delayMs: 3 });
  web = await httpOf(treeOf(FILES));
  target = await ftpOf(treeOf({}), { delayMs: 3 });
  for (const [path, content] of Object.entries(FILES)) {
    await mkdir(dirname(user.path(join("here", path))), { recursive: true });
    await writeFile(user.path(join("here", path)), content);
  }
});

afterAll(async () => {
  for (const place of [user, source, web, target]) await place[Symbol.asyncDispose]();
});

interface Job {
  readonly args: readonly string[];
  /** What is there in the end, by path. */
  readonly result: () => Promise<Record<string, string>>;
  readonly wanted: Record<string, string>;
}

async function here(folder: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  const entries = existsSync(folder) ? await readdir(folder, { recursive: true, withFileTypes: true }) : [];
  for (const entry of entries) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    found[path.slice(folder.length + 1)] = (await readFile(path)).toString("latin1");
  }
  return found;
}

function there(tree: FileTree, folder: string): Record<string, string> {
  return tree.find(folder) === undefined ? {} : filesOf(tree, folder);
}

function jobs(name: string): readonly Job[] {
  const up = async () => there(target.tree, `/${name}`);
  const down = () => here(user.path(name));
  const large = { "large.bin": WANTED["large.bin"] ?? "" };
  target.tree.makeFolder(`/${name}`);
  return [
    { args: ["cp", `${web.url}large.bin`, `${target.url}${name}/`], result: up, wanted: large },
    { args: ["cp", "-r", source.url, `./${name}`], result: down, wanted: WANTED },
    { args: ["cp", "-r", "./here", `${target.url}${name}/x`], result: up, wanted: below("x", WANTED) },
    { args: ["mirror", source.url, `./${name}`], result: down, wanted: WANTED },
    { args: ["mirror", source.url, `${target.url}${name}`, "--jobs", "3"], result: up, wanted: WANTED },
    { args: ["mirror", "./here", `${target.url}${name}`, "--jobs", "2"], result: up, wanted: WANTED },
  ];
}

function isWhole(result: Record<string, string>, wanted: Record<string, string>): boolean {
  const paths = Object.keys(wanted);
  return Object.keys(result).length === paths.length && paths.every((path) => result[path] === wanted[path]);
}

function below(folder: string, files: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(files).map(([path, content]) => [`${folder}/${path}`, content]));
}

describe("a process that is killed", () => {
  it.each(Array.from({ length: ROUNDS }, (_, round) => round))(
    "round %i",
    { timeout: 60_000 },
    async (round) => {
      const name = `round-${round}`;
      const all = jobs(name);
      const job = all[round % all.length];
      if (job === undefined) throw new Error("no job");
      // Starting takes some 150 ms, the whole about half a second.
      const after = 100 + Math.random() * 500;
      // Quiet: the password in the URL would be warned of.
      const args = [...job.args, "-q"];
      const first = user.start(args);
      await Promise.race([wait(after), first.ended]);
      first.child.kill("SIGKILL");
      const { signal, status, stderr } = await first.ended;
      if (signal === "SIGKILL") {
        // Killed after all was done and before it could say so: then the second copy finds its place taken.
        const wasWhole = job.args[0] === "cp" && isWhole(await job.result(), job.wanted);
        const second = await user.run(args);
        const isTaken = wasWhole && second.status === 12 && /exists already/.test(second.stderr);
        if (!isTaken) expect([second.status, second.stderr], `killed after ${after} ms`).toEqual([0, ""]);
      } else expect([status, stderr]).toEqual([0, ""]);
      const result = await job.result();
      expect(Object.keys(result).sort()).toEqual(Object.keys(job.wanted).sort());
      for (const [path, content] of Object.entries(job.wanted))
        expect(result[path] === content, path).toBe(true);
      // A tree holds so much; hundreds of rounds are more.
      const { tree } = target;
      for (const path of Object.keys(filesOf(tree, `/${name}`))) tree.removeFile(`/${name}/${path}`);
    },
  );
});
