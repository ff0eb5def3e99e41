/** `porthole telnet run` as it is typed: what only the built program can get wrong. */
import { readdir, readFile, writeFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Sandbox, startSandbox } from "../../../fixtures/servers/sandbox.js";
import { objects, User } from "./program.js";

let user: User;
let sandbox: Sandbox;

beforeAll(async () => {
  [user, sandbox] = await Promise.all([User.create(), startSandbox({ only: ["telnet"] })]);
});

afterAll(async () => {
  await sandbox.close();
  await user[Symbol.asyncDispose]();
});

const run = (...args: readonly string[]) =>
  user.run(["telnet", "run", ...args], { environment: { PORTHOLE_PASSWORD: "sandbox" } });

it("has a module lead the conversation, and prints what it gives back on a line of its own", async () => {
  const script = `export default async (talk, { url }) => {
    await talk.expect("harbour$ ");
    const { output } = await talk.runCommand("size", "harbour$ ");
    return output.trim();
  };`;
  await writeFile(user.path("size of it.mjs"), script);
  const args = [sandbox.url("telnet"), "--login", "porthole", "--window", "101x33"];
  const { status, stdout } = await run(...args, "--script", "size of it.mjs");
  expect([status, stdout.split("\n").slice(-2)]).toEqual([0, ["101 33", ""]]);
});

it("has a line for each host, and blames none of several for the whole", async () => {
  await writeFile(user.path("hosts"), `${sandbox.url("telnet")}\ntelnet://127.0.0.1:1\n`);
  const { status, stdout, stderr } = await run("--hosts", "hosts", "--json", "--expect", "login:");
  expect(status).toBe(13);
  expect(objects(stdout)).toHaveLength(2);
  expect(objects(stderr)).toEqual([
    { error: { code: "partial", exit: 13, protocol: "telnet", message: "1 of 2 hosts failed" } },
  ]);
});

it("takes a module in TypeScript, with what it imports, and leaves nothing beside it", async () => {
  await writeFile(user.path("words.mjs"), 'export const PROMPT = "harbour$ ";\n');
  const script = `import { PROMPT } from "./words.mjs";
  interface Talk { runCommand(words: string, prompt: string): Promise<{ output: string }>; expect(words: string): Promise<unknown> }
  export default async (talk: Talk): Promise<string> => {
    await talk.expect(PROMPT);
    const { output } = await talk.runCommand("echo typed" as string, PROMPT);
    return output.trim();
  };`;
  await writeFile(user.path("typed.ts"), script);
  const { status, stdout } = await run(sandbox.url("telnet"), "--login", "porthole", "--script", "typed.ts");
  expect([status, stdout.split("\n").slice(-2)]).toEqual([0, ["typed", ""]]);
  expect((await readdir(user.folder)).filter((name) => name.startsWith(".typed"))).toEqual([]);
  await writeFile(user.path("wrong.ts"), "export default async (talk: ) => {};");
  const wrong = await run(sandbox.url("telnet"), "--script", "wrong.ts");
  expect([wrong.status, wrong.stderr]).toEqual([2, expect.stringContaining("wrong.ts cannot be loaded")]);
});

it("says what is wrong with a module", async () => {
  await writeFile(user.path("broken.mjs"), "export default 1 +");
  await writeFile(user.path("empty.mjs"), "export const talk = 1;");
  const broken = await run(sandbox.url("telnet"), "--script", "broken.mjs");
  expect([broken.status, broken.stderr]).toEqual([2, expect.stringContaining("broken.mjs cannot be loaded")]);
  const empty = await run(sandbox.url("telnet"), "--script", "empty.mjs");
  expect([empty.status, empty.stderr]).toEqual([
    2,
    expect.stringContaining("exports no function by default"),
  ]);
  expect((await run(sandbox.url("telnet"), "--script", "none.mjs")).status).toBe(12);
});

it("talks to many hosts, one result a line, and needs no URL for that", async () => {
  await writeFile(user.path("hosts"), `${sandbox.url("telnet")}\n# none\n127.0.0.1:9\n`);
  const args = ["--hosts", "hosts", "--jobs", "2", "--login", "porthole", "--send", "echo up", "--json"];
  const { status, stdout } = await run(...args, "--settle", "0.2");
  expect(status).toBe(13);
  const results = objects(stdout).toSorted((one, two) => Number(one["ok"]) - Number(two["ok"]));
  expect(results).toMatchObject([
    { url: "telnet://127.0.0.1:9", ok: false, error: { code: "connect" } },
    { ok: true, output: expect.stringContaining("echo up\r\nup\r\n") },
  ]);
  expect(await run()).toMatchObject({ status: 2, stderr: expect.stringContaining("which host?") });
});

it("keeps the whole log of a session, with control characters made visible or as they are", async () => {
  const input = "porthole\nsandbox\nhostile escapes\nexit\n";
  for (const flags of [[], ["--log-raw"]]) {
    for (let times = 0; times < 4; times++) {
      const log = user.path(`log-${flags.length}-${times}`);
      const { status, stdout } = await user.run([sandbox.url("telnet"), "--log", log, ...flags], { input });
      expect(status).toBe(0);
      const kept = await readFile(log, "utf8");
      if (flags.length > 0) expect(kept).toBe(stdout);
      else {
        expect(kept).toContain("Fair winds.");
        expect(kept.replaceAll("\n", "")).not.toMatch(/\p{Cc}/u);
      }
    }
  }
});
