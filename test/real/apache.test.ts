/** Apache: Digest, WebDAV, content negotiation as its users have it. */
import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeTlsMaterial, writeAuthority } from "../../fixtures/servers/certificate.js";
import { Client, type ClientSettings } from "../../src/client.js";
import type { Entry, Session } from "../../src/plugin.js";
import { mirror } from "../../src/verbs/mirror.js";
import { perform } from "../http/performed.js";
import { freePort } from "./free-port.js";

const PROGRAM = ["/usr/sbin/apache2"].find((path) => existsSync(path));
const MODULES = "/usr/lib/apache2/modules";
const TITLE = PROGRAM === undefined ? "Apache (apache2 not installed)" : "Apache";

function configuration(folder: string, port: number, securePort: number): string {
  const modules = [
    "mpm_event",
    "authn_core",
    "authz_core",
    "authn_file",
    "authz_user",
    "auth_basic",
    "auth_digest",
    "dir",
    "autoindex",
    "mime",
    "deflate",
    "filter",
    "dav",
    "dav_fs",
    "ssl",
    "socache_shmcb",
    "http2",
  ];
  const loaded = modules
    .filter((name) => existsSync(`${MODULES}/mod_${name}.so`))
    .map((name) => `LoadModule ${name}_module ${MODULES}/mod_${name}.so`);
  const user = process.getuid?.() === 0 ? "User nobody\nGroup nogroup\n" : "";
  return `${loaded.join("\n")}
${user}ServerName localhost
ServerRoot ${folder}
PidFile ${folder}/apache.pid
DefaultRuntimeDir ${folder}/run
ErrorLog ${folder}/error.log
Listen 127.0.0.1:${port}
Listen 127.0.0.1:${securePort}
Protocols h2 http/1.1
TypesConfig /dev/null
AddType text/plain .txt
AddType text/html .html
DocumentRoot ${folder}/www
DavLockDB ${folder}/run/dav.lock
<Directory ${folder}/www>
  Require all granted
</Directory>
<Location /dav/>
  Dav On
</Location>
<Location /listed/>
  Dav On
  Options Indexes
  IndexOptions FancyIndexing
</Location>
<Location /digest/>
  AuthType Digest
  AuthName "harbour"
  AuthDigestDomain /digest/
  AuthUserFile ${folder}/digest.users
  Require valid-user
</Location>
<Location /packed/>
  SetOutputFilter DEFLATE
</Location>
<VirtualHost 127.0.0.1:${securePort}>
  SSLEngine on
  SSLCertificateFile ${folder}/cert.pem
  SSLCertificateKeyFile ${folder}/key.pem
</VirtualHost>
`;
}

async function untilListening(port: number, child: ChildProcess, log: string): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    if (child.exitCode !== null) {
      const told = await readFile(log, "utf8").catch(() => "");
      throw new Error(`apache2 ended with status ${child.exitCode}: ${told}`);
    }
    const socket = connect(port, "127.0.0.1");
    const connected = await new Promise<boolean>((resolve) => {
      socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    });
    socket.destroy();
    if (connected) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error("apache2 does not listen");
}

describe.skipIf(PROGRAM === undefined)(TITLE, () => {
  let folder = "";
  let child: ChildProcess;
  let http = "";
  let https = "";

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "porthole-apache-"));
    const [port, securePort, tls] = [await freePort(), await freePort(), await makeTlsMaterial()];
    for (const name of ["run", "www", "www/dav", "www/listed", "www/digest", "www/packed"]) {
      await mkdir(join(folder, name));
      // The children are nobody.
      await chmod(join(folder, name), 0o777);
    }
    await chmod(folder, 0o755);
    await writeFile(join(folder, "www/digest/secret.txt"), "between us\n");
    await writeFile(join(folder, "www/packed/text.txt"), "The tide tables.\n".repeat(1000));
    await writeFile(join(folder, "www/page.html"), "<p>Harbour");
    const secret = createHash("md5").update("me:harbour:pw").digest("hex");
    await writeFile(join(folder, "digest.users"), `me:harbour:${secret}\n`);
    await writeFile(join(folder, "cert.pem"), tls.cert);
    await writeFile(join(folder, "key.pem"), tls.key);
    await writeAuthority(tls, join(folder, "ca.pem"));
    await writeFile(join(folder, "apache.conf"), configuration(folder, port, securePort));
    child = spawn(PROGRAM ?? "", ["-f", join(folder, "apache.conf"), "-D", "FOREGROUND"], {
      stdio: "ignore",
    });
    await untilListening(port, child, join(folder, "error.log"));
    http = `http://127.0.0.1:${port}`;
    https = `https://localhost:${securePort}`;
  }, 30_000);

  afterAll(async () => {
    if (child !== undefined && child.exitCode === null) {
      child.kill("SIGTERM");
      await once(child, "exit");
    }
    await rm(folder, { recursive: true, force: true });
  });

  async function visit<T>(
    url: string,
    act: (session: Session) => Promise<T>,
    settings: ClientSettings = {},
  ): Promise<T> {
    const client = new Client(settings);
    return client.use(client.target(url), act);
  }

  describe.each(["node", "undici"])("on %s", (engine) => {
    const login = (password: string): ClientSettings => ({
      options: { "http-engine": engine },
      credentials: async () => ({ user: "me", password, kind: "password" }),
    });

    it("is logged in to by Digest, again and again", async () => {
      await visit(
        http,
        async (session) => {
          for (let count = 0; count < 3; count++) {
            const document = await session.read?.("/digest/secret.txt");
            expect((await buffer(document?.body ?? Readable.from([]))).toString()).toBe("between us\n");
          }
        },
        login("pw"),
      );
    });

    it("refuses a wrong password: exit 7", async () => {
      await visit(
        http,
        (session) =>
          expect(session.read?.("/digest/secret.txt")).rejects.toMatchObject({ code: "auth", exit: 7 }),
        login("no"),
      );
    });

    it("gives a text packed, undone here", async () => {
      const { text } = await perform("get", [`${http}/packed/text.txt`], { "http-engine": engine });
      expect(text).toBe("The tide tables.\n".repeat(1000));
    });
  });

  it("keeps WebDAV folders: made, filled, listed, moved, removed", async () => {
    await visit(`${http}/dav/`, async (session) => {
      const listed = async (path: string) => {
        const entries: Entry[] = [];
        for await (const entry of session.list?.(path) ?? []) entries.push(entry);
        return entries.map(({ name, kind, size }) => [name, kind, size]);
      };
      expect(await session.makeFolder?.("/dav/plans")).toMatchObject({
        kind: "directory",
        url: `${http}/dav/plans/`,
      });
      await expect(session.makeFolder?.("/dav/plans")).rejects.toMatchObject({ code: "local", exit: 12 });
      await expect(session.makeFolder?.("/dav/a/b")).rejects.toMatchObject({ code: "missing" });
      const source = { body: Readable.from([Buffer.from("deep")]), size: 4 };
      await session.write?.("/dav/plans/H%C3%A4fen%20%26%20x.txt", source);
      expect(await listed("/dav/")).toEqual([["plans", "directory", undefined]]);
      expect(await listed("/dav/plans/")).toEqual([["Häfen & x.txt", "file", 4]]);
      await expect(session.remove?.("/dav/plans/")).rejects.toMatchObject({ code: "refused" });
      await expect(session.remove?.("/dav/plans")).rejects.toMatchObject({ code: "refused" });
      const moved = await session.move?.("/dav/plans/H%C3%A4fen%20%26%20x.txt", "/dav/plans/b.txt");
      expect(moved).toMatchObject({ name: "b.txt", url: `${http}/dav/plans/b.txt` });
      await session.write?.("/dav/plans/c.txt", { body: Readable.from([Buffer.from("c")]), size: 1 });
      await expect(session.move?.("/dav/plans/b.txt", "/dav/plans/c.txt")).rejects.toMatchObject({
        code: "local",
      });
      await session.move?.("/dav/plans/b.txt", "/dav/plans/c.txt", { replace: true });
      expect(await listed("/dav/plans/")).toEqual([["c.txt", "file", 4]]);
      await session.remove?.("/dav/plans/", { recursive: true });
      expect(await listed("/dav/")).toEqual([]);
      await expect(listed("/dav/plans/")).rejects.toMatchObject({ code: "missing" });
    });
  });

  it("moves files into a folder, and removes none for what is moved onto it", async () => {
    await visit(`${http}/dav/`, async (session) => {
      const write = (path: string) =>
        session.write?.(path, { body: Readable.from([Buffer.from("x")]), size: 1 });
      await session.makeFolder?.("/dav/full");
      for (const path of ["full/kept", "a", "b", "c"]) await write(`/dav/${path}`);
      await session.move?.("/dav/a", "/dav/full/", { replace: true });
      await session.move?.("/dav/b", "/dav/full", { replace: true });
      expect(await session.move?.("/dav/c", "/dav/full")).toMatchObject({ url: `${http}/dav/full/c` });
      await session.makeFolder?.("/dav/empty");
      await expect(session.move?.("/dav/empty", "/dav/full", { replace: true })).rejects.toMatchObject({
        code: "refused",
      });
      expect((await readdir(join(folder, "www/dav/full"))).sort()).toEqual(["a", "b", "c", "kept"]);
      expect(await session.stat?.("/dav/full")).toMatchObject({ kind: "directory" });
      await session.remove?.("/dav/full", { recursive: true });
      await session.remove?.("/dav/empty");
    });
  });

  it("is mirrored to, though it lists folders as pages too, and has nothing to do the second time", async () => {
    const from = join(folder, "own");
    await mkdir(join(from, "sub #1"), { recursive: true });
    for (const name of ["100%.txt", "a+b&c.txt", "sub #1/H\u00e4fen.txt"]) {
      await writeFile(join(from, name), name.repeat(500));
      await utimes(join(from, name), 1_700_000_000, 1_700_000_000);
    }
    await writeFile(join(from, "empty"), "");
    await utimes(join(from, "empty"), 1_700_000_000, 1_700_000_000);
    const stateFolder = join(folder, "state");
    const seen: number[][] = [];
    for (let run = 0; run < 2; run++) {
      for await (const event of mirror({
        client: new Client(),
        from,
        to: `${http}/listed/`,
        jobs: 2,
        stateFolder,
      })) {
        if (event.event === "done") seen.push([event.copied, event.same, event.failed]);
      }
    }
    expect(seen).toEqual([
      [4, 0, 0],
      [0, 4, 0],
    ]);
  });

  it("has no WebDAV elsewhere", async () => {
    await visit(http, async (session) => {
      await expect(session.makeFolder?.("/packed/x")).rejects.toMatchObject({ code: "refused" });
      await expect(session.move?.("/page.html", "/x")).rejects.toMatchObject({ code: "refused" });
    });
  });

  it("speaks HTTP/2 when asked to", async () => {
    const network = { tls: { caFile: join(folder, "ca.pem") } };
    const { records } = await perform(
      "get",
      [`${https}/page.html`],
      { http2: true, json: true },
      { network },
    );
    expect(records[0]).toMatchObject({ status: 200, version: "2", text: "<p>Harbour" });
    const plain = await perform("get", [`${https}/page.html`], { json: true }, { network });
    expect(plain.records[0]).toMatchObject({ version: "1.1" });
  });
});
