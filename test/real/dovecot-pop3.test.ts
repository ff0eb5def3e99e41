import { createHash } from "node:crypto";
import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Client, type ClientSettings } from "../../src/client.js";
import type { Session } from "../../src/plugin.js";
import { failure, listed, octets, read, remove } from "../pop3/talk.js";
import { ANN, type Dovecot, deliver, hasDovecot, startDovecot } from "./dovecot.js";

const TITLE = hasDovecot("pop3") ? "dovecot" : "dovecot (dovecot-pop3d not installed)";

/** Mails of all kinds, each other octets: dots at line starts, eight bits, no last line end, long lines, much and nothing. */
function mailAt(at: number): Buffer {
  const noise = createHash("sha256").update(String(at)).digest();
  const bodies: readonly (string | Buffer)[] = [
    ".\r\n..\r\n.x\r\n\r\n.\r\n",
    Buffer.concat([Buffer.from(noise.map((octet) => octet | 0x80)), Buffer.from("\r\n")]),
    "",
    `${"a long line ".repeat(at % 700)}\r\n`,
    `${noise.toString("base64")}\r\n`.repeat(at % 50),
  ];
  const header = `From: Mail ${at} <m${at}@x.example>\r\nSubject: number ${at}\r\nDate: Mon, 2 Nov 2026 08:00:00 +0000\r\n\r\n`;
  return Buffer.concat([Buffer.from(header), Buffer.from(bodies[at % bodies.length] ?? "")]);
}

const MAILS = Array.from({ length: 500 }, (_, at) => mailAt(at));
const LARGE = Buffer.concat([
  Buffer.from("Subject: large\r\n\r\n"),
  Buffer.alloc(20_000_000, "twenty million octets of lines like this\r\n"),
  Buffer.from("\r\n"),
]);

describe.skipIf(!hasDovecot("pop3"))(TITLE, () => {
  let server: Dovecot;

  beforeAll(async () => {
    server = await startDovecot("pop3", [...MAILS, LARGE]);
  });

  afterAll(async () => {
    await server.stop();
  });

  function use<T>(
    act: (session: Session) => Promise<T>,
    more: ClientSettings = {},
    scheme = "pop3",
  ): Promise<T> {
    const port = scheme === "pop3s" ? server.tlsPort : server.port;
    const client = new Client({
      credentials: async () => ANN,
      network: { tls: { caFile: server.caFile } },
      ...more,
    });
    return client.use(client.target(`${scheme}://localhost:${port}/`), act);
  }

  it("lists all messages with subject, sender and size, the newest first", async () => {
    const entries = await use((session) => listed(session));
    expect(entries).toHaveLength(501);
    expect(entries[0]).toMatchObject({ name: "large" });
    expect(entries[1]).toMatchObject({
      name: "number 499",
      meta: { number: 500, from: "Mail 499 <m499@x.example>" },
      modified: new Date("2026-11-02T08:00:00Z"),
    });
    expect(entries.every(({ url }) => url.includes("/uid:"))).toBe(true);
  }, 60_000);

  it("gives every message octet for octet", async () => {
    await use(async (session) => {
      for (const { url, meta } of await listed(session)) {
        const at = Number(meta["number"]) - 1;
        const whole = await octets(session, new URL(url).pathname);
        expect(whole.equals(MAILS[at] ?? LARGE), `message ${at}`).toBe(true);
      }
    });
  }, 60_000);

  it.each(["PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256", "USER"])(
    "is logged in to by %s",
    async (name) => {
      const settings = { policy: { authMechanism: name } };
      expect(await use(async (session) => session.stat?.("/"), settings)).toMatchObject({
        meta: { messages: 501 },
      });
    },
  );

  it("speaks under TLS, from the start and in place", async () => {
    const facts = { kind: "mailbox", meta: { messages: 501 } };
    expect(await use(async (session) => session.stat?.("/"), {}, "pop3s")).toMatchObject(facts);
    const sure = { policy: { starttls: "require" } } as const;
    expect(await use(async (session) => session.stat?.("/"), sure)).toMatchObject(facts);
  });

  it("refuses a wrong password, and says what is missing", async () => {
    const wrong: ClientSettings = { credentials: async () => ({ ...ANN, password: "close sesame" }) };
    expect(await failure(use(async () => {}, wrong))).toMatchObject({ code: "auth", exit: 7 });
    await use(async (session) => {
      expect(await failure(read(session, "/9999"))).toMatchObject({ code: "missing", exit: 8 });
      expect(await failure(read(session, "/uid:nobody"))).toMatchObject({ code: "missing", exit: 8 });
    });
  });

  it("is left in the middle of a large message, and gone on with", async () => {
    await use(async (session) => {
      const { body } = await read(session, "/501");
      await once(body, "data");
      body.destroy();
      await once(body, "close");
      expect((await octets(session, "/1")).equals(MAILS[0] ?? LARGE)).toBe(true);
    });
  });

  it("tells of a new mail, and removes it when the session is closed", async () => {
    const name = await use(
      async (session) => {
        const events = session.watch?.("/")[Symbol.asyncIterator]();
        const next = events?.next();
        // The first look has been taken by then, or this mail is not new.
        setTimeout(() => void deliver(server.newMail, 1000, Buffer.from("Subject: fresh\r\n\r\nx\r\n")), 400);
        const event = await next;
        await events?.return?.();
        return event?.done === true ? undefined : event?.value.entry;
      },
      { options: { interval: 0.2 } },
    );
    expect(name).toMatchObject({ name: "fresh" });
    const path = new URL(name?.url ?? "").pathname;
    await use((session) => remove(session, path));
    await use(async (session) => {
      expect(await failure(read(session, path))).toMatchObject({ code: "missing" });
      expect(await session.stat?.("/")).toMatchObject({ meta: { messages: 501 } });
    });
  });
});
