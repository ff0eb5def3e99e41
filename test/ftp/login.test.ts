import { describe, expect, it } from "vitest";
import { makeTlsMaterial } from "../../fixtures/servers/certificate.js";
import { conversation, script, scripted } from "../../fixtures/servers/scripted.js";
import type { ClientSettings } from "../../src/client.js";
import { Transcript } from "../../src/net/transcript.js";
import { failureOf, GOODBYE, LOGIN, opened } from "./opened.js";

const nothing = () => Promise.resolve();

describe("the greeting", () => {
  it("may be announced by 120 and have many lines", async () => {
    // RFC 959, 4.2: the first line that begins with the code and a space ends it.
    const greeting = conversation(`
      S: 120 in a minute
      S: 220-Welcome
      S:  220 is not the end
      S: 220-
      S: 220 ready
      C: USER anonymous
      S: 230 come in
      C: FEAT
      S: 502 what?
    `);
    await using server = await scripted(greeting.and(GOODBYE));
    await opened(server.url("ftp", "/"), nothing);
    await server.done;
  });

  it("may come an octet at a time, as may all replies", async () => {
    await using server = await scripted(
      script()
        .sendCut("220-Welcome\r\n220 ready\r\n", "everywhere")
        .expect("USER anonymous")
        .sendCut("331 password?\r\n", "everywhere")
        .expect("PASS anonymous@")
        .sendCut("230 come in\r\n", "everywhere")
        .expect("FEAT")
        .sendCut("211-Features:\r\n UTF8\r\n211 End\r\n", "everywhere")
        .expect("OPTS UTF8 ON")
        .sendCut("200 ok\r\n", "everywhere")
        .and(GOODBYE),
    );
    await opened(server.url("ftp", "/"), nothing);
    await server.done;
  });

  it.each([
    ["421 too many users", { code: "busy", exit: 10, reply: "421 too many users" }],
    ["530 not you", { code: "auth", exit: 7, reply: "530 not you" }],
    ["SSH-2.0-OpenSSH_9.2", { code: "protocol", exit: 11, reply: "SSH-2.0-OpenSSH_9.2" }],
  ])("%s", async (line, wanted) => {
    await using server = await scripted(conversation(`S: ${line}`));
    expect(await failureOf(opened(server.url("ftp", "/"), nothing))).toMatchObject({
      ...wanted,
      protocol: "ftp",
    });
  });

  it("that never comes is no connection", async () => {
    await using server = await scripted(script().drop());
    expect(await failureOf(opened(server.url("ftp", "/"), nothing))).toMatchObject({
      code: "connect",
      message: "the server closed the connection",
    });
  });

  it("that stops in the middle is a broken protocol", async () => {
    await using server = await scripted(script().send("220-Welcome\r\n22").drop());
    expect(await failureOf(opened(server.url("ftp", "/"), nothing))).toMatchObject({ code: "protocol" });
  });

  it("without an end is bounded", async () => {
    await using server = await scripted(
      script()
        .send("220-Welcome\r\n")
        .flood(1024 ** 3, "220-more\r\n"),
    );
    expect(await failureOf(opened(server.url("ftp", "/"), nothing))).toMatchObject({
      code: "protocol",
      message: "the 220 answer is longer than the bound of 10000 lines",
    });
    expect(server.connections[0]?.accepted).toBeLessThan(64 * 1024 ** 2);
  });

  it("of a silent server is waited for no longer than the limit", async () => {
    await using server = await scripted(script().drain());
    const settings = { network: { idleTimeout: 100 } } satisfies ClientSettings;
    expect(await failureOf(opened(server.url("ftp", "/"), nothing, settings))).toMatchObject({
      code: "timeout",
      exit: 6,
    });
  });
});

describe("a login", () => {
  it.each([
    ["331 go on", "530 wrong", { code: "auth", exit: 7, reply: "530 wrong" }],
    ["331 go on", "332 and the account?", { code: "auth", message: expect.stringContaining("ACCT") }],
    ["332 which account?", undefined, { code: "auth", message: expect.stringContaining("ACCT") }],
    ["331 go on", "430 wrong", { code: "auth" }],
    ["331 go on", "421 bye", { code: "busy" }],
    ["331 go on", "500 OOPS", { code: "refused" }],
    ["530 TLS first", undefined, { code: "auth", hint: "use ftps: or --starttls require" }],
  ])("answered by %s and %s", async (first, second, wanted) => {
    let play = conversation(`S: 220 ready\nC: USER me\nS: ${first}`);
    if (second !== undefined) play = play.and(conversation(`C: PASS secret\nS: ${second}`));
    await using server = await scripted(play);
    const url = server.url("ftp", "/").replace("//", "//me:secret@");
    expect(await failureOf(opened(url, nothing))).toMatchObject({ ...wanted, protocol: "ftp" });
    await server.done;
  });

  it("sends names in UTF-8 and keeps the password out of the transcript", async () => {
    const transcript = new Transcript();
    const heard: string[] = [];
    transcript.subscribe(({ bytes }) => heard.push(String(bytes ?? "")));
    await using server = await scripted(
      conversation(`
        S: 220 ready
        C: USER jörg
        S: 331 go on
        C: PASS pässwort
        S: 230 come in
        C: FEAT
        S: 502 what?
      `).and(GOODBYE),
    );
    const url = server.url("ftp", "/").replace("//", "//j%C3%B6rg:p%C3%A4sswort@");
    await opened(url, nothing, { transcript });
    await server.done;
    expect(heard.join("")).toContain("USER jörg");
    expect(heard.join("")).not.toContain("pässwort");
  });

  it("with a line break is never sent", async () => {
    await using server = await scripted(conversation("S: 220 ready\nC end"));
    const credentials = async () => ({ user: "me", password: "x\r\nDELE y", kind: "password" }) as const;
    expect(await failureOf(opened(server.url("ftp", "/"), nothing, { credentials }))).toMatchObject({
      code: "usage",
    });
    await server.done;
  });
});

describe("AUTH TLS", () => {
  const REQUIRED = { policy: { starttls: "require" } } satisfies ClientSettings;

  it("that is not offered fails when it is required", async () => {
    await using server = await scripted(conversation("S: 220 ready\nC: AUTH TLS\nS: 502 what?\nC end"));
    expect(await failureOf(opened(server.url("ftp", "/"), nothing, REQUIRED))).toMatchObject({
      code: "tls",
      reply: "502 what?",
    });
    await server.done;
  });

  it.each([
    ["a whole reply", "234 go\r\n230 come in, anybody\r\n"],
    ["a part of one", "234 go\r\n230-come"],
  ])("drops what was sent in clear behind the 234, with an error: %s", async (_name, text) => {
    const material = await makeTlsMaterial();
    await using server = await scripted(
      script().sendLines("220 ready").expect("AUTH TLS").send(text).startTls(material),
    );
    expect(await failureOf(opened(server.url("ftp", "/"), nothing, REQUIRED))).toMatchObject({
      code: "tls",
      message: expect.stringContaining("octets came in clear"),
    });
  });

  it("is not asked for on the own machine", async () => {
    await using server = await scripted(LOGIN.and(GOODBYE));
    await opened(server.url("ftp", "/"), nothing);
    await server.done;
    expect(server.lines).not.toContain("AUTH TLS");
  });

  it("without PROT P is refused under ftps, for files would go in clear", async () => {
    const tls = await makeTlsMaterial();
    const play = conversation(`
      S: 220 ready
      C: USER anonymous
      S: 230 come in
      C: PBSZ 0
      S: 200 ok
      C: PROT P
      S: 536 no
      C end
    `);
    await using server = await scripted(play, { tls });
    const settings = { network: { tls: { insecure: true } } } satisfies ClientSettings;
    expect(await failureOf(opened(server.url("ftps", "/"), nothing, settings))).toMatchObject({
      code: "tls",
      reply: "536 no",
    });
    await server.done;
  });
});

describe("the goodbye", () => {
  it("waits a second at most", async () => {
    await using server = await scripted(LOGIN.and(conversation("C: QUIT\nC end")));
    const before = performance.now();
    await opened(server.url("ftp", "/"), nothing);
    const waited = performance.now() - before;
    await server.done;
    expect(waited).toBeGreaterThan(900);
    expect(waited).toBeLessThan(2500);
  });

  it("is left out when the server has gone", async () => {
    await using server = await scripted(
      LOGIN.and(script().sendLines("421 idle for too long").drop().drain()),
    );
    await opened(server.url("ftp", "/"), async (session) => {
      await server.done;
      await new Promise((resolve) => setTimeout(resolve, 20));
      expect(await failureOf(session.stat("/x"))).toMatchObject({
        code: "connect",
        reply: "421 idle for too long",
      });
    });
    expect(server.lines).not.toContain("QUIT");
  });
});
