/** INN, as Debian has it (inn2), on free ports of loopback and from a temporary folder: nothing of the system's is touched. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { makeTlsMaterial } from "../../fixtures/servers/certificate.js";
import { freePort } from "./free-port.js";

const BIN = "/usr/lib/news/bin";
/** Everything runs as Debian's own user for it, as INN demands. */
const NEWS_ID = 9;
const GROUPS = ["misc.test", "local.lights", "local.binaries"];

/** INN runs as the user that Debian made for it. */
export function hasInn(): boolean {
  return existsSync(`${BIN}/innd`) && process.getuid?.() === 0;
}

/** Of the two programs: innd takes articles, and hands readers to nnrpd. The second nnrpd wants a login. */
export interface News {
  readonly url: string;
  readonly guarded: string;
  readonly caFile: string;
  close(): Promise<void>;
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
    "docancels: require-auth",
    // By itself it turns readers away from a machine with a load of 16.
    "nnrpdloadlimit: 0",
    "runasuser: news",
    "runasgroup: news",
    "nnrpdposthost: 127.0.0.1",
    `nnrpdpostport: ${port}`,
    `tlscertfile: ${folder}/etc/cert.pem`,
    `tlskeyfile: ${folder}/etc/key.pem`,
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

export async function startInn(): Promise<News> {
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
  try {
    execFileSync(`${BIN}/makedbz`, ["-i", "-o"], as);
  } catch (thrown) {
    await rm(folder, { recursive: true, force: true });
    throw thrown;
  }
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
