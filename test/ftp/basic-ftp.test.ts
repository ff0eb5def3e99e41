/**
 * What basic-ftp itself does where Porthole does otherwise. Each of these is a fault of the package: when one is
 * mended there, its test fails here, and what goes round it may go.
 */

import { Writable } from "node:stream";
import { Client, type FTPResponse, parseList } from "basic-ftp";
import { describe, expect, it } from "vitest";
import { conversation, script, scripted } from "../../fixtures/servers/scripted.js";
import { failureOf, passive } from "./opened.js";

async function connected<T>(port: number, act: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client(1000);
  try {
    await client.connect("127.0.0.1", port);
    return await act(client);
  } finally {
    client.close();
  }
}

describe("basic-ftp 6.2", () => {
  it("keeps the doubled quotes of PWD (Control)", async () => {
    await using server = await scripted(conversation('S: 220 ready\nC: PWD\nS: 257 "/dir""quote"'));
    expect(await connected(server.port, (client) => client.pwd())).toBe('/dir""quote');
  });

  it("takes a reply that is cut between packets for a whole one (Dialogue)", async () => {
    await using server = await scripted(
      script().sendLines("220 ready").expect("NOOP").send("200 al").pause(50).send("l is well\r\n"),
    );
    const reply: FTPResponse = await connected(server.port, (client) => client.send("NOOP"));
    expect(reply.message).toBe("200 al");
  });

  it("waits for a greeting when one came that is none (Dialogue)", async () => {
    await using server = await scripted(script().sendLines("SSH-2.0-OpenSSH_9.2").drain());
    expect(await failureOf(connected(server.port, () => Promise.resolve()))).toMatchObject({
      message: "Timeout (control socket)",
    });
  });

  it("ends with ECONNRESET when a refused RETR resets the data connection (Transfer)", async () => {
    await using data = await scripted(script().pause(20).reset());
    await using server = await scripted(
      conversation(`S: 220 ready\n${passive(data)}\nC: RETR /f`)
        .call(() => data.done)
        .pause(50)
        .and(conversation("S: 550 no such file")),
    );
    await connected(server.port, async (client) => {
      const failure = await failureOf(client.downloadTo(new Writable(), "/f"));
      expect(failure).toMatchObject({ code: "ECONNRESET" });
      expect(client.closed).toBe(true);
    });
  });

  it("opens a data connection for a name with a line break, and leaves it open (Control.transfer)", async () => {
    await using data = await scripted(script().drain());
    await using server = await scripted(conversation(`S: 220 ready\n${passive(data)}`).drain());
    await connected(server.port, async (client) => {
      const failure = await failureOf(client.downloadTo(new Writable(), "/f\r\nDELE x"));
      expect(failure).toMatchObject({ message: expect.stringContaining("control characters") });
      expect(client.ftp.dataSocket?.destroyed).toBe(false);
    });
  });

  it("leaves the dates of LIST text (listed-date)", () => {
    const [file] = parseList("-rw-r--r-- 1 u g 5 Mar 01 08:30 a");
    expect(file).toMatchObject({ name: "a", rawModifiedAt: "Mar 01 08:30" });
    expect(file?.modifiedAt).toBeUndefined();
  });
});
