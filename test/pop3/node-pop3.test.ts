/**
 * The package node-pop3 beside our own: where it works it sees the same, and what it was not taken for is held here,
 * so that a better version is noticed.
 */
import { setTimeout as wait } from "node:timers/promises";
import Pop3Command from "node-pop3";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sampleMails } from "../../fixtures/content/mails.js";
import { type Sandbox, startSandbox } from "../../fixtures/servers/sandbox.js";
import { conversation, type Script, script, scripted } from "../../fixtures/servers/scripted.js";
import { OLD_WELCOME, octets, talk } from "./talk.js";

const LOGIN = { user: "porthole", password: "sandbox" };

let sandbox: Sandbox;

beforeAll(async () => {
  sandbox = await startSandbox({ only: ["pop3"] });
});

afterAll(async () => {
  await sandbox.close();
});

/** What the package makes of message 1 of a server that answers RETR so; undefined when it makes nothing of it in time. */
async function fetchedByPackage(answer: Script): Promise<string | undefined> {
  await using server = await scripted(
    conversation("S: +OK\nC: USER ann\nS: +OK\nC: PASS x\nS: +OK\nC: RETR 1").and(answer).drain(),
  );
  const command = new Pop3Command({ host: server.host, port: server.port, user: "ann", password: "x" });
  const fetched = command.RETR(1).then(
    (message: unknown) => String(message),
    () => "an error",
  );
  return await Promise.race([fetched, wait(300, undefined)]);
}

/** And what we do. */
async function fetchedByUs(answer: Script): Promise<string> {
  let fetched = "";
  const find = conversation("C: LIST 1\nS: +OK 1 9\nC: UIDL 1\nS: +OK 1 abc\nC: RETR 1");
  await talk(OLD_WELCOME.and(find).and(answer).drain(), async (session) => {
    fetched = (await octets(session, "/1")).toString("latin1");
  });
  return fetched;
}

describe("the package", () => {
  it("sees in the sandbox what is there", async () => {
    const { hostname, port } = new URL(sandbox.url("pop3"));
    const command = new Pop3Command({ host: hostname, port: Number(port), ...LOGIN });
    const uids: unknown = await command.UIDL();
    expect(uids).toEqual(sampleMails().map(({ uid }, at) => [String(at + 1), uid]));
    await command.QUIT();
  });

  const TEXT = "Subject: x\r\n\r\none\r\ntwo\r\n";

  it("waits for ever where the last dot is cut, and we do not", async () => {
    const cut = script().sendCut(`+OK\r\n${TEXT}.\r\n`, [`+OK\r\n${TEXT}.`.length]);
    expect(await fetchedByPackage(cut)).toBeUndefined();
    expect(await fetchedByUs(cut)).toBe(TEXT);
  });

  it("leaves dots doubled and takes the last line end away, and we do neither", async () => {
    const dotted = script().send("+OK\r\nSubject: x\r\n\r\n..one\r\n.\r\n");
    expect(await fetchedByPackage(dotted)).toBe("Subject: x\r\n\r\n..one");
    expect(await fetchedByUs(dotted)).toBe("Subject: x\r\n\r\n.one\r\n");
  });

  it("reads eight bits as UTF-8 and loses them, and we do not", async () => {
    const eight = script().send(Buffer.from("+OK\r\nSubject: caf\xe9\r\n\r\n.\r\n", "latin1"));
    expect(await fetchedByPackage(eight)).toContain("\ufffd");
    expect(await fetchedByUs(eight)).toBe("Subject: caf\xe9\r\n\r\n");
  });
});
