/** Debian's vsftpd, as root, on a free port of loopback, from a folder of its own; nothing of the system is touched. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import type { TlsMaterial } from "../../fixtures/servers/certificate.js";
import { freePort } from "./free-port.js";
import { listens } from "./listens.js";

export const VSFTPD = ["/usr/sbin/vsftpd", "/usr/bin/vsftpd"].find((path) => existsSync(path));

/** Debian's account without rights whose home exists: vsftpd enters it at login. */
export const DAEMON = { name: "daemon", uid: 1, gid: 1 };

export interface Vsftpd {
  readonly port: number;
  stop(): Promise<void>;
}

/**
 * @param root a folder that DAEMON may enter; `files` in it is what anonymous users see
 * @param options lines of vsftpd.conf
 */
export async function startVsftpd(root: string, options: readonly string[] = []): Promise<Vsftpd> {
  if (VSFTPD === undefined) throw new Error("vsftpd is not installed");
  await mkdir(join(root, "nothing"), { recursive: true });
  const port = await freePort();
  const file = join(root, `vsftpd-${port}.conf`);
  const lines = [
    "listen=YES",
    "listen_address=127.0.0.1",
    `listen_port=${port}`,
    "background=NO",
    "anonymous_enable=YES",
    `anon_root=${join(root, "files")}`,
    `ftp_username=${DAEMON.name}`,
    `secure_chroot_dir=${join(root, "nothing")}`,
    "write_enable=YES",
    "anon_upload_enable=YES",
    "anon_mkdir_write_enable=YES",
    "anon_other_write_enable=YES",
    "anon_umask=022",
    "seccomp_sandbox=NO",
    ...options,
  ];
  await writeFile(file, `${lines.join("\n")}\n`);
  // A group of its own, for it starts a process for each session.
  const child = spawn(VSFTPD, [file], { stdio: "ignore", detached: true });
  const ended = once(child, "exit");
  await listens(port, child);
  return {
    port,
    async stop() {
      if (child.pid === undefined || child.exitCode !== null) return;
      await sessionsEnded(child.pid);
      process.kill(-child.pid, "SIGTERM");
      await ended;
    },
  };
}

/** It is the server that takes leave of its sessions' processes: killed before them, it would leave them behind. */
async function sessionsEnded(pid: number): Promise<void> {
  for (let tries = 0; tries < 50; tries++) {
    const children = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8").catch(() => "");
    if (children.trim() === "") return;
    await wait(20);
  }
}

/** Lines of vsftpd.conf: TLS, and data connections that resume the control connection's session. */
export async function tlsOptions(root: string, material: TlsMaterial): Promise<string[]> {
  for (const part of ["ca", "cert", "key"] as const) {
    await writeFile(join(root, `${part}.pem`), material[part], { mode: 0o600 });
  }
  return [
    "ssl_enable=YES",
    "allow_anon_ssl=YES",
    "force_anon_logins_ssl=YES",
    "force_anon_data_ssl=YES",
    "require_ssl_reuse=YES",
    "strict_ssl_read_eof=YES",
    "ssl_ciphers=HIGH",
    `rsa_cert_file=${join(root, "cert.pem")}`,
    `rsa_private_key_file=${join(root, "key.pem")}`,
  ];
}
