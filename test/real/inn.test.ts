import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { chmod, chown, cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeTlsMaterial } from "../../fixtures/servers/certificate.js";
import { yEncode } from "../../fixtures/servers/nntp-binaries.js";
import type { ClientSettings } from "../../src/client.js";
import { Client } from "../../src/client.js";
import type { Session } from "../../src/plugin.js";
import { command, failure, list, outgoing, read, search, texts } from "../nntp/talk.js";

const BIN = "/usr/lib/news/bin";
/** Everything runs as Debian's own user for it, as INN demands. */
const NEWS_ID = 9;
const INSTALLED = existsSync(`${BIN}/innd`) && process.getuid?.() === 0;
const TITLE = INSTALLED ? "INN" : "INN (inn2 not installed, or not run as root)";
const GROUPS = ["misc.test", "local.lights", "local.binaries"];

/** Of the two programs: innd takes articles, and hands readers to nnrpd. The second nnrpd wants a login. */
interface News {
  readonly url: string;
  readonly guarded: string;
  readonly caFile: string;
  close(): Promise<void>;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("the listener has no port");
  return address.port;
}

async function untilListening(port: number, child: ChildProcess): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    if (child.exitCode !== null) throw new Error(`the server ended with status ${child.exitCode}`);
    const socket = connect(port, "127.0.0.1");
    const connected = await new Promise<boolean>((resolve) => {
      socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    });
    socket.destroy();
    if (connected) return;
    await wait(50);
  }
  throw new Error("the server does not listen");
}

function configuration(folder: string, port: number): string {
  const paths = {
    patharchive: "spool/archive",
    patharticles: "spool/articles",
    pathdb: "db",
    pathetc: "etc",
    pathfilter: "etc/filter",
    pathhttp: "http",
    pathincoming: "spool/incoming",
    pathlog: "log",
    pathoutgoing: "spool/outgoing",
    pathoverview: "spool/overview",
    pathrun: "run",
    pathspool: "spool",
    pathtmp: "tmp",
  };
  return [
    'mta: "/bin/true %s"',
    "mailcmd: /bin/true",
    "ovmethod: tradindexed",
    "hismethod: hisv6",
    "pathhost: news.harbour.example",
    "domain: harbour.example",
    "pathnews: /usr/lib/news",
    `pathbin: ${BIN}`,
    `pathcontrol: ${BIN}/control`,
    "artcutoff: 0",
    `port: ${port}`,
    "bindaddress: 127.0.0.1",
    "enableoverview: true",
    "wireformat: true",
    "wanttrash: false",
    "docancels: none",
    "runasuser: news",
    "runasgroup: news",
    "nnrpdposthost: 127.0.0.1",
    `nnrpdpostport: ${port}`,
    `tlscertfile: ${folder}/etc/cert.pem`,
    `tlskeyfile: ${folder}/etc/key.pem`,
    "tlscapath:",
    ...Object.entries(paths).map(([name, path]) => `${name}: ${folder}/${path}`),
    "",
  ].join("\n");
}

const READERS = `auth "local" { hosts: "127.0.0.1, localhost" default: "<localhost>" }
access "local" { users: "<localhost>" newsgroups: "*" access: "RPAN" addcanlockuser: none }
`;
const GUARDED = (folder: string) => `auth "known" { hosts: "*" auth: "ckpasswd -f ${folder}/etc/users" }
access "known" { users: "*" newsgroups: "*" access: "RPAN" addcanlockuser: none }
`;

async function start(): Promise<News> {
  const folder = await mkdtemp(join(tmpdir(), "porthole-inn-"));
  const port = await freePort();
  const guardedPort = await freePort();
  const tls = await makeTlsMaterial();
  const folders = [
    "etc/filter",
    "db",
    "run",
    "log",
    "tmp",
    "http",
    "spool/articles",
    "spool/overview",
    "spool/archive",
    "spool/outgoing",
    "spool/incoming/tmp",
    "spool/incoming/bad",
  ];
  for (const name of folders) await mkdir(join(folder, name), { recursive: true });
  const active = ["control", "control.cancel", "junk"].map((name) => `${name} 0000000000 0000000001 n`);
  const password = execFileSync("openssl", ["passwd", "-1", "light house"]).toString().trim();
  const files: Record<string, string> = {
    "etc/inn.conf": configuration(folder, port),
    "etc/newsfeeds": "ME:!*/!local::\n",
    "etc/incoming.conf": 'peer local {\n hostname: "127.0.0.1"\n streaming: true\n}\n',
    "etc/storage.conf": "method tradspool {\n newsgroups: *\n class: 0\n}\n",
    "etc/expire.ctl": "/remember/:11\n*:A:1:10:never\n",
    "etc/control.ctl": "all:*:*:drop\n",
    "etc/readers.conf": READERS,
    "etc/guarded.conf": GUARDED(folder),
    "etc/users": `keeper:${password}\n`,
    "etc/motd.nnrpd": "The light is on.\n",
    "etc/cert.pem": tls.cert,
    "etc/key.pem": tls.key,
    "etc/ca.pem": tls.ca,
    "db/active": [...active, ...GROUPS.map((name) => `${name} 0000000000 0000000001 y`), ""].join("\n"),
    "db/newsgroups": "misc.test\tFor testing\nlocal.lights\tLamps and horns\nlocal.binaries\tPictures\n",
    "db/active.times": "misc.test 1709251200 keeper@harbour.example\n",
    "db/history": "",
  };
  for (const name of [
    "nocem.ctl",
    "moderators",
    "innfeed.conf",
    "passwd.nntp",
    "distrib.pats",
    "subscriptions",
    "localgroups",
  ]) {
    files[`etc/${name}`] = "";
  }
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
  await chmod(join(folder, "etc/key.pem"), 0o600);
  execFileSync("chown", ["-R", "news:news", folder]);
  const as = {
    uid: NEWS_ID,
    gid: NEWS_ID,
    cwd: folder,
    env: { ...process.env, INNCONF: `${folder}/etc/inn.conf` },
  };
  execFileSync(`${BIN}/makedbz`, ["-i", "-o"], as);
  const innd = spawn(`${BIN}/innd`, ["-f", "-P", String(port)], { ...as, stdio: "ignore" });
  const nnrpd = spawn(
    `${BIN}/nnrpd`,
    ["-D", "-f", "-p", String(guardedPort), "-4", "127.0.0.1", "-c", `${folder}/etc/guarded.conf`],
    { ...as, stdio: "ignore" },
  );
  const news: News = {
    url: `nntp://127.0.0.1:${port}/`,
    guarded: `nntp://127.0.0.1:${guardedPort}/`,
    caFile: `${folder}/etc/ca.pem`,
    close: async () => {
      for (const child of [innd, nnrpd]) {
        if (child.exitCode !== null || child.signalCode !== null) continue;
        const ended = once(child, "exit");
        child.kill("SIGTERM");
        const late = setTimeout(() => child.kill("SIGKILL"), 5000);
        await ended;
        clearTimeout(late);
      }
      await rm(folder, { recursive: true, force: true });
    },
  };
  try {
    await untilListening(port, innd);
    await untilListening(guardedPort, nnrpd);
  } catch (thrown) {
    const words = await readFile(join(folder, "log/errlog"), "utf8").catch(() => "");
    await news.close();
    throw new Error(`${String(thrown)} ${words}`);
  }
  return news;
}

describe.skipIf(!INSTALLED)(TITLE, () => {
  let news: News;

  beforeAll(async () => {
    news = await start();
  });

  afterAll(async () => {
    await news?.close();
  });

  async function withSession<T>(
    act: (session: Session) => Promise<T>,
    settings: ClientSettings = {},
    url = news.url,
  ): Promise<T> {
    const client = new Client(settings);
    const session = await client.open(client.target(url));
    try {
      return await act(session);
    } finally {
      await session[Symbol.asyncDispose]();
    }
  }

  const draft = {
    from: "The Keeper <keeper@harbour.example>",
    group: ["local.lights"],
    text: "Two.\n.\n..dots\n",
  };

  it("tells what it can do, once it is asked for reader mode", async () => {
    const [shown = ""] = await texts("capabilities", [news.url]);
    expect(shown).toContain("IMPLEMENTATION INN ");
    expect(shown.split("\n")).toContain("READER");
    expect((await texts("date", [news.url]))[0]).toMatch(/^20\d\d-/);
    expect(await texts("list", [news.url, "MOTD"])).toEqual(["The light is on."]);
    expect(await texts("groups", [news.url, "misc.*"])).toEqual(["misc.test\t0\ty\tFor testing"]);
  });

  it("takes an article, an answer, and gives them as a thread", async () => {
    const header = (name: string) => [`Message-ID: <${name}@harbour.example>`];
    await command("post", [news.url], {}, { ...draft, header: header("light-1"), subject: "Grüße" });
    await command(
      "post",
      [news.url],
      {},
      { ...draft, header: header("light-2"), reply: "<light-1@harbour.example>" },
    );
    await withSession(async (session) => {
      const articles = await list(session, "/local.lights");
      expect(articles.map(({ name, url }) => [name, url])).toEqual([
        ["Re: Grüße", `${news.url}local.lights/2`],
        ["Grüße", `${news.url}local.lights/1`],
      ]);
      expect((await read(session, "/local.lights/1")).toString()).toMatch(
        /\r\n\r\nTwo\.\r\n\.\r\n\.\.dots\r\n$/,
      );
      expect((await search(session, "/local.lights", "grüße")).length).toBe(2);
      expect((await search(session, "/local.lights", "newsgroups: local.*")).length).toBe(2);
      expect(await session.stat?.("/%3Clight-2@harbour.example%3E")).toMatchObject({
        name: "Re: Grüße",
        meta: { references: ["<light-1@harbour.example>"] },
      });
      expect((await read(session, "/local.lights/1-2")).toString().match(/^From - /gm)?.length).toBe(2);
      expect(await failure(read(session, "/local.lights/99"))).toMatchObject({ code: "missing", exit: 8 });
      expect(await failure(list(session, "/local.lost"))).toMatchObject({ code: "missing", exit: 8 });
    });
    expect(await texts("thread", [`${news.url}local.lights`])).toEqual([
      "1 Grüße - The Keeper <keeper@harbour.example>",
      "  2 Re: Grüße - The Keeper <keeper@harbour.example>",
    ]);
    expect(await texts("hdr", [`${news.url}local.lights`, "References"])).toEqual([
      "1 ",
      "2 <light-1@harbour.example>",
    ]);
    expect(await texts("next", [`${news.url}local.lights/1`])).toEqual(["2 <light-2@harbour.example>"]);
    expect(await failure(texts("last", [`${news.url}local.lights/1`]))).toMatchObject({ code: "missing" });
    expect(await texts("newnews", [`${news.url}local.lights`, "1h"])).toEqual([
      "<light-1@harbour.example>",
      "<light-2@harbour.example>",
    ]);
  });

  it("refuses what is none, in its own words", async () => {
    await withSession(async (session) => {
      const article = "From: a@x.example\r\nNewsgroups: local.lost\r\nSubject: x\r\n\r\nx\r\n";
      expect(await failure(session.send?.(outgoing(article)) ?? Promise.resolve())).toMatchObject({
        code: "refused",
        exit: 9,
        reply: expect.stringMatching(/^441 /),
      });
    });
  });

  it("gives octets of any kind as they were posted", async () => {
    const body = Buffer.from(
      Array.from(
        { length: 20_000 },
        (_, at) => [1 + ((at * 7) % 255)].map((o) => (o === 10 || o === 13 ? 65 : o))[0] ?? 65,
      ),
    );
    for (let at = 200; at < body.length; at += 200) body.set([13, 10, 46], at);
    const head = Buffer.from(
      "From: a@x.example\r\nNewsgroups: misc.test\r\nSubject: octets\r\nMessage-ID: <octets@x.example>\r\n\r\n",
    );
    await withSession(async (session) => {
      const client = outgoing("", "<octets@x.example>");
      const { Readable } = await import("node:stream");
      const raw = Readable.from([head, body, Buffer.from("\r\n")], { objectMode: false });
      await session.send?.({ ...client, raw });
      const octets = await read(session, "/%3Coctets@x.example%3E");
      expect(
        octets.subarray(octets.indexOf("\r\n\r\n") + 4).equals(Buffer.concat([body, Buffer.from("\r\n")])),
      ).toBe(true);
    });
  });

  it("holds a binary, which comes back whole", async () => {
    const octets = Buffer.from(Array.from({ length: 300_000 }, (_, at) => (at * 31 + (at >> 7)) & 0xff));
    await withSession(async (session) => {
      const { Readable } = await import("node:stream");
      for (const number of [1, 2, 3]) {
        const begin = (number - 1) * 100_000;
        const part = yEncode(
          octets.subarray(begin, begin + 100_000),
          "tower.bin",
          { number, total: 3, begin },
          { size: octets.length, crc: 0 },
        );
        const clean = Buffer.from(part.toString("latin1").replace(" crc32=00000000", ""), "latin1");
        const head = Buffer.from(
          `From: a@x.example\r\nNewsgroups: local.binaries\r\nSubject: "tower.bin" yEnc (${number}/3)\r\nMessage-ID: <tower-${number}@x.example>\r\n\r\n`,
        );
        const raw = Readable.from([head, clean], { objectMode: false });
        await session.send?.({ ...outgoing("", `<tower-${number}@x.example>`), raw });
      }
    });
    const folder = await mkdtemp(join(tmpdir(), "porthole-tower-"));
    try {
      await command("nzb", [`${news.url}local.binaries`], {}, { directory: folder, subject: "tower" });
      expect((await readFile(join(folder, "tower.bin"))).equals(octets)).toBe(true);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  it("takes articles from another server, one by one and as a stream", async () => {
    const folder = await mkdtemp(join(tmpdir(), "porthole-feed-"));
    try {
      const files: string[] = [];
      for (const name of ["f1", "f2", "f3"]) {
        files.push(join(folder, name));
        const lines = [
          "Path: other.example!not-for-mail",
          "From: a@x.example",
          "Newsgroups: misc.test",
          `Subject: ${name}`,
          `Message-ID: <${name}@feed.example>`,
          `Date: ${new Date().toUTCString().replace("GMT", "+0000")}`,
          "",
          ".dots",
          "",
        ];
        await writeFile(join(folder, name), lines.join("\r\n"));
      }
      // A transit server is one that is not asked for reader mode; a client that only feeds need not be a reader.
      const outputs = await failure(texts("ihave", [news.url, files[0] ?? ""]));
      expect(["no failure", "refused"]).toContain(
        typeof outputs === "string" ? outputs : Reflect.get(Object(outputs), "code"),
      );
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  it("wants a login where it is set up so, and takes it in clear, by SASL and after STARTTLS", async () => {
    expect(
      await failure(withSession((session) => list(session, "/local.lights"), {}, news.guarded)),
    ).toMatchObject({
      code: "auth",
      exit: 7,
    });
    const known = news.guarded.replace("//", "//keeper:light%20house@");
    const trusting = { network: { tls: { caFile: news.caFile } }, policy: { starttls: "require" } } as const;
    expect((await withSession((session) => list(session, "/"), trusting, known)).length).toBeGreaterThan(3);
    const wrong = news.guarded.replace("//", "//keeper:wrong@");
    expect(await failure(withSession((session) => list(session, "/"), trusting, wrong))).toMatchObject({
      code: "auth",
      exit: 7,
    });
  });
});
