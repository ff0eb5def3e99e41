/** A large file of a mirror that breaks off goes on where it was: within a run, and in the next. */
import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { objects, User } from "../cli/program/program.js";
import { prepareSandbox, sandbox } from "./served.js";

prepareSandbox();

let user: User;
beforeAll(async () => {
  user = await User.create();
});
afterAll(() => user[Symbol.asyncDispose]());

const MIB = 1024 ** 2;

/** Where each RETR of the file began, by what the dialogue shows. */
function begun(trace: string): number[] {
  const starts: number[] = [];
  let at = 0;
  for (const line of trace.split("\n")) {
    const rest = /C: REST (\d+)/.exec(line);
    if (rest !== null) at = Number(rest[1]);
    if (!line.includes("C: RETR") || !line.includes("large.bin")) continue;
    starts.push(at);
    at = 0;
  }
  return starts;
}

describe("a mirror whose large file breaks off", () => {
  it("keeps what came, and goes on from there", async () => {
    await sandbox({ cutAfterBytes: 2 * MIB }, async ({ url }) => {
      const folder = user.path("broken");
      const args = ["mirror", `${url}/pub`, folder, "--include", "large.bin", "--json", "-v"];
      const first = await user.run(args);
      expect([first.status, objects(first.stdout).at(-1)]).toMatchObject([13, { copied: 0, failed: 1 }]);
      expect((await readdir(folder)).sort()).toEqual([
        ".large.bin.porthole-part",
        ".large.bin.porthole-part.json",
      ]);
      const kept = (await readFile(`${folder}/.large.bin.porthole-part`)).length;
      expect(kept).toBeGreaterThanOrEqual(MIB);
      const second = await user.run([...args, "--retry", "3"]);
      expect([second.status, objects(second.stdout).at(-1)]).toMatchObject([0, { copied: 1, failed: 0 }]);
      const starts = begun(second.stderr);
      expect(starts[0]).toBe(kept);
      // No octet is fetched twice but the ones the disk did not have yet.
      expect(starts).toEqual([...starts].sort((a, b) => a - b));
      expect(new Set(starts).size).toBe(starts.length);
      expect(await readdir(folder)).toEqual(["large.bin"]);
      const whole = await user.run(["get", `${url}/pub/large.bin`, "-o", user.path("whole"), "--retry", "5"]);
      expect(whole.status).toBe(0);
      expect((await readFile(`${folder}/large.bin`)).equals(await readFile(user.path("whole")))).toBe(true);
      const third = await user.run(args);
      expect(objects(third.stdout).at(-1)).toMatchObject({ copied: 0, same: 1 });
    });
  }, 60_000);

  it("goes on where the user stopped it", async () => {
    await sandbox({ bytesPerSecond: 2 * MIB }, async ({ url }) => {
      const folder = user.path("stopped");
      const args = ["mirror", `${url}/pub`, folder, "--include", "large.bin", "--json", "-v"];
      const running = user.start(args);
      while (!existsSync(`${folder}/.large.bin.porthole-part.json`)) {
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      running.child.kill("SIGINT");
      expect((await running.ended).status).toBe(130);
      const kept = (await readFile(`${folder}/.large.bin.porthole-part`)).length;
      expect(kept).toBeGreaterThanOrEqual(MIB);
      const second = await user.run(args);
      expect(second.status).toBe(0);
      expect(begun(second.stderr)).toEqual([kept]);
      expect(await readdir(folder)).toEqual(["large.bin"]);
    });
  }, 60_000);
});
