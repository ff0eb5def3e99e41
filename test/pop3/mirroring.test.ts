import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { sampleMails } from "../../fixtures/content/mails.js";
import { makeTlsMaterial } from "../../fixtures/servers/certificate.js";
import { startPop3 } from "../../fixtures/servers/pop3.js";
import { Client } from "../../src/client.js";
import { type MirrorReport, mirror } from "../../src/verbs/mirror.js";

let folder = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "porthole-pop3-"));
});

afterAll(() => rm(folder, { recursive: true }));

it("takes what is new by UIDL, octet for octet, and with --delete-after clears the maildrop of it", async () => {
  const server = await startPop3({ tls: await makeTlsMaterial(), onArrival: () => undefined });
  const said: string[] = [];
  const client = new Client({
    credentials: async () => ({ user: "porthole", password: "sandbox", kind: "password" }),
  });
  client.transcript.subscribe(({ direction, bytes }) => {
    if (direction === "client") said.push(bytes?.toString("latin1") ?? "");
  });
  const asked = (command: string) =>
    said
      .join("")
      .split("\n")
      .filter((line) => line.startsWith(command)).length;
  const box = join(folder, "box");
  const run = async (deleteAfter?: number): Promise<MirrorReport> => {
    let report: MirrorReport | undefined;
    const events = mirror({
      client,
      from: server.urls[0]?.url ?? "",
      to: `maildir:${box}`,
      stateFolder: join(folder, "state"),
      ...(deleteAfter === undefined ? {} : { deleteAfter }),
    });
    for await (const event of events) {
      if (event.event === "failed") throw event.error;
      if (event.event === "done") report = event;
    }
    if (report === undefined) throw new Error("the mirror told no end");
    return report;
  };
  try {
    const mails = sampleMails();
    expect(await run(1)).toMatchObject({ copied: mails.length, removed: 0 });
    expect(await run()).toMatchObject({ copied: 0, same: mails.length });
    // Nothing had to be recognised: no header was asked for, and each message once.
    expect([asked("TOP"), asked("RETR")]).toEqual([0, mails.length]);
    const names = await readdir(join(box, "new"));
    const texts = await Promise.all(names.map((name) => readFile(join(box, "new", name), "latin1")));
    expect(texts.sort()).toEqual(mails.map(({ raw }) => raw.toString("latin1")).sort());
    expect(await run(0)).toMatchObject({ copied: 0, removed: mails.length });
    expect(await run(0)).toMatchObject({ copied: 0, same: 0, removed: 0 });
    expect(await readdir(join(box, "new"))).toHaveLength(mails.length);
    expect(asked("TOP")).toBe(0);
  } finally {
    await server.close();
  }
});
