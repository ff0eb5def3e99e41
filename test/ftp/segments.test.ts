/** One large file over several connections, by the program itself. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { generatedContent } from "../../fixtures/servers/content.js";
import type { FtpOptions } from "../../fixtures/servers/ftp.js";
import { type Ended, User, until } from "../cli/program/program.js";
import { prepareSandbox, type Sandbox, sandbox } from "./served.js";

prepareSandbox();

const MIB = 1024 ** 2;
const LARGE = generatedContent(5 * MIB).slice(0, 5 * MIB);

let user: User;
beforeAll(async () => {
  user = await User.create();
});
afterAll(() => user[Symbol.asyncDispose]());

async function got(
  options: Partial<FtpOptions>,
  args: readonly string[],
  act: (ended: Ended, server: Sandbox) => Promise<void>,
): Promise<void> {
  await sandbox(options, async (server) => {
    const ended = await user.run(["get", `${server.url}/pub/large.bin`, "--force", ...args]);
    await act(ended, server);
  });
}

/** What the transcript has after REST. */
function offsets(stderr: string): number[] {
  return [...stderr.matchAll(/ C: REST (\d+)/g)].map(([, octets]) => Number(octets)).sort((a, b) => a - b);
}

describe("get of several files", () => {
  const names = ["exact.bin", "large.bin", "logbook.txt", "tides.csv", "empty.txt", "charts/bay.txt"];

  it("goes on with as many sessions as the server gives", async () => {
    await sandbox({ mostSessions: 2, delayMs: 5 }, async ({ url }) => {
      const urls = names.map((name) => `${url}/pub/${name}`);
      const { status, stderr } = await user.run(["get", ...urls, "-d", "several", "--jobs", "4", "-v"]);
      expect([status, stderr]).toEqual([0, expect.stringContaining("421 Too many connections.")]);
      const last = names.map((name) => name.replace(/.*\//, ""));
      expect((await readdir(user.path("several"))).sort()).toEqual(last.sort());
      expect((await readFile(user.path("several/large.bin"))).equals(LARGE)).toBe(true);
    });
  });

  it("goes on when one of them is not there, though the server gives one session alone", async () => {
    await sandbox({ mostSessions: 1, delayMs: 5 }, async ({ url }) => {
      const urls = ["none.bin", ...names].map((name) => `${url}/pub/${name}`);
      const { status, stderr } = await user.run(["get", ...urls, "-d", "others", "--jobs", "4"]);
      expect(stderr.match(/ftp:\/\//g)).toHaveLength(1);
      expect([status, stderr]).toEqual([13, expect.stringContaining("none.bin")]);
      expect(await readdir(user.path("others"))).toHaveLength(names.length);
    });
  });

  it("fails with each of them when the server gives none", async () => {
    await sandbox({ mostSessions: 0 }, async ({ url }) => {
      const urls = names.map((name) => `${url}/pub/${name}`);
      const { status, stderr } = await user.run(["get", ...urls, "-d", "none", "--jobs", "4"]);
      expect(status).toBe(10);
      expect(stderr.match(/421 Too many connections/g)).toHaveLength(names.length);
    });
  });
});

describe("get --segments", () => {
  it("begins each part where the one before it ends", async () => {
    await got({}, ["-o", "parts", "--segments", "4", "-v"], async ({ status, stderr }) => {
      expect(status).toBe(0);
      expect((await readFile(user.path("parts"))).equals(LARGE)).toBe(true);
      const share = LARGE.length / 4;
      expect(offsets(stderr)).toEqual([share, 2 * share, 3 * share]);
    });
  });

  it("goes on with as many sessions as the server gives", async () => {
    await got({ mostSessions: 2 }, ["-o", "fewer", "--segments", "4"], async ({ status, stderr }) => {
      expect(status).toBe(0);
      expect(stderr).toContain("421 Too many connections.");
      expect(stderr).toContain("2 of 4 connections go on");
      expect((await readFile(user.path("fewer"))).equals(LARGE)).toBe(true);
    });
  });

  it("compares the whole with --verify, and keeps nothing when it differs", async () => {
    await got({}, ["-o", "right", "--segments", "3", "--verify", "-v"], async ({ status, stderr }) => {
      expect(status).toBe(0);
      expect(stderr).toMatch(/ C: (HASH|XSHA\d+) \/pub\/large\.bin/);
      expect((await readFile(user.path("right"))).equals(LARGE)).toBe(true);
    });
    const args = ["-o", "wrong", "--segments", "3", "--verify"];
    await got({ falseHashes: true }, args, async ({ status, stderr }) => {
      expect([status, stderr]).toEqual([11, expect.stringContaining("the checksum is wrong")]);
      expect((await readdir(user.folder)).filter((name) => name.includes("wrong"))).toEqual([]);
    });
  });

  it("stopped by the user goes on where each part was", async () => {
    const file = user.path("stopped");
    const part = join(user.folder, ".stopped.porthole-part");
    await sandbox({ bytesPerSecond: 600_000 }, async ({ url }) => {
      const args = ["get", `${url}/pub/large.bin`, "-o", file, "--segments", "4", "-v"];
      const running = user.start(args);
      await until(
        async () => (await readFile(part).catch(() => Buffer.alloc(0))).length > 4 * MIB,
        () => "some of the last part",
      );
      running.child.kill("SIGINT");
      expect((await running.ended).status).toBe(130);
      const { gaps } = JSON.parse(await readFile(`${part}.json`, "utf8"));
      expect(gaps).toHaveLength(4);
      const { status, stderr } = await user.run([...args, "--resume"]);
      expect(status).toBe(0);
      expect(offsets(stderr)).toEqual(gaps.map(([from]: readonly number[]) => from).filter(Boolean));
      expect((await readFile(file)).equals(LARGE)).toBe(true);
    });
  });
});
