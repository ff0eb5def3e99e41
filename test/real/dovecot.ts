/** Debian's dovecot, as root, on free ports of loopback, from a temporary folder; nothing of the system is touched. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { chmod, chown, mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { makeTlsMaterial } from "../../fixtures/servers/certificate.js";
import { freePort } from "./free-port.js";

export const PROGRAM = "/usr/sbin/dovecot";

/** Debian's account without rights: the mails are its. */
export const NOBODY = { uid: 65_534, gid: 65_534 };

export const ANN = { user: "ann", password: "open sesame", kind: "password" } as const;

export type MailProtocol = "pop3" | "imap";

interface Ports {
  /** In clear and with STARTTLS or STLS. */
  readonly port: number;
  /** Under TLS from the start. */
  readonly tlsPort: number;
}

/** Its ports are those of the first protocol. */
export interface Dovecot extends Ports {
  /** Those of each that was asked for. */
  readonly ports: ReadonlyMap<MailProtocol, Ports>;
  /** The authority of its certificate, which holds for localhost. */
  readonly caFile: string;
  /** Folder of Maildir messages: what is written there is new mail. */
  readonly newMail: string;
  stop(): Promise<void>;
}

export function hasDovecot(protocol: MailProtocol): boolean {
  return existsSync(PROGRAM) && existsSync(`/usr/lib/dovecot/${protocol}`);
}

/** @param mails what lies in the mailbox, in order */
export function startDovecot(
  protocol: MailProtocol,
  mails: readonly Buffer[],
  prefix?: string,
  uses?: Readonly<Record<string, string>>,
): Promise<Dovecot> {
  return startDovecotFor([protocol], mails, prefix, uses);
}

/**
 * One mailbox, by several protocols.
 * @param prefix what the names of all mailboxes begin with, such as `INBOX.`
 * @param uses mailboxes that are there from the start, and what each is for: `\Sent`
 */
export async function startDovecotFor(
  protocols: readonly [MailProtocol, ...MailProtocol[]],
  mails: readonly Buffer[],
  prefix = "",
  uses: Readonly<Record<string, string>> = {},
): Promise<Dovecot> {
  const root = await mkdtemp(join(tmpdir(), "porthole-dovecot-"));
  // Its own accounts must pass through.
  await chmod(root, 0o755);
  const tls = await makeTlsMaterial();
  await writeFile(join(root, "cert.pem"), tls.cert);
  await writeFile(join(root, "key.pem"), tls.key, { mode: 0o600 });
  const caFile = join(root, "ca.pem");
  await writeFile(caFile, tls.ca);
  const users = [`${ANN.user}:{PLAIN}${ANN.password}:${NOBODY.uid}:${NOBODY.gid}::${join(root, "home")}::`];
  await writeFile(join(root, "users"), `${users.join("\n")}\n`);
  for (const folder of ["", "/Maildir", "/Maildir/cur", "/Maildir/new", "/Maildir/tmp"]) {
    await mkdir(join(root, `home${folder}`));
    await chown(join(root, `home${folder}`), NOBODY.uid, NOBODY.gid);
  }
  const newMail = join(root, "home/Maildir/new");
  for (const [at, raw] of mails.entries()) await deliver(newMail, at, raw);
  const config = join(root, "dovecot.conf");
  const started = async () => {
    const ports = new Map<MailProtocol, Ports>();
    for (const protocol of protocols)
      ports.set(protocol, { port: await freePort(), tlsPort: await freePort() });
    await writeFile(config, configuration(root, ports, prefix, uses));
    const child = spawn(PROGRAM, ["-F", "-c", config], { stdio: "ignore" });
    const ended = once(child, "exit");
    return { ports, child, ended, isUp: await hasStarted(join(root, "log"), () => child.exitCode !== null) };
  };
  // A port that was free may be another program's by now: dovecot then ends, though something listens there.
  let run = await started();
  for (let tries = 1; !run.isUp && tries < 3; tries++) run = await started();
  const { ports, child, ended } = run;
  const first = ports.get(protocols[0]) ?? { port: 0, tlsPort: 0 };
  await untilListening(first.port, () => child.exitCode !== null);
  return {
    ...first,
    ports,
    caFile,
    newMail,
    async stop() {
      child.kill("SIGTERM");
      await ended;
      await rm(root, { recursive: true, force: true });
    },
  };
}

/** It says so when it has all its ports. @returns false when it has ended */
async function hasStarted(log: string, gone: () => boolean): Promise<boolean> {
  for (let tries = 0; tries < 200 && !gone(); tries++) {
    const text = await readFile(log, "utf8").catch(() => "");
    if (text.includes("starting up")) return true;
    await wait(50);
  }
  return false;
}

/** Puts a mail into a Maildir; the name's time decides about its place. */
export async function deliver(newMail: string, at: number, raw: Buffer): Promise<void> {
  const name = `${1_700_000_000 + at}.M${at}P1.harbour`;
  // Whole and its owner's before it is seen: dovecot moves on at once what is new.
  const made = join(newMail, "..", "tmp", name);
  await writeFile(made, raw);
  await chown(made, NOBODY.uid, NOBODY.gid);
  await rename(made, join(newMail, name));
}

function configuration(
  root: string,
  ports: ReadonlyMap<MailProtocol, Ports>,
  prefix: string,
  uses: Readonly<Record<string, string>>,
): string {
  const mailboxes = Object.entries(uses).map(
    ([name, use]) => `
      mailbox "${name}" {
        auto = create
        special_use = ${use}
      }`,
  );
  const services = [...ports].map(
    ([protocol, { port, tlsPort }]) => `
    service ${protocol}-login {
      inet_listener ${protocol} {
        port = ${port}
      }
      inet_listener ${protocol}s {
        port = ${tlsPort}
        ssl = yes
      }
    }`,
  );
  return `
    protocols = ${[...ports.keys()].join(" ")}
    listen = 127.0.0.1
    base_dir = ${root}/run
    state_dir = ${root}/state
    log_path = ${root}/log
    ssl = yes
    ssl_cert = <${root}/cert.pem
    ssl_key = <${root}/key.pem
    disable_plaintext_auth = no
    auth_mechanisms = plain login cram-md5 scram-sha-1 scram-sha-256
    first_valid_uid = 1
    mail_location = maildir:${root}/home/Maildir
    mail_fsync = never
    namespace inbox {
      inbox = yes
      separator = .
      prefix = ${prefix}
      ${mailboxes.join("\n")}
    }
    default_vsz_limit = 0
    passdb {
      driver = passwd-file
      args = ${root}/users
    }
    userdb {
      driver = passwd-file
      args = ${root}/users
    }
    ${services.join("\n")}
    service anvil {
      chroot =
    }
  `;
}

export async function untilListening(port: number, gone: () => boolean): Promise<void> {
  for (let tries = 0; tries < 200 && !gone(); tries++) {
    const socket = connect(port, "127.0.0.1");
    const reached = await once(socket, "connect").then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (reached) return;
    await wait(50);
  }
  throw new Error("dovecot does not listen");
}
