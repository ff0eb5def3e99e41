import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Client, type ClientSettings } from "../../src/client.js";
import { Transcript } from "../../src/net/transcript.js";
import type { Entry, Session } from "../../src/plugin.js";
import { mirror } from "../../src/verbs/mirror.js";
import type { MirrorReport } from "../../src/verbs/mirror-events.js";
import { all, failure, listed, many, octets } from "../imap/talk.js";
import { ANN, type Dovecot, deliver, hasDovecot, startDovecot } from "./dovecot.js";

const TITLE = hasDovecot("imap") ? "dovecot" : "dovecot (dovecot-imapd not installed)";

/** Mails of all kinds, each other octets: parts, eight bits, no last line end, long lines, much and nothing. */
function mailAt(at: number): Buffer {
  const noise = createHash("sha256").update(String(at)).digest();
  const bodies: readonly (string | Buffer)[] = [
    ")\r\nA1 OK done\r\n* BYE\r\n{5}\r\n",
    Buffer.concat([Buffer.from(noise.map((octet) => octet | 0x80)), Buffer.from("\r\n")]),
    "",
    `${"a long line ".repeat(at % 700)}\r\n`,
    `${noise.toString("base64")}\r\n`.repeat(at % 50),
  ];
  const header = `From: Mail ${at} <m${at}@x.example>\r\nSubject: number ${at}\r\nMessage-ID: <${at}@x.example>\r\nDate: Mon, 2 Nov 2026 08:00:00 +0000\r\n\r\n`;
  return Buffer.concat([Buffer.from(header), Buffer.from(bodies[at % bodies.length] ?? "")]);
}

const MAILS = Array.from({ length: 500 }, (_, at) => mailAt(at));
const LARGE = Buffer.concat([
  Buffer.from("Subject: large\r\n\r\n"),
  Buffer.alloc(20_000_000, "twenty million octets of lines like this\r\n"),
  Buffer.from("\r\n"),
]);

describe.skipIf(!hasDovecot("imap"))(TITLE, () => {
  let server: Dovecot;

  beforeAll(async () => {
    server = await startDovecot("imap", [...MAILS, LARGE]);
  });

  afterAll(async () => {
    await server.stop();
  });

  function client(more: ClientSettings = {}): Client {
    return new Client({ credentials: async () => ANN, network: { tls: { caFile: server.caFile } }, ...more });
  }

  function use<T>(
    act: (session: Session) => Promise<T>,
    more: ClientSettings = {},
    scheme = "imap",
  ): Promise<T> {
    const port = scheme === "imaps" ? server.tlsPort : server.port;
    const opener = client(more);
    return opener.use(opener.target(`${scheme}://localhost:${port}/`), act);
  }

  function pathOf(url: string): string {
    return new URL(url).pathname;
  }

  async function mirrored(
    from: string,
    to: string,
    more: { signal?: AbortSignal; stateFolder?: string; include?: readonly string[] } = {},
  ): Promise<MirrorReport> {
    let report: MirrorReport | undefined;
    for await (const event of mirror({ client: client(), from, to, ...more })) {
      if (event.event === "failed") throw event.error;
      if (event.event === "done") report = event;
    }
    if (report === undefined) throw new Error("the mirror told no end");
    return report;
  }

  it("lists all messages, the newest first", async () => {
    const entries = await use((session) => listed(session, "/INBOX"));
    expect(entries).toHaveLength(501);
    expect(entries[1]).toMatchObject({
      name: "number 499",
      meta: {
        uid: 500,
        from: "Mail 499 <m499@x.example>",
        date: "2026-11-02T08:00:00.000Z",
        messageId: "<499@x.example>",
      },
    });
  });

  it("gives every message octet for octet, one by one and many at once", async () => {
    await use(async (session) => {
      const paths = (await listed(session, "/INBOX")).map(({ url }) => pathOf(url)).reverse();
      const given = await many(session, paths);
      for (const [at, mail] of [...MAILS, LARGE].entries()) {
        expect(given[at] === mail.toString("latin1"), `message ${at}`).toBe(true);
      }
      expect((await octets(session, paths[500] ?? "")).equals(LARGE)).toBe(true);
    });
  });

  it.each(["PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256"])(
    "is logged in to by %s",
    async (authMechanism) => {
      expect(
        await use((session) => listed(session, "/INBOX", 1), { policy: { authMechanism } }),
      ).toHaveLength(1);
    },
  );

  it("refuses a wrong password", async () => {
    const wrong = use(async () => undefined, { credentials: async () => ({ ...ANN, password: "wrong" }) });
    expect(await failure(wrong)).toMatchObject({ code: "auth", exit: 7 });
  });

  it("speaks under TLS, after STARTTLS, and through a command", async () => {
    expect(await use((session) => listed(session, "/INBOX", 1), {}, "imaps")).toHaveLength(1);
    const policy = { starttls: "require" } as const;
    expect(await use((session) => listed(session, "/INBOX", 1), { policy })).toHaveLength(1);
    const bridge = `node -e 'const s=require("net").connect(${server.port},"127.0.0.1");process.stdin.pipe(s);s.pipe(process.stdout)'`;
    expect(
      await use((session) => listed(session, "/INBOX", 1), { options: { tunnel: bridge } }),
    ).toHaveLength(1);
  });

  it("keeps what is put there, moves it, and removes that alone", async () => {
    await use(async (session) => {
      await session.makeFolder?.("/Entw%C3%BCrfe");
      await session.makeFolder?.("/Entw%C3%BCrfe/a%26b");
      const body = async function* () {
        yield MAILS[7] ?? Buffer.alloc(0);
      };
      const modified = new Date("2020-01-02T03:04:05Z");
      const entry = await session.write?.("/Entw%C3%BCrfe/a%26b", {
        body: body(),
        flags: ["\\Seen", "$Mine"],
        modified,
      });
      expect(await listed(session, "/Entw%C3%BCrfe/a%26b")).toMatchObject([
        { url: entry?.url, modified, meta: { flags: expect.arrayContaining(["\\Seen", "$Mine"]) } },
      ]);
      const moved = await session.move?.(pathOf(entry?.url ?? ""), "/Entw%C3%BCrfe");
      expect((await octets(session, pathOf(moved?.url ?? ""))).equals(MAILS[7] ?? Buffer.alloc(0))).toBe(
        true,
      );
      await session.remove?.(pathOf(moved?.url ?? ""));
      expect((await listed(session, "/Entw%C3%BCrfe")).map(({ kind }) => kind)).toEqual(["mailbox"]);
      await session.remove?.("/Entw%C3%BCrfe", { recursive: true });
      // To dovecot nothing but y is there: it tells of x for y's sake alone.
      await session.makeFolder?.("/deep/x/y");
      expect(await session.move?.("/deep/x", "/deepest")).toMatchObject({ name: "deepest", kind: "mailbox" });
      await session.remove?.("/deepest/y", { recursive: true });
      expect((await listed(session, "/")).map(({ name }) => name)).toEqual(["INBOX"]);
    });
  });

  it("tells of new mail as it comes", async () => {
    await use(async (session) => {
      const told = session.watch?.("/INBOX")[Symbol.asyncIterator]();
      const next = told?.next();
      setTimeout(() => void deliver(server.newMail, 600, Buffer.from("Subject: just in\r\n\r\n")), 300);
      expect((await next)?.value).toMatchObject({
        event: "new",
        entry: { name: "just in", meta: { uid: 502 } },
      });
      await session[Symbol.asyncDispose]();
    });
  });

  it("tells of all mailboxes by itself (NOTIFY): what comes, goes and changes anywhere", async () => {
    const transcript = new Transcript();
    let notified = false;
    transcript.subscribe(({ bytes }) => {
      notified ||= bytes?.includes("NOTIFY SET") === true;
    });
    await use(async (session) => session.makeFolder?.("/Watched"));
    await use(
      async (session) => {
        const told = session.watch?.("/")[Symbol.asyncIterator]();
        const next = async () => {
          const { value } = (await told?.next()) ?? {};
          return value === undefined ? undefined : `${value.event} ${value.entry.name}`;
        };
        const first = next();
        await wait(500);
        await use(async (other) => {
          await other.write?.("/Watched", {
            body: inOne(Buffer.from("Subject: elsewhere\r\n\r\n")),
            flags: [],
          });
        });
        expect(await first).toBe("new elsewhere");
        await use(async (other) => other.mark?.("/Watched/;UID=1", ["\\Seen"]));
        expect(await next()).toBe("changed Watched");
        await use(async (other) => other.remove?.("/Watched", { recursive: true }));
        let last = await next();
        // It may be emptied before it goes.
        while (last === "changed Watched") last = await next();
        expect(last).toBe("gone Watched");
        expect(notified).toBe(true);
        await session[Symbol.asyncDispose]();
      },
      { transcript },
    );
  });

  it("searches", async () => {
    await use(async (session) => {
      const found = await all(
        session.search?.("/INBOX", 'subject:"number 49" from:m49 larger:10 unseen') ?? empty(),
      );
      expect(found[0]).toMatchObject({ name: "number 499" });
      expect(await all(session.search?.("/INBOX", "subject:Küste") ?? empty())).toEqual([]);
    });
  });

  it("is backed up octet for octet, broken off again and again, with nothing lost or doubled", async () => {
    const folder = await mkdtemp(join(tmpdir(), "porthole-backup-"));
    try {
      const from = `imap://localhost:${server.port}/INBOX`;
      const to = `maildir:${folder}/copy`;
      const stateFolder = join(folder, "state");
      for (let round = 1; round <= 5; round++) {
        const stop = new AbortController();
        setTimeout(() => stop.abort(), 40 * round);
        await failure(mirrored(from, to, { signal: stop.signal, stateFolder }));
      }
      await mirrored(from, to, { stateFolder });
      expect(await mirrored(from, to, { stateFolder })).toMatchObject({ copied: 0, same: 502, failed: 0 });
      const hashes: string[] = [];
      for (const sub of ["cur", "new"]) {
        for (const name of await readdir(join(folder, "copy", sub)))
          hashes.push(hash(await readFile(join(folder, "copy", sub, name))));
      }
      const expected = [...MAILS, LARGE, Buffer.from("Subject: just in\r\n\r\n")].map(hash);
      expect(hashes.sort()).toEqual(expected.sort());
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }, 60_000);

  it("is listed again by its changes alone", async () => {
    const folder = await mkdtemp(join(tmpdir(), "porthole-again-"));
    try {
      await use(async (session) => {
        await session.makeFolder?.("/Again");
        for (const mail of MAILS.slice(0, 50))
          await session.write?.("/Again", { body: inOne(mail), flags: [] });
      });
      const said: string[] = [];
      const again = () => {
        said.length = 0;
        const transcript = new Transcript();
        transcript.subscribe(({ bytes }) => void said.push(bytes?.toString("latin1") ?? ""));
        return use((session) => all(session.list?.("/Again", { again: true }) ?? empty()), {
          stateFolder: folder,
          transcript,
        });
      };
      const uidsOf = (entries: readonly Entry[]) => entries.map(({ meta }) => meta["uid"]);
      expect(await again()).toHaveLength(50);
      const second = await again();
      expect(said.join("")).toMatch(/CHANGEDSINCE \d+ VANISHED/);
      expect(said.join("").match(/ENVELOPE \(/g)).toHaveLength(1);
      await use(async (session) => {
        await session.mark?.("/Again/;UID=7", ["\\Flagged"]);
        await session.remove?.("/Again/;UID=9");
        await session.write?.("/Again", { body: inOne(LARGE), flags: ["\\Seen"] });
      });
      const third = await again();
      expect(uidsOf(third)).toEqual([51, ...uidsOf(second).filter((uid) => uid !== 9)]);
      expect(third.find(({ meta }) => meta["uid"] === 7)).toMatchObject({ meta: { flags: ["\\Flagged"] } });
      expect(said.join("").match(/ENVELOPE \(/g)).toHaveLength(2);
      const whole = await use((session) => listed(session, "/Again"));
      // Numbers are each session's own.
      const facts = ({ meta, ...entry }: Entry) => ({ ...entry, meta: { ...meta, number: undefined } });
      expect(third.map(facts)).toEqual(whole.map(facts));
      await use(async (session) => session.remove?.("/Again", { recursive: true }));
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  it("is copied from account to account with its tree, and again without doubles", async () => {
    const other = await startDovecot("imap", []);
    try {
      const from = `imap://localhost:${server.port}/`;
      const to = `imap://localhost:${other.port}/`;
      await use(async (session) => session.makeFolder?.("/Lists/tech"));
      await use(async (session) => {
        const body = async function* () {
          yield Buffer.from("Subject: deep\r\nMessage-ID: <deep@x.example>\r\n\r\n");
        };
        await session.write?.("/Lists/tech", {
          body: body(),
          flags: ["\\Flagged"],
          modified: new Date("2020-01-02T03:04:05Z"),
        });
      });
      expect(await mirrored(`${from}Lists`, `${to}Lists`)).toMatchObject({ copied: 1, failed: 0 });
      expect(await mirrored(`${from}Lists`, `${to}Lists`)).toMatchObject({ copied: 0, same: 1, failed: 0 });
      const opener = client();
      await opener.use(opener.target(to), async (session) => {
        expect(await listed(session, "/Lists/tech")).toMatchObject([
          { name: "deep", modified: new Date("2020-01-02T03:04:05Z"), meta: { flags: ["\\Flagged"] } },
        ]);
      });
    } finally {
      await other.stop();
    }
  });

  it("is copied to an account that has all mailboxes within INBOX, and from there to one that has not", async () => {
    const within = await startDovecot("imap", [], "INBOX.");
    const beside = await startDovecot("imap", []);
    try {
      const [first, second, third] = [server, within, beside].map(({ port }) => `imap://localhost:${port}/`);
      if (first === undefined || second === undefined || third === undefined) throw new Error("no server");
      await use(async (session) => {
        await session.makeFolder?.("/Boats/small");
        const body = inOne(Buffer.from("Subject: rowing\r\nMessage-ID: <rowing@x.example>\r\n\r\n"));
        await session.write?.("/Boats/small", { body, flags: [] });
      });
      const include = ["Boats*"];
      const namesAt = async (url: string) => {
        const opener = client();
        return opener.use(opener.target(url), async (session) =>
          (await all(session.list?.("/", { recursive: true }) ?? empty())).map(({ url: found }) =>
            pathOf(found),
          ),
        );
      };
      const events = async (from: string, to: string) => mirrored(from, to, { include });
      expect(await events(first, second)).toMatchObject({ copied: 1, failed: 0 });
      expect(await events(first, second)).toMatchObject({ copied: 0, same: 1, failed: 0 });
      expect(await namesAt(second)).toContain("/INBOX/Boats/small");
      expect(await mirrored(second, third)).toMatchObject({ copied: 1, failed: 0 });
      expect(await namesAt(third)).toEqual(["/INBOX", "/Boats", "/Boats/small"]);
      await use(async (session) => session.remove?.("/Boats", { recursive: true }));
    } finally {
      await Promise.all([within.stop(), beside.stop()]);
    }
  });

  it("is copied to an account that calls mailboxes of the same use otherwise, as the plan tells", async () => {
    const one = await startDovecot("imap", [], "", { Sent: "\\Sent", Bin: "\\Trash", Junk: "\\Junk" });
    const other = await startDovecot("imap", [], "INBOX.", {
      "Gesendete Post": "\\Sent",
      Papierkorb: "\\Trash",
      Junk: "\\Junk",
    });
    const folder = await mkdtemp(join(tmpdir(), "porthole-uses-"));
    try {
      const [from, to] = [`imap://localhost:${one.port}/`, `imap://localhost:${other.port}/`];
      const opener = client();
      await opener.use(opener.target(from), async (session) => {
        for (const name of ["Sent", "Bin", "Junk", "Sent.2019"]) {
          if (name === "Sent.2019") await session.makeFolder?.("/Sent/2019");
          const body = inOne(Buffer.from(`Subject: ${name}\r\nMessage-ID: <${name}@x.example>\r\n\r\n`));
          await session.write?.(`/${name.replace(".", "/")}`, { body, flags: [] });
        }
      });
      const told: string[] = [];
      for await (const event of mirror({ client: client(), from, to, dryRun: true })) {
        if (event.event === "renamed") told.push(`${pathOf(event.from)} is ${event.name}`);
        if (event.event === "plan" && event.action === "new") told.push(pathOf(event.to));
      }
      expect(told.sort()).toEqual([
        "/Bin is INBOX/Papierkorb",
        "/INBOX/Gesendete%20Post",
        "/INBOX/Gesendete%20Post/2019",
        "/INBOX/Junk",
        "/INBOX/Papierkorb",
        "/Sent is INBOX/Gesendete Post",
      ]);
      expect(await mirrored(from, to)).toMatchObject({ copied: 4, failed: 0 });
      // Nothing is remembered: they are known by where they are.
      expect(await mirrored(from, to)).toMatchObject({ copied: 0, same: 4, failed: 0 });
      const namesAt = async (path: string) =>
        opener.use(opener.target(to), async (session) =>
          (await listed(session, path)).filter(({ kind }) => kind === "message").map(({ name }) => name),
        );
      expect(await namesAt("/INBOX/Gesendete%20Post")).toEqual(["Sent"]);
      expect(await namesAt("/INBOX/Gesendete%20Post/2019")).toEqual(["Sent.2019"]);
      expect(await namesAt("/INBOX/Papierkorb")).toEqual(["Bin"]);
      // What was carried under the old names counts as there.
      const stateFolder = join(folder, "state");
      const back = { client: client(), from: to, to: from, stateFolder };
      const last = async (request: Parameters<typeof mirror>[0]) => {
        let report: MirrorReport | undefined;
        for await (const event of mirror(request)) if (event.event === "done") report = event;
        return report;
      };
      await opener.use(opener.target(from), async (session) => {
        for (const name of ["Sent", "Bin", "Junk"]) await session.remove?.(`/${name}/;UID=1`);
        await session.remove?.("/Sent/2019/;UID=1");
      });
      expect(await last({ ...back, keepNames: true })).toMatchObject({ copied: 4, failed: 0 });
      expect(await last(back)).toMatchObject({ copied: 0, same: 4, failed: 0 });
      expect(await last({ ...back, delete: true })).toMatchObject({ copied: 0, same: 4, removed: 0 });
    } finally {
      await Promise.all([one.stop(), other.stop()]);
      await rm(folder, { recursive: true, force: true });
    }
  }, 60_000);

  it("is copied into a mailbox that is there for those within it alone", async () => {
    const [one, other] = [await startDovecot("imap", []), await startDovecot("imap", [])];
    try {
      const [from, to] = [`imap://localhost:${one.port}/`, `imap://localhost:${other.port}/`];
      const opener = client();
      const body = () => inOne(Buffer.from("Subject: deep\r\nMessage-ID: <deep@x.example>\r\n\r\n"));
      await opener.use(opener.target(from), async (session) => {
        await session.makeFolder?.("/deep");
        await session.makeFolder?.("/deep/x");
        await session.write?.("/deep", { body: body(), flags: [] });
      });
      await opener.use(opener.target(to), async (session) => {
        await session.makeFolder?.("/deep/x");
        expect(await session.stat?.("/deep")).toMatchObject({
          kind: "mailbox",
          hollow: true,
        });
        expect(await failure(session.stat?.("/not/there") ?? Promise.resolve())).toMatchObject({ exit: 8 });
      });
      expect(await mirrored(`${from}deep`, `${to}deep`)).toMatchObject({ copied: 1, failed: 0 });
      await opener.use(opener.target(to), async (session) => {
        expect((await session.stat?.("/deep"))?.hollow).toBeUndefined();
        await session.remove?.("/deep", { recursive: true });
        await session.makeFolder?.("/deep/x");
      });
      expect(await mirrored(from, to)).toMatchObject({ copied: 1, failed: 0 });
      expect(await mirrored(from, to)).toMatchObject({ copied: 0, same: 1, failed: 0 });
    } finally {
      await Promise.all([one.stop(), other.stop()]);
    }
  });

  it("gives its keywords to a Maildir, which gives them back, and changes them", async () => {
    const [one, other] = [await startDovecot("imap", []), await startDovecot("imap", [])];
    const folder = await mkdtemp(join(tmpdir(), "porthole-keywords-"));
    const stateFolder = join(folder, "state");
    try {
      const [from, to] = [`imap://localhost:${one.port}/INBOX`, `imap://localhost:${other.port}/INBOX`];
      const maildir = `maildir:${folder}/copy`;
      const opener = client();
      const flagsAt = (url: string) =>
        opener.use(opener.target(url), async (session) =>
          (await listed(session, opener.target(url).path))
            .map(({ name, meta }) => [name, ...[meta["flags"]].flat().map(String).sort()].join(" "))
            .sort(),
        );
      await opener.use(opener.target(from), async (session) => {
        for (const [name, ...flags] of [
          ["a", "$Label1", "\\Seen"],
          ["b", "$Forwarded"],
          ["c", "NonJunk", "$Label1"],
        ]) {
          const body = inOne(Buffer.from(`Subject: ${name}\r\nMessage-ID: <${name}@k.example>\r\n\r\n`));
          await session.write?.("/INBOX", { body, flags });
        }
      });
      expect(await mirrored(from, maildir, { stateFolder })).toMatchObject({ copied: 3, failed: 0 });
      expect(await mirrored(maildir, to, { stateFolder })).toMatchObject({ copied: 3, failed: 0 });
      expect(await flagsAt(to)).toEqual(["a $Label1 \\Seen", "b $Forwarded", "c $Label1 NonJunk"]);
      await opener.use(opener.target(from), async (session) => session.mark?.("/INBOX/;UID=1", ["$Later"]));
      expect(await mirrored(from, maildir, { stateFolder })).toMatchObject({ copied: 0, marked: 1, same: 3 });
      expect(await mirrored(maildir, to, { stateFolder })).toMatchObject({ copied: 0, marked: 1, same: 3 });
      expect((await flagsAt(to))[0]).toBe("a $Later");
      // With nothing remembered, both sides agree.
      expect(await mirrored(from, maildir)).toMatchObject({ copied: 0, marked: 0, same: 3 });
    } finally {
      await Promise.all([one.stop(), other.stop()]);
      await rm(folder, { recursive: true, force: true });
    }
  }, 60_000);

  it("takes a Maildir that is an account: what lies at its top is its INBOX's", async () => {
    const one = await startDovecot("imap", []);
    const folder = await mkdtemp(join(tmpdir(), "porthole-plus-"));
    const stateFolder = join(folder, "state");
    try {
      const to = `imap://localhost:${one.port}/`;
      const opener = client();
      const maildir = `maildir:${folder}/mail`;
      await opener.use(opener.target(maildir), async (session) => {
        const text = (name: string) =>
          inOne(Buffer.from(`Subject: ${name}\r\nMessage-ID: <${name}@p.example>\r\n\r\n`));
        await session.write?.(`${folder}/mail`, { body: text("top") });
        expect(await failure(mirrored(maildir, to, { stateFolder }))).toMatchObject({ code: "usage" });
        await session.makeFolder?.(`${folder}/mail/Sent`);
        await session.write?.(`${folder}/mail/Sent`, { body: text("sent") });
      });
      expect(await mirrored(maildir, to, { stateFolder })).toMatchObject({ copied: 2, failed: 0 });
      expect(await mirrored(maildir, to, { stateFolder })).toMatchObject({ copied: 0, same: 2, failed: 0 });
      await opener.use(opener.target(to), async (session) => {
        expect((await listed(session, "/INBOX")).map(({ name }) => name)).toEqual(["top"]);
        expect((await listed(session, "/Sent")).map(({ name }) => name)).toEqual(["sent"]);
      });
    } finally {
      await one.stop();
      await rm(folder, { recursive: true, force: true });
    }
  });

  it("tells threads", async () => {
    await use(
      async (session) => {
        await session.makeFolder?.("/Threads");
        for (const [id, answers] of [["a"], ["b", "a"], ["c"], ["d", "b"]] as const) {
          const field = answers === undefined ? "" : `References: <${answers}@t.example>\r\n`;
          const text = `Subject: about ${id}\r\nMessage-ID: <${id}@t.example>\r\n${field}\r\n`;
          await session.write?.("/Threads", { body: inOne(Buffer.from(text)), flags: [] });
        }
        expect((await listed(session, "/Threads")).map(({ name }) => name)).toEqual([
          "about a",
          "  about b",
          "    about d",
          "about c",
        ]);
        await session.remove?.("/Threads", { recursive: true });
      },
      { options: { thread: true } },
    );
  });
});

async function* inOne(octetsOf: Buffer): AsyncGenerator<Buffer> {
  yield octetsOf;
}

async function* empty(): AsyncGenerator<never> {}

function hash(octetsOf: Buffer): string {
  return createHash("sha256").update(octetsOf).digest("hex");
}
