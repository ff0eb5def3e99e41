import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { makeTlsMaterial } from "../../fixtures/servers/certificate.js";
import { Maildrop } from "../../fixtures/servers/maildrop.js";
import { startPop3 } from "../../fixtures/servers/pop3.js";
import { Client } from "../../src/client.js";
import { mirror } from "../../src/verbs/mirror.js";
import type { MirrorEvent } from "../../src/verbs/mirror-events.js";

const mount = (...words: readonly string[]) => spawnSync("mount", words).status === 0;

/** Whether a small file system may be mounted: root may, outside of most containers. */
async function smallDisc(): Promise<string | undefined> {
  const folder = await mkdtemp(join(tmpdir(), "porthole-full-"));
  if (process.getuid?.() === 0 && mount("-t", "tmpfs", "-o", "size=1m", "tmpfs", folder)) return folder;
  await rm(folder, { recursive: true });
  return undefined;
}

it("a disc that is full in the middle of a backup: that message is not counted and not removed, and comes when there is room", async (context) => {
  const disc = await smallDisc();
  if (disc === undefined) {
    context.skip("no file system can be mounted here");
    return;
  }
  const mails = [100, 200, 2_000_000, 300].map((size, at) => ({
    uid: `u${at}`,
    raw: Buffer.from(`Subject: ${at}\r\nMessage-ID: <${at}@x.example>\r\n\r\n${"x".repeat(size)}\r\n`),
  }));
  const maildrop = new Maildrop(undefined, mails);
  const server = await startPop3({ tls: await makeTlsMaterial(), maildrop, onArrival: () => undefined });
  const state = await mkdtemp(join(tmpdir(), "porthole-full-state-"));
  try {
    await mkdir(join(disc, "mail"));
    const client = new Client({
      credentials: async () => ({ user: "porthole", password: "sandbox", kind: "password" }),
    });
    const run = async () => {
      const failures: string[] = [];
      let report: MirrorEvent | undefined;
      const from = server.urls[0]?.url ?? "";
      const to = `maildir:${join(disc, "mail")}`;
      for await (const event of mirror({ client, from, to, deleteAfter: 0, stateFolder: state })) {
        if (event.event === "failed") failures.push(event.error.message);
        report = event;
      }
      return { failures, report };
    };
    const first = await run();
    expect(first.report).toMatchObject({ copied: 3, removed: 3, failed: 1 });
    expect(first.failures).toEqual([expect.stringMatching(/: no room left on the device$/)]);
    expect(maildrop.mails.map(({ uid }) => uid)).toEqual(["u2"]);
    expect(await readdir(join(disc, "mail", "tmp"))).toEqual([]);
    expect(mount("-o", "remount,size=8m", disc)).toBe(true);
    expect((await run()).report).toMatchObject({ copied: 1, removed: 1, failed: 0 });
    expect(maildrop.mails).toEqual([]);
  } finally {
    await server.close();
    spawnSync("umount", [disc]);
    await Promise.all([disc, state].map((folder) => rm(folder, { recursive: true, force: true })));
  }
}, 60_000);
