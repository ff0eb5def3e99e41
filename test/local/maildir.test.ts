import { mkdir, readdir, readFile, rename, stat, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { all, failing, inFolder, names, opened, source } from "./opened.js";

const mail = (subject: string) =>
  `From: ann@example.org\r\nSubject: ${subject}\r\n\r\nText of ${subject}.\r\n`;

/** A Maildir with these messages, by file: `cur/1.a:2,S`. */
async function maildir(path: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const sub of ["cur", "new", "tmp"]) await mkdir(join(path, sub), { recursive: true });
  for (const [file, text] of Object.entries(files)) await writeFile(join(path, file), text);
}

describe("a Maildir", () => {
  it("lists its messages in the order they came, with flags, sender, subject and date", async () => {
    await inFolder(async (folder) => {
      await maildir(folder, {
        "cur/1700000010.b:2,FRS":
          "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\nFrom: a@b\nDate: 1 Jan 2026 00:00:00 +0000\nMessage-ID: <1@x>\n\n",
        "new/1700000009.a": mail("first"),
        "cur/1700000011.c,S=12:2,a": mail(""),
        "cur/.hidden": "",
      });
      await opened(`maildir:${folder}`, async ({ session }) => {
        const entries = await all(session.list(folder));
        expect(entries).toMatchObject([
          {
            url: `maildir://${folder}/;UID=1700000009.a`,
            name: "first",
            kind: "message",
            type: "message/rfc822",
            meta: { flags: [], recent: true },
          },
          {
            url: `maildir://${folder}/;UID=1700000010.b`,
            name: "Grüße",
            meta: {
              flags: ["\\Flagged", "\\Answered", "\\Seen"],
              from: "a@b",
              date: "2026-01-01T00:00:00.000Z",
              messageId: "<1@x>",
            },
          },
          { url: `maildir://${folder}/;UID=1700000011.c,S=12`, name: "(no subject)", meta: { flags: [] } },
        ]);
        expect(await session.stat(folder)).toMatchObject({
          kind: "mailbox",
          meta: { messages: 3, unseen: 2 },
        });
      });
    });
  });

  it("lists its messages as threads, with --thread: mailboxes first", async () => {
    await inFolder(async (folder) => {
      const answer = (subject: string, id: string, to: string) =>
        `Subject: ${subject}\nMessage-ID: <${id}@x>\nReferences: <lost@x> <${to}@x>\n\n`;
      await maildir(folder, {
        "cur/1.a:2,S": "Subject: Lights\nMessage-ID: <a@x>\n\n",
        "cur/2.b:2,S": mail("Boats"),
        "cur/3.c:2,": answer("These lights", "c", "a"),
        "new/4.d": answer("More of them", "d", "c"),
      });
      await maildir(join(folder, ".Sent"), {});
      const threaded = async (url: string) => {
        let shown: unknown[] = [];
        await opened(
          url,
          async ({ session, client }) => {
            const entries = await all(session.list(client.target(url).path));
            shown = entries.map(({ name, meta }) => [meta["depth"], name]);
          },
          { options: { thread: true } },
        );
        return shown;
      };
      const told = [
        [0, "Lights"],
        [1, "  These lights"],
        [2, "    More of them"],
        [0, "Boats"],
      ];
      expect(await threaded(`maildir:${folder}`)).toEqual([[undefined, "Sent"], ...told]);
      const mbox = join(folder, "all.mbox");
      const texts = ["Subject: Lights\nMessage-ID: <a@x>\n\n", mail("Boats").replaceAll("\r", "")];
      texts.push(answer("These lights", "c", "a"), answer("More of them", "d", "c"));
      await writeFile(mbox, texts.map((text) => `From a@b Thu Jan  1 00:00:00 2026\n${text}\n`).join(""));
      expect(await threaded(`mbox:${mbox}`)).toEqual(told);
    });
  });

  it("keeps keywords as Dovecot does, in letters that each folder has for itself", async () => {
    await inFolder(async (folder) => {
      await maildir(folder, { "cur/1.a:2,Sbz": mail("one"), "dovecot-keywords": "1 Work\nrubbish\n26 No\n" });
      await maildir(join(folder, ".Other"), { "dovecot-keywords": "0 Private\n" });
      await opened(`maildir:${folder}`, async ({ session, pathOf }) => {
        const flagsAt = async (path: string) =>
          (await all(session.list(path, { brief: true })))
            .filter(({ kind }) => kind === "message")
            .map(({ meta }) => meta["flags"]);
        expect(await flagsAt(folder)).toEqual([["\\Seen", "Work"]]);
        const flags = ["\\Seen", "$Label1", "work", "$Forwarded", "not an atom", "\\Strange"];
        const entry = await session.write(folder, { ...source(mail("two")), flags });
        const kept = ["$Forwarded", "\\Seen", "$Label1", "Work"];
        expect(entry.meta["flags"]).toEqual(kept);
        expect(await readFile(join(folder, "dovecot-keywords"), "utf8")).toBe("0 $Label1\n1 Work\n");
        expect(await flagsAt(folder)).toEqual([["\\Seen", "Work"], kept]);
        // What is no keyword of this folder is another program's, and stays.
        const one = pathOf(
          (await all(session.list(folder, { brief: true }))).find(({ kind }) => kind === "message") ?? entry,
        );
        expect((await session.mark(one, ["$Label1"])).meta["flags"]).toEqual(["$Label1"]);
        expect((await readdir(join(folder, "cur"))).sort()[0]).toBe("1.a:2,az");
        const moved = await session.move(pathOf(entry), `${folder}/Other/`);
        expect(moved.meta["flags"]).toEqual(["$Forwarded", "\\Seen", "$Label1", "Work"]);
        expect(await readFile(join(folder, ".Other/dovecot-keywords"), "utf8")).toBe(
          "0 Private\n1 $Label1\n2 Work\n",
        );
        // There are letters for 26; what is more is left out, and the message kept.
        const many = Array.from({ length: 30 }, (_, at) => `k${at}`);
        const full = await session.write(`${folder}/Other`, { ...source(mail("three")), flags: many });
        expect(full.meta["flags"]).toEqual(many.slice(0, 23));
        expect((await readdir(folder)).filter((name) => /lock|^\.dovecot/.test(name))).toEqual([]);
      });
    });
  });

  it("is made in a folder that is there and empty, and in no other", async () => {
    await inFolder(async (folder) => {
      await mkdir(join(folder, "empty"));
      await mkdir(join(folder, "full"));
      await writeFile(join(folder, "full", "note"), "");
      await opened(`maildir:${folder}`, async ({ session }) => {
        expect(await session.makeFolder(join(folder, "empty"))).toMatchObject({ kind: "mailbox" });
        expect(await readdir(join(folder, "empty"))).toEqual(["cur", "new", "tmp"]);
        for (const name of ["empty", "full"]) {
          await expect(session.makeFolder(join(folder, name))).rejects.toMatchObject({ exit: 12 });
        }
        expect(await readdir(join(folder, "full"))).toEqual(["note"]);
      });
    });
  });

  it("gives a message octet for octet, though another program renames it meanwhile", async () => {
    await inFolder(async (folder) => {
      await maildir(folder, { "new/1.a": mail("one") });
      await opened(`maildir:${folder}`, async ({ session, pathOf, contentOf }) => {
        const [entry] = await all(session.list(folder));
        const path = entry === undefined ? "" : pathOf(entry);
        expect(await contentOf(path)).toBe(mail("one"));
        await rename(join(folder, "new/1.a"), join(folder, "cur/1.a:2,"));
        expect(await contentOf(path)).toBe(mail("one"));
        await rename(join(folder, "cur/1.a:2,"), join(folder, "cur/1.a:2,RS"));
        expect((await session.stat(path)).meta["flags"]).toEqual(["\\Answered", "\\Seen"]);
        await unlink(join(folder, "cur/1.a:2,RS"));
        await expect(session.read(path)).rejects.toMatchObject({
          code: "missing",
          exit: 8,
          reply: "no such message",
        });
      });
    });
  });

  it("is changed by another program while it is listed, and every message that stays is listed once", async () => {
    await inFolder(async (folder) => {
      const files = Object.fromEntries(
        Array.from({ length: 300 }, (_, at) => [`new/${1000 + at}.x`, mail(String(at))]),
      );
      await maildir(folder, files);
      await opened(`maildir:${folder}`, async ({ session }) => {
        const seen: string[] = [];
        for await (const entry of session.list(folder)) {
          if (seen.length === 10) {
            for (let at = 100; at < 300; at++) {
              const name = `${1000 + at}.x`;
              if (at < 200) await rename(join(folder, "new", name), join(folder, "cur", `${name}:2,S`));
              else await unlink(join(folder, "new", name));
            }
          }
          seen.push(entry.name);
        }
        expect(seen.filter((name) => Number(name) < 200)).toEqual(
          Array.from({ length: 200 }, (_, at) => String(at)),
        );
        expect(new Set(seen).size).toBe(seen.length);
      });
    });
  });

  it("takes a message by tmp into new, or into cur with the flags it comes with", async () => {
    await inFolder(async (folder) => {
      await maildir(folder, {});
      await opened(`maildir:${folder}`, async ({ session, pathOf, contentOf }) => {
        const modified = new Date("2021-01-01T00:00:00Z");
        const entry = await session.write(folder, source(mail("new one"), { modified }));
        expect(entry).toMatchObject({
          name: "new one",
          kind: "message",
          modified,
          meta: { flags: [], recent: true },
        });
        expect(await contentOf(pathOf(entry))).toBe(mail("new one"));
        const flagged = { ...source(mail("seen")), flags: ["\\seen", "\\Flagged", "$Junk"] };
        expect((await session.write(folder, flagged)).meta["flags"]).toEqual([
          "\\Flagged",
          "\\Seen",
          "$Junk",
        ]);
        const [inNew, inCur, inTmp] = await Promise.all(
          ["new", "cur", "tmp"].map((sub) => readdir(join(folder, sub))),
        );
        expect(inNew).toEqual([expect.stringMatching(/^\d+\.M\d{6}Q\d+R\w+\.[^,:]+,S=\d+$/)]);
        expect(inCur).toEqual([expect.stringMatching(/^\d+\.M\d{6}Q\d+R\w+\.[^,:]+,S=\d+:2,FSa$/)]);
        expect(inTmp).toEqual([]);
      });
    });
  });

  it("keeps nothing of a message whose source fails", async () => {
    await inFolder(async (folder) => {
      await maildir(folder, {});
      await opened(`maildir:${folder}`, async ({ session }) => {
        await expect(session.write(folder, { body: failing() })).rejects.toThrow("the source ran dry");
        expect(await readdir(folder, { recursive: true })).toEqual(["cur", "new", "tmp"]);
      });
    });
  });

  it("is made where there is nothing or an empty folder, and not among other things", async () => {
    await inFolder(async (folder) => {
      await mkdir(join(folder, "empty"));
      await opened(`maildir:${folder}/backup`, async ({ session }) => {
        for (const name of ["backup", "empty"]) {
          await session.write(`${folder}/${name}`, source(mail("x")));
          expect(await names(session.list(`${folder}/${name}`))).toEqual(["x"]);
        }
        expect((await stat(join(folder, "backup"))).mode & 0o777).toBe(0o700);
        await expect(session.write(folder, source(mail("x")))).rejects.toMatchObject({
          code: "missing",
          exit: 8,
        });
        await expect(all(session.list(`${folder}/lost`))).rejects.toMatchObject({
          code: "missing",
          reply: "no such mailbox",
        });
      });
    });
  });

  it("is finished where somebody has begun to make it", async () => {
    await inFolder(async (folder) => {
      for (const name of ["made", "written"]) await mkdir(join(folder, name, "tmp"), { recursive: true });
      await opened(`maildir:${folder}`, async ({ session }) => {
        await session.makeFolder(`${folder}/made`);
        await session.write(`${folder}/written`, source(mail("x")));
        expect(await names(session.list(folder))).toEqual(["made", "written"]);
        expect(await names(session.list(`${folder}/written`))).toEqual(["x"]);
      });
    });
  });

  it("has a folder called as one that every Maildir has, and passes over folders among its messages", async () => {
    await inFolder(async (folder) => {
      const root = join(folder, "root");
      await maildir(root, { "new/1.a": mail("in the root") });
      await opened(`maildir:${root}`, async ({ session }) => {
        await session.makeFolder(`${root}/new`);
        for (const name of ["cur", "new"]) {
          await session.write(`${root}/${name}`, source(mail(name)));
          expect(await names(session.list(`${root}/${name}`))).toEqual([name]);
        }
        await mkdir(join(root, "cur", "stray"));
        expect(await names(session.list(root))).toEqual(["cur", "new", "in the root"]);
        expect(await readdir(join(root, "new"))).toEqual(["1.a"]);
      });
    });
  });

  it("has folders as Maildir++ names them, and others that are Maildirs by themselves", async () => {
    await inFolder(async (folder) => {
      const root = join(folder, "root");
      await maildir(root, { "new/1.a": mail("in the root") });
      await maildir(join(root, ".Entw&APw-rfe.Alt"), { "cur/2.b:2,": mail("a draft") });
      await opened(`maildir:${root}`, async ({ session }) => {
        expect(await session.makeFolder(`${root}/Sent`)).toMatchObject({
          url: `maildir://${root}/.Sent/`,
          name: "Sent",
          kind: "mailbox",
        });
        expect(await readdir(join(root, ".Sent"))).toEqual(["cur", "maildirfolder", "new", "tmp"]);
        await expect(session.makeFolder(`${root}/Sent`)).rejects.toMatchObject({ code: "local", exit: 12 });
        expect(await names(session.list(root))).toEqual(["Entwürfe/Alt", "Sent", "in the root"]);
        expect(await names(session.list(root, { recursive: true }))).toEqual([
          "Entwürfe/Alt",
          "Entwürfe/Alt/a draft",
          "Sent",
          "in the root",
        ]);
        const moved = await session.move(`${root}/;UID=1.a`, `${root}/Sent`);
        expect(moved.url).toBe(`maildir://${root}/.Sent/;UID=1.a`);
        expect(await readdir(join(root, ".Sent", "new"))).toEqual(["1.a"]);
        await session.move(`${root}/.Sent`, `${root}/.Done`);
        expect(await names(session.list(`${root}/Done`))).toEqual(["in the root"]);
        await expect(session.remove(`${root}/.Done`)).rejects.toMatchObject({ code: "local" });
        await session.remove(`${root}/.Done`, { recursive: true });
        await session.makeFolder(`${folder}/beside`);
        expect(await names(session.list(folder))).toEqual(["beside", "root"]);
      });
    });
  });

  it("keeps a message under a name that is given, and replaces it only when told to", async () => {
    await inFolder(async (folder) => {
      await maildir(folder, { "cur/7.x:2,S": mail("old") });
      await opened(`maildir:${folder}`, async ({ session }) => {
        const path = `${folder}/;UID=7.x`;
        await expect(session.write(path, source(mail("new")))).rejects.toMatchObject({
          code: "local",
          exit: 12,
        });
        expect((await session.write(path, source(mail("new"), { replace: true }))).name).toBe("new");
        expect(await readdir(join(folder, "cur"))).toEqual(["7.x:2,S"]);
        expect(await readFile(join(folder, "cur", "7.x:2,S"), "latin1")).toBe(mail("new"));
        await expect(session.write(`${folder}/;UID=..%3A`, source("x"))).rejects.toMatchObject({
          code: "usage",
        });
        await session.remove(path);
        await expect(session.remove(path)).rejects.toMatchObject({ code: "missing", exit: 8 });
      });
    });
  });

  it("shows the parts of a message, and gives each by its number", async () => {
    await inFolder(async (folder) => {
      const message = [
        "Subject: parts",
        "Content-Type: multipart/mixed; boundary=b",
        "",
        "--b",
        "",
        "text",
        "--b",
        "Content-Type: image/png",
        "Content-Transfer-Encoding: base64",
        "Content-Disposition: attachment; filename=../../.bashrc",
        "",
        "iVBORw0KGgo=",
        "--b--",
      ].join("\n");
      await maildir(folder, { "cur/1.a:2,": message });
      await opened(`maildir:${folder}`, async ({ session, pathOf, contentOf }) => {
        const parts = await all(session.list(`${folder}/;UID=1.a`));
        expect(parts).toMatchObject([
          { name: "part-1.txt", size: 4, type: "text/plain", meta: { section: "1", attached: false } },
          {
            url: `maildir://${folder}/;UID=1.a/;SECTION=2`,
            name: "_bashrc",
            kind: "file",
            size: 8,
            type: "image/png",
          },
        ]);
        const [, image] = parts;
        expect(image === undefined ? "" : await contentOf(pathOf(image))).toBe("\x89PNG\r\n\x1a\n");
        expect(
          await session
            .read(`${folder}/;UID=1.a/;SECTION=2`)
            .then(({ body, filename }) => [body.destroy().destroyed, filename]),
        ).toEqual([true, "_bashrc"]);
        expect(await session.stat(`${folder}/;UID=1.a/;SECTION=2`)).toMatchObject({ size: 8 });
        await expect(session.read(`${folder}/;UID=1.a/;SECTION=3`)).rejects.toMatchObject({
          code: "missing",
          exit: 8,
        });
        await expect(session.read(`${folder}/;UID=1.a/;SECTION=x`)).rejects.toMatchObject({ code: "usage" });
      });
    });
  });

  it("is searched by words in subject, sender and recipient", async () => {
    await inFolder(async (folder) => {
      await maildir(folder, {
        "new/1.a": mail("The bay"),
        "new/2.b": mail("The light"),
        "new/3.c": "From: Bay\n\n",
      });
      await opened(`maildir:${folder}`, async ({ session }) => {
        expect(await names(session.search(folder, "BAY"))).toEqual(["The bay", "(no subject)"]);
        expect(await names(session.search(folder, "the ann", { limit: 1 }))).toEqual(["The bay"]);
        expect(await names(session.search(folder, "nothing"))).toEqual([]);
      });
    });
  });

  it("tells what arrives, is read and goes", async () => {
    await inFolder(async (folder) => {
      await maildir(folder, { "new/1.a": mail("here already") });
      await opened(`maildir:${folder}`, async ({ session }) => {
        const events = session.watch(folder)[Symbol.asyncIterator]();
        const next = async () => {
          const { value } = await events.next();
          return value === undefined ? undefined : `${value.event} ${value.entry.name}`;
        };
        const first = next();
        await wait(150);
        await writeFile(join(folder, "new", "2.b"), mail("arrived"));
        expect(await first).toBe("new arrived");
        const second = next();
        await rename(join(folder, "new", "2.b"), join(folder, "cur", "2.b:2,S"));
        expect(await second).toBe("changed arrived");
        const third = next();
        await unlink(join(folder, "cur", "2.b:2,S"));
        expect(await third).toBe("gone 2.b");
        await events.return?.();
      });
    });
  });
});
