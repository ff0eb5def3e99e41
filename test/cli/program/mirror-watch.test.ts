/** `porthole mirror --watch`: round after round, until Ctrl-C. */
import { readdir } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Sandbox, startSandbox } from "../../../fixtures/servers/sandbox.js";
import { objects, User, until } from "./program.js";

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
const source = (scheme: string) => (scheme === "pop3" ? sandbox.url("pop3") : `${sandbox.url("imap")}INBOX`);

async function send(subject: string): Promise<void> {
  const mail = ["--from", "a@x", "--to", "porthole@x", "--subject", subject, "--text", "hi", "-q"];
  expect((await user.run(["send", sandbox.url("smtp"), ...mail])).status).toBe(0);
}

async function countIn(box: string): Promise<number> {
  const names = await Promise.all(
    ["new", "cur"].map((part) => readdir(user.path(`${box}/${part}`)).catch(() => [])),
  );
  return names.flat().length;
}

describe("mirror --watch", () => {
  it.each([
    // So long nobody waits: it is the server that tells (IDLE).
    ["imap", "600", "2"],
    ["pop3", "0.2", "\\d+"],
  ])(
    "%s: takes what comes, reports each round, and ends with the sum on Ctrl-C, 130",
    async (scheme, every, rounds) => {
      const box = `box-${scheme}`;
      const job = ["mirror", source(scheme), `maildir:./${box}`, ...LOGIN, "--watch", "--interval", every];
      const running = user.start(job);
      await until(
        // What tells of news listens by then: no second round looks for what the first may have missed.
        () => / copied /.test(running.stderr),
        () => `a round: ${running.stderr}`,
      );
      const before = await countIn(box);
      await send(`fresh, by ${scheme}`);
      await until(
        async () => (await countIn(box)) === before + 1,
        () => `the new mail: ${running.stderr}`,
      );
      await until(
        () => /^1 copied .*, 0 removed, \d+ the same$/m.test(running.stderr),
        () => running.stderr,
      );
      running.child.kill("SIGINT");
      const { status, stderr } = await running.ended;
      expect(status).toBe(130);
      expect(stderr).toMatch(
        new RegExp(`^${rounds} rounds: ${before + 1} copied \\(\\S+\\), 0 removed$`, "m"),
      );
    },
  );

  it("a round that fails is told and tried again; a first one that fails ends it", async () => {
    const own = await startSandbox({ only: ["pop3"] });
    const url = own.url("pop3");
    const job = ["mirror", url, "maildir:./torn", ...LOGIN, "--watch", "--interval", "0.1", "--json"];
    const running = user.start(job);
    await running.says('"event":"done"');
    await own.close();
    await running.says('"event":"broken"');
    running.child.kill("SIGTERM");
    expect((await running.ended).status).toBe(130);
    const broken = objects(running.stdout).find(({ event }) => event === "broken");
    expect(broken).toMatchObject({ seconds: 1, error: { code: "connect" } });
    const never = await user.run(job);
    expect(never.status).toBe(4);
  });

  it("a refused login, a plan, and --interval alone end it at once", async () => {
    const to = "maildir:./none";
    const refused = await user.run(["mirror", source("imap"), to, "-u", "porthole:wrong", "--watch"]);
    expect(refused.status).toBe(7);
    const plan = await user.run(["mirror", source("imap"), to, ...LOGIN, "--watch", "--dry-run"]);
    expect([plan.status, plan.stderr]).toEqual([
      2,
      "porthole: a plan is printed once - --dry-run without --watch\n",
    ]);
    const alone = await user.run(["mirror", source("imap"), to, ...LOGIN, "--interval", "5"]);
    expect([alone.status, alone.stderr]).toEqual([
      2,
      "porthole: --interval is for rounds - --watch goes on, round after round\n",
    ]);
  });
});
