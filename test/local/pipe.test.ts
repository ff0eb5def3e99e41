/** Pipes and devices: waited for as long as somebody wants, and left at once. */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as wait } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { inFolder, opened } from "./opened.js";

const PROGRAM = "dist/program/porthole.js";

function pipeIn(folder: string): string {
  const path = join(folder, "pipe");
  execFileSync("mkfifo", [path]);
  return path;
}

describe("a pipe with a name", () => {
  it("is read from who comes to write, through silences, to their end", async () => {
    await inFolder(async (folder) => {
      await opened(pipeIn(folder), async ({ client, session }) => {
        const { path } = client.target(join(folder, "pipe"));
        const told = text((await session.read(path)).body);
        const writer = await open(join(folder, "pipe"), "w");
        await writer.write("one ");
        await wait(150);
        await writer.write("two");
        await writer.close();
        expect(await told).toBe("one two");
      });
    });
  });

  it("to which nobody comes is left with the session", async () => {
    await inFolder(async (folder) => {
      let told: Promise<unknown> = Promise.resolve();
      await opened(pipeIn(folder), async ({ client, session }) => {
        const { body } = await session.read(client.target(join(folder, "pipe")).path);
        told = text(body).catch((thrown: unknown) => thrown);
        await wait(20);
      });
      expect(await told).toMatchObject({ code: "aborted" });
    });
  });

  it("holds no program up that is told to stop", async () => {
    await inFolder(async (folder) => {
      const path = pipeIn(folder);
      const child = spawn(process.execPath, [PROGRAM, "get", path, "--max-time", "0.3"], { stdio: "ignore" });
      const [status] = await once(child, "exit");
      expect(status).toBe(6);
    });
  });
});
