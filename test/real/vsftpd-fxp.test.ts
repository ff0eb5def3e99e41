/** From one vsftpd straight to another; each at an address of its own, so that they are strangers to each other. */
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { chmod, chown, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Client } from "../../src/client.js";
import { type CpEvent, cp } from "../../src/verbs/cp.js";
import { failureOf } from "../ftp/opened.js";
import { DAEMON, startVsftpd, VSFTPD, type Vsftpd } from "./vsftpd.js";

const TITLE = VSFTPD === undefined ? "cp --fxp (vsftpd not installed)" : "cp --fxp";
const OCTETS = randomBytes(3_000_000);
const EVERYWHERE = "listen_address=0.0.0.0";
const FREE = ["pasv_promiscuous=YES", "port_promiscuous=YES"];

describe.skipIf(VSFTPD === undefined)(TITLE, () => {
  const roots: string[] = [];
  const servers: Vsftpd[] = [];
  /** Addresses of servers: what may be sent to or from strangers, and what may not. */
  let free: { source: string; target: string; root: string };
  let strict: { source: string; target: string; root: string };

  async function start(options: readonly string[]): Promise<{ root: string; port: number }> {
    const root = await mkdtemp(join(tmpdir(), "porthole-fxp-"));
    roots.push(root);
    await mkdir(join(root, "files", "incoming"), { recursive: true });
    await writeFile(join(root, "files", "octets.bin"), OCTETS);
    await chown(join(root, "files", "incoming"), DAEMON.uid, DAEMON.gid);
    await chmod(root, 0o755);
    const server = await startVsftpd(root, options);
    servers.push(server);
    return { root, port: server.port };
  }

  beforeAll(async () => {
    const [one, other] = [await start([EVERYWHERE, ...FREE]), await start([EVERYWHERE, ...FREE])];
    free = {
      source: `ftp://127.0.0.2:${one.port}`,
      target: `ftp://127.0.0.1:${other.port}`,
      root: other.root,
    };
    const [shut, closed] = [await start([EVERYWHERE]), await start([EVERYWHERE])];
    strict = {
      source: `ftp://127.0.0.2:${shut.port}`,
      target: `ftp://127.0.0.3:${closed.port}`,
      root: closed.root,
    };
  });

  afterAll(async () => {
    await Promise.all(servers.map((server) => server.stop()));
    await Promise.all(roots.map((root) => rm(root, { recursive: true, force: true })));
  });

  async function copied(from: string, to: string): Promise<CpEvent[]> {
    const client = new Client({ options: { fxp: true } });
    const events: CpEvent[] = [];
    for await (const event of cp({ client, from: [from], to })) events.push(event);
    return events;
  }

  it("sends to a stranger where both allow it", async () => {
    const events = await copied(`${free.source}/octets.bin`, `${free.target}/incoming/octets.bin`);
    expect(events.at(-1)).toMatchObject({ event: "done", copied: 1, failed: 0, octets: OCTETS.length });
    const there = join(free.root, "files", "incoming", "octets.bin");
    expect((await readFile(there)).equals(OCTETS)).toBe(true);
    const again = copied(`${free.source}/octets.bin`, `${free.target}/incoming/octets.bin`);
    expect(await failureOf(again)).toMatchObject({ code: "local", exit: 12 });
  });

  it("asks the other way round where that alone is allowed", async () => {
    const { root, port } = await start([EVERYWHERE, "pasv_promiscuous=YES"]);
    const to = `ftp://127.0.0.1:${port}/incoming/turned.bin`;
    const events = await copied(`${free.source}/octets.bin`, to);
    expect(events.at(-1)).toMatchObject({ event: "done", copied: 1, octets: OCTETS.length });
    expect((await readFile(join(root, "files", "incoming", "turned.bin"))).equals(OCTETS)).toBe(true);
  });

  it("says so where a stranger's connection is not taken", async () => {
    const { root, port } = await start([EVERYWHERE, "port_promiscuous=YES"]);
    const shut = strict.source;
    const copy = copied(`${shut}/octets.bin`, `ftp://127.0.0.3:${port}/incoming/never.bin`);
    expect(await failureOf(copy)).toMatchObject({
      code: "refused",
      message: "the servers do not take a connection from each other",
    });
    expect(existsSync(join(root, "files", "incoming", "never.bin"))).toBe(false);
  });

  it("says so where neither allows it, and leaves nothing", async () => {
    const copy = copied(`${strict.source}/octets.bin`, `${strict.target}/incoming/never.bin`);
    expect(await failureOf(copy)).toMatchObject({
      code: "refused",
      exit: 9,
      reply: "500 Illegal EPRT command.",
      message: "neither server connects to the other",
      hint: "without --fxp it goes through this machine",
    });
    expect(existsSync(join(strict.root, "files", "incoming", "never.bin"))).toBe(false);
  });
});
