import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeTlsMaterial, type TlsMaterial } from "../../fixtures/servers/certificate.js";
import { type Script, type ScriptedServer, script, scripted } from "../../fixtures/servers/scripted.js";
import { PortholeError } from "../../src/errors.js";
import type { Connection } from "../../src/net/connection.js";
import type { NetworkSettings } from "../../src/net/settings.js";
import {
  dial,
  endOf,
  endpointOf,
  failureOf,
  leavesNothing,
  NEVER,
  textOf,
  watchedDialer,
} from "./dialing.js";

let folder: string;
let settings: Partial<NetworkSettings>;
let good: TlsMaterial;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "porthole-starttls-"));
  good = await makeTlsMaterial();
  const caFile = join(folder, "ca.pem");
  await writeFile(caFile, good.ca);
  settings = { tls: { caFile } };
});
afterAll(() => rm(folder, { recursive: true }));

/** Greets, agrees to STARTTLS, and goes on with `then` under TLS. */
function upgrading(then: Script, agreed = "220 go ahead\r\n"): Script {
  return script().sendLines("220 ready").expect("STARTTLS").send(agreed).startTls(good).and(then);
}

/** Reads until `text` has come, not more. */
async function hear(connection: Connection, text: string): Promise<void> {
  let came = "";
  while (came.length < text.length) {
    const chunk = connection.read();
    if (chunk === null) await once(connection, "readable");
    else came += chunk.toString("latin1");
  }
  expect(came).toBe(text);
}

async function agreedOn(server: ScriptedServer, more: Partial<NetworkSettings> = {}): Promise<Connection> {
  const connection = await dial(endpointOf(server), { ...settings, ...more });
  await hear(connection, "220 ready\r\n");
  connection.write("STARTTLS\r\n");
  await hear(connection, "220 go ahead\r\n");
  return connection;
}

describe("TLS in place", () => {
  it("goes on with the same object, both ways", async () => {
    await using server = await scripted(
      upgrading(script().expect("EHLO me").sendLines("250 hello").expect("QUIT").drop()),
    );
    const connection = await agreedOn(server);
    expect(connection.secure).toBe(false);
    await connection.startTls();
    expect(connection.secure).toBe(true);
    expect(connection.facts.tls).toMatchObject({ version: "1.3", authorized: true });
    connection.write("EHLO me\r\n");
    await hear(connection, "250 hello\r\n");
    connection.end("QUIT\r\n");
    expect(await textOf(connection)).toBe("");
    await server.done;
    expect(connection.bytesRead).toBe("220 ready\r\n220 go ahead\r\n250 hello\r\n".length);
  });

  it("goes on for a reader that was waiting all the time", async () => {
    await using server = await scripted(upgrading(script().sendLines("250 hello").drop()));
    const connection = await dial(endpointOf(server), settings);
    let came = "";
    connection.on("data", (chunk) => {
      came += String(chunk);
      if (came === "220 ready\r\n") connection.write("STARTTLS\r\n");
      if (came.endsWith("ahead\r\n")) void connection.startTls();
    });
    await once(connection, "end");
    expect(came).toBe("220 ready\r\n220 go ahead\r\n250 hello\r\n");
    connection.destroy();
  });

  it("carries a megabyte after the upgrade", async () => {
    const size = 1024 * 1024;
    await using server = await scripted(upgrading(script().flood(size).drop()));
    const connection = await agreedOn(server);
    await connection.startTls();
    expect((await textOf(connection)).length).toBe(size);
    connection.destroy();
  });

  it("keeps what is written meanwhile until it is protected", async () => {
    await using server = await scripted(upgrading(script().expect("AUTH secret").expect("QUIT").drop()));
    const connection = await agreedOn(server);
    const started = connection.startTls();
    connection.write("AUTH secret\r\n");
    connection.end("QUIT\r\n");
    await started;
    await textOf(connection);
    // The script's startTls fails when anything came in clear.
    await server.done;
  });

  it("checks the certificate", async () => {
    const expired = await makeTlsMaterial("expired");
    await using server = await scripted(
      script().sendLines("220 ready").expect("STARTTLS").send("220 go ahead\r\n").startTls(expired),
    );
    const connection = await agreedOn(server);
    const error = await failureOf(connection.startTls());
    expect([error.code, error.message]).toEqual([
      "tls",
      `127.0.0.1:${server.port}: the certificate has expired`,
    ]);
    expect(connection.destroyed).toBe(true);
  });

  it("checks the name that the protocol wants", async () => {
    await using server = await scripted(upgrading(script()));
    const connection = await agreedOn(server);
    expect((await failureOf(connection.startTls({ servername: "mail.example" }))).code).toBe("tls");
  });

  it("is told in the transcript, between the two halves of the conversation", async () => {
    await using server = await scripted(upgrading(script().sendLines("250 hello").drop()));
    const { dialer, seen } = watchedDialer(settings);
    const connection = await dialer.dial(endpointOf(server), NEVER);
    await hear(connection, "220 ready\r\n");
    connection.write("STARTTLS\r\n");
    await hear(connection, "220 go ahead\r\n");
    await connection.startTls();
    await textOf(connection);
    connection.destroy();
    await endOf(connection);
    expect(seen.map((line) => line.replace(/TLS 1\.3, \w+/, "TLS 1.3, CIPHER"))).toEqual([
      "N: connected to 127.0.0.1",
      "S: 220 ready\r\n",
      "C: STARTTLS\r\n",
      "S: 220 go ahead\r\n",
      "N: TLS 1.3, CIPHER",
      "S: 250 hello\r\n",
      "N: closed",
    ]);
  });

  it("is started once", async () => {
    await using server = await scripted(upgrading(script().sendLines("250 hello").drain()));
    const connection = await agreedOn(server);
    const first = connection.startTls();
    expect((await failureOf(connection.startTls())).code).toBe("usage");
    await first;
    await hear(connection, "250 hello\r\n");
    expect((await failureOf(connection.startTls())).code).toBe("usage");
    connection.destroy();
    await server.done;
  });

  it("is not started on what is closed", async () => {
    await using server = await scripted(script().drain());
    const connection = await dial(endpointOf(server), settings);
    connection.destroy();
    expect((await failureOf(connection.startTls())).code).toBe("connect");
  });
});

describe("octets that came in clear before TLS", () => {
  const dropped = (count: number) =>
    `${count} octets came in clear after the server agreed to TLS; they and the connection were dropped`;

  it("in the packet of the server's consent", async () => {
    await using server = await scripted(
      script().expect("STARTTLS").send("220 go ahead\r\n250 injected\r\n").drain(),
    );
    const connection = await dial(endpointOf(server), settings);
    connection.write("STARTTLS\r\n");
    await once(connection, "readable");
    connection.unshift(Buffer.from(String(connection.read()).slice("220 go ahead\r\n".length)));
    const error = await failureOf(connection.startTls());
    expect([error.code, error.message]).toEqual(["tls", dropped(14)]);
    expect(error.hint).toBe(
      "the server is faulty or someone on the way injects commands; use a port with TLS from the start",
    );
    expect(connection.destroyed).toBe(true);
    await server.done;
  });

  it("in the hands of the line reader", async () => {
    await using server = await scripted(script().drain());
    const connection = await dial(endpointOf(server), settings);
    const error = await failureOf(connection.startTls({ unread: Buffer.from("250 injected\r\n") }));
    expect(error.message).toBe(dropped(14));
    await server.done;
  });

  it("in a packet that nobody has read yet", async () => {
    await using server = await scripted(
      script().expect("STARTTLS").send("220 go ahead\r\n").pause(50).send("250 injected\r\n").expect("never"),
    );
    const connection = await dial(endpointOf(server), settings);
    connection.write("STARTTLS\r\n");
    await hear(connection, "220 go ahead\r\n");
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect((await failureOf(connection.startTls())).message).toBe(dropped(14));
  });

  it("while TLS is being started", async () => {
    await using server = await scripted(
      script()
        .expect("STARTTLS")
        .send("220 go ahead\r\n")
        .call((client) => client.breathe())
        .send("250 injected\r\n")
        .drain(),
      { connections: 20 },
    );
    for (let times = 0; times < 20; times++) {
      const connection = await dial(endpointOf(server), settings);
      connection.on("data", () => undefined);
      connection.write("STARTTLS\r\n");
      await once(connection, "data");
      const error = await failureOf(connection.startTls());
      expect(error.code).toBe("tls");
      expect(connection.destroyed).toBe(true);
    }
  });
});

describe("TLS in place that does not come about", () => {
  it("because the server says nothing more", async () => {
    await using server = await scripted(
      script().sendLines("220 ready").expect("STARTTLS").send("220 go ahead\r\n").drain(),
    );
    const connection = await agreedOn(server, { connectTimeout: 100 });
    const error = await failureOf(connection.startTls());
    expect([error.code, error.message, error.hint]).toEqual([
      "timeout",
      "TLS was not agreed on within 0.1 s",
      "--connect-timeout sets how long to wait",
    ]);
  });

  it("because the server closes", async () => {
    await using server = await scripted(
      script().sendLines("220 ready").expect("STARTTLS").send("220 go ahead\r\n").drop(),
    );
    const connection = await agreedOn(server);
    expect(await failureOf(connection.startTls())).toMatchObject({ code: "tls" });
  });

  it("because the user stops", async () => {
    await using server = await scripted(
      script().sendLines("220 ready").expect("STARTTLS").send("220 go ahead\r\n").drain(),
    );
    const controller = new AbortController();
    const connection = await dial(endpointOf(server), settings, controller.signal);
    await hear(connection, "220 ready\r\n");
    connection.write("STARTTLS\r\n");
    await hear(connection, "220 go ahead\r\n");
    const stop = new PortholeError("aborted", "stopped by the test");
    setTimeout(() => controller.abort(stop), 50);
    expect(await failureOf(connection.startTls())).toBe(stop);
    await server.done;
  });

  it("because the caller gives up, and then nothing is left open", async () => {
    await using server = await scripted(
      script().sendLines("220 ready").expect("STARTTLS").send("220 go ahead\r\n").drain(),
      { connections: 2 },
    );
    await leavesNothing(async () => {
      for (const reason of [undefined, new PortholeError("aborted", "enough")]) {
        const connection = await agreedOn(server);
        const started = failureOf(connection.startTls());
        setTimeout(() => connection.destroy(reason), 30);
        const error = await started;
        if (reason !== undefined) expect(error).toBe(reason);
      }
    });
  });

  it("fails what was to be written under TLS", async () => {
    await using server = await scripted(
      script().sendLines("220 ready").expect("STARTTLS").send("220 go ahead\r\n").drop(),
    );
    const connection = await agreedOn(server);
    const started = failureOf(connection.startTls());
    const written = new Promise<Error | null | undefined>((resolve) =>
      connection.write("AUTH secret\r\n", resolve),
    );
    await started;
    expect(await written).toBeInstanceOf(Error);
    expect(server.lines).toEqual(["STARTTLS"]);
  });
});
