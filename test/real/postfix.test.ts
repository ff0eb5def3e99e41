import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, connect, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeTlsMaterial } from "../../fixtures/servers/certificate.js";
import { Client, type ClientSettings } from "../../src/client.js";
import { compose, type Mail } from "../../src/message/compose.js";
import { outgoingMail } from "../../src/message/mail.js";
import type { SendReport } from "../../src/plugin.js";
import { failure, send } from "../smtp/talk.js";
import { checked } from "./checked.js";

const MASTER = "/usr/lib/postfix/sbin/master";
const INSTALLED = existsSync(MASTER) && process.getuid?.() === 0;
const TITLE = INSTALLED ? "postfix" : "postfix (not installed, or not root)";

const NOBODY = 65534;
const SIZE_LIMIT = 1_000_000;
const QUEUES = "active bounce corrupt defer deferred flush hold incoming private saved trace".split(" ");

interface Postfix {
  /** Takes mail for harbour.example from anybody. */
  readonly smtp: string;
  /** Takes mail after STARTTLS and a login. */
  readonly submission: string;
  /** The same, under TLS from the start. */
  readonly smtps: string;
  /** A mailbox's messages, once there are so many. */
  mails(box: string, count: number): Promise<string[]>;
  stop(): Promise<void>;
}

/** As root, on free ports of loopback, with configuration, queue and mailboxes of its own; nothing leaves the machine. */
async function start(root: string): Promise<Postfix> {
  const tls = await makeTlsMaterial();
  const doorkeeper = await startDoorkeeper();
  const [smtp, submission, smtps] = [await freePort(), await freePort(), await freePort()];
  await layOut(root);
  await writeFile(join(root, "ca.pem"), tls.ca);
  await writeFile(join(root, "cert.pem"), `${tls.key}\n${tls.cert}`, { mode: 0o600 });
  const main = [
    "compatibility_level = 3.6",
    `queue_directory = ${root}/queue`,
    `data_directory = ${root}/data`,
    "daemon_directory = /usr/lib/postfix/sbin",
    "inet_interfaces = 127.0.0.1",
    "inet_protocols = ipv4",
    "myhostname = mail.harbour.example",
    "mydestination =",
    "mynetworks =",
    "alias_maps =",
    // What is not for here goes nowhere at all.
    "default_transport = discard",
    "virtual_mailbox_domains = harbour.example",
    `virtual_mailbox_base = ${root}/mail`,
    `virtual_mailbox_maps = inline:{ { bob@harbour.example = bob/ }, { carl@harbour.example = carl/ }, { jürgen@harbour.example = juergen/ } }`,
    `virtual_uid_maps = static:${NOBODY}`,
    `virtual_gid_maps = static:${NOBODY}`,
    `message_size_limit = ${SIZE_LIMIT}`,
    "smtpd_tls_security_level = may",
    `smtpd_tls_chain_files = ${root}/cert.pem`,
    "smtpd_sasl_type = dovecot",
    `smtpd_sasl_path = inet:127.0.0.1:${portOf(doorkeeper)}`,
    `maillog_file_prefixes = ${root}`,
    `maillog_file = ${root}/log`,
  ];
  const loginFirst =
    "-o smtpd_sasl_auth_enable=yes -o smtpd_tls_auth_only=yes -o smtpd_relay_restrictions=permit_sasl_authenticated,reject";
  const services = [
    `127.0.0.1:${smtp} inet n - n - - smtpd`,
    `127.0.0.1:${submission} inet n - n - - smtpd -o smtpd_tls_security_level=encrypt ${loginFirst}`,
    `127.0.0.1:${smtps} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes ${loginFirst}`,
    "postlog unix-dgram n - n - 1 postlogd",
    "cleanup unix n - n - 0 cleanup",
    "qmgr unix n - n 300 1 qmgr",
    "tlsmgr unix - - n 1000? 1 tlsmgr",
    "rewrite unix - - n - - trivial-rewrite",
    ...["bounce", "defer", "trace"].map((name) => `${name} unix - - n - 0 bounce`),
    ...["error", "discard", "proxymap"].map((name) => `${name} unix - - n - - ${name}`),
    "retry unix - - n - - error",
    "virtual unix - n n - - virtual",
    "anvil unix - - n - 1 anvil",
  ];
  await writeFile(join(root, "etc", "main.cf"), `${main.join("\n")}\n`);
  await writeFile(join(root, "etc", "master.cf"), `${services.join("\n")}\n`);
  const child = spawn(MASTER, ["-c", join(root, "etc"), "-d"], { stdio: "ignore" });
  const ended = once(child, "exit");
  await listens(smtp, child, root);
  return {
    smtp: `smtp://127.0.0.1:${smtp}`,
    submission: `submission://127.0.0.1:${submission}`,
    smtps: `smtps://127.0.0.1:${smtps}`,
    mails: (box, count) => mailsIn(join(root, "mail", box, "new"), count),
    async stop() {
      const family = await childrenOf(child);
      child.kill("SIGTERM");
      await ended;
      await gone(family);
      doorkeeper.close();
    },
  };
}

/** The folders that Debian's package makes for its own instance, with their owners. */
async function layOut(root: string): Promise<void> {
  const postfix = await idOf("/etc/passwd", "postfix");
  const postdrop = await idOf("/etc/group", "postdrop");
  await chmod(root, 0o755);
  for (const folder of ["etc", "queue", "queue/pid", "data", "mail"])
    await mkdir(join(root, folder), { mode: 0o755 });
  await chown(join(root, "data"), postfix, 0);
  await chown(join(root, "mail"), NOBODY, NOBODY);
  for (const queue of QUEUES) {
    await mkdir(join(root, "queue", queue), { mode: 0o700 });
    await chown(join(root, "queue", queue), postfix, 0);
  }
  for (const [queue, mode] of [
    ["maildrop", 0o730],
    ["public", 0o710],
  ] as const) {
    await mkdir(join(root, "queue", queue));
    await chmod(join(root, "queue", queue), mode);
    await chown(join(root, "queue", queue), postfix, postdrop);
  }
}

async function idOf(table: string, name: string): Promise<number> {
  const line = (await readFile(table, "utf8")).split("\n").find((row) => row.startsWith(`${name}:`));
  return Number(line?.split(":")[2]);
}

/** Knows `ann` with the password `open sesame`, and tells postfix by Dovecot's authentication protocol. */
async function startDoorkeeper(): Promise<Server> {
  const right = Buffer.from("\0ann\0open sesame").toString("base64");
  const server = createServer((socket) => {
    socket.write(
      "VERSION\t1\t1\nMECH\tPLAIN\tplaintext\nSPID\t1\nCUID\t1\nCOOKIE\t00112233445566778899aabbccddeeff\nDONE\n",
    );
    let text = "";
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      text += chunk.toString();
      const lines = text.split("\n");
      text = lines.pop() ?? "";
      for (const line of lines) {
        const [word, id = "", ...facts] = line.split("\t");
        if (word === "AUTH")
          socket.write(facts.includes(`resp=${right}`) ? `OK\t${id}\tuser=ann\n` : `FAIL\t${id}\tuser=ann\n`);
      }
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  server.unref();
  return server;
}

function portOf(server: Server): number {
  const address: AddressInfo | string | null = server.address();
  return typeof address === "object" ? (address?.port ?? 0) : 0;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const port = portOf(server);
  server.close();
  await once(server, "close");
  return port;
}

async function listens(port: number, child: ChildProcess, root: string): Promise<void> {
  for (let tries = 0; tries < 100 && child.exitCode === null; tries++) {
    const socket = connect({ host: "127.0.0.1", port });
    const there = await Promise.race([
      once(socket, "connect").then(() => true),
      once(socket, "error").then(() => false),
    ]).catch(() => false);
    socket.destroy();
    if (there) return;
    await wait(50);
  }
  throw new Error(
    `postfix does not listen: ${await readFile(join(root, "log"), "utf8").catch(() => "no log")}`,
  );
}

async function childrenOf(child: ChildProcess): Promise<string[]> {
  const list = await readFile(`/proc/${child.pid}/task/${child.pid}/children`, "utf8").catch(() => "");
  return list.split(" ").filter((pid) => pid !== "");
}

/** The master's processes leave by themselves when it is gone. */
async function gone(pids: readonly string[]): Promise<void> {
  for (let tries = 0; tries < 100 && pids.some((pid) => existsSync(`/proc/${pid}`)); tries++) await wait(50);
}

async function mailsIn(folder: string, count: number): Promise<string[]> {
  for (let tries = 0; tries < 200; tries++) {
    const names = await readdir(folder).catch(() => []);
    if (names.length >= count) {
      return Promise.all(names.map((name) => readFile(join(folder, name), "utf8")));
    }
    await wait(50);
  }
  throw new Error(`${folder} has not ${count} messages after 10 s`);
}

describe.skipIf(!INSTALLED)(TITLE, () => {
  let root: string;
  let postfix: Postfix;

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "porthole-postfix-"));
    postfix = await start(root);
  });

  afterAll(async () => {
    await postfix.stop();
    await rm(root, { recursive: true, force: true });
  });

  it("check: TLS, capabilities, and that it drops what came before the handshake", async () => {
    const trusting = { network: { tls: { caFile: join(root, "ca.pem") } } };
    const well = ["greeting ok", "capabilities ok", "roundtrip ok"];
    for (const place of [postfix.smtp, postfix.submission, postfix.smtps]) {
      const { lines, weaknesses, tls } = await checked(place.replace("127.0.0.1", "localhost"), trusting);
      expect([lines, weaknesses]).toEqual([["resolve ok", "connect ok", "tls ok", ...well], []]);
      expect(tls).toMatchObject({ version: "1.3", authorized: true, name: "localhost" });
    }
    const { lines } = await checked(postfix.smtp, {});
    expect(lines).toEqual(["resolve ok", "connect ok", "tls FAILED"]);
  });

  const HELLO: Mail = {
    from: "ann@x.example",
    to: ["bob@harbour.example"],
    subject: "Hi",
    text: "It works\n",
  };
  const INSECURE: ClientSettings = { network: { tls: { insecure: true } } };

  async function sends(
    url: string,
    mail: Mail,
    settings: ClientSettings = {},
    announced: "size" | "nothing" = "size",
  ): Promise<SendReport> {
    const client = new Client({ ...INSECURE, ...settings });
    const session = await client.open(client.target(url));
    try {
      const { size, ...outgoing } = outgoingMail(await compose(mail));
      return await send(
        session,
        announced === "nothing" || size === undefined ? outgoing : { ...outgoing, size },
      );
    } finally {
      await session[Symbol.asyncDispose]();
    }
  }

  it("delivers what was sent", async () => {
    const text = "Grüße\n.\n..\nFrom here\n\nend";
    const report = await sends(postfix.smtp, { ...HELLO, text });
    expect(report).toMatchObject({ accepted: ["bob@harbour.example"], refused: [] });
    expect(report.reply).toMatch(/^250 2\.0\.0 Ok: (?:\d+ bytes )?queued as /);
    const [mail = ""] = await postfix.mails("bob", 1);
    expect(mail).toContain("Return-Path: <ann@x.example>\n");
    expect(mail).toContain(`Message-ID: ${report.messageId}\n`);
    expect(mail).toMatch(/\n\nGr=C3=BC=C3=9Fe\n\.\n\.\.\nFrom here\n\nend\n$/);
  });

  it("takes STARTTLS where the user wants it", async () => {
    await sends(
      postfix.smtp,
      { ...HELLO, to: ["carl@harbour.example"] },
      { policy: { starttls: "require" } },
    );
    const [mail = ""] = await postfix.mails("carl", 1);
    expect(mail).toMatch(/with ESMTPS id /);
  });

  it("refuses who is not there, and the others get it", async () => {
    const report = await sends(postfix.smtp, {
      ...HELLO,
      to: ["bob@harbour.example"],
      bcc: ["nobody@harbour.example"],
    });
    expect(report.accepted).toEqual(["bob@harbour.example"]);
    expect(report.refused).toEqual([
      { recipient: "nobody@harbour.example", code: 550, reply: expect.stringContaining("User unknown") },
    ]);
  });

  it("does not relay", async () => {
    const failed = await failure(
      sends(postfix.smtp, { ...HELLO, to: ["c@elsewhere.example", "d@elsewhere.example"] }),
    );
    // Its own way: a relay that is refused may be granted later.
    expect(failed).toMatchObject({
      code: "busy",
      exit: 10,
      reply: expect.stringContaining("Relay access denied"),
    });
  });

  it("is told the size, and a message above its limit is not begun", async () => {
    const large = {
      filename: "a.bin",
      size: SIZE_LIMIT,
      open: () => Readable.from([Buffer.alloc(SIZE_LIMIT)]),
    };
    expect(await failure(sends(postfix.smtp, { ...HELLO, attachments: [large] }))).toMatchObject({
      code: "refused",
      exit: 9,
      message: expect.stringMatching(
        /^the message has 13\d{5} octets, and the server takes at most 1000000$/,
      ),
    });
  });

  it("refuses a message above its limit whose size was not known", async () => {
    const large = { filename: "a.bin", open: () => Readable.from([Buffer.alloc(2 * SIZE_LIMIT)]) };
    expect(await failure(sends(postfix.smtp, { ...HELLO, attachments: [large] }))).toMatchObject({
      code: "refused",
      exit: 9,
      reply: expect.stringMatching(/^552 5\.3\.4 /),
    });
  });

  it("delivers to an address beyond ASCII", async () => {
    await sends(postfix.smtp, { ...HELLO, to: ["jürgen@harbour.example"] });
    const [mail = ""] = await postfix.mails("juergen", 1);
    expect(mail).toContain("To: jürgen@harbour.example\n");
    expect(mail).toMatch(/with (?:UTF8SMTP|ESMTP)/);
  });

  it("takes many mails on one session", async () => {
    const client = new Client(INSECURE);
    const session = await client.open(client.target(postfix.smtp));
    for (let at = 0; at < 20; at++) {
      await send(session, outgoingMail(await compose({ ...HELLO, subject: `mail ${at}` })));
    }
    await session[Symbol.asyncDispose]();
    const mails = await postfix.mails("bob", 22);
    for (let at = 0; at < 20; at++)
      expect(mails.some((mail) => mail.includes(`Subject: mail ${at}\n`))).toBe(true);
  });

  describe("submission", () => {
    const RELAYED = { ...HELLO, to: ["c@elsewhere.example"] };
    const withUser = (url: string, user: string) => url.replace("//", `//${user}@`);

    it("takes mail for everywhere after STARTTLS and a login", async () => {
      const report = await sends(withUser(postfix.submission, "ann:open%20sesame"), RELAYED);
      expect(report.accepted).toEqual(["c@elsewhere.example"]);
    });

    it("takes it under TLS from the start", async () => {
      const report = await sends(withUser(postfix.smtps, "ann:open%20sesame"), RELAYED);
      expect(report.accepted).toEqual(["c@elsewhere.example"]);
    });

    it("refuses a wrong password", async () => {
      expect(await failure(sends(withUser(postfix.submission, "ann:wrong"), RELAYED))).toMatchObject({
        code: "auth",
        exit: 7,
        reply: expect.stringMatching(/^535 5\.7\.8 /),
      });
    });

    it("refuses without a login", async () => {
      expect(await failure(sends(postfix.smtps, RELAYED))).toMatchObject({ code: "refused", exit: 9 });
    });

    it("wants TLS", async () => {
      expect(
        await failure(sends(postfix.submission, RELAYED, { policy: { starttls: "never" } })),
      ).toMatchObject({
        code: "tls",
        exit: 5,
        reply: expect.stringMatching(/^530 5\.7\.0 Must issue a STARTTLS command first/),
      });
    });

    it("is not trusted without its authority", async () => {
      const failed = await failure(sends(postfix.smtps, RELAYED, { network: {} }));
      expect(failed).toMatchObject({ code: "tls", exit: 5 });
    });
  });
});
