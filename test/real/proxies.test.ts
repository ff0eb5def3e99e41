import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeTlsMaterial, type TlsMaterial } from "../../fixtures/servers/certificate.js";
import { conversation, script, scripted } from "../../fixtures/servers/scripted.js";
import { Client } from "../../src/client.js";
import { dial, endpointOf, failureOf, textOf } from "../net/dialing.js";
import { freePort } from "./free-port.js";
import { listens } from "./listens.js";

const TINYPROXY = ["/usr/bin/tinyproxy", "/usr/sbin/tinyproxy"].find((path) => existsSync(path));
const SQUID = ["/usr/sbin/squid"].find((path) => existsSync(path));
/** Squid's own judge of names and passwords. */
const NCSA = "/usr/lib/squid/basic_ncsa_auth";
const DIGEST = "/usr/lib/squid/digest_file_auth";
const DANTED = ["/usr/sbin/danted", "/usr/sbin/sockd"].find((path) => existsSync(path));

const HELLO = conversation(`
  S: hello
  C: bye
  S drop
`);

interface Running {
  readonly port: number;
  stop(): Promise<void>;
}

let folder: string;
let caFile: string;
let good: TlsMaterial;

async function prepare(): Promise<void> {
  folder = await mkdtemp(join(tmpdir(), "porthole-proxies-"));
  // Both give up root's rights and still read their files.
  await chmod(folder, 0o755);
  good = await makeTlsMaterial();
  caFile = join(folder, "ca.pem");
  await writeFile(caFile, good.ca);
}

/** Starts a program in the foreground, with a configuration of its own, on a free port of loopback. */
async function start(
  command: (file: string) => readonly [string, ...string[]],
  configuration: (port: number) => readonly string[],
): Promise<Running> {
  const port = await freePort();
  const file = join(folder, `${port}.conf`);
  await writeFile(file, `${configuration(port).join("\n")}\n`);
  const [program, ...words] = command(file);
  // A group of its own, for danted starts processes.
  const child = spawn(program, words, { stdio: "ignore", detached: true });
  const ended = once(child, "exit");
  await listens(port, child);
  return {
    port,
    async stop() {
      if (child.pid === undefined || child.exitCode !== null) return;
      process.kill(-child.pid, "SIGTERM");
      await ended;
    },
  };
}

/** The tunnel in clear and with TLS to the target, by address and by name. */
async function carriesBothWays(url: string, host: string): Promise<void> {
  await using plain = await scripted(HELLO);
  const connection = await dial(endpointOf({ host, port: plain.port }), { proxy: { url } });
  connection.write("bye\r\n");
  expect(await textOf(connection)).toBe("hello\r\n");
  await plain.done;
  connection.destroy();

  await using secure = await scripted(HELLO, { tls: good });
  const endpoint = endpointOf({ host, port: secure.port }, { tls: {} });
  const secured = await dial(endpoint, { proxy: { url }, tls: { caFile } });
  expect(secured.facts.tls?.authorized).toBe(true);
  secured.write("bye\r\n");
  expect(await textOf(secured)).toBe("hello\r\n");
  await secure.done;
  secured.destroy();
}

/** A page through the proxy that the environment names. @returns the request as it reached the page's server */
async function forwardedBy(proxy: string): Promise<string> {
  await using page = await scripted(
    conversation(`
    C~ ^GET /x HTTP/1\\.[01]$
  `)
      .expectUntil("\r\n\r\n")
      .sendLines(
        "HTTP/1.1 200 OK",
        "Content-Type: text/plain",
        "Content-Length: 2",
        "Connection: close",
        "",
        "ok",
      )
      .drop(),
  );
  const client = new Client({ network: { proxy: { environment: { http_proxy: proxy } } } });
  const target = client.target(page.url("http", "/x"));
  const came = await client.use(target, async (session) => {
    const document = await session.read?.(target.path);
    return document === undefined ? "" : await text(document.body);
  });
  expect(came).toBe("ok");
  return page.received.toString("latin1");
}

const OPEN = (port: number) => [
  `Port ${port}`,
  "Listen 127.0.0.1",
  "Timeout 30",
  "Allow 127.0.0.1",
  "MaxClients 20",
  'ViaProxyName "test"',
];

describe.skipIf(TINYPROXY === undefined)(
  TINYPROXY === undefined ? "tinyproxy (not installed)" : "tinyproxy",
  () => {
    let open: Running | undefined;
    let locked: Running | undefined;
    const url = (login = "") => `http://${login}127.0.0.1:${(login === "" ? open : locked)?.port}`;

    beforeAll(async () => {
      await prepare();
      const command = (file: string) => [TINYPROXY ?? "", "-d", "-c", file] as const;
      open = await start(command, OPEN);
      locked = await start(command, (port) => [...OPEN(port), "BasicAuth me s3cretpw"]);
    });
    afterAll(async () => {
      await open?.stop();
      await locked?.stop();
      await rm(folder, { recursive: true });
    });

    it("tunnels, by address and by a name that it looks up", async () => {
      await carriesBothWays(url(), "127.0.0.1");
      await carriesBothWays(url(), "localhost");
    });

    it("wants the right login", async () => {
      await carriesBothWays(url("me:s3cretpw@"), "127.0.0.1");
      const place = { host: "127.0.0.1", port: 9, scheme: "tcp" };
      const none = await failureOf(dial(place, { proxy: { url: `http://127.0.0.1:${locked?.port}` } }));
      expect([none.code, none.hint]).toEqual(["auth", "put user and password into the proxy's URL"]);
      const wrong = await failureOf(dial(place, { proxy: { url: url("me:wrong@") } }));
      expect(["auth", "connect"]).toContain(wrong.code);
    });

    it("says when the target cannot be reached", async () => {
      const error = await failureOf(
        dial({ host: "127.0.0.1", port: await freePort(), scheme: "tcp" }, { proxy: { url: url() } }),
      );
      expect(error.code).toBe("connect");
      expect(error.reply).toMatch(/^HTTP\/1\.[01] 5\d\d/);
    });

    it("forwards plain HTTP, from the environment's setting", async () => {
      expect(await forwardedBy(url())).toMatch(/^via: .*tinyproxy/im);
    });
  },
);

const CACHE = (port: number) => [
  `http_port 127.0.0.1:${port}`,
  "visible_hostname harbour",
  "pid_filename none",
  "cache deny all",
  "access_log none",
  "cache_log /dev/null",
  "shutdown_lifetime 0 seconds",
];

describe.skipIf(SQUID === undefined)(SQUID === undefined ? "squid (not installed)" : "squid", () => {
  let open: Running | undefined;
  let locked: Running | undefined;
  let guarded: Running | undefined;

  beforeAll(async () => {
    await prepare();
    const digests = join(folder, "digests");
    await writeFile(digests, "me:s3cretpw\n");
    const users = join(folder, "users");
    const digest = createHash("md5").update("s3cretpw").digest("hex");
    await writeFile(users, `me:${digest}\n`);
    const command = (file: string) => [SQUID ?? "", "-N", "-f", file] as const;
    open = await start(command, (port) => [...CACHE(port), "http_access allow localhost"]);
    locked = await start(command, (port) => [
      ...CACHE(port),
      `auth_param basic program ${NCSA} ${users}`,
      "auth_param basic children 1 startup=1",
      "acl known proxy_auth REQUIRED",
      "http_access allow known",
    ]);
    guarded = await start(command, (port) => [
      ...CACHE(port),
      `auth_param digest program ${DIGEST} ${digests}`,
      "auth_param digest children 1 startup=1",
      "auth_param digest realm harbour",
      // Each nonce serves twice, and is stale then.
      "auth_param digest nonce_max_count 2",
      "acl known proxy_auth REQUIRED",
      "http_access allow known",
    ]);
  }, 30_000);

  afterAll(async () => {
    await open?.stop();
    await locked?.stop();
    await guarded?.stop();
    await rm(folder, { recursive: true });
  });

  it("tunnels, by address and by a name that it looks up", async () => {
    await carriesBothWays(`http://127.0.0.1:${open?.port}`, "127.0.0.1");
    await carriesBothWays(`http://127.0.0.1:${open?.port}`, "localhost");
  });

  it("wants the right login", async () => {
    await carriesBothWays(`http://me:s3cretpw@127.0.0.1:${locked?.port}`, "127.0.0.1");
    const place = { host: "127.0.0.1", port: 9, scheme: "tcp" };
    for (const login of ["", "me:wrong@"]) {
      const url = `http://${login}127.0.0.1:${locked?.port}`;
      expect((await failureOf(dial(place, { proxy: { url } }))).code).toBe("auth");
    }
  });

  it("forwards plain HTTP, from the environment's setting, and with a login", async () => {
    expect(await forwardedBy(`http://127.0.0.1:${open?.port}`)).toMatch(/^via: .*harbour \(squid/im);
    const received = await forwardedBy(`http://me:s3cretpw@127.0.0.1:${locked?.port}`);
    expect(received).not.toMatch(/^proxy-authorization:/im);
  });

  it("takes a digest, for tunnels and for plain HTTP", async () => {
    const url = (password: string) => `http://me:${password}@127.0.0.1:${guarded?.port}`;
    await carriesBothWays(url("s3cretpw"), "127.0.0.1");
    expect(await forwardedBy(url("s3cretpw"))).toMatch(/^via: .*harbour \(squid/im);
    const place = { host: "127.0.0.1", port: 9, scheme: "tcp" };
    expect((await failureOf(dial(place, { proxy: { url: url("wrong") } }))).code).toBe("auth");
    await expect(forwardedBy(url("wrong"))).rejects.toMatchObject({ code: "auth", exit: 7 });
  });

  it("gets a new digest when it calls a nonce stale", async () => {
    const page = script()
      .expectUntil("\r\n\r\n")
      .sendLines("HTTP/1.1 200 OK", "Content-Length: 2", "Connection: close", "", "ok")
      .drop();
    await using pages = await scripted(Array.from({ length: 6 }, () => page));
    const url = `http://me:s3cretpw@127.0.0.1:${guarded?.port}`;
    const client = new Client({ network: { proxy: { url, login: "digest" } } });
    const came = await client.use(client.target(pages.url("http", "/")), async (session) => {
      const texts: string[] = [];
      for (const path of ["/1", "/2", "/3", "/4", "/5", "/6"]) {
        const document = await session.read?.(path);
        if (document !== undefined) texts.push(await text(document.body));
      }
      return texts;
    });
    expect(came).toEqual(Array.from({ length: 6 }, () => "ok"));
  });
});

const SOCKS = (port: number) => [
  "logoutput: /dev/null",
  `internal: 127.0.0.1 port = ${port}`,
  "external: 127.0.0.1",
  "clientmethod: none",
  "socksmethod: none",
  "user.privileged: root",
  "user.unprivileged: nobody",
  "client pass { from: 127.0.0.0/8 to: 0.0.0.0/0 }",
  "socks block { from: 127.0.0.0/8 to: 0.0.0.0/0 port = 9 }",
  "socks pass { from: 127.0.0.0/8 to: 0.0.0.0/0 protocol: tcp }",
];

describe.skipIf(DANTED === undefined)(DANTED === undefined ? "danted (not installed)" : "danted", () => {
  let server: Running | undefined;
  const url = (scheme: string) => `${scheme}://127.0.0.1:${server?.port}`;

  beforeAll(async () => {
    await prepare();
    server = await start((file) => [DANTED ?? "", "-f", file, "-p", join(folder, "danted.pid")], SOCKS);
  });
  afterAll(async () => {
    await server?.stop();
    await rm(folder, { recursive: true });
  });

  it.each(["socks4a", "socks5", "socks5h"])("tunnels by %s to an address", async (scheme) => {
    await carriesBothWays(url(scheme), "127.0.0.1");
  });

  // Not by socks4a: danted 1.4.2 takes the 0.0.0.1 of a named request for the address, with every client.
  it("tunnels by socks5h to a name that it looks up", async () => {
    await carriesBothWays(url("socks5h"), "localhost");
  });

  it.each(["socks4a", "socks5"])("refuses what its rules forbid, by %s", async (scheme) => {
    const error = await failureOf(
      dial({ host: "127.0.0.1", port: 9, scheme: "tcp" }, { proxy: { url: url(scheme) } }),
    );
    expect(error.code).toBe("connect");
    expect(error.message).toBe(`the proxy ${url(scheme)} does not connect to 127.0.0.1:9`);
  });

  it("says when the target refuses", async () => {
    const port = await freePort();
    const error = await failureOf(
      dial({ host: "127.0.0.1", port, scheme: "tcp" }, { proxy: { url: url("socks5") } }),
    );
    expect([error.code, error.reply]).toEqual(["connect", "connection refused"]);
  });

  it("says when a name does not exist", async () => {
    const place = { host: "nowhere.invalid", port: 80, scheme: "http" };
    expect((await failureOf(dial(place, { proxy: { url: url("socks5h") } }))).code).toBe("connect");
    expect((await failureOf(dial(place, { proxy: { url: url("socks5") } }))).code).toBe("resolve");
  });
});
