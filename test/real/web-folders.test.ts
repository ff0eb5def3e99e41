/** Folders that web servers list by themselves: nginx's index pages, mirrored and copied as files. */
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Client } from "../../src/client.js";
import type { Entry, Session } from "../../src/plugin.js";
import { cp } from "../../src/verbs/cp.js";
import { type MirrorReport, mirror } from "../../src/verbs/mirror.js";
import { hasNginx, type Nginx, startNginx } from "./nginx.js";

const THERE = hasNginx();
if (!THERE) process.stdout.write("nginx is not installed: its index pages are not tried\n");

const DATE = new Date("2026-02-03T04:05:00Z");

describe.skipIf(!THERE)("nginx's index pages", () => {
  let server: Nginx;
  const folder = mkdtempSync(join(tmpdir(), "porthole-web-folders-"));

  beforeAll(async () => {
    server = await startNginx((root) => {
      mkdirSync(join(root, "pub", "charts", "empty"), { recursive: true });
      for (const [name, text] of [
        [
          "a long name that nginx would cut in the middle of it, for it has more than fifty octets.txt",
          "long",
        ],
        ["H\u00e4fen & <x>.txt", "odd"],
        ["charts/bay.bin", "x".repeat(5000)],
        ["charts/page.html", "<a href=../>up</a>"],
      ] as const) {
        writeFileSync(join(root, "pub", name), text);
        utimesSync(join(root, "pub", name), DATE, DATE);
      }
    });
  });
  afterAll(async () => {
    await server?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const use = <T>(act: (session: Session) => Promise<T>): Promise<T> => {
    const client = new Client();
    return client.use(client.target(`${server.url}/pub/`), act);
  };

  it("are listed with exact sizes and dates, whatever the names", async () => {
    const entries = await use(async (session) => {
      const found: Entry[] = [];
      for await (const entry of session.list?.("/pub/") ?? []) found.push(entry);
      // The order is the server's.
      return found.sort((a, b) => (a.name < b.name ? -1 : 1));
    });
    expect(entries.map(({ name, kind, size }) => [name, kind, size])).toEqual([
      ["H\u00e4fen & <x>.txt", "file", 3],
      [
        "a long name that nginx would cut in the middle of it, for it has more than fifty octets.txt",
        "file",
        4,
      ],
      ["charts", "directory", undefined],
    ]);
    expect(entries[1]?.modified).toEqual(DATE);
    const [first] = entries.slice(1);
    const text = await use(
      async (session) => (await session.read?.(new URL(first?.url ?? "").pathname))?.total,
    );
    expect(text).toBe(4);
  });

  it("are mirrored as folders, and stay the same the second time", async () => {
    const to = join(folder, "mirror");
    const reports: MirrorReport[] = [];
    for (let run = 0; run < 2; run++) {
      for await (const event of mirror({ client: new Client(), from: `${server.url}/pub/`, to, jobs: 2 })) {
        if (event.event === "done") reports.push(event);
      }
    }
    expect(reports.map(({ copied, same, failed }) => [copied, same, failed])).toEqual([
      [4, 0, 0],
      [0, 4, 0],
    ]);
    expect(readdirSync(join(to, "charts")).sort()).toEqual(["bay.bin", "empty", "page.html"]);
    expect(readFileSync(join(to, "charts", "page.html"), "utf8")).toBe("<a href=../>up</a>");
  });

  it("are copied by cp -r", async () => {
    const to = join(folder, "copy");
    const client = new Client();
    for await (const event of cp({ client, from: [`${server.url}/pub/`], to, recursive: true })) {
      expect(event.event).not.toBe("failed");
    }
    expect(readFileSync(join(to, "charts", "bay.bin"), "utf8")).toHaveLength(5000);
  });
});
