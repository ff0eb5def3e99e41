import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { sampleMails } from "../../fixtures/content/mails.js";
import { makeTlsMaterial, type TlsMaterial } from "../../fixtures/servers/certificate.js";
import { startImap } from "../../fixtures/servers/imap.js";
import { ImapStore } from "../../fixtures/servers/imap-store.js";
import type { SandboxServer } from "../../fixtures/servers/server.js";
import { Client } from "../../src/client.js";
import { mirror } from "../../src/verbs/mirror.js";
import type { MirrorReport } from "../../src/verbs/mirror-events.js";
import { listed } from "./talk.js";

let tls: TlsMaterial;
let folder: string;

beforeAll(async () => {
  tls = await makeTlsMaterial();
  folder = await mkdtemp(join(tmpdir(), "porthole-mirroring-"));
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

const client = new Client({
  credentials: async () => ({ user: "porthole", password: "sandbox", kind: "password" }),
});

async function withServer<T>(act: (url: string, store: ImapStore) => Promise<T>): Promise<T> {
  const store = new ImapStore();
  const server: SandboxServer = await startImap({ tls, store, onArrival: () => undefined });
  try {
    return await act(server.urls[0]?.url ?? "", store);
  } finally {
    await server.close();
  }
}

async function mirrored(from: string, to: string, state: string): Promise<MirrorReport> {
  let report: MirrorReport | undefined;
  for await (const event of mirror({ client, from, to, stateFolder: join(folder, `state-${state}`) })) {
    if (event.event === "failed") throw event.error;
    if (event.event === "done") report = event;
  }
  if (report === undefined) throw new Error("the mirror told no end");
  return report;
}

/** Mailboxes that hold something, and what. */
function contentsOf(store: ImapStore): Record<string, string[]> {
  return Object.fromEntries(
    store.all
      .filter(({ messages }) => messages.length > 0)
      .map(({ name, messages }) => [
        name,
        messages
          .map(
            ({ raw, flags, received }) =>
              `${raw.toString("latin1")} ${[...flags].sort().join()} ${received.toISOString()}`,
          )
          .sort(),
      ]),
  );
}

function fill(store: ImapStore): void {
  const at = new Date("2020-01-02T03:04:05Z");
  const mail = (name: string) =>
    Buffer.from(`Subject: ${name}\r\nMessage-ID: <${name}@x.example>\r\n\r\n${name}\r\n`);
  store.find("Archive/2026")?.add(mail("old"), ["\\Seen", "\\Flagged"], at);
  store.find("Entw&APw-rfe")?.add(mail("draft"), ["\\Draft"], at);
  store.create("Lists").add(mail("list"), [], at);
  store.create("Lists/a.b/c&-d").add(mail("deep"), ["\\Answered"], at);
}

it("an account goes to a Maildir and to another account, with its tree, flags and dates, and nothing twice", async () => {
  await withServer(async (from, store) => {
    fill(store);
    const total = sampleMails().length + 4;
    const maildir = `maildir:${join(folder, "account")}`;
    expect(await mirrored(from, maildir, "out")).toMatchObject({ copied: total, failed: 0 });
    expect(await mirrored(from, maildir, "out")).toMatchObject({ copied: 0, same: total, failed: 0 });
    store
      .find("Lists")
      ?.add(Buffer.from("Subject: new\r\nMessage-ID: <new@x>\r\n\r\n"), [], new Date(1_700_000_000_000));
    expect(await mirrored(from, maildir, "out")).toMatchObject({ copied: 1, same: total, failed: 0 });
    await withServer(async (to, other) => {
      expect(await mirrored(`${from}Lists`, `${to}Lists`, "across")).toMatchObject({ copied: 3, failed: 0 });
      expect(contentsOf(other)["Lists/a.b/c&-d"]).toEqual(contentsOf(store)["Lists/a.b/c&-d"]);
      expect(contentsOf(other)["Lists"]).toEqual(contentsOf(store)["Lists"]);
      // Without what was remembered: told by their Message-IDs.
      expect(await mirrored(`${from}Lists`, `${to}Lists`, "forgotten")).toMatchObject({ copied: 0, same: 3 });
      expect(await mirrored(maildir, `${to}Restored`, "back")).toMatchObject({
        copied: total + 1,
        failed: 0,
      });
      expect(await mirrored(maildir, `${to}Restored`, "back")).toMatchObject({ copied: 0, same: total + 1 });
      const restored = contentsOf(other);
      expect(restored["Restored/Entw&APw-rfe"]).toEqual(contentsOf(store)["Entw&APw-rfe"]);
      expect(restored["Restored/Lists/a.b/c&-d"]).toEqual(contentsOf(store)["Lists/a.b/c&-d"]);
      expect(restored["Restored/Archive/2026"]).toEqual(contentsOf(store)["Archive/2026"]);
    });
  });
});

it("each state of a draft that keeps its Message-ID is carried, longer or not; what is there with other line ends is not", async () => {
  await withServer(async (from, store) => {
    const maildir = join(folder, "drafts");
    const drafts = store.create("Kept");
    const state = (text: string) =>
      Buffer.from(
        `Message-ID: <one@x.example>\r\nSubject: plan\r\nDate: Thu, 2 Jan 2020 03:04:05 +0000\r\n\r\n${text}\r\n`,
      );
    const texts = ["first", "the second, and longer", "THE second, and longer"];
    for (const [at, text] of texts.entries()) {
      store.remove(drafts, new Set(drafts.messages));
      drafts.add(state(text), ["\\Draft"], new Date(Date.UTC(2020, 0, 2, 3, 4, at)));
      expect(await mirrored(`${from}Kept`, `maildir:${maildir}`, "drafts")).toMatchObject({ copied: 1 });
      expect(await mirrored(`${from}Kept`, `maildir:${maildir}`, "drafts")).toMatchObject({
        copied: 0,
        same: 1,
      });
    }
    const files = await readdir(join(maildir, "cur"));
    const kept = await Promise.all(files.map((name) => readFile(join(maildir, "cur", name), "utf8")));
    expect(kept.sort()).toEqual(texts.map((text) => state(text).toString()).sort());
    // As mbsync and procmail write it, and nothing is remembered of it.
    for (const name of files) await rm(join(maildir, "cur", name));
    await writeFile(
      join(maildir, "new", "1.x"),
      state(texts[2] ?? "")
        .toString()
        .replaceAll("\r\n", "\n"),
    );
    expect(await mirrored(`${from}Kept`, `maildir:${maildir}`, "anew")).toMatchObject({ copied: 0, same: 1 });
  });
});

it("names that the server has otherwise are known again: its levels, and INBOX however it is written", async () => {
  await withServer(async (to, store) => {
    const maildir = join(folder, "named");
    for (const mailbox of [".Inbox", ".Lists&AC8-tech"]) {
      for (const part of ["tmp", "new", "cur"])
        await mkdir(join(maildir, mailbox, part), { recursive: true });
      await writeFile(join(maildir, mailbox, "new", "1.x"), `Subject: in ${mailbox}\r\n\r\nx\r\n`);
    }
    for (const part of ["tmp", "new", "cur"]) await mkdir(join(maildir, part), { recursive: true });
    const before = store.find("INBOX")?.messages.length ?? 0;
    expect(await mirrored(`maildir:${maildir}`, to, "named")).toMatchObject({ copied: 2, failed: 0 });
    for (const state of ["named", "forgotten"])
      expect(await mirrored(`maildir:${maildir}`, to, state)).toMatchObject({
        copied: 0,
        same: 2,
        failed: 0,
      });
    expect(store.find("INBOX")?.messages).toHaveLength(before + 1);
    expect(store.find("Lists/tech")?.messages).toHaveLength(1);
  });
});

it("flags that change at the source change at the target", async () => {
  await withServer(async (from, store) => {
    fill(store);
    await withServer(async (to, other) => {
      const [source, target] = [`${from}Archive/2026`, `${to}Copy`];
      await mirrored(source, target, "flags");
      const mailbox = store.find("Archive/2026");
      const [message] = mailbox?.messages ?? [];
      if (mailbox === undefined || message === undefined) throw new Error("there is no such message");
      mailbox.setFlags(message, ["\\Answered"]);
      expect(await mirrored(source, target, "flags")).toMatchObject({ copied: 0, same: 1, failed: 0 });
      expect(
        [...(other.find("Copy")?.messages[0]?.flags ?? [])].filter((flag) => flag !== "\\Recent"),
      ).toEqual(["\\Answered"]);
    });
  });
});

it("of a mailbox that was made anew nothing is lost, though the UIDs it had are other messages' now", async () => {
  await withServer(async (from, store) => {
    fill(store);
    const maildir = `maildir:${join(folder, "renewed")}`;
    const source = `${from}Lists`;
    expect(await mirrored(source, maildir, "renewed")).toMatchObject({ copied: 2 });
    const old = store.find("Lists");
    if (old === undefined) throw new Error("there is no such mailbox");
    store.delete(old);
    const anew = store.create("Lists");
    // UID 1 is another message now, and the old one has UID 2.
    anew.add(Buffer.from("Subject: other\r\nMessage-ID: <other@x.example>\r\n\r\n"), [], new Date());
    for (const { raw, flags, received } of old.messages) anew.add(raw, flags, received);
    expect(await mirrored(source, maildir, "renewed")).toMatchObject({ copied: 1, same: 2, failed: 0 });
    expect(await mirrored(source, maildir, "renewed")).toMatchObject({ copied: 0, same: 3, failed: 0 });
    const copy = new Client();
    const names = await copy.use(copy.target(maildir), async (session) => {
      const entries = await listed(session, copy.target(maildir).path);
      return entries.filter(({ kind }) => kind === "message").map(({ name }) => name);
    });
    expect(names).toEqual(expect.arrayContaining(["list", "other"]));
  });
});
