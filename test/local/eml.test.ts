import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { all, failing, inFolder, names, opened, source } from "./opened.js";

const MAIL = "Subject: The light\r\nDate: 1 Jan 2026 12:00:00 +0000\r\nFrom: a@b\r\n\r\nIt is on.\r\n";

describe("eml files", () => {
  it("are messages, each by itself", async () => {
    await inFolder(async (folder) => {
      await writeFile(join(folder, "a mail.eml"), MAIL);
      await opened(`eml:${folder}/a%20mail.eml`, async ({ session, contentOf }) => {
        const path = `${folder}/a%20mail.eml`;
        expect(session.kindOf?.(path)).toBe("message");
        expect(await session.stat(path)).toMatchObject({
          url: `eml://${path}`,
          name: "The light",
          kind: "message",
          size: MAIL.length,
          meta: { from: "a@b", file: "a mail.eml" },
        });
        expect(await contentOf(path)).toBe(MAIL);
        expect(await names(session.list(path))).toEqual(["part-1.txt"]);
        expect(await contentOf(`${path}/;SECTION=1`)).toBe("It is on.\r\n");
        await expect(session.read(`${folder}/lost.eml`)).rejects.toMatchObject({ code: "missing", exit: 12 });
      });
    });
  });

  it("make a folder a mailbox, where messages get names of their own", async () => {
    await inFolder(async (folder) => {
      await writeFile(join(folder, "notes.txt"), "no message");
      await mkdir(join(folder, "inner"));
      await opened(`eml:${folder}/`, async ({ session }) => {
        const entry = await session.write(`${folder}/`, source(MAIL));
        expect(entry.url).toBe(`eml://${folder}/2026-01-01-120000%20The%20light.eml`);
        await session.write(folder, source(MAIL));
        await session.write(`${folder}/inner/`, source("Subject: ../../x\n\n"));
        expect(await readdir(folder)).toEqual([
          "2026-01-01-120000 The light (2).eml",
          "2026-01-01-120000 The light.eml",
          "inner",
          "notes.txt",
        ]);
        expect(await names(session.list(folder))).toEqual(["The light", "The light", "inner"]);
        expect(await names(session.list(folder, { recursive: true }))).toEqual([
          "The light",
          "The light",
          "inner",
          "inner/../../x",
        ]);
        await expect(session.write(folder, { body: failing() })).rejects.toThrow("the source ran dry");
        expect(await readdir(folder)).toHaveLength(4);
        expect(await names(session.search(folder, "LIGHT"))).toEqual(["The light", "The light"]);
      });
    });
  });

  it("are written whole, moved and removed", async () => {
    await inFolder(async (folder) => {
      await opened(`eml:${folder}/`, async ({ session }) => {
        await session.write(`${folder}/x.eml`, source(MAIL));
        await expect(session.write(`${folder}/x.eml`, source("y"))).rejects.toMatchObject({
          code: "local",
          exit: 12,
        });
        expect(await readFile(join(folder, "x.eml"), "latin1")).toBe(MAIL);
        await session.makeFolder(`${folder}/done`);
        await session.move(`${folder}/x.eml`, `${folder}/done`);
        expect(await readdir(join(folder, "done"))).toEqual(["x.eml"]);
        await session.remove(`${folder}/done`, { recursive: true });
        expect(await all(session.list(folder))).toEqual([]);
      });
    });
  });
});
