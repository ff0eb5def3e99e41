import { Readable } from "node:stream";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeTlsMaterial, type TlsMaterial } from "../../fixtures/servers/certificate.js";
import { startImap } from "../../fixtures/servers/imap.js";
import { ImapStore } from "../../fixtures/servers/imap-store.js";
import { plugin } from "../../protocols/imap/index.js";
import { Client } from "../../src/client.js";
import type { Entry, ListQuery } from "../../src/plugin.js";

let tls: TlsMaterial;
const servers: { close(): Promise<void> }[] = [];

beforeAll(async () => {
  tls = await makeTlsMaterial();
});

afterAll(async () => {
  for (const server of servers) await server.close();
});

const MAILS = [
  ["a", "Lights", undefined],
  ["b", "Boats", undefined],
  ["c", "Re: Lights", "<a@x.example>"],
  ["d", "About these lights", "<c@x.example>"],
  ["e", "Re: Boats", "<b@x.example>"],
  ["f", "Re: Lights", "<a@x.example>"],
] as const;

/** A mailbox of mails that answer each other, at a server that has THREAD or not. */
async function start(without: readonly string[]): Promise<string> {
  const store = new ImapStore();
  const mailbox = store.create("Talk");
  for (const [at, [id, subject, answers]] of MAILS.entries()) {
    const field = answers === undefined ? "" : `In-Reply-To: ${answers}\r\n`;
    const date = `Date: Mon, 2 Nov 2026 08:0${at}:00 +0000\r\n`;
    mailbox.add(
      Buffer.from(`Subject: ${subject}\r\nMessage-ID: <${id}@x.example>\r\n${date}${field}\r\n`),
      [],
      new Date(Date.UTC(2026, 10, 2, 8, at)),
    );
  }
  const server = await startImap({ tls, store, without, onArrival: () => undefined });
  servers.push(server);
  return `${server.urls[0]?.url ?? ""}Talk`;
}

function client(options: Record<string, boolean>): Client {
  return new Client({
    credentials: async () => ({ user: "porthole", password: "sandbox", kind: "password" }),
    options,
  });
}

async function listed(url: string, query: ListQuery = {}): Promise<Entry[]> {
  const opener = client({ thread: true });
  const target = opener.target(url);
  return opener.use(target, async (session) => {
    const entries: Entry[] = [];
    for await (const entry of session.list?.(target.path, query) ?? []) entries.push(entry);
    return entries;
  });
}

/** `porthole imap thread URL WORDS...` */
async function told(url: string, ...words: readonly string[]): Promise<string[]> {
  const opener = client({});
  const target = opener.target(url);
  const texts: string[] = [];
  await opener.use(target, async (session) => {
    const outputs = plugin.commands["thread"]?.({
      words: [url, ...words],
      options: {},
      signal: opener.signal,
      stdin: Readable.from([]),
      stdinIsTerminal: false,
      warn: () => undefined,
      open: async () => ({ session, target }),
    });
    for await (const output of outputs ?? []) if (output.kind === "record") texts.push(output.text);
  });
  return texts;
}

describe("threads", () => {
  let having: string;
  let lacking: string;

  beforeAll(async () => {
    having = await start([]);
    lacking = await start(["THREAD=ORDEREDSUBJECT"]);
  });

  it("are the server's, where it tells them", async () => {
    // The sandbox threads by subjects alone.
    expect((await listed(having)).map(({ name }) => name)).toEqual([
      "Lights",
      "  Re: Lights",
      "  Re: Lights",
      "Boats",
      "  Re: Boats",
      "About these lights",
    ]);
  });

  it("are made of what headers name, where it does not", async () => {
    const entries = await listed(lacking);
    expect(entries.map(({ name, meta }) => [meta["depth"], name])).toEqual([
      [0, "Lights"],
      [1, "  Re: Lights"],
      [2, "    About these lights"],
      [1, "  Re: Lights"],
      [0, "Boats"],
      [1, "  Re: Boats"],
    ]);
    expect(entries[1]?.url).toMatch(/Talk;UIDVALIDITY=\d+\/;UID=3$/);
    expect(await told(lacking)).toEqual([
      "1 Lights\n  3 Re: Lights\n    4 About these lights\n  6 Re: Lights",
      "2 Boats\n  5 Re: Boats",
    ]);
  });

  it.each(["having", "lacking"])("are those of the newest, and of a search (%s THREAD)", async (which) => {
    const url = which === "having" ? having : lacking;
    const uidsOf = (entries: readonly Entry[]) =>
      entries.map(({ meta }) => Number(meta["uid"])).sort((a, b) => a - b);
    expect(uidsOf(await listed(url, { limit: 2 }))).toEqual([5, 6]);
    expect(uidsOf(await listed(`${url}?subject:boats`))).toEqual([2, 5]);
    expect(uidsOf(await listed(`${url}?subject:lights`, { limit: 2 }))).toEqual([4, 6]);
    expect(await listed(`${url}?subject:nothing`)).toEqual([]);
    expect(await told(url, "subject:boats")).toEqual(["2 Boats\n  5 Re: Boats"]);
  });
});
