import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { yEncode } from "../../fixtures/servers/nntp-binaries.js";
import { Client, type ClientSettings } from "../../src/client.js";
import type { Session } from "../../src/plugin.js";
import { command, failure, list, outgoing, read, search, texts } from "../nntp/talk.js";
import { hasInn, type News, startInn } from "./inn.js";

const TITLE = hasInn() ? "INN" : "INN (inn2 not installed, or not run as root)";

describe.skipIf(!hasInn())(TITLE, () => {
  let news: News;

  beforeAll(async () => {
    news = await startInn();
  });

  afterAll(async () => {
    await news?.close();
  });

  async function withSession<T>(
    act: (session: Session) => Promise<T>,
    settings: ClientSettings = {},
    url = news.url,
  ): Promise<T> {
    const client = new Client(settings);
    const session = await client.open(client.target(url));
    try {
      return await act(session);
    } finally {
      await session[Symbol.asyncDispose]();
    }
  }

  const draft = {
    from: "The Keeper <keeper@harbour.example>",
    group: ["local.lights"],
    text: "Two.\n.\n..dots\n",
  };

  it("tells what it can do, once it is asked for reader mode", async () => {
    const [shown = ""] = await texts("capabilities", [news.url]);
    expect(shown).toContain("IMPLEMENTATION INN ");
    expect(shown.split("\n")).toContain("READER");
    expect((await texts("date", [news.url]))[0]).toMatch(/^20\d\d-/);
    expect(await texts("list", [news.url, "MOTD"])).toEqual(["The light is on."]);
    expect(await texts("groups", [news.url, "misc.*"])).toEqual(["misc.test\t0\ty\tFor testing"]);
  });

  it("takes an article, an answer, and gives them as a thread", async () => {
    const header = (name: string) => [`Message-ID: <${name}@harbour.example>`];
    await command("post", [news.url], {}, { ...draft, header: header("light-1"), subject: "Grüße" });
    await command(
      "post",
      [news.url],
      {},
      { ...draft, header: header("light-2"), reply: "<light-1@harbour.example>" },
    );
    await withSession(async (session) => {
      const articles = await list(session, "/local.lights");
      expect(articles.map(({ name, url }) => [name, url])).toEqual([
        ["Re: Grüße", `${news.url}local.lights/2`],
        ["Grüße", `${news.url}local.lights/1`],
      ]);
      expect((await read(session, "/local.lights/1")).toString()).toMatch(
        /\r\n\r\nTwo\.\r\n\.\r\n\.\.dots\r\n$/,
      );
      expect((await search(session, "/local.lights", "grüße")).length).toBe(2);
      expect((await search(session, "/local.lights", "newsgroups: local.*")).length).toBe(2);
      expect(await session.stat?.("/%3Clight-2@harbour.example%3E")).toMatchObject({
        name: "Re: Grüße",
        meta: { references: ["<light-1@harbour.example>"] },
      });
      expect((await read(session, "/local.lights/1-2")).toString().match(/^From - /gm)?.length).toBe(2);
      expect(await failure(read(session, "/local.lights/99"))).toMatchObject({ code: "missing", exit: 8 });
      expect(await failure(list(session, "/local.lost"))).toMatchObject({ code: "missing", exit: 8 });
    });
    expect(await texts("thread", [`${news.url}local.lights`])).toEqual([
      "1 Grüße - The Keeper <keeper@harbour.example>",
      "  2 Re: Grüße - The Keeper <keeper@harbour.example>",
    ]);
    expect(await texts("hdr", [`${news.url}local.lights`, "References"])).toEqual([
      "1 ",
      "2 <light-1@harbour.example>",
    ]);
    expect(await texts("next", [`${news.url}local.lights/1`])).toEqual(["2 <light-2@harbour.example>"]);
    expect(await failure(texts("last", [`${news.url}local.lights/1`]))).toMatchObject({ code: "missing" });
    expect(await texts("newnews", [`${news.url}local.lights`, "1h"])).toEqual([
      "<light-1@harbour.example>",
      "<light-2@harbour.example>",
    ]);
  });

  it("refuses what is none, in its own words", async () => {
    await withSession(async (session) => {
      const article = "From: a@x.example\r\nNewsgroups: local.lost\r\nSubject: x\r\n\r\nx\r\n";
      expect(await failure(session.send?.(outgoing(article)) ?? Promise.resolve())).toMatchObject({
        code: "refused",
        exit: 9,
        reply: expect.stringMatching(/^441 /),
      });
    });
  });

  it("gives octets of any kind as they were posted", async () => {
    const body = Buffer.from(
      Array.from(
        { length: 20_000 },
        (_, at) => [1 + ((at * 7) % 255)].map((o) => (o === 10 || o === 13 ? 65 : o))[0] ?? 65,
      ),
    );
    for (let at = 200; at < body.length; at += 200) body.set([13, 10, 46], at);
    const head = Buffer.from(
      "From: a@x.example\r\nNewsgroups: misc.test\r\nSubject: octets\r\nMessage-ID: <octets@x.example>\r\n\r\n",
    );
    await withSession(async (session) => {
      const client = outgoing("", "<octets@x.example>");
      const raw = Readable.from([head, body, Buffer.from("\r\n")], { objectMode: false });
      await session.send?.({ ...client, raw });
      const octets = await read(session, "/%3Coctets@x.example%3E");
      expect(
        octets.subarray(octets.indexOf("\r\n\r\n") + 4).equals(Buffer.concat([body, Buffer.from("\r\n")])),
      ).toBe(true);
    });
  });

  it("holds a binary, which comes back whole", async () => {
    const octets = Buffer.from(Array.from({ length: 300_000 }, (_, at) => (at * 31 + (at >> 7)) & 0xff));
    await withSession(async (session) => {
      for (const number of [1, 2, 3]) {
        const begin = (number - 1) * 100_000;
        const part = yEncode(
          octets.subarray(begin, begin + 100_000),
          "tower.bin",
          { number, total: 3, begin },
          { size: octets.length, crc: 0 },
        );
        const clean = Buffer.from(part.toString("latin1").replace(" crc32=00000000", ""), "latin1");
        const head = Buffer.from(
          `From: a@x.example\r\nNewsgroups: local.binaries\r\nSubject: "tower.bin" yEnc (${number}/3)\r\nMessage-ID: <tower-${number}@x.example>\r\n\r\n`,
        );
        const raw = Readable.from([head, clean], { objectMode: false });
        await session.send?.({ ...outgoing("", `<tower-${number}@x.example>`), raw });
      }
    });
    const folder = await mkdtemp(join(tmpdir(), "porthole-tower-"));
    try {
      await command("nzb", [`${news.url}local.binaries`], {}, { directory: folder, subject: "tower" });
      expect((await readFile(join(folder, "tower.bin"))).equals(octets)).toBe(true);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  it("takes an article that was fetched from it, under another Message-ID, as a new one", async () => {
    const header = ["Message-ID: <again-1@harbour.example>"];
    await command("post", [news.url], {}, { ...draft, group: ["misc.test"], header, subject: "Again" });
    await withSession(async (session) => {
      const fetched = await read(session, "/%3Cagain-1@harbour.example%3E");
      expect(fetched.toString()).toMatch(/^Xref: /m);
      const body = Readable.from([Buffer.from(fetched.toString().replace("<again-1@", "<again-2@"))]);
      expect(await session.write?.("/misc.test", { body })).toMatchObject({
        name: "Again",
        url: `${news.url}%3Cagain-2@harbour.example%3E`,
      });
      // The same again: the server has it.
      const twice = session.write?.("/misc.test", { body: Readable.from([fetched]) });
      expect(await failure(twice ?? Promise.resolve())).toMatchObject({ code: "refused", exit: 9 });
    });
  });

  it("takes an article back for whoever has the key to its lock, and for nobody else", async () => {
    const folder = await mkdtemp(join(tmpdir(), "porthole-locks-"));
    try {
      const secret = async (name: string) => {
        await writeFile(join(folder, name), `${name}, the secret\n`, { mode: 0o600 });
        return { "cancel-secret": join(folder, name) };
      };
      const [mine, theirs] = [await secret("mine"), await secret("theirs")];
      const named = (name: string) => ({ header: [`Message-ID: <${name}@harbour.example>`] });
      const there = async (name: string) =>
        (await failure(withSession((session) => read(session, `/%3C${name}@harbour.example%3E`)))) ===
        "no failure";
      await command("post", [news.url], {}, { ...draft, ...mine, ...named("lock-1"), subject: "Locked" });
      await command(
        "post",
        [news.url],
        {},
        { ...theirs, ...named("c-1"), cancel: "<lock-1@harbour.example>" },
      );
      expect(await there("lock-1")).toBe(true);
      const better = { ...draft, ...mine, ...named("lock-2"), subject: "Better" };
      await command("post", [news.url], {}, { ...better, supersedes: "<lock-1@harbour.example>" });
      expect([await there("lock-1"), await there("lock-2")]).toEqual([false, true]);
      await command("post", [news.url], {}, { ...mine, ...named("c-2"), cancel: "<lock-2@harbour.example>" });
      expect(await there("lock-2")).toBe(false);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  it("takes articles from another server, one by one and as a stream", async () => {
    const folder = await mkdtemp(join(tmpdir(), "porthole-feed-"));
    try {
      const files: string[] = [];
      for (const name of ["f1", "f2", "f3"]) {
        files.push(join(folder, name));
        const lines = [
          "Path: other.example!not-for-mail",
          "From: a@x.example",
          "Newsgroups: misc.test",
          `Subject: ${name}`,
          `Message-ID: <${name}@feed.example>`,
          `Date: ${new Date().toUTCString().replace("GMT", "+0000")}`,
          "",
          ".dots",
          "",
        ];
        await writeFile(join(folder, name), lines.join("\r\n"));
      }
      const [one = "", two = "", three = ""] = files;
      const transit = { options: { transit: true } };
      expect(await failure(texts("ihave", [news.url, one]))).toMatchObject({
        hint: "--transit speaks to the server as another server does",
      });
      expect((await texts("ihave", [news.url, one], transit))[0]).toMatch(/^taken: <f1@feed\.example> \(235/);
      expect(await failure(texts("ihave", [news.url, one], transit))).toMatchObject({
        reply: expect.stringMatching(/^435/),
      });
      const fed = await texts("feed", [news.url, two, three], transit);
      expect(fed.map((text) => text.replace(/ \(.*$/, ""))).toEqual([
        "taken: <f2@feed.example>",
        "taken: <f3@feed.example>",
      ]);
      await withSession(async (session) => {
        expect((await read(session, "/%3Cf3@feed.example%3E")).toString()).toMatch(/\r\n\r\n\.dots\r\n$/);
      });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  it("wants a login where it is set up so, and takes it in clear, by SASL and after STARTTLS", async () => {
    expect(
      await failure(withSession((session) => list(session, "/local.lights"), {}, news.guarded)),
    ).toMatchObject({
      code: "auth",
      exit: 7,
    });
    const known = news.guarded.replace("//", "//keeper:light%20house@");
    const trusting = { network: { tls: { caFile: news.caFile } }, policy: { starttls: "require" } } as const;
    expect((await withSession((session) => list(session, "/"), trusting, known)).length).toBeGreaterThan(3);
    const wrong = news.guarded.replace("//", "//keeper:wrong@");
    expect(await failure(withSession((session) => list(session, "/"), trusting, wrong))).toMatchObject({
      code: "auth",
      exit: 7,
    });
  });
});
