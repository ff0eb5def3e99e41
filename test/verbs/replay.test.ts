import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { Readable } from "node:stream";
import { buffer, text } from "node:stream/consumers";
import { describe, expect, it } from "vitest";
import { startSandbox } from "../../fixtures/servers/sandbox.js";
import { Client, type ClientSettings } from "../../src/client.js";
import { parseRecording, RecordingWriter } from "../../src/net/recording.js";
import { type Replay, type ReplayOptions, replay } from "../../src/net/replay.js";
import { Transcript } from "../../src/net/transcript.js";
import type { Session, Target } from "../../src/plugin.js";
import { perform, steps } from "../socket/performed.js";

const WIRE = join(import.meta.dirname, "..", "..", "fixtures", "wire");
const TEXT = "One\n.\n..two\nThe end.\n";

const wire = (name: string, options: ReplayOptions = {}): Promise<Replay> =>
  replay(parseRecording(readFileSync(join(WIRE, name), "latin1")), { once: true, ...options });

/** Lines of a recording, without the last. */
const written = (...lines: readonly string[]): string =>
  ["# Porthole recording 1, 2026-01-31T12:00:00.000Z", ...lines, ""].join("\n");

const serve = (lines: readonly string[], options: ReplayOptions = {}): Promise<Replay> =>
  replay(parseRecording(written(...lines)), { once: true, ...options });

async function use<T>(
  url: string,
  act: (session: Session, target: Target) => Promise<T>,
  settings: ClientSettings = {},
): Promise<T> {
  const client = new Client(settings);
  const target = client.target(url);
  return client.use(target, (session) => act(session, target));
}

async function contentOf(session: Session, path: string): Promise<string> {
  const document = await session.read?.(path);
  return document === undefined ? "" : await text(document.body);
}

/** What a bare client gets for its octets, up to the server's end. */
async function said(port: number, octets: string): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => undefined);
  socket.write(octets);
  return (await buffer(socket)).toString("latin1");
}

describe("recordings of real servers", () => {
  it("vsftpd 3.0.3: a file, over a data connection of the replay's own", async () => {
    await using server = await wire("vsftpd-3.0.3.rec");
    expect(server.url).toBe(`ftp://127.0.0.1:${server.port}/`);
    expect(await use(server.url, (session) => contentOf(session, "/pub/text.txt"))).toBe(TEXT);
    await server.done;
  });

  it("vsftpd 3.0.3: a listing", async () => {
    await using server = await wire("vsftpd-3.0.3-list.rec");
    const names = await use(server.url, async (session) => {
      const found: string[] = [];
      for await (const { name } of session.list?.("/pub") ?? []) found.push(name);
      return found;
    });
    expect(names).toEqual(["other.txt", "text.txt"]);
    await server.done;
  });

  it("nginx 1.22.1: a page, whatever the Host is called", async () => {
    await using server = await wire("nginx-1.22.1.rec");
    expect(server.url).toBe(`http://127.0.0.1:${server.port}/`);
    expect(await use(server.url, (session) => contentOf(session, "/text.txt"))).toBe(TEXT);
    await server.done;
  });

  it("gophernicus 3.1.1: a menu", async () => {
    await using server = await wire("gophernicus-3.1.1.rec");
    expect(server.url).toBe(`gopher://127.0.0.1:${server.port}/`);
    const kinds = await use(server.url, async (session) => {
      const found: string[] = [];
      for await (const { name, kind } of session.list?.("/1") ?? []) if (kind !== "note") found.push(name);
      return found;
    });
    expect(kinds).toEqual(["A text"]);
  });

  const login: ClientSettings = {
    credentials: async () => ({ user: "bob", password: "another", kind: "password" }),
    policy: { authMechanism: "PLAIN" },
  };

  it("dovecot 2.3.19: a mailbox and a message, whoever logs in", async () => {
    await using listing = await wire("dovecot-pop3-2.3.19-list.rec");
    const names = await use(
      `${listing.url}`,
      async (session) => {
        const found: string[] = [];
        for await (const { name } of session.list?.("/") ?? []) found.push(name);
        return found;
      },
      login,
    );
    expect(names).toEqual(["The light, number 2", "The light, number 1"]);
    await using message = await wire("dovecot-pop3-2.3.19.rec");
    const octets = await use(
      message.url,
      async (session) => {
        const document = await session.read?.("/2");
        return document === undefined ? "" : (await buffer(document.body)).toString("latin1");
      },
      login,
    );
    expect(octets).toMatch(/\r\n\r\nDots:\r\n\.\r\n\.\.two\r\nAn eight-bit word: caf\xe9\r\n$/);
  });

  it("dovecot 2.3.19 over IMAP: a mailbox and a message, whoever logs in", async () => {
    const policy = { ...login.policy, startTls: "never" as const };
    await using listing = await wire("dovecot-imap-2.3.19-list.rec");
    const names = await use(
      `${listing.url}INBOX`,
      async (session, { url }) => {
        const found: string[] = [];
        for await (const { name } of session.list?.(url.path) ?? []) found.push(name);
        return found;
      },
      { ...login, policy },
    );
    expect(names).toEqual(["The light, number 2", "The light, number 1"]);
    await listing.done;
    await using message = await wire("dovecot-imap-2.3.19.rec");
    const octets = await use(
      `${message.url}INBOX/;UID=2`,
      (session, { url }) => contentOf(session, url.path),
      { ...login, policy },
    );
    expect(octets).toMatch(/\r\n\r\nDots:\r\n\.\r\n\.\.two\r\n\* BYE\r\n\{5\}\r\n$/);
    await message.done;
  });

  it("pygopherd 3.0.0: a menu and a text", async () => {
    await using menu = await wire("pygopherd-3.0.0-list.rec");
    const names = await use(menu.url, async (session) => {
      const found: string[] = [];
      for await (const { name, kind } of session.list?.("/") ?? []) if (kind !== "note") found.push(name);
      return found;
    });
    expect(names).toEqual(["folder", "octets", "text"]);
    await using page = await wire("pygopherd-3.0.0.rec");
    expect(await use(page.url, (session) => contentOf(session, "/0/text.txt"))).toBe(TEXT);
  });

  it("Apache 2.4.71: a page behind Digest, whose proofs are no two alike", async () => {
    await using server = await wire("apache-2.4.71-digest.rec");
    const credentials = async () => ({ user: "me", password: "pw", kind: "password" as const });
    expect(
      await use(server.url, (session) => contentOf(session, "/digest/secret.txt"), { credentials }),
    ).toBe("between us\n");
    await server.done;
  });

  it("Apache 2.4.71: a folder of WebDAV", async () => {
    await using server = await wire("apache-2.4.71-dav.rec");
    const entries = await use(
      server.url,
      async (session) => {
        const found: string[] = [];
        for await (const { name } of session.list?.("/dav/") ?? []) found.push(name);
        return found;
      },
      { options: { dav: true } },
    );
    expect(entries).toEqual([]);
    await server.done;
  });

  it("telnetd of inetutils 2.4: a login with a password of another length, and a command", async () => {
    await using server = await wire("inetutils-telnetd-2.4.rec");
    const { text: said } = await perform("telnet", "run", [server.url], {
      window: "100x30",
      term: "vt100",
      ...steps(
        ...["expect=login:", "send=keeper", "expect=Password:", "send=a much longer password"],
        ...["expect=harbour$ ", "send=echo $TERM", "expect=vt100", "send=exit"],
      ),
    });
    expect(said).toContain("Welcome, keeper");
  });

  it("INN 2.7.1: a group and an article", async () => {
    // The group that the URL names is asked for with the first commands.
    const visit = <T>(server: Replay, path: string, act: (session: Session, path: string) => Promise<T>) =>
      use(server.url.replace(/\/$/, path), (session) => act(session, path));
    await using group = await wire("inn-2.7.1-list.rec");
    const subjects = await visit(group, "/misc.test", async (session, path) => {
      const found: string[] = [];
      for await (const { name } of session.list?.(path) ?? []) found.push(name);
      return found;
    });
    expect(subjects).toEqual(["Re: The light", "The light"]);
    await using article = await wire("inn-2.7.1.rec");
    expect(await visit(article, "/misc.test/1", contentOf)).toContain("\r\n\r\nIt is on.\r\n.\r\n..two\r\n");
  });

  it.each([
    ["postfix-3.7.11.rec", { chunking: false }],
    ["postfix-3.7.11-starttls.rec", { chunking: false }],
    ["postfix-3.7.11-bdat.rec", {}],
  ] as const)("%s: another mail is taken, too", async (name, options) => {
    await using server = await wire(name);
    expect(server.url).toBe(`smtp://127.0.0.1:${server.port}/`);
    const report = await use(
      server.url,
      async (session) =>
        session.send?.({
          kind: "message",
          envelope: { from: "ann@harbour.example", to: ["bob@harbour.example"] },
          raw: Readable.from([Buffer.from("Subject: Another\r\n\r\nLonger\r\nthan the first.\r\n")], {
            objectMode: false,
          }),
          messageId: "",
        }),
      { options },
    );
    expect(report).toMatchObject({
      accepted: ["bob@harbour.example"],
      reply: expect.stringContaining("queued as"),
    });
    await server.done;
  });
});

describe("a recording made here", () => {
  it("plays an upload, with the login masked", async () => {
    const sandbox = await startSandbox({ only: ["ftp"] });
    const transcript = new Transcript();
    const writer = new RecordingWriter();
    const lines = writer.head(new Date());
    transcript.subscribe((event) => lines.push(...writer.lines(event)));
    const put = async (session: Session, octets: string) =>
      session.write?.("/incoming/a.bin", { body: Readable.from([Buffer.from(octets)]) });
    const url = sandbox.url("ftp").replace("ftp://", "ftp://porthole:sandbox@");
    await use(url, (session) => put(session, "\0\xff first"), { transcript });
    await sandbox.close();
    lines.push(...writer.end());
    expect(lines.join("\n")).not.toContain("PASS sandbox");

    const recording = parseRecording(lines.map((line) => `${line}\n`).join(""));
    expect(recording.whole).toBe(true);
    await using server = await replay(recording, { once: true });
    const again = server.url.replace("ftp://", "ftp://porthole:anything@");
    const entry = await use(again, (session) => put(session, "something else"));
    expect(entry).toMatchObject({ name: "a.bin" });
    await server.done;
  });
});

describe("TLS", () => {
  it.each(["ftps", "https", "smtps"])(
    "%s is served in clear, without what only TLS asks for",
    async (scheme) => {
      const sandbox = await startSandbox({ only: [scheme.slice(0, -1)] });
      const writer = new RecordingWriter();
      const lines = writer.head(new Date());
      const transcript = new Transcript();
      transcript.subscribe((event) => lines.push(...writer.lines(event)));
      const visit = async (session: Session): Promise<string> => {
        if (scheme !== "smtps" || session.send === undefined)
          return contentOf(session, scheme === "ftps" ? "/welcome.txt" : "/files/welcome.txt");
        const report = await session.send({
          kind: "message",
          envelope: { from: "ann@harbour.example", to: ["bob@harbour.example"] },
          raw: Readable.from([Buffer.from("Subject: Hi\r\n\r\nthere\r\n")], { objectMode: false }),
          messageId: "",
        });
        return report.accepted.join();
      };
      const settings = { transcript, network: { tls: { caFile: sandbox.caFile } } };
      const first = await use(sandbox.url(scheme), visit, settings);
      await sandbox.close();
      expect(first.length).toBeGreaterThan(10);

      const recording = parseRecording(lines.map((line) => `${line}\n`).join(""));
      await using server = await replay(recording, { once: true });
      expect(server.url).toBe(`${scheme.slice(0, -1)}://127.0.0.1:${server.port}/`);
      expect(await use(server.url, visit)).toBe(first);
    },
  );
});

describe("playing", () => {
  const GREETED = [
    "0.001 1 S: 220 ready",
    "0.002 1 C: NOOP",
    "0.003 1 S: 250 ok",
    "0.004 1 C: QUIT",
    "0.005 1 S: 221 bye",
  ];

  it("answers what was recorded", async () => {
    await using server = await serve(GREETED);
    expect(await said(server.port, "NOOP\r\nQUIT\r\n")).toBe("220 ready\r\n250 ok\r\n221 bye\r\n");
    await server.done;
  });

  it("passes over what the client leaves out, and says so", async () => {
    const told: string[] = [];
    await using server = await serve(GREETED, { tell: (words) => told.push(words) });
    expect(await said(server.port, "QUIT\r\n")).toBe("220 ready\r\n221 bye\r\n");
    expect(told).toEqual(['the client passes over line 3 of the recording: "NOOP"']);
  });

  it("lets go of a client that says what was never recorded, and says what was expected", async () => {
    const told: string[] = [];
    await using server = await serve(GREETED, { tell: (words) => told.push(words) });
    expect(await said(server.port, "DATA\r\n")).toBe("220 ready\r\n");
    await server.done;
    expect(told).toEqual(['line 3 of the recording has "NOOP", but the client says "DATA"']);
  });

  it("does not tell what a client logs in with", async () => {
    const told: string[] = [];
    await using server = await serve(GREETED, { tell: (words) => told.push(words) });
    await said(server.port, "PASS open sesame\r\n");
    await server.done;
    expect(told).toEqual(['line 3 of the recording has "NOOP", but the client says "PASS [masked]"']);
  });

  it("a masked secret matches anything, and only there", async () => {
    const lines = ["0.001 1 S: 220 ready", "0.002 1 C: PASS [masked] x", "0.003 1 S: 230 in"];
    await using server = await serve(lines, { once: false });
    expect(await said(server.port, "PASS what ever x\r\n")).toBe("220 ready\r\n230 in\r\n");
    expect(await said(server.port, "PASS what ever y\r\n")).toBe("220 ready\r\n");
  });

  it("without `once` begins anew; several connections in their order", async () => {
    const lines = ["0.001 1 S: first", "0.002 2 S: second"];
    await using server = await serve(lines, { once: false });
    const heard: string[] = [];
    for (let visit = 0; visit < 3; visit++) heard.push(await said(server.port, ""));
    expect(heard).toEqual(["first\r\n", "second\r\n", "first\r\n"]);
  });

  it("octets that are no text, cut anywhere", async () => {
    const lines = ["0.001 1 C= AAECAw==", "0.002 1 S= //79", "0.003 1 S. > "];
    await using server = await serve(lines);
    expect(await said(server.port, "\0\x01\x02\x03")).toBe(
      Buffer.from([0xff, 0xfe, 0xfd, 0x3e, 0x20]).toString("latin1"),
    );
  });

  it("ends with the caller's signal while a client waits", async () => {
    const controller = new AbortController();
    await using server = await serve(GREETED, { signal: controller.signal });
    const visit = said(server.port, "");
    setTimeout(() => controller.abort(), 50);
    await server.done;
    expect(await visit).toMatch(/^(?:220 ready\r\n)?$/);
  });

  it("a port that is taken is a failure of the connection", async () => {
    await using server = await serve(GREETED);
    await expect(serve(GREETED, { port: server.port })).rejects.toMatchObject({ code: "connect" });
  });
});

describe("a file that is not to be trusted", () => {
  const refused = (content: string): unknown => {
    try {
      parseRecording(content);
    } catch (thrown) {
      return thrown;
    }
    return undefined;
  };

  it.each([
    ["another file", "GET / HTTP/1.1\r\n", "this is no recording of Porthole's"],
    ["an empty one", "", "this is no recording of Porthole's"],
    [
      "a line that is none",
      written("0.001 1 S: a", "x"),
      "line 3 of the recording was changed or cut: it has not the form of one",
    ],
    [
      "a time that runs back",
      written("0.002 1 S: a", "0.001 1 S: b"),
      "line 3 of the recording was changed or cut: its time is before that of the line above",
    ],
    [
      "what is not base64",
      written("0.001 1 S= a*b"),
      "line 2 of the recording was changed or cut: it is not base64",
    ],
    [
      "a control character",
      written("0.001 1 S: a\x1bb"),
      "line 2 of the recording was changed or cut: it holds what no text has",
    ],
  ])("%s", (_title, content, message) => {
    expect(refused(content)).toMatchObject({ code: "usage", exit: 2, message });
  });

  it("one in which a single character was changed", () => {
    const content = readFileSync(join(WIRE, "nginx-1.22.1.rec"), "latin1");
    expect(parseRecording(content).whole).toBe(true);
    expect(refused(content.replace("200 OK", "500 OK"))).toMatchObject({
      code: "usage",
      message: expect.stringContaining("its checksum does not fit"),
    });
  });

  it("one that was cut off can be played, and is known to be cut", () => {
    expect(parseRecording(written("0.001 1 S: a")).whole).toBe(false);
  });

  it("one without a conversation", async () => {
    await expect(serve(["0.001 0 * nothing happened"])).rejects.toMatchObject({
      code: "usage",
      message: "the recording holds no conversation",
    });
  });
});
