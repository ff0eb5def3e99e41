/** `--max-size` of `mirror` and `cp`, over POP3 and IMAP. */
import { readdir } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Sandbox, startSandbox } from "../../../fixtures/servers/sandbox.js";
import { objects, User } from "./program.js";

let user: User;
let sandbox: Sandbox;

beforeAll(async () => {
  [user, sandbox] = await Promise.all([User.create(), startSandbox({ only: ["smtp", "pop3", "imap"] })]);
});
afterAll(async () => {
  await sandbox.close();
  await user[Symbol.asyncDispose]();
});

const LOGIN = ["-u", "porthole:sandbox"];
const filesIn = async (box: string) =>
  (await Promise.all(["new", "cur"].map((part) => readdir(user.path(`${box}/${part}`))))).flat();

describe.each(["pop3", "imap"])("--max-size over %s", (scheme) => {
  const source = () => (scheme === "pop3" ? sandbox.url("pop3") : `${sandbox.url("imap")}INBOX`);

  it("passes over what is larger, counts it, and takes it when it may: exit 0", async () => {
    const listed = objects((await user.run(["ls", source(), ...LOGIN, "--json"])).stdout);
    const sizes = listed.map(({ size }) => Number(size)).sort((a, b) => a - b);
    const bound = Number(sizes.at(-2));
    const larger = sizes.filter((size) => size > bound).length;
    expect(larger).toBe(1);
    const job = ["mirror", source(), `maildir:./box-${scheme}`, ...LOGIN];
    const plan = await user.run([...job, "--max-size", String(bound), "--dry-run"]);
    expect(plan.stdout.match(/^large\t/gm)).toHaveLength(larger);
    expect(plan.stderr).toMatch(/^nothing was changed, 0 the same, 1 larger than \S+ passed over$/m);
    const first = await user.run([...job, "--max-size", String(bound), "-v"]);
    expect(first.status).toBe(0);
    expect(first.stderr).toMatch(/ copied \(\S+\), 0 removed, 0 the same, 1 larger than \S+ passed over$/m);
    expect(await filesIn(`box-${scheme}`)).toHaveLength(sizes.length - 1);
    // Nobody asked for it: as many were fetched as came.
    if (scheme === "pop3") expect(first.stderr.match(/C: RETR /g)).toHaveLength(sizes.length - 1);
    const low = await user.run([...job, "--max-size", "10", "--json", "-q"]);
    expect(objects(low.stdout).at(-1)).toMatchObject({ copied: 0, same: sizes.length - 1, large: 1 });
    const last = await user.run([...job, "--max-size", "1G"]);
    expect(last.stderr).toMatch(/^1 copied \(\S+\), 0 removed, \d+ the same$/m);
    expect(await filesIn(`box-${scheme}`)).toHaveLength(sizes.length);
  });

  it("cp: one message that is larger is no failure, and is told", async () => {
    const [{ url } = {}] = objects((await user.run(["ls", source(), ...LOGIN, "--json"])).stdout);
    const to = `maildir:./one-${scheme}`;
    const ended = await user.run(["cp", String(url), to, ...LOGIN, "--max-size", "10"]);
    expect([ended.status, ended.stdout]).toEqual([0, ""]);
    expect(ended.stderr).toBe("porthole: 1 larger than 10 passed over\n");
    const taken = await user.run(["cp", String(url), to, ...LOGIN, "--max-size", "1G"]);
    expect([taken.status, taken.stderr]).toEqual([0, ""]);
    expect(await filesIn(`one-${scheme}`)).toHaveLength(1);
  });
});

it("a bound that is no size is wrong usage, before anything is sent", async () => {
  for (const word of ["mirror", "cp"]) {
    const ended = await user.run([word, sandbox.url("pop3"), "maildir:./x", "--max-size", "big"]);
    expect([ended.status, ended.stderr]).toEqual([
      2,
      "porthole: --max-size: 'big' is not a size - write 1500, 64k or 2.5M\n",
    ]);
  }
});
