import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { sampleMails } from "../../fixtures/content/mails.js";
import { makeTlsMaterial } from "../../fixtures/servers/certificate.js";
import { Maildrop } from "../../fixtures/servers/maildrop.js";
import { startPop3 } from "../../fixtures/servers/pop3.js";
import { Client } from "../../src/client.js";
import { type CpEvent, cp } from "../../src/verbs/cp.js";
import { Journal } from "../../src/verbs/journal.js";
import { type MirrorReport, mirror } from "../../src/verbs/mirror.js";

let folder = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "porthole-pop3-"));
});

afterAll(() => rm(folder, { recursive: true }));

it("takes what is new by UIDL, octet for octet, and with --delete-after clears the maildrop of it", async () => {
  const server = await startPop3({ tls: await makeTlsMaterial(), onArrival: () => undefined });
  const said: string[] = [];
  const client = new Client({
    credentials: async () => ({ user: "porthole", password: "sandbox", kind: "password" }),
  });
  client.transcript.subscribe(({ direction, bytes }) => {
    if (direction === "client") said.push(bytes?.toString("latin1") ?? "");
  });
  const asked = (command: string) =>
    said
      .join("")
      .split("\n")
      .filter((line) => line.startsWith(command)).length;
  const box = join(folder, "box");
  const run = async (deleteAfter?: number): Promise<MirrorReport> => {
    let report: MirrorReport | undefined;
    const events = mirror({
      client,
      from: server.urls[0]?.url ?? "",
      to: `maildir:${box}`,
      stateFolder: join(folder, "state"),
      ...(deleteAfter === undefined ? {} : { deleteAfter }),
    });
    for await (const event of events) {
      if (event.event === "failed") throw event.error;
      if (event.event === "done") report = event;
    }
    if (report === undefined) throw new Error("the mirror told no end");
    return report;
  };
  try {
    const mails = sampleMails();
    expect(await run(1)).toMatchObject({ copied: mails.length, removed: 0 });
    expect(await run()).toMatchObject({ copied: 0, same: mails.length });
    // Nothing had to be recognised: no header was asked for, and each message once.
    expect([asked("TOP"), asked("RETR")]).toEqual([0, mails.length]);
    const names = await readdir(join(box, "new"));
    const texts = await Promise.all(names.map((name) => readFile(join(box, "new", name), "latin1")));
    expect(texts.sort()).toEqual(mails.map(({ raw }) => raw.toString("latin1")).sort());
    expect(await run(0)).toMatchObject({ copied: 0, removed: mails.length });
    expect(await run(0)).toMatchObject({ copied: 0, same: 0, removed: 0 });
    expect(await readdir(join(box, "new"))).toHaveLength(mails.length);
    expect(asked("TOP")).toBe(0);
  } finally {
    await server.close();
  }
});

it.each([[["UIDL"]], [["UIDL", "TOP"]]])(
  "without %j takes a message that has another's number now, and removes none from the server",
  async (without) => {
    const mailOf = (name: string) =>
      Buffer.from(`Subject: ${name}\r\nDate: Mon, 2 Nov 2026 08:00:00 +0000\r\n\r\nText of ${name}\r\n`);
    const samples = ["a", "b", "c"].map((uid) => ({ uid, raw: mailOf(uid) }));
    const maildrop = new Maildrop(undefined, samples);
    const tls = await makeTlsMaterial();
    const server = await startPop3({ tls, onArrival: () => undefined, maildrop, without });
    const client = new Client({
      credentials: async () => ({ user: "porthole", password: "sandbox", kind: "password" }),
    });
    const box = join(folder, `numbered-${without.length}`);
    const run = async (ways: { readonly deleteAfter?: number } = {}) => {
      const told: string[] = [];
      let report: MirrorReport | undefined;
      const stateFolder = join(folder, `state-${without.length}`);
      const from = server.urls[0]?.url ?? "";
      for await (const event of mirror({ client, from, to: `maildir:${box}`, stateFolder, ...ways })) {
        if (event.event === "failed") throw event.error;
        if (event.event === "spared") told.push(event.why);
        if (event.event === "done") report = event;
      }
      return { report, told };
    };
    try {
      expect((await run()).report).toMatchObject({ copied: 3 });
      expect((await run()).report).toMatchObject({ copied: 0, same: 3 });
      // Another program has fetched two, and one is new: the numbers are those that others had.
      samples.splice(0, 2);
      samples.push({ uid: "d", raw: mailOf("d") });
      const { report, told } = await run({ deleteAfter: 0 });
      expect(report).toMatchObject({ copied: 1, same: 1, removed: 0 });
      expect(told).toEqual(["messages that the source gives no lasting name are not removed from it"]);
      expect(maildrop.mails).toHaveLength(2);
      expect((await run()).report).toMatchObject({ copied: 0, same: 2 });
      const names = await readdir(join(box, "new"));
      const texts = await Promise.all(names.map((name) => readFile(join(box, "new", name))));
      expect(texts.map(String).sort()).toEqual(["a", "b", "c", "d"].map((name) => String(mailOf(name))));
    } finally {
      await server.close();
    }
  },
);

it("cp without UIDL goes on by what is there, not by numbers that were others' when it broke off", async () => {
  const tls = await makeTlsMaterial();
  const server = await startPop3({ tls, onArrival: () => undefined, without: ["UIDL"] });
  const client = new Client({
    credentials: async () => ({ user: "porthole", password: "sandbox", kind: "password" }),
  });
  const box = join(folder, "copied");
  const journalFolder = join(folder, "cp-state");
  const from = server.urls[0]?.url ?? "";
  const source = client.target(from);
  const to = client.target(`maildir:${box}`);
  const urls = [source.href(source.path), to.href(to.path)];
  try {
    const copy = async () => {
      const journal = await Journal.open(journalFolder, ["cp", "-r", ...urls]);
      await journal.note("into", { into: false, made: true });
      for (const number of [1, 2]) {
        const noted = { state: "done", to: urls[1] ?? "", url: `maildir:${box}/;UID=${number}.x` };
        await journal.note(source.href(`/${number}`), noted);
      }
      await journal.close();
      let last: CpEvent | undefined;
      const job = { client, from: [from], to: `maildir:${box}`, recursive: true, journalFolder };
      for await (const event of cp(job)) last = event;
      return last;
    };
    const mails = sampleMails();
    for (const part of ["tmp", "new", "cur"]) await mkdir(join(box, part), { recursive: true });
    await writeFile(join(box, "cur", "2.x"), mails[1]?.raw ?? "");
    expect(await copy()).toMatchObject({ copied: mails.length - 1, kept: 1 });
  } finally {
    await server.close();
  }
});
