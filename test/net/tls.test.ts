import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type CertificateKind,
  makeTlsMaterial,
  type TlsMaterial,
} from "../../fixtures/servers/certificate.js";
import {
  type ScriptConnection,
  type ScriptedServer,
  script,
  scripted,
} from "../../fixtures/servers/scripted.js";
import { Dialer } from "../../src/net/dialer.js";
import { tlsError } from "../../src/net/failures.js";
import type { TlsSettings } from "../../src/net/settings.js";
import {
  dial,
  endpointOf,
  eventually,
  failureOf,
  leavesNothing,
  NEVER,
  textOf,
  watchedDialer,
} from "./dialing.js";

let folder: string;
let caFile: string;
let good: TlsMaterial;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "porthole-tls-"));
  good = await makeTlsMaterial();
  caFile = join(folder, "ca.pem");
  await writeFile(caFile, good.ca);
});
afterAll(() => rm(folder, { recursive: true }));

const HELLO = script().sendLines("hello").expect("bye").drop();

function helloBehind(tls: TlsMaterial, tlsOptions = {}): Promise<ScriptedServer> {
  return scripted(HELLO, { tls, tlsOptions });
}

/** A server that a client leaves before it can say anything. */
async function shunned(kind: CertificateKind): Promise<ScriptedServer> {
  return helloBehind(await makeTlsMaterial(kind));
}

function secured(server: ScriptedServer, tls: TlsSettings, host = "localhost") {
  return dial({ host, port: server.port, scheme: "tls", tls: {} }, { tls, family: 4 });
}

describe("TLS from the first octet", () => {
  it("verifies the server by --cacert, and tells what was agreed on", async () => {
    await using server = await helloBehind(good);
    const connection = await secured(server, { caFile });
    connection.write("bye\r\n");
    expect(await textOf(connection)).toBe("hello\r\n");
    await server.done;
    expect([connection.secure, connection.encrypted]).toEqual([true, true]);
    expect(connection.facts.tls).toMatchObject({
      version: "1.3",
      authorized: true,
      resumed: false,
      servername: "localhost",
    });
    expect(connection.facts.tls).not.toHaveProperty("problem");
    expect(connection.facts.tls?.cipher).toMatch(/^TLS_/);
    expect(connection.facts.tlsMs).toBeGreaterThan(0);
    connection.destroy();
  });

  it("tells the chain, from the server's own certificate upwards", async () => {
    await using server = await helloBehind({ ...good, cert: `${good.cert}\n${good.ca}` });
    const connection = await secured(server, { caFile });
    const chain = connection.facts.tls?.chain ?? [];
    expect(chain.map(({ subject, issuer }) => [subject, issuer])).toEqual([
      ["CN=Porthole sandbox (good)", "CN=Porthole sandbox authority"],
      ["CN=Porthole sandbox authority", "CN=Porthole sandbox authority"],
    ]);
    expect(chain[0]?.names).toBe("DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1");
    expect(chain[0]?.validTo).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z$/);
    expect(chain[0]?.daysLeft).toBeGreaterThanOrEqual(363);
    expect(chain[0]?.fingerprint256).toMatch(/^([0-9A-F]{2}:){31}[0-9A-F]{2}$/);
    connection.destroy();
  });

  it("verifies an address by the addresses in the certificate, and sends no name for it", async () => {
    let asked: unknown = "not asked";
    await using server = await helloBehind(good, {
      SNICallback: (name: string, done: (error: null) => void) => {
        asked = name;
        done(null);
      },
    });
    const connection = await secured(server, { caFile }, "127.0.0.1");
    expect(connection.facts.tls?.authorized).toBe(true);
    expect(connection.facts.tls).not.toHaveProperty("servername");
    expect(asked).toBe("not asked");
    connection.destroy();
  });

  it("does not send the final dot of a name", async () => {
    const asked: string[] = [];
    await using server = await helloBehind(good, {
      SNICallback: (name: string, done: (error: null) => void) => {
        asked.push(name);
        done(null);
      },
    });
    const resolve = new Map([[`localhost.:${server.port}`, ["127.0.0.1"]]]);
    const endpoint = { host: "localhost.", port: server.port, scheme: "tls", tls: {} };
    const connection = await dial(endpoint, { tls: { caFile }, resolve });
    expect(asked).toEqual(["localhost"]);
    connection.destroy();
  });

  it.each([
    ["expired", "the certificate has expired", "tell the server's owner; -k accepts it all the same"],
    [
      "self-signed",
      "the certificate is self-signed",
      "trust it with --cacert FILE, or accept anything with -k",
    ],
  ] as const)("refuses a certificate that is %s", async (kind, words, hint) => {
    await using server = await shunned(kind);
    const error = await failureOf(secured(server, { caFile }));
    expect([error.code, error.exit, error.message, error.hint]).toEqual([
      "tls",
      5,
      `localhost:${server.port}: ${words}`,
      hint,
    ]);
  });

  it("refuses a certificate for another name, and tells for which", async () => {
    await using server = await shunned("wrong-name");
    const error = await failureOf(secured(server, { caFile }));
    expect(error.code).toBe("tls");
    expect(error.message).toContain(`localhost:${server.port}: the certificate is for another name`);
    expect(error.message).toContain("elsewhere.example");
    expect(error.hint).toBe("is this the host you meant? --sni NAME asks for another one");
  });

  it("refuses an authority that is not known", async () => {
    await using server = await shunned("good");
    const error = await failureOf(secured(server, {}));
    expect([error.code, error.message, error.hint]).toEqual([
      "tls",
      `localhost:${server.port}: the certificate's authority is not known here`,
      "trust the authority with --cacert FILE, or accept anything with -k",
    ]);
  });

  it("tells of another authority under the name of the one that is trusted", async () => {
    const { generate } = await import("../../fixtures/servers/self-signed.js");
    const other = await generate([{ name: "commonName", value: "Porthole sandbox authority" }], {
      keyType: "ec",
      curve: "P-256",
      algorithm: "sha256",
      extensions: [{ name: "basicConstraints", cA: true, critical: true }],
    });
    const otherFile = join(folder, "other-ca.pem");
    await writeFile(otherFile, other.cert);
    await using server = await shunned("good");
    expect(await failureOf(secured(server, { caFile: otherFile }))).toMatchObject({
      code: "tls",
      exit: 5,
      message: `localhost:${server.port}: the certificate was signed by another authority of the same name than the one that is trusted here`,
    });
  });

  it.each([
    ["expired", "CERT_HAS_EXPIRED"],
    ["wrong-name", "ERR_TLS_CERT_ALTNAME_INVALID"],
    ["self-signed", "DEPTH_ZERO_SELF_SIGNED_CERT"],
  ] as const)(
    "accepts a certificate that is %s with -k, and says that it is not authorized",
    async (kind, problem) => {
      await using server = await helloBehind(await makeTlsMaterial(kind));
      const { dialer, seen } = watchedDialer({ tls: { caFile, insecure: true } });
      const connection = await dialer.dial(
        { host: "localhost", port: server.port, scheme: "tls", tls: {} },
        NEVER,
      );
      expect(connection.facts.tls).toMatchObject({ authorized: false, problem });
      expect(seen.at(-1)).toContain(`certificate NOT trusted (${problem})`);
      connection.write("bye\r\n");
      expect(await textOf(connection)).toBe("hello\r\n");
      connection.destroy();
    },
  );

  it("trusts a self-signed certificate that is given as --cacert", async () => {
    const material = await makeTlsMaterial("self-signed");
    const own = join(folder, "self-signed.pem");
    await writeFile(own, material.cert);
    await using server = await helloBehind(material);
    const connection = await secured(server, { caFile: own });
    expect(connection.facts.tls?.authorized).toBe(true);
    connection.destroy();
  });

  it("asks for and checks the name of --sni", async () => {
    await using server = await helloBehind(await makeTlsMaterial("wrong-name"));
    const connection = await secured(server, { caFile, servername: "elsewhere.example" });
    expect(connection.facts.tls).toMatchObject({ authorized: true, servername: "elsewhere.example" });
    connection.destroy();
  });

  it("asks for and checks the name that the protocol wants", async () => {
    await using server = await helloBehind(await makeTlsMaterial("wrong-name"));
    const connection = await dial(endpointOf(server, { tls: { servername: "elsewhere.example" } }), {
      tls: { caFile },
    });
    expect(connection.facts.tls).toMatchObject({ authorized: true, servername: "elsewhere.example" });
    connection.destroy();
  });

  it("agrees on an application protocol (RFC 7301)", async () => {
    await using server = await helloBehind(good, { ALPNProtocols: ["imap", "http/1.1"] });
    const endpoint = endpointOf(server, { tls: { alpn: ["h2", "imap"] } });
    const connection = await dial(endpoint, { tls: { caFile } });
    expect([connection.facts.tls?.alpn, connection.alpnProtocol]).toEqual(["imap", "imap"]);
    connection.destroy();
  });

  it("shows its certificate to a server that asks", async () => {
    const certFile = join(folder, "client.pem");
    const keyFile = join(folder, "client.key");
    const both = join(folder, "both.pem");
    await Promise.all([
      writeFile(certFile, good.cert),
      writeFile(keyFile, good.key),
      writeFile(both, `${good.cert}\n${good.key}`),
    ]);
    const shown: string[] = [];
    const note = (client: ScriptConnection) => {
      const { stream } = client;
      if ("getPeerCertificate" in stream) shown.push(String(stream.getPeerCertificate().subject.CN));
    };
    const ask = { requestCert: true, rejectUnauthorized: false, ca: good.ca };
    await using server = await scripted(script().expect("hi").call(note), {
      tls: good,
      tlsOptions: ask,
      connections: 2,
    });
    for (const files of [{ certFile, keyFile }, { certFile: both }]) {
      const connection = await secured(server, { caFile, ...files });
      connection.write("hi\r\n");
      await textOf(connection);
      connection.destroy();
    }
    await server.done;
    expect(shown).toEqual(["Porthole sandbox (good)", "Porthole sandbox (good)"]);
  });

  it("does not go below --tls-min", async () => {
    await using server = await scripted(HELLO, { tls: good, tlsOptions: { maxVersion: "TLSv1.2" } });
    const error = await failureOf(secured(server, { caFile, minVersion: "TLSv1.3" }));
    expect([error.code, error.message, error.hint]).toEqual([
      "tls",
      `localhost:${server.port}: no TLS version suits both sides`,
      "--tls-min sets the least that is accepted",
    ]);
    await using second = await helloBehind(good, { maxVersion: "TLSv1.2" });
    const connection = await secured(second, { caFile, minVersion: "TLSv1.2" });
    expect(connection.facts.tls?.version).toBe("1.2");
    connection.destroy();
  });

  it("resumes a session", async () => {
    await using server = await scripted(script().send("x").drain(), {
      tls: good,
      tlsOptions: { maxVersion: "TLSv1.2" },
      connections: 2,
    });
    const dialer = new Dialer({ tls: { caFile } });
    const first = await dialer.dial(endpointOf(server, { tls: {} }), NEVER);
    const session = first.tlsSession;
    first.destroy();
    expect(first.tlsSession).toBeUndefined();
    if (session === undefined) throw new Error("there was no session");
    const second = await dialer.dial(endpointOf(server, { tls: { session } }), NEVER);
    expect(second.facts.tls).toMatchObject({ version: "1.2", authorized: true });
    second.destroy();
  });

  it("writes the keys to SSLKEYLOGFILE", async () => {
    const keyLogFile = join(folder, "keys.log");
    await using server = await helloBehind(good);
    const connection = await secured(server, { caFile, keyLogFile });
    connection.write("bye\r\n");
    await textOf(connection);
    connection.destroy();
    let log = "";
    await eventually(() => {
      void readFile(keyLogFile, "latin1").then(
        (text) => {
          log = text;
        },
        () => undefined,
      );
      return log.includes("CLIENT_HANDSHAKE_TRAFFIC_SECRET ");
    }, "a key log");
  });

  it("does not stop for a SSLKEYLOGFILE that cannot be written", async () => {
    await using server = await helloBehind(good);
    const connection = await secured(server, { caFile, keyLogFile: join(folder, "missing", "keys.log") });
    connection.write("bye\r\n");
    expect(await textOf(connection)).toBe("hello\r\n");
    connection.destroy();
  });
});

describe("TLS that does not come about", () => {
  it("because the server talks in clear, is told so", async () => {
    await using server = await scripted(script().sendLines("220 mail.example ESMTP").drain());
    const error = await failureOf(dial(endpointOf(server, { tls: {} })));
    expect([error.code, error.message, error.hint]).toEqual([
      "tls",
      `127.0.0.1:${server.port}: the server does not speak TLS on this port`,
      "use the scheme without TLS, or the port with it",
    ]);
  });

  it("because the server closes", async () => {
    await using server = await scripted(script().truncate());
    const error = await failureOf(dial(endpointOf(server, { tls: {} })));
    expect([error.code, error.message]).toEqual([
      "tls",
      `127.0.0.1:${server.port}: the server closed the connection during the TLS handshake`,
    ]);
  });

  it("because the server resets the connection at once", async () => {
    await using server = await scripted(script().reset(), { connections: 20 });
    for (let times = 0; times < 20; times++) {
      const error = await failureOf(dial(endpointOf(server, { tls: {} }), { connectTimeout: 2000 }));
      expect(["tls", "connect"]).toContain(error.code);
    }
  });

  it("because of files that are not there or not PEM: exit status 12", async () => {
    await using server = await scripted(script().drain(), { connections: 5 });
    const junk = join(folder, "junk.pem");
    const otherKey = join(folder, "other.key");
    const certFile = join(folder, "mine.pem");
    await writeFile(junk, "not a certificate\n");
    await writeFile(certFile, good.cert);
    await writeFile(otherKey, (await makeTlsMaterial("expired")).key);
    const attempt = (tls: TlsSettings) => failureOf(dial(endpointOf(server, { tls: {} }), { tls }));
    const missing = await attempt({ caFile: join(folder, "missing.pem") });
    expect([missing.code, missing.exit, missing.message]).toEqual([
      "local",
      12,
      `${join(folder, "missing.pem")}: no such file or folder`,
    ]);
    expect(await attempt({ caFile: junk })).toMatchObject({
      code: "local",
      message: `${junk}: holds no PEM certificate`,
    });
    const unusable = await attempt({ certFile: junk });
    expect(unusable.code).toBe("local");
    expect(unusable.message).toContain(`${junk}: not usable for TLS`);
    expect(await attempt({ certFile, keyFile: otherKey })).toMatchObject({
      code: "local",
      message: `${certFile} and ${otherKey}: the key is not the certificate's`,
    });
    expect((await attempt({ certFile })).code).toBe("local");
  });

  it("leaves nothing open", async () => {
    const expired = await makeTlsMaterial("expired");
    await leavesNothing(async () => {
      await using server = await scripted(HELLO, { tls: expired, connections: 3 });
      await using talking = await scripted(script().sendLines("220 hi").drain());
      for (let times = 0; times < 3; times++) await failureOf(secured(server, { caFile }));
      await failureOf(dial(endpointOf(talking, { tls: {} })));
    });
  });

  it("is a failure of TLS by every code that OpenSSL and Node have for it", () => {
    const place = { host: "h", port: 1 };
    const failure = (code: string, message: string) =>
      tlsError(Object.assign(new Error(message), { code }), place);
    expect(failure("CERT_NOT_YET_VALID", "")).toMatchObject({
      code: "tls",
      message: "h:1: the certificate is not valid yet",
      hint: "check this machine's clock",
    });
    expect(failure("SELF_SIGNED_CERT_IN_CHAIN", "").message).toBe(
      "h:1: the certificate comes from an authority that is not trusted here",
    );
    expect(failure("CERT_REVOKED", "").message).toBe("h:1: the certificate has been revoked");
    const alert =
      "4001:error:0A000410:SSL routines:ssl3_read_bytes:sslv3 alert handshake failure:../ssl/record:1605:";
    expect(failure("ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE", alert)).toMatchObject({
      code: "tls",
      message: "h:1: TLS failed: sslv3 alert handshake failure",
    });
    expect(failure("ECONNREFUSED", "").code).toBe("connect");
  });
});
