/** From one ProFTPD straight to another under TLS: the one that is told to begin it checks the other's certificate. */
import { randomBytes } from "node:crypto";
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeTlsMaterial, type TlsMaterial } from "../../fixtures/servers/certificate.js";
import { Client } from "../../src/client.js";
import { type CpEvent, cp } from "../../src/verbs/cp.js";
import { failureOf } from "../ftp/opened.js";
import { PROFTPD, type Proftpd, startProftpd, USER } from "./proftpd.js";
import { DAEMON } from "./vsftpd.js";

const TITLE = PROFTPD === undefined ? "cp --fxp under TLS (proftpd not installed)" : "cp --fxp under TLS";
const OCTETS = randomBytes(3_000_000);

describe.skipIf(PROFTPD === undefined)(TITLE, () => {
  const roots: string[] = [];
  const servers: Proftpd[] = [];
  let material: TlsMaterial;

  beforeAll(async () => {
    material = await makeTlsMaterial();
  });

  afterAll(async () => {
    await Promise.all(servers.map((server) => server.stop()));
    await Promise.all(roots.map((root) => rm(root, { recursive: true, force: true })));
  });

  async function start(trusts: boolean): Promise<{ url: string; root: string }> {
    const root = await mkdtemp(join(tmpdir(), "porthole-fxp-"));
    roots.push(root);
    await mkdir(join(root, "files", "incoming"), { recursive: true });
    await writeFile(join(root, "files", "octets.bin"), OCTETS);
    await chown(join(root, "files", "incoming"), DAEMON.uid, DAEMON.gid);
    await chmod(root, 0o755);
    const server = await startProftpd(root, material, [
      "TLSRequired auth+data",
      "TLSOptions NoSessionReuseRequired",
      ...(trusts ? [`TLSCACertificateFile ${join(root, "ca.pem")}`] : []),
    ]);
    servers.push(server);
    return { url: `ftp://${USER.name}:${USER.password}@127.0.0.1:${server.port}`, root };
  }

  async function copied(from: string, to: string): Promise<CpEvent[]> {
    const client = new Client({
      network: { tls: { caFile: join(roots[0] ?? "", "ca.pem") } },
      policy: { starttls: "require" },
      options: { fxp: true },
    });
    const events: CpEvent[] = [];
    for await (const event of cp({ client, from: [from], to })) events.push(event);
    return events;
  }

  it("goes where the target trusts the source's certificate (SSCN)", async () => {
    const [one, other] = [await start(false), await start(true)];
    const events = await copied(`${one.url}/octets.bin`, `${other.url}/incoming/octets.bin`);
    expect(events.at(-1)).toMatchObject({ event: "done", copied: 1, failed: 0, octets: OCTETS.length });
    const there = join(other.root, "files", "incoming", "octets.bin");
    expect((await readFile(there)).equals(OCTETS)).toBe(true);
  });

  it("is refused, and leaves nothing, where neither trusts the other: ProFTPD ends its session for that", async () => {
    const [one, other] = [await start(false), await start(false)];
    const copy = copied(`${one.url}/octets.bin`, `${other.url}/incoming/octets.bin`);
    expect(await failureOf(copy)).toMatchObject({
      code: "refused",
      message: "TLS between the two servers did not come about",
      hint: expect.stringContaining("certificate"),
    });
    expect(await readdir(join(other.root, "files", "incoming"))).toEqual([]);
  });
});
