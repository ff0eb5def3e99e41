import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { ImapFlow } from "imapflow";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sampleMails } from "../../fixtures/content/mails.js";
import { makeTlsMaterial, type TlsMaterial } from "../../fixtures/servers/certificate.js";
import { startImap } from "../../fixtures/servers/imap.js";
import { type Sandbox, startSandbox } from "../../fixtures/servers/sandbox.js";
import type { SandboxServer } from "../../fixtures/servers/server.js";
import { plugin } from "../../protocols/imap/index.js";
import { Client, type ClientSettings } from "../../src/client.js";
import type { Entry, Output, Session, Source, WatchEvent } from "../../src/plugin.js";
import { all, failure, listed, many, octets } from "./talk.js";

const LOGIN = { user: "porthole", password: "sandbox", kind: "password" } as const;

let sandbox: Sandbox;
let tls: TlsMaterial;

beforeAll(async () => {
  sandbox = await startSandbox({ only: ["smtp", "pop3", "imap"] });
  tls = await makeTlsMaterial();
});

afterAll(async () => {
  await sandbox.close();
});

function client(more: ClientSettings = {}): Client {
  return new Client({
    credentials: async () => LOGIN,
    network: { tls: { caFile: sandbox.caFile } },
    ...more,
  });
}

async function use<T>(
  act: (session: Session, path: (entry: Entry) => string) => Promise<T>,
  more: ClientSettings = {},
  url = sandbox.url("imap"),
): Promise<T> {
  const opener = client(more);
  return opener.use(opener.target(url), (session) => act(session, (entry) => opener.target(entry.url).path));
}

/** Its own server, with its own mailboxes, and something left out. */
async function useServer<T>(
  without: readonly string[],
  act: (session: Session, path: (entry: Entry) => string, server: SandboxServer) => Promise<T>,
  more: ClientSettings = {},
): Promise<T> {
  const server = await startImap({ tls, without, onArrival: () => undefined });
  try {
    return await use((session, path) => act(session, path, server), more, server.urls[0]?.url);
  } finally {
    await server.close();
  }
}

function mail(text: string, facts: Omit<Source, "body"> = {}): Source {
  return { body: Readable.from([Buffer.from(text)], { objectMode: false }), ...facts };
}

function write(session: Session, path: string, source: Source): Promise<Entry> {
  if (session.write === undefined) throw new Error("the session has no write()");
  return session.write(path, source);
}

/** Runs `porthole imap NAME URL WORDS...`. */
async function run(url: string, name: string, path: string, ...words: readonly string[]): Promise<string[]> {
  const opener = client();
  const sessions: Session[] = [];
  const command = plugin.commands[name];
  if (command === undefined) throw new Error(`there is no command ${name}`);
  const shown: string[] = [];
  try {
    const outputs = command({
      words: [`${url.replace(/\/$/, "")}${path}`, ...words],
      options: {},
      signal: opener.signal,
      stdin: Readable.from([]),
      stdinIsTerminal: false,
      warn: () => undefined,
      open: async (asked) => {
        const target = opener.target(asked);
        const session = await opener.open(target);
        sessions.push(session);
        return { session, target };
      },
    });
    for await (const output of outputs) shown.push(await showing(output));
  } finally {
    for (const session of sessions) await session[Symbol.asyncDispose]();
  }
  return shown;
}

async function showing(output: Output): Promise<string> {
  if (output.kind === "record") return output.text;
  if (output.kind === "entry") {
    const { flags } = output.entry.meta;
    return `${output.entry.name} ${Array.isArray(flags) ? flags.join(",") : ""}`;
  }
  return output.kind === "document" ? (await buffer(output.document.body)).toString("latin1") : "octets";
}

describe("the sandbox's IMAP server", () => {
  it("lists mailboxes, messages and parts, in clear and under TLS", async () => {
    for (const scheme of ["imap", "imaps"]) {
      await use(
        async (session) => {
          const names = (await listed(session, "/")).map(({ name }) => name);
          expect(names).toEqual(["INBOX", "Archive", "Drafts", "Entwürfe", "Junk", "Sent", "Trash"]);
          const [tides] = (await listed(session, "/INBOX")).filter(({ meta }) => meta["uid"] === 2);
          expect(tides).toMatchObject({
            name: "Gezeiten für die Küste",
            meta: { from: "Jürgen Küster <tides@harbour.example>" },
          });
          expect(await listed(session, "/INBOX/;UID=2")).toMatchObject([
            { type: "text/plain", meta: { section: "1", charset: "utf-8" } },
            { name: "tides.csv", type: "text/csv", meta: { section: "2", attached: true } },
          ]);
        },
        {},
        sandbox.url(scheme),
      );
    }
  });

  it("gives every message, and a part of one", async () => {
    await use(async (session) => {
      for (const [at, { raw }] of sampleMails().entries()) {
        expect((await octets(session, `/INBOX/;UID=${at + 1}`)).equals(raw)).toBe(true);
      }
      expect((await octets(session, "/INBOX/;UID=2/;SECTION=2")).toString()).toContain("06:12,4.1");
      expect((await octets(session, "/INBOX/;UID=1/;SECTION=HEADER")).toString()).toMatch(
        /^From: Harbour Office/,
      );
      expect(await failure(octets(session, "/INBOX/;UID=1/;SECTION=4"))).toMatchObject({ code: "missing" });
    });
  });

  it("resumes a message where a copy of it broke off", async () => {
    await use(async (session) => {
      const document = await session.read?.("/INBOX/;UID=1", { offset: 100 });
      const raw = sampleMails()[0]?.raw ?? Buffer.alloc(0);
      if (document === undefined) throw new Error("the session has no read()");
      expect(document).toMatchObject({ offset: 100, total: raw.length });
      expect((await buffer(document.body)).equals(raw.subarray(100))).toBe(true);
    });
  });

  it("is logged in to by every mechanism it offers", async () => {
    for (const authMechanism of ["LOGIN", "PLAIN", "CRAM-MD5", "SCRAM-SHA-256"]) {
      const count = await use(async (session) => (await listed(session, "/INBOX", 1)).length, {
        policy: { authMechanism },
      });
      expect(count, authMechanism).toBe(1);
    }
    const wrong = { credentials: async () => ({ ...LOGIN, password: "no" }) };
    expect(await failure(use(async () => undefined, wrong))).toMatchObject({ code: "auth", exit: 7 });
  });

  it("has what was sent by SMTP, tells of it as it comes, and of what POP3 removes", async () => {
    const opener = client();
    const session = await opener.open(opener.target(sandbox.url("imap")));
    const told = session.watch?.("/INBOX")[Symbol.asyncIterator]();
    if (told === undefined) throw new Error("the session has no watch()");
    const next = async (): Promise<WatchEvent> => {
      const { value } = await told.next();
      if (value === undefined) throw new Error("the watch has ended");
      return value;
    };
    const first = next();
    const sender = new Client();
    const smtp = await sender.open(sender.target(sandbox.url("smtp")));
    const text = "Subject: over the bar\r\nMessage-ID: <bar@x.example>\r\n\r\nhello\r\n";
    // The watch must have begun: what was there before it is no news.
    await use(async (other) => {
      await listed(other, "/INBOX");
    });
    await new Promise((resolve) => setTimeout(resolve, 300));
    await smtp.send?.({
      kind: "message",
      envelope: { from: "a@x.example", to: ["porthole@sandbox.porthole.test"] },
      raw: Readable.from([Buffer.from(text)], { objectMode: false }),
      messageId: "<bar@x.example>",
    });
    const came = await first;
    expect(came).toMatchObject({ event: "new", entry: { name: "over the bar" } });
    const second = next();
    const path = opener.target(came.entry.url).path;
    await run(sandbox.url("imap"), "flag", path, "flagged");
    expect(await second).toMatchObject({ event: "changed", entry: { meta: { flags: ["\\Flagged"] } } });
    const third = next();
    await use(async (other) => other.remove?.(path));
    expect(await third).toMatchObject({ event: "gone", entry: { url: came.entry.url } });
    const fourth = failure(next());
    await session[Symbol.asyncDispose]();
    expect(await fourth).toMatchObject({ code: "aborted" });
    await smtp[Symbol.asyncDispose]();
  });

  it("searches as people type, newest first, in one mailbox or in all", async () => {
    await use(async (session) => {
      const found = async (path: string, words: string) =>
        (await all<Entry>(session.search?.(path, words) ?? nothing())).map(({ name }) => name);
      expect(await found("/INBOX", "from:office larger:10")).toEqual(["Welcome aboard"]);
      expect(await found("/INBOX", "subject:Küste")).toEqual(["Gezeiten für die Küste"]);
      expect(await found("/", "subject:welcome")).toEqual(["Welcome aboard"]);
      expect(await found("/INBOX", "NOT FROM office SUBJECT welcome")).toEqual([]);
    });
  });

  it("is the same to imapflow", async () => {
    const { hostname, port } = new URL(sandbox.url("imap"));
    const peer = new ImapFlow({
      host: hostname,
      port: Number(port),
      secure: false,
      doSTARTTLS: false,
      auth: { user: LOGIN.user, pass: LOGIN.password },
      logger: false,
    });
    await peer.connect();
    const lock = await peer.getMailboxLock("INBOX");
    try {
      const message = await peer.fetchOne("2", { source: true, envelope: true, bodyStructure: true });
      if (message === false) throw new Error("there is no message 2");
      expect(message.envelope?.subject).toBe("Gezeiten für die Küste");
      expect(message.source?.equals(sampleMails()[1]?.raw ?? Buffer.alloc(0))).toBe(true);
      expect(message.bodyStructure?.childNodes?.map(({ type }) => type)).toEqual(["text/plain", "text/csv"]);
    } finally {
      lock.release();
      await peer.logout();
    }
  });
});

async function* nothing(): AsyncGenerator<Entry> {}

describe("what is written", () => {
  const LF = "Subject: kept\nMessage-ID: <kept@x.example>\n\nline\n.\nFrom here\n";

  it.each([
    ["as servers do it now", []],
    [
      "without UIDPLUS, MOVE, LITERAL+ and ESEARCH",
      ["UIDPLUS", "MOVE", "LITERAL+", "ESEARCH", "LIST-EXTENDED", "SPECIAL-USE", "LIST-STATUS"],
    ],
  ])("keeps octets, flags and date, and is moved and removed: %s", async (_how, without) => {
    await useServer(without, async (session, path) => {
      await session.makeFolder?.("/Logs/2026");
      const modified = new Date("2026-02-03T04:05:06Z");
      const entry = await write(
        session,
        "/Logs/2026",
        mail(LF, { flags: ["\\Seen", "$Mine", "\\Recent", "a b"], modified }),
      );
      const [there] = await listed(session, "/Logs/2026");
      expect(there).toMatchObject({ name: "kept", modified, meta: { flags: ["\\Seen", "$Mine"] } });
      if (there === undefined) throw new Error("nothing was written");
      if (without.length === 0) expect(there.url).toBe(entry.url);
      expect((await octets(session, path(there))).toString()).toBe(LF.replaceAll("\n", "\r\n"));
      await write(session, "/Logs/2026", mail("Subject: other\r\n\r\n", { flags: ["\\Deleted"] }));
      await session.move?.(path(there), "/Trash");
      expect((await listed(session, "/Logs/2026")).map(({ name }) => name)).toEqual(["other"]);
      const [moved] = await listed(session, "/Trash");
      expect(moved).toMatchObject({ name: "kept", modified, meta: { flags: ["\\Seen", "$Mine"] } });
      if (moved === undefined) throw new Error("nothing was moved");
      await session.remove?.(path(moved));
      expect(await listed(session, "/Trash")).toEqual([]);
      // What others had marked stays, and stays marked.
      expect(await listed(session, "/Logs/2026")).toMatchObject([{ meta: { flags: ["\\Deleted"] } }]);
      await session.remove?.("/Logs", { recursive: true });
      expect((await listed(session, "/")).map(({ name }) => name)).not.toContain("Logs");
    });
  });

  it("goes into the mailbox that a file's name was put behind", async () => {
    await useServer([], async (session) => {
      await write(session, "/Drafts/a.eml", mail(LF));
      expect(await listed(session, "/Drafts")).toHaveLength(1);
      expect(await failure(write(session, "/Nowhere", mail(LF)))).toMatchObject({ code: "missing" });
    });
  });

  it("is nothing when its source fails, and the session goes on", async () => {
    await useServer([], async (session) => {
      const broken = async function* () {
        yield Buffer.from("Subject: half\r\n");
        throw new Error("the disk is on fire");
      };
      expect(await failure(write(session, "/Drafts", { body: broken() }))).toMatchObject({
        message: "the disk is on fire",
      });
      expect(await listed(session, "/Drafts")).toEqual([]);
    });
  });

  it("may be large, and is not held in memory", async () => {
    await useServer([], async (session, path) => {
      const line = "a line of a mail, as long as others are\r\n";
      const large = `Subject: large\r\n\r\n${line.repeat(100_000)}`;
      const entry = await write(session, "/Drafts", mail(large));
      expect((await octets(session, path(entry))).toString()).toBe(large);
    });
  });

  it("renames, and says so when there is no such mailbox", async () => {
    await useServer([], async (session) => {
      await session.makeFolder?.("/a%26b");
      expect((await session.move?.("/a%26b", "/Küste"))?.name).toBe("Küste");
      expect(await failure(listed(session, "/a%26b"))).toMatchObject({ code: "missing" });
      // What is seen of it, and of what lies in it, goes with the names.
      for (const path of ["/Boats", "/Boats/small"]) await session.makeFolder?.(path);
      await session.move?.("/Boats", "/Ships");
      const subscriptions: string[] = [];
      for await (const { meta } of session.list?.("/", { recursive: true }) ?? []) {
        const { mailbox, subscribed } = meta;
        if (subscribed === true && typeof mailbox === "string") subscriptions.push(mailbox);
      }
      expect(subscriptions).toEqual(expect.arrayContaining(["Küste", "Ships", "Ships/small"]));
      expect(await failure(session.makeFolder?.("/K%C3%BCste") ?? Promise.resolve())).toMatchObject({
        code: "local",
      });
      expect(await failure(session.remove?.("/Drafts") ?? Promise.resolve())).toMatchObject({
        code: "usage",
      });
    });
  });

  it("gives many at once, from several mailboxes, with parts between", async () => {
    await useServer([], async (session, path) => {
      const first = path(await write(session, "/Drafts", mail("Subject: d\r\n\r\n1")));
      const second = path(await write(session, "/Sent", mail("Subject: s\r\n\r\n2")));
      const wanted = [
        first,
        second,
        "/INBOX/;UID=2/;SECTION=2",
        "/INBOX/;UID=99",
        first,
        "/INBOX;UIDVALIDITY=1/;UID=1",
      ];
      expect(await many(session, wanted)).toEqual([
        "Subject: d\r\n\r\n1",
        "Subject: s\r\n\r\n2",
        expect.stringContaining("06:12,4.1"),
        "missing",
        "Subject: d\r\n\r\n1",
        "missing",
      ]);
    });
  });
});

describe("porthole imap", () => {
  it("shows and changes what only IMAP has", async () => {
    await useServer([], async (_session, _path, server) => {
      const url = server.urls[0]?.url ?? "";
      const does = (name: string, path: string, ...words: readonly string[]) =>
        run(url, name, path, ...words);
      expect((await does("folders", "/")).join("\n")).toMatch(/5\s+5\s+INBOX.*\n.*Archive\n.*2026/);
      expect((await does("folders", "/Archive")).join("\n")).toMatch(/^ {16}Archive\n +0 +0 {4}2026/);
      expect(await failure(does("folders", "/Nowhere"))).toMatchObject({ code: "missing" });
      expect(await does("status", "/INBOX")).toEqual([
        expect.stringMatching(/^5 messages, 5 unseen, \d+ octets, next UID 6/),
      ]);
      expect(await does("flag", "/INBOX/;UID=1", "seen", "$Mine")).toEqual(["Welcome aboard \\Seen,$Mine"]);
      expect(await does("unflag", "/INBOX?seen", "$Mine")).toEqual(["Welcome aboard \\Seen"]);
      expect(await failure(does("flag", "/INBOX", "seen"))).toMatchObject({ code: "usage" });
      expect(await does("copy", "/INBOX/;UID=1", "Archive/2026")).toEqual([
        expect.stringMatching(/^copied 1 to .*\/Archive\/2026;UIDVALIDITY=\d+\/;UID=1$/),
      ]);
      expect(await does("move", "/Archive/2026?ALL", "/Trash")).toEqual([expect.stringContaining("/Trash;")]);
      expect(await does("flag", "/Trash/;UID=1", "deleted")).toHaveLength(1);
      expect(await does("expunge", "/Trash")).toEqual(["removed 1"]);
      expect(await does("create", "/New")).toEqual([expect.stringMatching(/^created .*\/New$/)]);
      expect(await does("rename", "/New", "/Newer")).toEqual([expect.stringMatching(/^renamed .*\/Newer$/)]);
      expect(await does("unsubscribe", "/Newer")).toHaveLength(1);
      expect(await does("subscribe", "/Newer")).toHaveLength(1);
      expect(await does("delete", "/Newer")).toHaveLength(1);
      expect(await does("quota", "/")).toEqual([
        expect.stringMatching(/^\(the account\): STORAGE \d+ of 262144 KiB$/),
      ]);
      expect(await does("quota", "/", "STORAGE=300000")).toEqual([expect.stringContaining("of 300000 KiB")]);
      expect(await does("acl", "/INBOX", "bob", "lr")).toEqual([
        "mine: lrswipkxtea",
        "porthole: lrswipkxtea",
        "bob: lr",
      ]);
      expect(await does("acl", "/INBOX", "bob", "none")).not.toContain("bob: lr");
      expect(await does("metadata", "/INBOX", "/shared/comment", "the wáy in")).toEqual([
        "/shared/comment the wáy in",
      ]);
      expect(await does("namespace", "/")).toEqual(['personal: "", parted by /']);
      expect((await does("sort", "/INBOX", "-size"))[0]).toMatch(/chart/i);
      expect((await does("sort", "/INBOX", "size:desc"))[0]).toMatch(/chart/i);
      expect(await does("sort", "/INBOX", "subject", "from:office")).toEqual(["Welcome aboard \\Seen"]);
      for (const keys of [[], ["reverse"]]) {
        expect(await failure(does("sort", "/INBOX", ...keys))).toMatchObject({ code: "usage" });
      }
      expect((await does("thread", "/INBOX")).join("\n")).toContain("1 Welcome aboard");
      expect(await does("id", "/")).toEqual(["name: Porthole sandbox"]);
      expect(await does("enable", "/", "CONDSTORE")).toEqual(["enabled CONDSTORE"]);
      expect(await failure(does("enable", "/", "X-NOTHING"))).toMatchObject({ code: "refused" });
      expect(await does("capability", "/")).toContain("IDLE");
      expect(await does("quote", "/INBOX", "FETCH 1 (UID)")).toEqual(["* 1 FETCH (UID 1)", "OK Done"]);
      expect(
        await does(
          "quote",
          "/INBOX",
          "UID FETCH 1 (UID BODY.PEEK[HEADER.FIELDS (SUBJECT)] BODY.PEEK[TEXT]<0.4>)",
        ),
      ).toEqual([
        expect.stringMatching(
          /^\* 1 FETCH \(UID 1 BODY\[HEADER.FIELDS \(SUBJECT\)\] \{27\}\nSubject: Welcome aboard\n\n BODY\[TEXT\]<0> \{4\}\n.{4}\)$/s,
        ),
        "OK Done",
      ]);
      const whole = sampleMails()[0]?.raw ?? Buffer.alloc(0);
      expect((await does("quote", "/INBOX", "FETCH 1:2 BODY.PEEK[]"))[0]).toBe(
        `* 1 FETCH (BODY[] {${whole.length}}\n${whole.toString("utf8").replaceAll("\r\n", "\n")})`,
      );
      expect(await failure(does("quote", "/", "A1 {5}"))).toMatchObject({ code: "usage" });
      expect((await does("export", "/INBOX/;UID=1")).join("")).toMatch(
        /^From MAILER-DAEMON \w{3} \w{3} .*\nFrom: Harbour Office/,
      );
      expect(await failure(does("proxyauth", "/", "bob"))).toMatchObject({ code: "refused" });
    });
  });

  it("says what a server lacks", async () => {
    await useServer(
      ["SORT", "QUOTA", "ACL", "METADATA", "QUOTA=RES-STORAGE"],
      async (_session, _path, server) => {
        const url = server.urls[0]?.url ?? "";
        for (const [name, ...words] of [
          ["sort", "date"],
          ["quota"],
          ["acl"],
          ["metadata", "/shared/comment"],
        ]) {
          expect(await failure(run(url, name ?? "", "/INBOX", ...words)), name).toMatchObject({
            code: "refused",
          });
        }
      },
    );
  });
});
