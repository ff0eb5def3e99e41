import { randomBytes } from "node:crypto";
import { chmod, chown, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer, text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeTlsMaterial } from "../../fixtures/servers/certificate.js";
import { check } from "../../src/checking.js";
import { Client, type ClientSettings } from "../../src/client.js";
import { Transcript } from "../../src/net/transcript.js";
import type { CheckResult } from "../../src/verbs/check.js";
import { failureOf, names, opened, pieces, type Verbs } from "../ftp/opened.js";
import { PROFTPD, type Proftpd, startProftpd, USER } from "./proftpd.js";
import { DAEMON } from "./vsftpd.js";

const TITLE = PROFTPD === undefined ? "ProFTPD (proftpd-core, proftpd-mod-crypto not installed)" : "ProFTPD";

const OCTETS = randomBytes(3_000_000);

describe.skipIf(PROFTPD === undefined)(TITLE, () => {
  let root = "";
  const servers: Proftpd[] = [];
  const urls: Record<string, string> = {};
  let trusting: ClientSettings;

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "porthole-proftpd-"));
    await mkdir(join(root, "files", "many"), { recursive: true });
    await writeFile(join(root, "files", "octets.bin"), OCTETS);
    for (let at = 0; at < 20; at++) await writeFile(join(root, "files", "many", `${at}.txt`), `file ${at}`);
    await chown(join(root, "files"), DAEMON.uid, DAEMON.gid);
    await chmod(root, 0o755);
    const material = await makeTlsMaterial();
    const of = async (scheme: string, options: readonly string[]) => {
      const server = await startProftpd(root, material, options);
      servers.push(server);
      return `${scheme}://${USER.name}:${USER.password}@127.0.0.1:${server.port}`;
    };
    urls["AUTH TLS"] = await of("ftp", ["TLSRequired auth+data", "TLSProtocol TLSv1.3"]);
    urls["AUTH TLS, TLS 1.2"] = await of("ftp", ["TLSRequired auth+data", "TLSProtocol TLSv1.2"]);
    urls["TLS from the start"] = await of("ftps", ["TLSOptions UseImplicitSSL", "TLSRequired auth+data"]);
    trusting = { network: { tls: { caFile: join(root, "ca.pem") } }, policy: { starttls: "require" } };
  });

  afterAll(async () => {
    await Promise.all(servers.map((server) => server.stop()));
    await rm(root, { recursive: true, force: true });
  });

  const everyday = async (session: Verbs) => {
    expect(await names(session.list("/"))).toEqual(expect.arrayContaining(["many", "octets.bin"]));
    expect((await buffer((await session.read("/octets.bin")).body)).equals(OCTETS)).toBe(true);
    await session.write("/up.txt", { body: pieces("went ", "up") });
    expect(await readFile(join(root, "files", "up.txt"), "utf8")).toBe("went up");
    await session.remove("/up.txt");
    expect(await failureOf(session.read("/none.txt"))).toMatchObject({ code: "missing" });
    expect(await session.stat("/octets.bin")).toMatchObject({ size: OCTETS.length });
  };

  const ways = ["AUTH TLS", "AUTH TLS, TLS 1.2", "TLS from the start"];

  it.each(ways)("lists, reads, writes and removes by %s", async (way) => {
    await opened(urls[way] ?? "", everyday, trusting);
  });

  it.each(ways)("does so with commands in clear after the login by %s (CCC)", async (way) => {
    const transcript = new Transcript();
    const notes: { readonly data: boolean; readonly text: string }[] = [];
    transcript.subscribe(({ purpose, text: note }) => {
      if (note !== undefined) notes.push({ data: purpose === "data", text: note });
    });
    await opened(urls[way] ?? "", everyday, { ...trusting, transcript, options: { ccc: true } });
    const ended = notes.findIndex(({ text: note }) => note.startsWith("TLS has ended"));
    expect(notes.slice(0, ended).map(({ data, text: note }) => [data, note.slice(0, 5)])).toEqual([
      [false, "conne"],
      [false, "TLS 1"],
    ]);
    // The listing, the file down and the file up.
    const secured = notes.slice(ended).filter(({ data, text: note }) => data && note.startsWith("TLS 1"));
    expect(secured.length).toBeGreaterThanOrEqual(3);
  });

  it("is checked with its certificate where commands go in clear after the login, too", async () => {
    const client = new Client({ ...trusting, options: { ccc: true } });
    const steps: CheckResult[] = [];
    for await (const step of check(client, [urls["AUTH TLS"] ?? ""])) steps.push(step);
    expect(steps.find(({ step }) => step === "tls")).toMatchObject({ ok: true });
    expect(steps.flatMap(({ weaknesses }) => weaknesses.map(({ what }) => what))).toEqual([]);
  });

  it("takes no rest of a file unless it is told to (AllowStoreRestart), which is told with its way out", async () => {
    await writeFile(join(root, "files", "half.txt"), "half");
    await chown(join(root, "files", "half.txt"), DAEMON.uid, DAEMON.gid);
    await opened(
      urls["AUTH TLS"] ?? "",
      async (session) => {
        const rest = session.write("/half.txt", { body: pieces("way"), offset: 4 });
        expect(await failureOf(rest)).toMatchObject({
          code: "busy",
          reply: expect.stringMatching(/^451 /),
          hint: expect.stringContaining("--force sends the whole anew"),
        });
        expect(await readFile(join(root, "files", "half.txt"), "utf8")).toBe("half");
      },
      trusting,
    );
  });

  it("has many files read ahead, under TLS and with commands in clear", async () => {
    for (const options of [{}, { ccc: true }]) {
      const client = new Client({ ...trusting, options });
      await using session = await client.open(client.target(urls["AUTH TLS"] ?? ""));
      const came: string[] = [];
      const wanted = async function* () {
        for (let at = 0; at < 20; at++) yield `/many/${at}.txt`;
      };
      for await (const result of session.readMany?.(wanted()) ?? []) {
        if ("error" in result) throw result.error;
        came.push(await text(result.document.body));
      }
      expect(came).toEqual(Array.from({ length: 20 }, (_, at) => `file ${at}`));
    }
  });
});
