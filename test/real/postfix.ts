/** Debian's postfix as tests and measurements start it: as root, on free ports of loopback, from a temporary folder. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { chmod, chown, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer, type Server } from "node:net";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { makeTlsMaterial } from "../../fixtures/servers/certificate.js";
import { freePort } from "./free-port.js";
import { listens } from "./listens.js";

const MASTER = "/usr/lib/postfix/sbin/master";
export const POSTFIX_INSTALLED = existsSync(MASTER) && process.getuid?.() === 0;

const NOBODY = 65534;
export const SIZE_LIMIT = 1_000_000;
const QUEUES = "active bounce corrupt defer deferred flush hold incoming private saved trace".split(" ");

export interface Postfix {
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
export async function startPostfix(root: string, sizeLimit = SIZE_LIMIT): Promise<Postfix> {
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
    // It holds back who sends faster than it delivers, by a second a mail.
    "in_flow_delay = 0s",
    "virtual_mailbox_domains = harbour.example",
    `virtual_mailbox_base = ${root}/mail`,
    `virtual_mailbox_maps = inline:{ { bob@harbour.example = bob/ }, { carl@harbour.example = carl/ }, { jürgen@harbour.example = juergen/ } }`,
    `virtual_uid_maps = static:${NOBODY}`,
    `virtual_gid_maps = static:${NOBODY}`,
    `message_size_limit = ${sizeLimit}`,
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
  await listens(smtp, child, () => readFile(join(root, "log"), "utf8"));
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
