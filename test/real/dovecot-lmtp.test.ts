import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Client, type ClientSettings } from "../../src/client.js";
import type { SendReport } from "../../src/plugin.js";
import { failure, mail, send } from "../smtp/talk.js";
import { hasLmtp, type LmtpServer, startLmtp } from "./dovecot-lmtp.js";

const TITLE = hasLmtp()
  ? "dovecot's LMTP"
  : "dovecot's LMTP (dovecot-lmtpd not installed, or not run as root)";

describe.skipIf(!hasLmtp())(TITLE, () => {
  let server: LmtpServer;

  beforeAll(async () => {
    server = await startLmtp();
  });

  afterAll(async () => {
    await server?.stop();
  });

  const ways: readonly (readonly [string, () => { url: string; settings: ClientSettings }])[] = [
    ["TCP", () => ({ url: `lmtp://127.0.0.1:${server.port}`, settings: {} })],
    [
      "a Unix socket",
      () => ({ url: "lmtp://localhost", settings: { network: { unixSocket: server.socketPath } } }),
    ],
  ];

  async function deliver(
    way: () => { url: string; settings: ClientSettings },
    subject: string,
    to: readonly string[],
  ): Promise<SendReport> {
    const { url, settings } = way();
    const client = new Client(settings);
    const session = await client.open(client.target(url));
    try {
      const text = `Subject: ${subject}\r\n\r\n${"A line of some length.\r\n".repeat(40)}.\r\n`;
      return await send(session, mail(text, { to: to.map((user) => `${user}@harbour.example`) }));
    } finally {
      await session[Symbol.asyncDispose]();
    }
  }

  it.each(ways)("over %s answers for each recipient", async (name, way) => {
    const report = await deliver(way, name, ["ann", "nobody", "full", "bob"]);
    expect(report.accepted).toEqual(["ann@harbour.example", "bob@harbour.example"]);
    expect(report.refused).toEqual([
      {
        recipient: "nobody@harbour.example",
        code: 550,
        reply: expect.stringMatching(/^550 5\.1\.1 .*User doesn't exist/),
      },
      // Refused after the text: the mailbox has no room for it.
      { recipient: "full@harbour.example", code: 552, reply: expect.stringMatching(/^552 5\.2\.2 .*Quota/) },
    ]);
    for (const user of ["ann", "bob"]) {
      const mails = await server.mailsOf(user);
      expect(mails.at(-1)).toContain(`Subject: ${name}`);
      expect(mails.at(-1)).toMatch(/A line of some length\.\r?\n\.\r?\n$/);
    }
    expect(await server.mailsOf("full")).toEqual([]);
  });

  it.each(ways)("over %s that takes it for nobody is an error in the server's words", async (_name, way) => {
    expect(await failure(deliver(way, "x", ["nobody"]))).toMatchObject({
      code: "refused",
      exit: 9,
      reply: expect.stringContaining("User doesn't exist"),
    });
  });
});
