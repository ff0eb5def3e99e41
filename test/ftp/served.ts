/** The sandbox's FTP server, with whatever habits a test wants of it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import { makeTlsMaterial, type TlsMaterial, writeAuthority } from "../../fixtures/servers/certificate.js";
import { type FtpOptions, startFtp } from "../../fixtures/servers/ftp.js";
import type { Arrival, SandboxServer } from "../../fixtures/servers/server.js";
import type { ClientSettings } from "../../src/client.js";

export interface Sandbox {
  readonly url: string;
  /** With TLS from the start. */
  readonly secure: string;
  readonly arrivals: readonly Arrival[];
}

let tls: TlsMaterial;
let folder = "";

/** Settings that take the sandbox's certificate; there once the first test runs. */
export function trusting(): ClientSettings {
  return { network: { tls: { caFile: join(folder, "ca.pem") } } };
}

/** To be said once in every file of tests that uses the sandbox. */
export function prepareSandbox(): void {
  beforeAll(async () => {
    tls = await makeTlsMaterial();
    folder = mkdtempSync(join(tmpdir(), "porthole-ftp-"));
    await writeAuthority(tls, join(folder, "ca.pem"));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
}

export async function sandbox<T>(
  options: Partial<FtpOptions>,
  act: (server: Sandbox) => Promise<T>,
): Promise<T> {
  const arrivals: Arrival[] = [];
  const server = await startFtp({ tls, onArrival: (arrival) => arrivals.push(arrival), ...options });
  try {
    return await act({ url: urlOf(server, "ftp"), secure: urlOf(server, "ftps"), arrivals });
  } finally {
    await server.close();
  }
}

/** With the sandbox's user, who may write everywhere. */
function urlOf({ urls }: SandboxServer, name: string): string {
  const url = urls.find((row) => row.name === name)?.url ?? "";
  return url.replace("//", "//porthole:sandbox@").replace(/\/$/, "");
}
