/** `put`: an article that stands in a file, posted as it is. */
import { describe, expect, it } from "vitest";
import { conversation } from "../../fixtures/servers/scripted.js";
import type { Entry, Session, Source } from "../../src/plugin.js";
import { BYE, failure, GREETED, inHarbour, list, read, talk } from "./talk.js";

const FROM = "From: Ann <ann@x.example>\r\nSubject: Grüße\r\n";
const NAMED = `${FROM}Newsgroups: harbour.test\r\nMessage-ID: <1@x.example>\r\n\r\nTwo.\r\n.\r\n`;

async function put(
  session: Session,
  path: string,
  text: string,
  facts: Partial<Source> = {},
  size = 64,
): Promise<Entry> {
  async function* body() {
    const octets = Buffer.from(text);
    for (let at = 0; at < octets.length; at += size) yield octets.subarray(at, at + size);
  }
  if (session.write === undefined) throw new Error("the session cannot write");
  return session.write(path, { body: body(), ...facts });
}

describe("an article from elsewhere", () => {
  it.each([1, 7, 1000])("is posted as it stands, in pieces of %i octets", async (size) => {
    await inHarbour(async ({ open, url, server }) => {
      const session = await open();
      expect(await put(session, "/harbour.test", NAMED, {}, size)).toMatchObject({
        url: `${url}%3C1@x.example%3E`,
        name: "Grüße",
        kind: "article",
        size: Buffer.byteLength(NAMED),
        meta: { messageId: "<1@x.example>" },
      });
      expect(server.mails.at(-1)?.raw.toString()).toBe(NAMED);
      expect((await read(session, "/%3C1@x.example%3E")).toString()).toMatch(/\r\n\r\nTwo\.\r\n\.\r\n$/);
      expect((await list(session, "/harbour.test"))[0]?.name).toBe("Grüße");
    });
  });

  it("goes to the group of the URL when it names none, and gets a Message-ID to look for", async () => {
    await inHarbour(async ({ open, server }) => {
      const session = await open();
      const entry = await put(session, "/harbour.test", `${FROM}\r\nx\r\n`);
      const { messageId: id } = entry.meta;
      expect(id).toMatch(/^<[0-9a-f-]{36}@x\.example>$/);
      const raw = server.mails.at(-1)?.raw.toString() ?? "";
      expect(raw).toBe(
        `Message-ID: ${typeof id === "string" ? id : "none"}\r\nNewsgroups: harbour.test\r\n${FROM}\r\nx\r\n`,
      );
    });
  });

  it("goes where it says when the URL names the server alone", async () => {
    await inHarbour(async ({ open, server }) => {
      await put(await open(), "/", NAMED);
      expect(server.mails.at(-1)?.to).toEqual(["harbour.test"]);
    });
  });

  it("leaves out what servers wrote into it on its way (RFC 5537, 3.4)", async () => {
    await inHarbour(async ({ open, server }) => {
      const traces = (at: number) =>
        [
          "Path: news.x.example!.POSTED!not-for-mail",
          'Injection-Info: news.x.example;\r\n\tposting-host="x"',
          "xref: news.x.example a:1",
          "NNTP-Posting-Host: x",
        ][at] ?? "";
      const given = `${traces(0)}\r\n${traces(1)}\r\n${NAMED.replace("\r\n\r\n", `\r\n${traces(2)}\r\n${traces(3)}\r\n\r\n${traces(0)}\r\n`)}`;
      await put(await open(), "/harbour.test", given);
      // In the body they are text.
      const kept = NAMED.replace("\r\n\r\n", `\r\n\r\n${traces(0)}\r\n`);
      expect(server.mails.at(-1)?.raw.toString()).toBe(kept);
    });
  });

  it("takes lines that end in a bare LF", async () => {
    await inHarbour(async ({ open, server }) => {
      await put(await open(), "/harbour.test", NAMED.replaceAll("\r\n", "\n"));
      expect(server.mails.at(-1)?.raw.toString()).toBe(NAMED);
    });
  });

  it.each([
    [
      "for other groups",
      "/harbour.lights",
      NAMED,
      /^the article is for harbour\.test, not for harbour\.lights$/,
    ],
    ["for no group", "/", `${FROM}\r\nx\r\n`, /names no group$/],
    ["without a sender", "/harbour.test", "Subject: x\r\n\r\nx\r\n", /no From and Subject/],
    [
      "whose sender has no address",
      "/harbour.test",
      "From: Ann\r\nSubject: x\r\n\r\nx",
      /no From and Subject/,
    ],
    ["without a subject", "/harbour.test", "From: a@x.example\r\n\r\nx\r\n", /no From and Subject/],
    ["that is a bare text", "/harbour.test", "hello\n", /no empty line after a header$/],
    ["that is nothing", "/harbour.test", "", /no empty line after a header$/],
    ["whose header does not end", "/harbour.test", `${FROM}X: ${"x".repeat(300_000)}`, /no empty line/],
    ["in place of another", "/harbour.test/1", NAMED, /never replaced$/],
    ["in place of the one it is", "/%3C1@x.example%3E", NAMED, /never replaced$/],
  ])("%s is refused, and nothing sent", async (_what, path, text, message) => {
    await talk(GREETED.and(BYE), async (session) => {
      expect(await failure(put(session, path, text))).toMatchObject({
        code: "usage",
        exit: 2,
        message: expect.stringMatching(message),
      });
    });
  });

  it("is not continued", async () => {
    await talk(GREETED.and(BYE), async (session) => {
      expect(await failure(put(session, "/harbour.test", NAMED, { offset: 10 }))).toMatchObject({
        code: "usage",
        hint: "leave out --resume",
      });
    });
  });

  it("whose answer is lost is never repeated: its fate is not known", async () => {
    const play = conversation("C: POST\nS: 340 send it\n").expectUntil("\r\n.\r\n").drop();
    await talk(
      GREETED.and(play),
      async (session) => {
        expect(await failure(put(session, "/harbour.test", NAMED))).toMatchObject({
          code: "protocol",
          exit: 11,
          message: expect.stringMatching(/it is not known whether the article <1@x\.example> was taken$/),
        });
      },
      { policy: { retries: 3 } },
    );
  });

  it("that breaks off on this side is not ended as if it were whole", async () => {
    async function* broken() {
      yield Buffer.from(NAMED);
      throw new Error("the disk is gone");
    }
    let sent = "nothing yet\r\n.\r\n";
    const play = conversation("C: POST\nS: 340 send it\n").step({
      title: "the end of the connection",
      run: async (connection) => {
        sent = (await connection.readUntil(Buffer.from("\r\n.\r\n"))).toString();
      },
    });
    await talk(GREETED.and(play), async (session, server) => {
      const failed = await failure(session.write?.("/harbour.test", { body: broken() }) ?? Promise.resolve());
      expect(failed).toMatchObject({ message: expect.stringContaining("the disk is gone") });
      await server.done;
    });
    expect(sent).not.toMatch(/\r\n\.\r\n$/);
  });
});
