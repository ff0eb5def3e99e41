/** `porthole watch URL`. */
import { mkdir, readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Sandbox, startSandbox } from "../../../fixtures/servers/sandbox.js";
import { objects, User, until } from "./program.js";

let user: User;
let sandbox: Sandbox;

beforeAll(async () => {
  [user, sandbox] = await Promise.all([User.create(), startSandbox({ only: ["ftp"] })]);
});
afterAll(async () => {
  await sandbox.close();
  await user[Symbol.asyncDispose]();
});

const put = async (name: string) => {
  const { status } = await user.run(
    ["put", "-", `${sandbox.url("ftp")}incoming/${name}`, "-u", "porthole:sandbox", "--force"],
    { input: "fresh" },
  );
  expect(status).toBe(0);
};

const start = (...args: readonly string[]) =>
  user.start(["watch", `${sandbox.url("ftp")}incoming/`, "--interval", "0.1", "-v", ...args]);

describe("watch", () => {
  it("--json: an event a line; --exec gets it on its standard input; Ctrl-C is 130", async () => {
    const running = start("--json", "--exec", "cat >> events");
    await until(
      () => (running.stderr.match(/MLSD|LIST/g) ?? []).length > 1,
      () => running.stderr,
    );
    await put("a.txt");
    await running.says('"event":"new"');
    const [event] = objects(running.stdout);
    expect(event).toMatchObject({
      event: "new",
      type: "file",
      name: "a.txt",
      size: 5,
      url: `${sandbox.url("ftp")}incoming/a.txt`,
    });
    await until(
      async () => (await readFile(user.path("events"), "utf8").catch(() => "")).endsWith("\n"),
      () => "the command's file",
    );
    expect(objects(await readFile(user.path("events"), "utf8"))).toEqual([event]);
    running.child.kill("SIGINT");
    expect((await running.ended).status).toBe(130);
  });

  it("into a pipe: the event and the URL; a command that fails is told and the rest goes on", async () => {
    const running = start("--exec", "exit 3");
    await until(
      () => (running.stderr.match(/MLSD|LIST/g) ?? []).length > 1,
      () => running.stderr,
    );
    await put("b.txt");
    await running.says(`new ${sandbox.url("ftp")}incoming/b.txt\n`);
    await until(
      () => running.stderr.includes("--exec ended with status 3"),
      () => running.stderr,
    );
    await put("c.txt");
    await running.says("c.txt\n");
    running.child.kill("SIGINT");
    expect((await running.ended).status).toBe(130);
  });

  it("what is wrong at the start is told at once", async () => {
    const { status } = await user.run(["watch", "ftp://127.0.0.1:1/"]);
    expect(status).toBe(4);
    const flood = await user.run(["watch", sandbox.url("ftp"), "--interval", "0"]);
    expect(flood.status).toBe(2);
  });
});

describe("a name that is no host's", () => {
  it("is told at once, and how to write what is here by that name", async () => {
    await using user = await User.create();
    await mkdir(user.path("wd.invalid"));
    for (const verb of ["ls", "watch"]) {
      const { stderr, status } = await user.run([verb, "wd.invalid"]);
      expect(stderr).toBe(
        "porthole: http: no host is named 'wd.invalid' - a name alone is a host's: write ./wd.invalid for what is here\n",
      );
      expect(status).toBe(3);
    }
    const { stderr } = await user.run(["ls", "elsewhere.invalid"]);
    expect(stderr).toContain("check the spelling");
  });
});
