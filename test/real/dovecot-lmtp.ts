/** Debian's dovecot as an LMTP server (dovecot-lmtpd), on a free port of loopback and a Unix socket. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { NOBODY, PROGRAM, untilListening } from "./dovecot.js";
import { freePort } from "./free-port.js";

export interface LmtpServer {
  readonly port: number;
  readonly socketPath: string;
  /** The mails in a user's mailbox, in order of arrival. */
  mailsOf(user: string): Promise<string[]>;
  stop(): Promise<void>;
}

/** Users of harbour.example with a mailbox. The third has no room for more than a few hundred octets. */
const USERS = ["ann", "bob", "full"] as const;

export function hasLmtp(): boolean {
  return existsSync(PROGRAM) && existsSync("/usr/lib/dovecot/lmtp") && process.getuid?.() === 0;
}

export async function startLmtp(): Promise<LmtpServer> {
  const root = await mkdtemp(join(tmpdir(), "porthole-lmtp-"));
  await chmod(root, 0o755);
  const lines = USERS.map((user) => {
    const quota = user === "full" ? "userdb_quota_rule=*:bytes=300" : "";
    return `${user}@harbour.example::${NOBODY.uid}:${NOBODY.gid}::${join(root, user)}::${quota}`;
  });
  await writeFile(join(root, "users"), `${lines.join("\n")}\n`);
  for (const user of USERS) {
    await mkdir(join(root, user));
    await chown(join(root, user), NOBODY.uid, NOBODY.gid);
  }
  const port = await freePort();
  const socketPath = join(root, "lmtp.sock");
  await writeFile(join(root, "dovecot.conf"), configuration(root, port, socketPath));
  const child = spawn(PROGRAM, ["-F", "-c", join(root, "dovecot.conf")], { stdio: "ignore" });
  const ended = once(child, "exit");
  await untilListening(port, () => child.exitCode !== null);
  return {
    port,
    socketPath,
    mailsOf: async (user) => {
      const folder = join(root, user, "Maildir/new");
      const names = await readdir(folder).catch(() => []);
      return Promise.all(
        names
          // In order of arrival: dovecot's names tell microseconds without leading zeros (M999P, M1000P).
          .sort(new Intl.Collator("en", { numeric: true }).compare)
          .map((name) => readFile(join(folder, name), "utf8")),
      );
    },
    async stop() {
      child.kill("SIGTERM");
      await ended;
      await rm(root, { recursive: true, force: true });
    },
  };
}

function configuration(root: string, port: number, socketPath: string): string {
  return `
    protocols = lmtp
    listen = 127.0.0.1
    base_dir = ${root}/run
    state_dir = ${root}/state
    log_path = ${root}/log
    ssl = no
    first_valid_uid = 1
    mail_location = maildir:~/Maildir
    mail_fsync = never
    default_vsz_limit = 0
    mail_plugins = quota
    plugin {
      quota = maildir:User
      quota_rule = *:storage=1G
      quota_grace = 0
    }
    passdb {
      driver = passwd-file
      args = ${root}/users
    }
    userdb {
      driver = passwd-file
      args = ${root}/users
    }
    service lmtp {
      inet_listener lmtp {
        address = 127.0.0.1
        port = ${port}
      }
      unix_listener ${socketPath} {
        mode = 0666
      }
    }
    service anvil {
      chroot =
    }
  `;
}
