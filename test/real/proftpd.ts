/** Debian's ProFTPD with mod_tls, started by root, on a free port of loopback, from a folder of its own; nothing of the system is touched. */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TlsMaterial } from "../../fixtures/servers/certificate.js";
import { freePort } from "./free-port.js";
import { listens } from "./listens.js";
import { DAEMON } from "./vsftpd.js";

/** Installed, or unpacked beside vsftpd, with which Debian's package does not go together. */
const ROOT = ["", "/opt/proftpd"].find((root) => existsSync(`${root}/usr/sbin/proftpd`)) ?? "";
const MODULES = `${ROOT}/usr/lib/proftpd`;
const PROGRAM = `${ROOT}/usr/sbin/proftpd`;
/** With the module that does TLS, which is a package of its own. */
export const PROFTPD = existsSync(PROGRAM) && existsSync(`${MODULES}/mod_tls.so`) ? PROGRAM : undefined;

export const USER = { name: "ann", password: "secret" };

export interface Proftpd {
  readonly port: number;
  stop(): Promise<void>;
}

/**
 * @param root a folder that DAEMON may enter; `files` in it is what the user sees
 * @param options lines of proftpd.conf
 */
export async function startProftpd(
  root: string,
  material: TlsMaterial,
  options: readonly string[] = [],
): Promise<Proftpd> {
  if (PROFTPD === undefined) throw new Error("proftpd is not installed");
  const port = await freePort();
  const at = (name: string) => join(root, `${name}-${port}`);
  for (const part of ["ca", "cert", "key"] as const) {
    await writeFile(join(root, `${part}.pem`), material[part], { mode: 0o600 });
  }
  const hash = execFileSync("openssl", ["passwd", "-6", USER.password], { encoding: "utf8" }).trim();
  const { uid, gid } = DAEMON;
  await writeFile(at("passwd"), `${USER.name}:${hash}:${uid}:${gid}::${join(root, "files")}:/bin/false\n`, {
    mode: 0o600,
  });
  const lines = [
    "ServerType standalone",
    "DefaultAddress 127.0.0.1",
    "UseIPv6 off",
    `Port ${port}`,
    `User ${DAEMON.name}`,
    `Group ${DAEMON.name}`,
    `ModulePath ${MODULES}`,
    "LoadModule mod_tls.c",
    `PidFile ${at("pid")}`,
    `ScoreboardFile ${at("scoreboard")}`,
    `SystemLog ${at("log")}`,
    "TransferLog none",
    "WtmpLog off",
    "DelayEngine off",
    `AuthUserFile ${at("passwd")}`,
    "AuthOrder mod_auth_file.c",
    "RequireValidShell off",
    "DefaultRoot ~",
    "AllowOverwrite on",
    "TLSEngine on",
    `TLSLog ${at("tls")}`,
    `TLSRSACertificateFile ${join(root, "cert.pem")}`,
    `TLSRSACertificateKeyFile ${join(root, "key.pem")}`,
    "TLSVerifyClient off",
    ...options,
  ];
  await writeFile(at("conf"), `${lines.join("\n")}\n`);
  // A group of its own, for it starts a process for each session.
  const child = spawn(PROFTPD, ["--nodaemon", "--config", at("conf")], { stdio: "ignore", detached: true });
  const ended = once(child, "exit");
  await listens(port, child, () => readFile(at("log"), "utf8"));
  return {
    port,
    async stop() {
      if (child.pid === undefined || child.exitCode !== null) return;
      process.kill(-child.pid, "SIGTERM");
      await ended;
    },
  };
}
