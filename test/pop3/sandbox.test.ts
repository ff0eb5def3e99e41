import { once } from "node:events";
import { buffer } from "node:stream/consumers";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sampleMails } from "../../fixtures/content/mails.js";
import { makeTlsMaterial, type TlsMaterial } from "../../fixtures/servers/certificate.js";
import { Maildrop } from "../../fixtures/servers/maildrop.js";
import { startPop3 } from "../../fixtures/servers/pop3.js";
import { type Sandbox, startSandbox } from "../../fixtures/servers/sandbox.js";
import { Client, type ClientSettings } from "../../src/client.js";
import { Transcript } from "../../src/net/transcript.js";
import type { Session } from "../../src/plugin.js";
import { mail } from "../smtp/talk.js";
import { failure, listed, octets, read, remove } from "./talk.js";

const KEEPER: ClientSettings = {
  credentials: async () => ({ user: "porthole", password: "sandbox", kind: "password" }),
};

let sandbox: Sandbox;
let tls: TlsMaterial;

beforeAll(async () => {
  sandbox = await startSandbox({ only: ["smtp", "pop3"] });
  tls = await makeTlsMaterial();
});

afterAll(async () => {
  await sandbox.close();
});

function use<T>(
  url: string,
  act: (session: Session) => Promise<T>,
  settings: ClientSettings = {},
): Promise<T> {
  const client = new Client({ ...KEEPER, network: { tls: { caFile: sandbox.caFile } }, ...settings });
  return client.use(client.target(url), act);
}

describe("the sandbox's mailbox", () => {
  it("shows its mails as people know them, the newest first", async () => {
    const shown = await use(sandbox.url("pop3"), async (session) =>
      (await listed(session)).map(({ name, meta }) => [name, meta["from"]]),
    );
    expect(shown.slice(-5)).toEqual([
      ["The new chart, in soundings", "Survey <survey@harbour.example>"],
      ["(no subject)", "nobody@harbour.example"],
      ["Eight bits, and no word of which", "keeper@light.example"],
      ["Gezeiten für die Küste", "Jürgen Küster <tides@harbour.example>"],
      ["Welcome aboard", "Harbour Office <office@harbour.example>"],
    ]);
  });

  it.each(["pop3", "pop3s"])("gives every mail octet for octet, by %s", async (scheme) => {
    await use(sandbox.url(scheme), async (session) => {
      for (const { uid, raw } of sampleMails()) {
        const path = `/uid:${encodeURIComponent(uid)}`;
        expect((await octets(session, path)).equals(raw), uid).toBe(true);
      }
    });
  });

  it("has what was sent by SMTP, and loses what is removed", async () => {
    const raw = "Subject: by SMTP\r\n\r\n.\r\n..two\r\n\r\n";
    await use(sandbox.url("smtp"), async (session) => session.send?.(mail(raw)), {
      credentials: async () => undefined,
    });
    const entry = await use(sandbox.url("pop3"), async (session) => {
      const [newest] = await listed(session, "/", 1);
      if (newest === undefined) throw new Error("there is no mail");
      expect(newest).toMatchObject({ name: "by SMTP", size: raw.length });
      const { pathname } = new URL(newest.url);
      expect((await octets(session, pathname)).toString()).toBe(raw);
      await remove(session, pathname);
      return newest;
    });
    await use(sandbox.url("pop3"), async (session) => {
      const { pathname } = new URL(entry.url);
      expect(await failure(read(session, pathname))).toMatchObject({ code: "missing", exit: 8 });
      expect((await listed(session)).map(({ name }) => name)).not.toContain("by SMTP");
    });
    expect(sandbox.mails.at(-1)?.subject).toBe("by SMTP");
  });

  it("tells of new mail as it comes", async () => {
    const stop = new AbortController();
    const settings = { options: { interval: 0.05 }, signal: stop.signal };
    const watching = use(
      sandbox.url("pop3"),
      async (session) => {
        for await (const { event, entry } of session.watch?.("/") ?? []) return [event, entry.name];
        return [];
      },
      settings,
    );
    await wait(150);
    await use(sandbox.url("smtp"), async (session) => session.send?.(mail("Subject: fresh\r\n\r\nx\r\n")), {
      credentials: async () => undefined,
    });
    expect(await watching).toEqual(["new", "fresh"]);
  });

  it("takes a reader that stops, and one that leaves", async () => {
    await use(sandbox.url("pop3"), async (session) => {
      const { body } = await read(session, "/uid:chart-5");
      await once(body, "readable");
      body.destroy();
      await once(body, "close");
      expect((await octets(session, "/1")).equals(sampleMails()[0]?.raw ?? Buffer.alloc(0))).toBe(true);
    });
  });
});

describe("a login", () => {
  it.each(["PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-256", "APOP", "USER"])(
    "by %s opens the mailbox",
    async (name) => {
      const transcript = new Transcript();
      const sent: string[] = [];
      transcript.subscribe(({ direction, bytes }) => {
        if (direction === "client" && bytes !== undefined) sent.push(bytes.toString("latin1"));
      });
      const opened = await use(sandbox.url("pop3"), async (session) => session.stat?.("/"), {
        policy: { authMechanism: name },
        transcript,
      });
      expect(opened).toMatchObject({ kind: "mailbox" });
      expect(sent.join("")).toMatch(new RegExp(`^(?:AUTH )?${name}\\b`, "m"));
      expect(sent.join("")).not.toContain("sandbox");
    },
  );

  it("takes the strongest in clear, without being told", async () => {
    const transcript = new Transcript();
    const sent: string[] = [];
    transcript.subscribe(({ direction, bytes }) => {
      if (direction === "client" && bytes !== undefined) sent.push(bytes.toString("latin1"));
    });
    await use(sandbox.url("pop3"), async () => {}, { transcript });
    expect(sent.join("")).toContain("AUTH SCRAM-SHA-256");
  });

  it.each(["PLAIN", "CRAM-MD5", "SCRAM-SHA-256", "APOP", "USER"])(
    "by %s with a wrong password is refused",
    async (name) => {
      const wrong: ClientSettings = {
        credentials: async () => ({ user: "porthole", password: "sandbag", kind: "password" }),
        policy: { authMechanism: name },
      };
      expect(await failure(use(sandbox.url("pop3"), async () => {}, wrong))).toMatchObject({
        code: "auth",
        exit: 7,
      });
    },
  );

  it("waits for TLS in place where it is demanded, by either side", async () => {
    const sure = { policy: { starttls: "require" } } as const;
    const host = sandbox.url("pop3").replace("127.0.0.1", "localhost");
    expect(await use(host, async (session) => session.stat?.("/"), sure)).toMatchObject({ kind: "mailbox" });
    const server = await startPop3({ tls, requireTls: true, onArrival: () => {} });
    try {
      const url = server.urls[0]?.url ?? "";
      const network = { tls: { insecure: true } };
      expect(await use(url, async (session) => session.stat?.("/"), { network })).toMatchObject({
        kind: "mailbox",
      });
    } finally {
      await server.close();
    }
  });
});

describe("a server that lacks something", () => {
  it.each([[["CAPA"]], [["PIPELINING"]], [["UIDL"]], [["TOP"]], [["SASL"]], [["CAPA", "UIDL", "TOP"]]])(
    "%j is used all the same",
    async (without) => {
      const server = await startPop3({ tls, without, onArrival: () => {} });
      try {
        await use(server.urls[0]?.url ?? "", async (session) => {
          const entries = await listed(session);
          expect(entries).toHaveLength(5);
          for (const [at, { url }] of [...entries].reverse().entries()) {
            const whole = await buffer((await read(session, new URL(url).pathname)).body);
            expect(whole.equals(sampleMails()[at]?.raw ?? Buffer.alloc(0))).toBe(true);
          }
        });
      } finally {
        await server.close();
      }
    },
  );
});

it("lists its mails as threads, with --thread", async () => {
  const mails = [
    ["a", "Lights", ""],
    ["b", "Boats", ""],
    ["c", "Re: Lights", "References: <a@x.example>\r\n"],
    ["d", "About these lights", "References: <a@x.example>\r\n <c@x.example>\r\n"],
    ["e", "Re: Boats", "In-Reply-To: <b@x.example>\r\n"],
  ].map(([id, subject, field]) => ({
    uid: `uid-${id}`,
    raw: Buffer.from(`Subject: ${subject}\r\nMessage-ID: <${id}@x.example>\r\n${field}\r\ntext\r\n`),
  }));
  const maildrop = new Maildrop(undefined, mails);
  const server = await startPop3({ tls, maildrop, onArrival: () => {} });
  try {
    const settings = { options: { thread: true } };
    const entries = await use(server.urls[0]?.url ?? "", (session) => listed(session), settings);
    expect(entries.map(({ name, meta }) => [meta["depth"], name])).toEqual([
      [0, "Lights"],
      [1, "  Re: Lights"],
      [2, "    About these lights"],
      [0, "Boats"],
      [1, "  Re: Boats"],
    ]);
  } finally {
    await server.close();
  }
});
