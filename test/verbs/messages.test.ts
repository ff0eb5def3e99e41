import { mkdir, mkdtemp, readdir, readFile, rename, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cp } from "../../src/verbs/cp.js";
import { Journal } from "../../src/verbs/journal.js";
import { type MirrorEvent, type MirrorRequest, mirror } from "../../src/verbs/mirror.js";
import { all, clientOf } from "./places.js";

let folder: string;
let count = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "porthole-messages-"));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

/** A Maildir with these messages, by subject. */
async function maildir(...subjects: readonly string[]): Promise<string> {
  count += 1;
  const path = join(folder, `box-${count}`);
  for (const part of ["tmp", "new", "cur"]) await mkdir(join(path, part), { recursive: true });
  for (const subject of subjects) await deliver(path, subject);
  return path;
}

async function deliver(box: string, subject: string): Promise<void> {
  await writeFile(join(box, "new", `1700000000.${subject}.host`), mailOf(subject));
}

function mailOf(subject: string): string {
  return `Message-ID: <${subject}@example.org>\r\nSubject: ${subject}\r\n\r\nText of ${subject}\r\n`;
}

async function* once(octets: Buffer): AsyncGenerator<Buffer, void, undefined> {
  yield octets;
}

async function textsIn(box: string): Promise<string[]> {
  const names = await Promise.all(
    ["new", "cur"].map(async (part) => [part, await readdir(join(box, part))] as const),
  );
  const paths = names.flatMap(([part, found]) => found.map((name) => join(box, part, name)));
  return (await Promise.all(paths.map((path) => readFile(path, "utf8")))).sort();
}

function run(job: Omit<MirrorRequest, "client">): Promise<MirrorEvent[]> {
  return all(mirror({ client: clientOf(), ...job }));
}

function reportIn(events: readonly MirrorEvent[]) {
  const report = events.at(-1);
  if (report?.event !== "done") throw new Error("no report");
  const { copied, same, removed, failed, extra } = report;
  return { copied, same, removed, failed, extra };
}

describe("a mailbox mirrored into another", () => {
  it("has each message once, octet for octet, however often it is done", async () => {
    const from = await maildir("a", "b");
    const to = join(folder, "made-by-mirror");
    const job = { from: `maildir:${from}`, to: `maildir:${to}`, stateFolder: join(folder, "state-1") };
    expect(reportIn(await run(job))).toEqual({ copied: 2, same: 0, removed: 0, failed: 0, extra: 0 });
    await deliver(from, "c");
    expect(reportIn(await run(job))).toEqual({ copied: 1, same: 2, removed: 0, failed: 0, extra: 0 });
    expect(reportIn(await run(job))).toEqual({ copied: 0, same: 3, removed: 0, failed: 0, extra: 0 });
    expect(await textsIn(to)).toEqual(["a", "b", "c"].map(mailOf));
  });

  it("without a memory knows messages by their Message-ID", async () => {
    const [from, to] = [await maildir("a", "b"), await maildir("b")];
    expect(reportIn(await run({ from: `maildir:${from}`, to: `maildir:${to}` }))).toMatchObject({
      copied: 1,
      same: 1,
    });
    expect(await textsIn(to)).toEqual(["a", "b"].map(mailOf));
  });

  it("takes the mailboxes that are included, and makes no others", async () => {
    const [from, to] = [join(folder, "from-globs"), join(folder, "to-globs")];
    const client = clientOf();
    for (const name of ["Work", "Lists", "Lists/tech", "Other"]) {
      await client.use(client.target(`maildir:${from}/${name}`), async (session) => {
        const source = { body: once(Buffer.from(mailOf(name))) };
        await session.write?.(`${from}/${name}`, source);
      });
    }
    const job = { from: `maildir:${from}`, to: `maildir:${to}`, include: ["Lists*", "Work"] };
    expect(reportIn(await run(job))).toMatchObject({ copied: 3, failed: 0 });
    expect((await readdir(to)).filter((name) => !/^(?:cur|new|tmp)$/.test(name)).sort()).toEqual([
      ".Lists",
      ".Lists.tech",
      ".Work",
    ]);
    expect(reportIn(await run({ ...job, exclude: ["Work"] }))).toMatchObject({
      copied: 0,
      same: 2,
      failed: 0,
    });
  });

  it("tells mails of one Message-ID by their sizes, and carries the one that is not there", async () => {
    const [from, to] = [await maildir(), await maildir()];
    const copy = mailOf("list").replace("Text of list", "Text of list, with the footer of the list");
    await writeFile(join(from, "new", "1700000000.direct.host"), mailOf("list"));
    await writeFile(join(from, "new", "1700000001.copy.host"), copy);
    // Put down by a run that was killed before it could note it.
    await writeFile(join(to, "new", "1700000002.copy.host"), copy);
    expect(reportIn(await run({ from: `maildir:${from}`, to: `maildir:${to}` }))).toMatchObject({
      copied: 1,
      same: 1,
    });
    expect(await textsIn(to)).toEqual([mailOf("list"), copy].sort());
  });

  it.each([
    ["one Message-ID and one size", "Message-ID: <one@example.org>\r\n", "this one", "that one"],
    ["one Message-ID, and a letter more", "Message-ID: <one@example.org>\r\n", "the one", "this one"],
    [
      "no Message-ID, but one Date, one Subject and one size",
      "Date: Mon, 2 Nov 2026 08:00:00 +0000\r\n",
      "disk a fails",
      "disk b fails",
    ],
  ])(
    "loses none of two mails of %s, one of which a killed run did not note",
    async (_, head, first, second) => {
      const mail = (text: string) => `Subject: bare\r\n${head}\r\n${text}\r\n`;
      for (const there of [first, second]) {
        const [from, to] = [await maildir(), await maildir()];
        await writeFile(join(from, "new", "1700000000.a.host"), mail(first));
        await writeFile(join(from, "new", "1700000001.b.host"), mail(second));
        await writeFile(join(to, "new", "1700000002.x.host"), mail(there));
        const job = { from: `maildir:${from}`, to: `maildir:${to}` };
        expect(reportIn(await run(job))).toMatchObject({ copied: 1, same: 1 });
        expect(await textsIn(to)).toEqual([mail(first), mail(second)].sort());
        // The first alone may be at the source, and the other one at the target.
        const [lone, other] = [await maildir(), await maildir()];
        await writeFile(join(lone, "new", "1700000000.a.host"), mail(first));
        await writeFile(join(other, "new", "1700000002.x.host"), mail(there));
        const isThere = first === there || (head.startsWith("Message-ID") && first.length === there.length);
        expect(reportIn(await run({ from: `maildir:${lone}`, to: `maildir:${other}` }))).toMatchObject({
          copied: isThere ? 0 : 1,
        });
      }
    },
  );

  it("knows a mail into whose header another program has put a field, unless two have its Message-ID", async () => {
    const mail = (more: string, text = "text") =>
      `Subject: x\r\nMessage-ID: <x@example.org>\r\n${more}\r\n${text}\r\n`;
    const fetched = mail("X-TUID: 1l3BCAauXnfG\r\n").replaceAll("\r\n", "\n");
    for (const [mails, copied] of [
      [[mail("")], 0],
      [[mail("", "Text")], 1],
      [[mail(""), mail("List-Id: <x>\r\n")], 2],
    ] as const) {
      const [from, to] = [await maildir(), await maildir()];
      for (const [at, one] of mails.entries()) await writeFile(join(from, "new", `${at}.host`), one);
      await writeFile(join(to, "new", "1.host"), fetched);
      expect(reportIn(await run({ from: `maildir:${from}`, to: `maildir:${to}` }))).toMatchObject({ copied });
      expect(await textsIn(to)).toEqual([fetched, ...(copied === 0 ? [] : mails)].sort());
    }
  });

  it("knows mails without a Message-ID by date, subject and size, but for a last line end", async () => {
    const bare = (body: string) => `Subject: news\r\nDate: Mon, 2 Nov 2026 08:00:00 +0000\r\n\r\n${body}`;
    const [from, to] = [await maildir(), await maildir()];
    await writeFile(join(from, "new", "1700000000.a.host"), bare("the first"));
    await writeFile(join(from, "new", "1700000001.b.host"), bare("the second, which is longer\r\n"));
    await writeFile(join(to, "new", "1700000002.a.host"), bare("the first\r\n"));
    expect(reportIn(await run({ from: `maildir:${from}`, to: `maildir:${to}` }))).toMatchObject({
      copied: 1,
      same: 1,
    });
    expect(await textsIn(to)).toEqual([bare("the first\r\n"), bare("the second, which is longer\r\n")]);
  });

  it("knows mails by what is in them where headers do not tell, and carries none that only looks alike", async () => {
    const [from, to] = [await maildir(), await maildir()];
    // Neither Date nor Message-ID: a second one of the same size is another mail.
    const bare = (text: string) => `Subject: bare\r\n\r\n${text}\r\n`;
    await writeFile(join(from, "new", "1700000000.a.host"), bare("this one"));
    await writeFile(join(from, "new", "1700000001.b.host"), bare("that one"));
    // As a store keeps it that ends lines by LF alone is another size; a last line end may be missing.
    await writeFile(join(to, "new", "1700000002.x.host"), bare("that one").trimEnd());
    const sameTime = new Date(1_700_000_000_000);
    for (const [box, name] of [
      [from, "1700000000.a.host"],
      [from, "1700000001.b.host"],
      [to, "1700000002.x.host"],
    ] as const) {
      await utimes(join(box, "new", name), sameTime, sameTime);
    }
    const job = { from: `maildir:${from}`, to: `maildir:${to}` };
    expect(reportIn(await run(job))).toMatchObject({ copied: 1, same: 1 });
    expect(await textsIn(to)).toEqual([bare("that one").trimEnd(), bare("this one")]);
    expect(reportIn(await run(job))).toMatchObject({ copied: 0, same: 2 });
  });

  it("takes no mail for there that lies in another mailbox, but what it put there itself", async () => {
    const [from, to] = [join(folder, "from-tree"), join(folder, "to-tree")];
    const client = clientOf();
    const into = async (box: string, mailbox: string) =>
      client.use(client.target(`maildir:${box}/${mailbox}`), async (session) => {
        await session.write?.(`${box}/${mailbox}`, { body: once(Buffer.from(mailOf("a"))) });
      });
    await into(from, "Work");
    await into(to, "Archive");
    const job = { from: `maildir:${from}`, to: `maildir:${to}`, stateFolder: join(folder, "state-10") };
    expect(reportIn(await run(job))).toMatchObject({ copied: 1, same: 0 });
    expect((await readdir(to)).sort()).toEqual(["Archive", "Work"]);
    expect(await readdir(join(to, "Work", "cur"))).toHaveLength(1);
    await rename(join(from, "Work"), join(from, "Job"));
    expect(reportIn(await run(job))).toMatchObject({ copied: 0, same: 1 });
  });

  it("has a message where the source has moved it to, with --delete there alone", async () => {
    const [from, to] = [join(folder, "moved-from"), join(folder, "moved-to")];
    const client = clientOf();
    const job = { from: `maildir:${from}`, to: `maildir:${to}`, stateFolder: join(folder, "state-11") };
    const inBoxes = async () => {
      const boxes = [".Work", ".Done"].map(async (name) => (await textsIn(join(to, name))).length);
      return Promise.all(boxes);
    };
    await client.use(client.target(`maildir:${from}`), async (session) => {
      for (const name of ["Work", "Done"]) await session.makeFolder?.(`${from}/${name}`);
      const entry = await session.write?.(`${from}/Work`, { body: once(Buffer.from(mailOf("a"))) });
      expect(reportIn(await run(job))).toMatchObject({ copied: 1 });
      await session.move?.(client.target(entry?.url ?? "").path, `${from}/Done/`);
    });
    expect(reportIn(await run(job))).toMatchObject({ copied: 1, same: 0, extra: 1 });
    expect(await inBoxes()).toEqual([1, 1]);
    expect(reportIn(await run({ ...job, delete: true }))).toMatchObject({ copied: 0, same: 1, removed: 1 });
    expect(await inBoxes()).toEqual([0, 1]);
  });

  it("has messages in the order in which they came", async () => {
    const from = await maildir();
    const subjects = ["one", "two", "three", "four"];
    for (const [at, subject] of subjects.entries()) {
      const path = join(from, "new", `170000000${at}.${subject}.host`);
      await writeFile(path, mailOf(subject));
      await utimes(path, 1_700_000_000 + at, 1_700_000_000 + at);
    }
    const inOrder = async (path: string) =>
      (await readFile(path, "utf8")).match(/^Subject: .*$/gm)?.map((line) => line.slice(9));
    const [mirrored, copied] = [join(folder, "ordered.mbox"), join(folder, "ordered-too.mbox")];
    await run({ from: `maildir:${from}`, to: `mbox:${mirrored}` });
    expect(await inOrder(mirrored)).toEqual(subjects);
    await all(cp({ client: clientOf(), from: [`maildir:${from}`], to: `mbox:${copied}`, recursive: true }));
    expect(await inOrder(copied)).toEqual(subjects);
  });

  it("is mirrored by one run at a time: another is refused, and the next goes on", async () => {
    // More events than wait for their reader: the first run stands still in the middle.
    const subjects = Array.from({ length: 80 }, (_, at) => `s${at}`);
    const from = `maildir:${await maildir(...subjects)}`;
    const box = join(folder, "alone");
    const job = { from, to: `maildir:${box}`, stateFolder: join(folder, "state-9") };
    const first = mirror({ client: clientOf(), ...job });
    await first.next();
    await expect(run(job)).rejects.toMatchObject({
      code: "local",
      message: expect.stringMatching(/^this mirror is under way in another run \(process \d+\)$/),
    });
    await first.return();
    expect(reportIn(await run(job))).toMatchObject({ copied: 80, failed: 0 });
    expect(await textsIn(box)).toEqual(subjects.map(mailOf).sort());
  });

  it("is begun by another mirror in the same moment, and gets the messages of both", async () => {
    const [from, to] = [await maildir("a"), join(folder, "begun-by-two")];
    for (const part of ["tmp", "new", "cur"]) await mkdir(join(from, ".Sent", part), { recursive: true });
    await deliver(join(from, ".Sent"), "sent");
    const client = clientOf();
    const rivalled: MirrorRequest["client"] = {
      registry: client.registry,
      target: (url) => client.target(url),
      require: (target, word, needs) => client.require(target, word, needs),
      open: async (target, signal) => {
        const session = await client.open(target, signal);
        const makeFolder = async (path: string) => {
          // The other is a moment before.
          await session.makeFolder?.(path);
          const rival = { body: once(Buffer.from(mailOf("rival"))) };
          await session.write?.(path, rival);
          return session.makeFolder?.(path);
        };
        return new Proxy(session, {
          get: (held, name) => (name === "makeFolder" ? makeFolder : Reflect.get(held, name)),
        });
      },
    };
    const job = { from: `maildir:${from}`, to: `maildir:${to}` };
    const events = await all(mirror({ client: rivalled, ...job }));
    expect(reportIn(events)).toMatchObject({ copied: 2, failed: 0 });
    expect(await textsIn(to)).toEqual(["a", "rival"].map(mailOf));
    expect(await textsIn(join(to, ".Sent"))).toEqual(["rival", "sent"].map(mailOf));
  });

  it("loses with --delete what it carried and the source has no more, and nothing else", async () => {
    const [from, to] = [await maildir("a", "b"), await maildir("own")];
    const job = { from: `maildir:${from}`, to: `maildir:${to}`, stateFolder: join(folder, "state-2") };
    await run(job);
    await rm(join(from, "new", "1700000000.a.host"));
    expect(reportIn(await run(job))).toMatchObject({ removed: 0, extra: 1 });
    expect(reportIn(await run({ ...job, delete: true, dryRun: true }))).toMatchObject({ removed: 0 });
    expect(await textsIn(to)).toEqual(["a", "b", "own"].map(mailOf));
    expect(reportIn(await run({ ...job, delete: true }))).toMatchObject({ removed: 1 });
    expect(await textsIn(to)).toEqual(["b", "own"].map(mailOf));
  });

  it("knows messages again that the source has under other names, and does not remove them", async () => {
    const from = await maildir("a", "b");
    const to = join(folder, "renamed");
    const job = { from: `maildir:${from}`, to: `maildir:${to}`, stateFolder: join(folder, "state-5") };
    await run(job);
    for (const subject of ["a", "b"]) {
      await rm(join(from, "new", `1700000000.${subject}.host`));
      await writeFile(join(from, "new", `1800000000.${subject}.other`), mailOf(subject));
    }
    const again = { copied: 0, same: 2, removed: 0, failed: 0, extra: 0 };
    expect(reportIn(await run({ ...job, delete: true }))).toEqual(again);
    expect(reportIn(await run({ ...job, delete: true }))).toEqual(again);
    await rm(join(from, "new", "1800000000.a.other"));
    expect(reportIn(await run({ ...job, delete: true }))).toMatchObject({ removed: 1, same: 1 });
    expect(await textsIn(to)).toEqual([mailOf("b")]);
  });

  it("is cleared at the source after some days, of what is safe at the target alone", async () => {
    const from = await maildir("a", "b");
    const to = join(folder, "cleared");
    const stateFolder = join(folder, "state-6");
    const job = { from: `maildir:${from}`, to: `maildir:${to}`, stateFolder };
    expect(reportIn(await run({ ...job, deleteAfter: 30 }))).toMatchObject({ copied: 2, removed: 0 });
    expect(await textsIn(from)).toHaveLength(2);
    // One of the copies is lost: its original stays, and is copied again.
    const copies = await readdir(join(to, "cur"));
    for (const name of copies) {
      const text = await readFile(join(to, "cur", name), "utf8");
      if (text.includes("Subject: b")) await rm(join(to, "cur", name));
    }
    await deliver(from, "c");
    const planned = await run({ ...job, deleteAfter: 0, dryRun: true });
    expect(reportIn(planned)).toMatchObject({ removed: 0 });
    const actions = planned.flatMap((event) => (event.event === "plan" ? [event.action] : []));
    expect(actions).toEqual(["new", "new", "cleared", "cleared", "cleared"]);
    expect(reportIn(await run({ ...job, deleteAfter: 0 }))).toMatchObject({ copied: 2, removed: 3 });
    expect(await textsIn(from)).toEqual([]);
    expect(await textsIn(to)).toEqual(["a", "b", "c"].map(mailOf));
    // What is gone at the source stays at the target.
    expect(reportIn(await run({ ...job, deleteAfter: 0 }))).toMatchObject({ copied: 0, removed: 0 });
    expect(await textsIn(to)).toHaveLength(3);
    await expect(run({ from: `maildir:${from}`, to: `maildir:${to}`, deleteAfter: 0 })).rejects.toMatchObject(
      {
        code: "usage",
      },
    );
  });

  it("follows the flags of the source, and leaves those alone that were changed at the target", async () => {
    const from = await maildir("a", "b", "c");
    const to = join(folder, "flagged");
    const job = { from: `maildir:${from}`, to: `maildir:${to}`, stateFolder: join(folder, "state-4") };
    const mark = async (box: string, subject: string, flags: string[]) => {
      const client = clientOf();
      const target = client.target(`maildir:${box}`);
      await client.use(target, async (session) => {
        const listed = session.list?.(target.path);
        const entries = listed === undefined ? [] : await all(listed);
        const found = entries.find(({ name }) => name === subject);
        await session.mark?.(client.target(found?.url ?? "").path, flags);
      });
    };
    const flagsIn = async (box: string) => {
      const client = clientOf();
      const target = client.target(`maildir:${box}`);
      return client.use(target, async (session) => {
        const found: Record<string, unknown> = {};
        for await (const { name, meta } of session.list?.(target.path) ?? []) found[name] = meta["flags"];
        return found;
      });
    };
    await mark(from, "a", ["\\Flagged"]);
    await run(job);
    expect(await flagsIn(to)).toEqual({ a: ["\\Flagged"], b: [], c: [] });
    await mark(to, "c", ["\\Answered"]);
    await mark(from, "a", []);
    await mark(from, "b", ["\\Seen", "\\Answered"]);
    const planned = await run({ ...job, dryRun: true });
    expect(planned.flatMap((event) => (event.event === "plan" ? [event.action] : []))).toEqual([
      "marked",
      "marked",
    ]);
    const events = await run(job);
    expect(events.filter(({ event }) => event === "marked")).toHaveLength(2);
    expect(reportIn(events)).toMatchObject({ copied: 0, same: 3 });
    expect(events.at(-1)).toMatchObject({ event: "done", marked: 2 });
    expect(await flagsIn(to)).toEqual({ a: [], b: ["\\Answered", "\\Seen"], c: ["\\Answered"] });
    expect((await run(job)).filter(({ event }) => event === "marked")).toEqual([]);
    // When it was carried is not forgotten over its flags.
    const cleared = await run({ ...job, deleteAfter: 0, dryRun: true });
    expect(cleared.filter((event) => event.event === "plan" && event.action === "cleared")).toHaveLength(3);
    expect(await textsIn(to)).toEqual(["a", "b", "c"].map(mailOf));
  });

  it("is not a folder: files and messages do not mix", async () => {
    const from = await maildir("a");
    await expect(run({ from: `maildir:${from}`, to: join(folder, "files") })).rejects.toMatchObject({
      code: "usage",
      hint: "copy it to maildir:FOLDER or mbox:FILE, or one message to eml:FILE",
    });
    await expect(run({ from, to: `maildir:${join(folder, "none")}` })).rejects.toMatchObject({
      code: "usage",
    });
  });
});

describe("a mailbox copied", () => {
  it("goes with -r into an mbox", async () => {
    const from = await maildir("a", "b");
    const to = join(folder, "all.mbox");
    await all(cp({ client: clientOf(), from: [`maildir:${from}`], to: `mbox:${to}`, recursive: true }));
    const mbox = await readFile(to, "utf8");
    expect(mbox.match(/^Subject: .*$/gm)).toHaveLength(2);
  });

  it.each([
    ["once, that an earlier run delivered and did not note", mailOf("a"), 0],
    [
      "that an earlier run did not deliver, though another of its Message-ID and size is there",
      mailOf("a").replace("Text", "Test"),
      1,
    ],
  ])("has a message %s", async (_, there, copied) => {
    const [from, to] = [await maildir("a"), await maildir()];
    await writeFile(join(to, "new", "1700000000.there.host"), there);
    const [client, journalFolder] = [clientOf(), join(folder, "state-3")];
    const [source, target] = [client.target(`maildir:${from}`), client.target(`maildir:${to}`)];
    const urls = [source, target].map((one) => one.href(one.path));
    const entries = await client.use(source, async (session) => {
      const listed = session.list?.(source.path);
      return listed === undefined ? [] : all(listed);
    });
    const journal = await Journal.open(journalFolder, ["cp", "-r", ...urls]);
    await journal.note("into", { into: false, made: true });
    const key = source.href(client.target(entries[0]?.url ?? "").path);
    await journal.note(key, { state: "begun", to: urls[1] ?? "" });
    await journal.close();
    const events = await all(
      cp({ client, from: [`maildir:${from}`], to: `maildir:${to}`, recursive: true, journalFolder }),
    );
    expect(events.at(-1)).toMatchObject({ copied, kept: 1 - copied });
    expect(await textsIn(to)).toEqual(copied === 0 ? [there] : [mailOf("a"), there].sort());
  });
});
