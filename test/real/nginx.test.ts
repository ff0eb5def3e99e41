import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeTlsMaterial, writeAuthority } from "../../fixtures/servers/certificate.js";
import { generatedContent, piecesOf } from "../../fixtures/servers/content.js";
import { Client, type ClientSettings } from "../../src/client.js";
import type { Document, ReadQuery, Session } from "../../src/plugin.js";
import { ENGINES, type EngineName } from "../http/over-engine.js";
import { checked } from "./checked.js";
import { freePort } from "./free-port.js";

const PROGRAM = ["/usr/sbin/nginx", "/usr/local/sbin/nginx", "/usr/bin/nginx"].find((path) =>
  existsSync(path),
);

const MIB = 1024 ** 2;
const PAGE = "<!doctype html><title>Harbour</title><p>Open from 6 to 22.\n";
const TEXT = "The tide tables of the harbour.\n".repeat(2000);

/** All that nginx would put under /var and /run lies in the folder; nothing of the system's configuration is read. */
function configuration(folder: string, httpPort: number, httpsPort: number): string {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((name) => `  ${name}_temp_path ${folder}/tmp;`)
    .join("\n");
  const user = process.getuid?.() === 0 ? "user nobody nogroup;\n" : "";
  return `${user}worker_processes 1;
error_log ${folder}/error.log;
pid ${folder}/nginx.pid;
events { worker_connections 64; }
http {
  access_log off;
${temporary}
  types { text/html html; text/plain txt; application/octet-stream bin; }
  gzip on;
  gzip_types text/plain;
  gzip_min_length 100;
  server {
    listen 127.0.0.1:${httpPort};
    listen 127.0.0.1:${httpsPort} ssl http2;
    ssl_certificate ${folder}/cert.pem;
    ssl_certificate_key ${folder}/key.pem;
    root ${folder}/www;
    location /private/ { auth_basic "harbour"; auth_basic_user_file ${folder}/users; }
    location /upload/ { dav_methods PUT DELETE; client_max_body_size 10m; create_full_put_path on; }
    location /old/ { return 301 /page.html; }
    location /busy { return 503; }
  }
}
`;
}

async function untilListening(port: number, child: ChildProcess): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    if (child.exitCode !== null) throw new Error(`nginx ended with status ${child.exitCode}`);
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

const TITLE = PROGRAM === undefined ? "nginx (nginx not installed)" : "nginx";

describe.skipIf(PROGRAM === undefined)(TITLE, () => {
  const octets = Buffer.concat([...piecesOf(generatedContent(MIB))]);
  let folder = "";
  let child: ChildProcess;
  let http = "";
  let https = "";

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "porthole-nginx-"));
    const [httpPort, httpsPort, tls] = [await freePort(), await freePort(), await makeTlsMaterial()];
    for (const name of ["www", "www/docs", "www/private", "www/upload", "tmp"]) {
      await mkdir(join(folder, name));
      // The worker is nobody.
      await chmod(join(folder, name), 0o777);
    }
    await chmod(folder, 0o755);
    await writeFile(join(folder, "www/page.html"), PAGE);
    await writeFile(join(folder, "www/text.txt"), TEXT);
    await writeFile(join(folder, "www/octets.bin"), octets);
    await writeFile(join(folder, "www/docs/index.html"), PAGE);
    await writeFile(join(folder, "www/private/secret.txt"), "between us\n");
    await writeFile(join(folder, "users"), "me:{PLAIN}pw\n");
    await writeFile(join(folder, "cert.pem"), tls.cert);
    await writeFile(join(folder, "key.pem"), tls.key);
    await writeAuthority(tls, join(folder, "ca.pem"));
    await writeFile(join(folder, "nginx.conf"), configuration(folder, httpPort, httpsPort));
    child = spawn(PROGRAM ?? "", ["-p", folder, "-c", join(folder, "nginx.conf"), "-g", "daemon off;"], {
      stdio: "ignore",
    });
    await untilListening(httpPort, child);
    http = `http://127.0.0.1:${httpPort}`;
    https = `https://localhost:${httpsPort}`;
  });

  afterAll(async () => {
    if (child !== undefined && child.exitCode === null) {
      child.kill("SIGTERM");
      await once(child, "exit");
    }
    await rm(folder, { recursive: true, force: true });
  });

  describe("check", () => {
    const trusting = () => ({ network: { tls: { caFile: join(folder, "ca.pem") } } });

    it("finds it well, and tells its certificate", async () => {
      const { lines, tls, results } = await checked(`${https}/page.html`, trusting());
      expect(lines).toEqual(["resolve ok", "connect ok", "tls ok", "roundtrip ok"]);
      // Debian 12's speaks no newer one unless it is told to.
      expect(tls).toMatchObject({
        version: expect.stringMatching(/^1\.[23]$/),
        authorized: true,
        name: "localhost",
      });
      expect(results.at(-1)?.detail).toMatch(/^HEAD: 200 OK, nginx/);
    });

    it("tells what is wrong: an authority that is not known, a page that is not there", async () => {
      const { lines, weaknesses, tls } = await checked(`${https}/page.html`, {});
      expect(lines).toEqual(["resolve ok", "connect ok", "tls FAILED"]);
      expect(weaknesses).toEqual(["the certificate is not to be trusted (UNABLE_TO_VERIFY_LEAF_SIGNATURE)"]);
      expect(tls).toMatchObject({ subject: "CN=Porthole sandbox (good)" });
      expect((await checked(`${http}/lost`, {})).lines).toEqual([
        "resolve ok",
        "connect ok",
        "roundtrip FAILED",
      ]);
    });
  });

  describe.each(ENGINES)("on the engine %s", (engine: EngineName) => {
    function open<T>(
      url: string,
      act: (session: Session) => Promise<T>,
      settings: ClientSettings = {},
    ): Promise<T> {
      const client = new Client({ ...settings, options: { "http-engine": engine } });
      return client.use(client.target(url), act);
    }

    async function read(session: Session, path: string, query?: ReadQuery): Promise<[Document, Buffer]> {
      const document = await session.read?.(path, query);
      if (document === undefined) throw new Error("the session cannot read");
      return [document, await buffer(document.body)];
    }

    it("gives a page", async () => {
      await open(http, async (session) => {
        const [document, body] = await read(session, "/page.html");
        expect(body.toString()).toBe(PAGE);
        expect(document).toMatchObject({
          type: "text/html",
          offset: 0,
          entry: { url: `${http}/page.html`, name: "page.html", kind: "page", type: "text/html" },
        });
      });
    });

    it("gives a mebibyte octet for octet, and tells its size", async () => {
      await open(http, async (session) => {
        const [document, body] = await read(session, "/octets.bin");
        expect(body.equals(octets)).toBe(true);
        expect(document.total).toBe(MIB);
        expect(await session.stat?.("/octets.bin")).toMatchObject({ size: MIB, modified: expect.any(Date) });
      });
    });

    it("gives a part, from where a copy ends, and nothing when it is whole", async () => {
      await open(http, async (session) => {
        const [whole] = await read(session, "/octets.bin", { length: 1 });
        const validator = whole.validator ?? "";
        expect(validator).toMatch(/^"/);
        const [rest, body] = await read(session, "/octets.bin", { offset: 1_000_000, validator });
        expect([rest.offset, rest.total]).toEqual([1_000_000, MIB]);
        expect(body.equals(octets.subarray(1_000_000))).toBe(true);
        const [, middle] = await read(session, "/octets.bin", { offset: 500, length: 1000 });
        expect(middle.equals(octets.subarray(500, 1500))).toBe(true);
        const [changed, all] = await read(session, "/octets.bin", { offset: 10, validator: '"other"' });
        expect(changed.offset).toBe(0);
        expect(all.equals(octets)).toBe(true);
        const [end, nothing] = await read(session, "/octets.bin", { offset: MIB, validator });
        expect([end.offset, end.total, nothing.length]).toEqual([MIB, MIB, 0]);
      });
    });

    it("gives a text by gzip, undone here", async () => {
      await open(http, async (session) => {
        const [document, body] = await read(session, "/text.txt");
        expect(document.entry.meta).toMatchObject({ headers: { "content-encoding": "gzip" } });
        expect(document.total).toBeUndefined();
        expect(body.toString()).toBe(TEXT);
      });
    });

    it("is trusted through TLS by its authority alone", async () => {
      const trusting = { network: { tls: { caFile: join(folder, "ca.pem") } } };
      const body = await open(https, async (session) => (await read(session, "/octets.bin"))[1], trusting);
      expect(body.equals(octets)).toBe(true);
      const doubting = open(https, (session) => read(session, "/page.html"));
      await expect(doubting).rejects.toMatchObject({ code: "tls", exit: 5 });
    });

    it("leads from a folder without a slash to its page, and from an old place", async () => {
      await open(http, async (session) => {
        const [folderPage, body] = await read(session, "/docs");
        expect(folderPage.entry.url).toBe(`${http}/docs/`);
        expect(body.toString()).toBe(PAGE);
        const [moved] = await read(session, "/old/page");
        expect(moved.entry.url).toBe(`${http}/page.html`);
      });
    });

    it("tells what is not there, what it does not give, and that it cannot", async () => {
      await open(http, async (session) => {
        const missing = { code: "missing", exit: 8, reply: "404 Not Found" };
        await expect(read(session, "/lost.html")).rejects.toMatchObject(missing);
        await expect(session.stat?.("/lost.html")).rejects.toMatchObject(missing);
        await expect(read(session, "/upload/")).rejects.toMatchObject({ code: "refused", exit: 9 });
        await expect(read(session, "/busy")).rejects.toMatchObject({ code: "busy", exit: 10 });
      });
    });

    it("logs in", async () => {
      const path = "/private/secret.txt";
      const body = await open(
        http.replace("//", "//me:pw@"),
        async (session) => (await read(session, path))[1],
      );
      expect(body.toString()).toBe("between us\n");
      const wrong = open(http.replace("//", "//me:no@"), (session) => read(session, path));
      await expect(wrong).rejects.toMatchObject({ code: "auth", exit: 7 });
    });

    it("takes a file, keeps it when not told to replace it, and removes it", async () => {
      async function* body(text: string) {
        yield Buffer.from(text);
      }
      const path = `/upload/${engine}.txt`;
      await open(http, async (session) => {
        await session.write?.(path, { body: body("one"), size: 3 });
        // nginx itself would replace it: it does not heed If-None-Match here.
        await expect(session.write?.(path, { body: body("two"), size: 3 })).rejects.toMatchObject({
          code: "local",
          exit: 12,
        });
        expect(await readFile(join(folder, "www", path), "utf8")).toBe("one");
        await session.write?.(path, { body: body("three"), replace: true });
        expect(await readFile(join(folder, "www", path), "utf8")).toBe("three");
        const large = { body: body("x".repeat(100_000)), size: 100_000, replace: true };
        await session.write?.(path, large);
        expect((await readFile(join(folder, "www", path))).length).toBe(100_000);
        await session.remove?.(path);
        expect(existsSync(join(folder, "www", path))).toBe(false);
      });
    });
  });
});
