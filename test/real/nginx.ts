/** nginx over one folder, on a port of its own: for measurements, and for tests that need no more than files. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./free-port.js";

const PROGRAM = ["/usr/sbin/nginx", "/usr/local/sbin/nginx", "/usr/bin/nginx"].find((path) =>
  existsSync(path),
);

export interface Nginx extends AsyncDisposable {
  readonly url: string;
  /** What it serves lies here; folders without a page are listed. */
  readonly root: string;
  stop(): Promise<void>;
}

export function hasNginx(): boolean {
  return PROGRAM !== undefined && spawnSync(PROGRAM, ["-v"]).error === undefined;
}

/** @param fill puts files into the root before it starts */
export async function startNginx(fill: (root: string) => void): Promise<Nginx> {
  const folder = mkdtempSync(join(tmpdir(), "porthole-nginx-"));
  // Its worker may be another user.
  chmodSync(folder, 0o755);
  const root = join(folder, "www");
  mkdirSync(root);
  mkdirSync(join(folder, "tmp"));
  fill(root);
  const port = await freePort();
  const file = join(folder, "nginx.conf");
  writeFileSync(file, configuration(folder, port));
  const child = spawn(PROGRAM ?? "nginx", ["-p", folder, "-c", file, "-g", "daemon off;"], {
    stdio: "ignore",
  });
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill("SIGTERM");
      await once(child, "exit");
    }
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await untilListening(port, () => child.exitCode);
  } catch (thrown) {
    await stop();
    throw thrown;
  }
  return { url: `http://127.0.0.1:${port}`, root, stop, [Symbol.asyncDispose]: stop };
}

function configuration(folder: string, port: number): string {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (name) => `  ${name}_temp_path ${folder}/tmp;`,
  );
  const user = process.getuid?.() === 0 ? "user nobody nogroup;\n" : "";
  return `${user}worker_processes 1;
error_log ${folder}/error.log;
pid ${folder}/nginx.pid;
events { worker_connections 128; }
http {
  access_log off;
  sendfile on;
${temporary.join("\n")}
  types { text/html html; text/plain txt; text/css css; image/png png; application/octet-stream bin; }
  server { listen 127.0.0.1:${port}; root ${folder}/www; autoindex on; autoindex_exact_size on; }
}
`;
}

async function untilListening(port: number, ended: () => number | null): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    if (ended() !== null) throw new Error(`nginx ended with status ${ended()}`);
    const socket = connect(port, "127.0.0.1");
    const connected = await new Promise<boolean>((resolve) => {
      socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    });
    socket.destroy();
    if (connected) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error("nginx does not listen");
}
