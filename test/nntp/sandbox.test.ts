import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Client } from "../../src/client.js";
import { cp } from "../../src/verbs/cp.js";
import { collect, command, failure, inHarbour, list, outgoing, read, search, texts } from "./talk.js";

async function inFolder(act: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "porthole-news-"));
  try {
    await act(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const LIGHTS = "harbour.lights";

describe("a session with the sandbox", () => {
  it("walks from the groups to an article by the URLs it is given", async () => {
    await inHarbour(async ({ open, url }) => {
      const session = await open();
      const [group] = await list(session, "/");
      expect(group?.url).toBe(`${url}${LIGHTS}`);
      const articles = await list(session, `/${LIGHTS}`);
      expect(articles.map(({ name }) => name)).toEqual([
        "Re: A thread whose beginning is lost",
        "Fyren på Måseskär",
        "Re: The fog horn is silent on Sunday",
        "The fog horn is silent on Sunday",
        "Re: Two flashes or three?",
        "Re: Two flashes or three? (Grüße aus der Werft)",
        "Re: Two flashes or three?",
        "Two flashes or three?",
      ]);
      expect((await read(session, `/${LIGHTS}/7`)).includes(Buffer.from("Fyren på Måseskär", "latin1"))).toBe(
        true,
      );
      expect(await session.stat?.("/%3Clight-3@harbour.example%3E")).toMatchObject({
        meta: { from: "Jürgen Möller <jm@werft.example>" },
      });
    });
  });

  it("lists a group as threads, with --thread", async () => {
    await inHarbour(async ({ open }) => {
      const entries = await list(await open({ options: { thread: true } }), `/${LIGHTS}`);
      expect(entries.map(({ name, meta }) => [meta["depth"], name])).toEqual([
        [0, "Two flashes or three?"],
        [1, "  Re: Two flashes or three?"],
        [2, "    Re: Two flashes or three? (Grüße aus der Werft)"],
        [1, "  Re: Two flashes or three?"],
        [0, "The fog horn is silent on Sunday"],
        [1, "  Re: The fog horn is silent on Sunday"],
        [0, "Fyren på Måseskär"],
        [0, "Re: A thread whose beginning is lost"],
      ]);
    });
  });

  it("is the same under TLS, after STARTTLS and with a login", async () => {
    await inFolder(async (folder) => {
      await inHarbour(async ({ open, url, urls, ca }) => {
        const caFile = join(folder, "ca.pem");
        await writeFile(caFile, ca);
        const trusting = { network: { tls: { caFile } } };
        for (const [at, settings] of [
          [urls, trusting],
          [url, { ...trusting, policy: { starttls: "require" } }],
          [urls.replace("//", "//porthole:sandbox@"), trusting],
          [url.replace("//", "//porthole:sandbox@"), { ...trusting, policy: { starttls: "require" } }],
        ] as const) {
          const session = await open(settings, at);
          expect((await list(session, `/${LIGHTS}`, { limit: 1 })).length, at).toBe(1);
        }
        expect(await failure(open(trusting, urls.replace("//", "//porthole:wrong@")))).toMatchObject({
          code: "auth",
          exit: 7,
        });
      });
    });
  });

  it("logs in where a login is demanded, by each way there is", async () => {
    await inHarbour(
      async ({ open, url }) => {
        expect(await failure(list(await open(), "/"))).toMatchObject({ code: "auth", exit: 7 });
        for (const authMechanism of [undefined, "USER", "PLAIN", "CRAM-MD5"]) {
          const session = await open({ policy: { authMechanism } }, url.replace("//", "//porthole:sandbox@"));
          expect((await list(session, "/")).length, authMechanism).toBe(6);
        }
      },
      { requireLogin: true },
    );
  });

  it("asks for TLS where it is demanded", async () => {
    await inHarbour(
      async ({ open }) => {
        expect(await failure(list(await open(), "/"))).toMatchObject({ code: "tls", exit: 5 });
        const session = await open({ policy: { starttls: "require" }, network: { tls: { insecure: true } } });
        expect((await list(session, "/")).length).toBe(6);
      },
      { requireTls: true },
    );
  });

  it("speaks to an old server as of old", async () => {
    await inHarbour(
      async ({ open, url }) => {
        const session = await open({ options: { descriptions: true } });
        expect((await list(session, "/")).map(({ name, meta }) => [name, meta["count"]])[0]).toEqual([
          LIGHTS,
          8,
        ]);
        expect((await list(session, `/${LIGHTS}`, { limit: 2 })).map(({ meta }) => meta["number"])).toEqual([
          8, 7,
        ]);
        expect(
          (await search(session, `/${LIGHTS}`, "followup-to: *")).map(({ meta }) => meta["number"]),
        ).toEqual([5]);
        expect(await texts("hdr", [`${url}${LIGHTS}/4-6`, "Followup-To"])).toEqual([
          "4 ",
          "5 harbour.lights",
          "6 ",
        ]);
        expect(await failure(texts("capabilities", [url]))).toMatchObject({ code: "refused" });
      },
      { legacy: true },
    );
  });

  it("asks for reader mode where it is wanted", async () => {
    await inHarbour(
      async ({ open }) => {
        expect((await list(await open(), `/${LIGHTS}`, { limit: 1 })).length).toBe(1);
      },
      { modeReader: true },
    );
  });

  it("lists what is new since a time, and what is unread", async () => {
    await inHarbour(async ({ open }) => {
      await inFolder(async (folder) => {
        const since = await open({ options: { since: "2024-03-06" } });
        expect((await list(since, `/${LIGHTS}`)).map(({ meta }) => meta["number"])).toEqual([8, 7, 6, 5]);
        const newsrc = join(folder, ".newsrc");
        await writeFile(newsrc, "harbour.lights: 1-4,6\n");
        const session = await open({ options: { unread: true, newsrc } });
        expect((await list(session, `/${LIGHTS}`)).map(({ meta }) => meta["number"])).toEqual([8, 7, 5]);
        expect((await list(session, `/${LIGHTS}`, { limit: 1 })).map(({ meta }) => meta["number"])).toEqual([
          8,
        ]);
        await read(session, `/${LIGHTS}/5`);
        await read(session, `/${LIGHTS}/8`);
        await session[Symbol.asyncDispose]();
        expect(await readFile(newsrc, "utf8")).toBe("harbour.lights: 1-6,8\n");
        expect(
          await failure(list(await open({ options: { since: "yesterday" } }), `/${LIGHTS}`)),
        ).toMatchObject({ code: "usage" });
      });
    });
  });

  it("posts, and sees what was posted", async () => {
    await inHarbour(async ({ open, server }) => {
      const session = await open();
      const text =
        "From: a@x.example\r\nNewsgroups: harbour.test\r\nSubject: Hi\r\nMessage-ID: <1@x.example>\r\n\r\n.\r\nHello\r\n";
      expect(await session.send?.(outgoing(text))).toMatchObject({
        messageId: "<1@x.example>",
        size: text.length,
      });
      expect(server.mails.map(({ from, to, subject, raw }) => [from, to, subject, raw.toString()])).toEqual([
        ["a@x.example", ["harbour.test"], "Hi", text],
      ]);
      expect((await read(session, "/%3C1@x.example%3E")).toString()).toContain("\r\n\r\n.\r\nHello\r\n");
      expect(await failure(session.send?.(outgoing(text)) ?? Promise.resolve())).toMatchObject({
        code: "refused",
        reply: "441 A duplicate Message-ID",
      });
    });
  });

  it("tells of new articles as they come", async () => {
    await inHarbour(async ({ open }) => {
      const watching = await open({ options: { interval: 0.05 } });
      const posting = await open();
      const seen = (async () => {
        for await (const { entry } of watching.watch?.("/harbour.test") ?? []) return entry.name;
        return undefined;
      })();
      await new Promise((resolve) => setTimeout(resolve, 100));
      await posting.send?.(
        outgoing("From: a@x.example\r\nNewsgroups: harbour.test\r\nSubject: News\r\n\r\nx\r\n", ""),
      );
      expect(await seen).toBe("News");
    });
  });

  it("is checked step by step", async () => {
    await inHarbour(async ({ open, url }) => {
      const session = await open({}, url.replace("//", "//porthole:sandbox@"));
      const steps = await collect(session.check?.());
      expect(steps.map(({ step, ok }) => [step, ok])).toEqual([
        ["greeting", true],
        ["capabilities", true],
        ["login", true],
        ["roundtrip", true],
      ]);
      expect(steps[0]?.detail).toMatch(/^200 Porthole sandbox .*\(posting allowed\)$/);
      expect(steps[3]?.detail).toMatch(/^111 \d{14}$/);
      const bare = await collect((await open()).check?.());
      expect(bare[1]?.weaknesses).toEqual([
        {
          what: "a login that shows the password is offered in clear (USER PLAIN)",
          hint: "let the server offer logins after STARTTLS alone",
          grade: "critical",
        },
      ]);
    });
  });
});

describe("porthole nntp", () => {
  it("groups: counts, status and descriptions", async () => {
    await inHarbour(async ({ url }) => {
      expect((await texts("groups", [url])).slice(0, 3)).toEqual([
        "harbour.lights\t8\ty\tLamps, horns and what ships make of them",
        "harbour.test\t2\ty\tPost here whatever you like",
        "harbour.announce\t1\tm\tNotices to mariners (Moderated)",
      ]);
      expect(await texts("groups", [url, "*.caf*"])).toEqual(["harbour.café\t1\ty\tOù l'on se réchauffe"]);
    });
  });

  it("over and hdr: fields of many articles", async () => {
    await inHarbour(async ({ url }) => {
      const [first, ...others] = await texts("over", [`${url}${LIGHTS}/1-3`]);
      expect(first).toBe(
        "1\tTwo flashes or three?\tThe Keeper <keeper@harbour.example>\tMon, 4 Mar 2024 18:05:00 +0000\t<light-1@harbour.example>\t\t511\t7",
      );
      expect(others.length).toBe(2);
      expect(await texts("hdr", [`${url}${LIGHTS}/3`, "From"])).toEqual([
        "3 Jürgen Möller <jm@werft.example>",
      ]);
      expect(await texts("hdr", [`${url}${LIGHTS}/3`, ":lines"])).toEqual(["3 1"]);
      expect(await texts("hdr", [`${url}%3Clight-1@harbour.example%3E`, "Subject"])).toEqual([
        "0 Two flashes or three?",
      ]);
      expect(await failure(texts("over", [`${url}harbour.lost`]))).toMatchObject({ code: "missing" });
    });
  });

  it("article, head, body and stat: one article", async () => {
    await inHarbour(async ({ url }) => {
      const [whole = ""] = await texts("article", [`${url}${LIGHTS}/4`]);
      const [head = ""] = await texts("head", [`${url}${LIGHTS}/4`]);
      const [body = ""] = await texts("body", [`${url}%3Clight-4@harbour.example%3E`]);
      expect(body).toBe("At noon there is soup. Nobody flashes at noon.\r\n");
      expect(`${head}\r\n${body}`).toBe(whole);
      const pieces = await command("article", [`${url}${LIGHTS}/4`], {}, { raw: true });
      expect(pieces.every((piece) => piece.kind === "octets" && piece.raw === true)).toBe(true);
      expect(pieces.map((piece) => (piece.kind === "octets" ? piece.octets : "")).join("")).toBe(whole);
      expect(await texts("stat", [`${url}${LIGHTS}/4`])).toEqual(["4 <light-4@harbour.example>"]);
      expect(await failure(texts("stat", [`${url}${LIGHTS}/99`]))).toMatchObject({ code: "missing" });
      expect(await failure(texts("head", [`${url}%3Clost@x%3E`]))).toMatchObject({ code: "missing" });
    });
  });

  it("a range is listed as articles, fetched as a mailbox, and copied as messages", async () => {
    await inHarbour(async ({ url, open }) => {
      const session = await open();
      expect(session.kindOf?.(`/${LIGHTS}/1-3`)).toBeUndefined();
      expect((await session.stat?.(`/${LIGHTS}/1-3`))?.kind).toBe("group");
      await inFolder(async (folder) => {
        const request = { from: [`${url}${LIGHTS}/1-3`], to: `mbox:${folder}/range`, recursive: true };
        const events = await collect(cp({ client: new Client(), ...request }));
        expect(events.at(-1)).toMatchObject({ event: "done", copied: 3 });
        expect((await readFile(join(folder, "range"), "utf8")).match(/^From /gm)?.length).toBe(3);
      });
    });
  });

  it("articles of a mailbox go into a group, which holds no mailbox of theirs", async () => {
    await inHarbour(async ({ url, open }) => {
      await inFolder(async (folder) => {
        const article = (name: string) =>
          `From - Mon Mar  4 18:05:00 2024\nFrom: a@x.example\nNewsgroups: harbour.test\nSubject: ${name}\n\n${name}\n\n`;
        await writeFile(join(folder, "box"), article("one") + article("two"));
        const request = { from: [`mbox:${folder}/box`], to: `${url}harbour.test`, recursive: true };
        const events = await collect(cp({ client: new Client(), ...request }));
        expect(events.at(-1)).toMatchObject({ event: "done", copied: 2, failed: 0 });
        const names = (await list(await open(), "/harbour.test", { limit: 2 })).map(({ name }) => name);
        expect(names.sort()).toEqual(["one", "two"]);
      });
    });
  });

  it("next and last: an article's neighbours", async () => {
    await inHarbour(async ({ url }) => {
      const [next] = await command("next", [`${url}${LIGHTS}/4`]);
      expect(next).toEqual({
        kind: "record",
        text: "5 <horn-1@harbour.example>",
        data: { number: 5, messageId: "<horn-1@harbour.example>", url: `${url}${LIGHTS}/5` },
      });
      expect(await texts("last", [`${url}${LIGHTS}/4`])).toEqual(["3 <light-3@harbour.example>"]);
      expect(await failure(texts("next", [`${url}${LIGHTS}/8`]))).toMatchObject({
        code: "missing",
        reply: "421 No article that way",
      });
      expect(await failure(texts("last", [`${url}${LIGHTS}/1`]))).toMatchObject({ code: "missing" });
    });
  });

  it("newgroups and newnews: what came since", async () => {
    await inHarbour(async ({ url, server }) => {
      server.store.addGroup("harbour.new", "Fresh paint");
      expect(await texts("newgroups", [url, "1h"])).toEqual(["harbour.new"]);
      expect((await texts("newgroups", [url, "2024-01-01"])).length).toBe(7);
      expect(await texts("newnews", [url, "1h"])).toEqual([]);
      expect(await texts("newnews", [`${url}harbour.test`, "2024-03-01"])).toEqual([
        "<test-1@harbour.example>",
        "<test-2@harbour.example>",
      ]);
      expect(await failure(texts("newnews", [url, "soon"]))).toMatchObject({ code: "usage" });
      expect(await failure(texts("newnews", [url]))).toMatchObject({ code: "usage" });
    });
  });

  it("thread: a tree", async () => {
    await inHarbour(async ({ url }) => {
      expect(await texts("thread", [`${url}${LIGHTS}`])).toEqual([
        "1 Two flashes or three? - The Keeper <keeper@harbour.example>",
        "  2 Re: Two flashes or three? - pilot@harbour.example (A Pilot)",
        "    3 Re: Two flashes or three? (Grüße aus der Werft) - Jürgen Möller <jm@werft.example>",
        "  4 Re: Two flashes or three? - cook@harbour.example",
        "5 The fog horn is silent on Sunday - Harbour Office <office@harbour.example>",
        "  6 Re: The fog horn is silent on Sunday - keeper@harbour.example",
        "7 Fyren på Måseskär - Åke Öberg <ake@varvet.example>",
        "8 Re: A thread whose beginning is lost - gull@harbour.example",
      ]);
      expect((await texts("thread", [`${url}${LIGHTS}`], {}, { limit: 2 })).length).toBe(2);
    });
  });

  it("post: an article, an answer, a replacement and a cancellation", async () => {
    await inHarbour(async ({ url, server, open }) => {
      const draft = { from: "Ann Ö <ann@x.example>", text: "Hello\n.\n" };
      const id = (name: string) => `<${name}@x.example>`;
      const named = (name: string) => ({ header: [`Message-ID: ${id(name)}`] });
      const [posted] = await command(
        "post",
        [url],
        {},
        { ...draft, ...named("p1"), group: ["harbour.test"], subject: "Grüße" },
      );
      expect(posted).toMatchObject({
        data: { event: "posted", groups: ["harbour.test"], messageId: id("p1") },
      });
      expect(server.mails.at(-1)).toMatchObject({
        from: "ann@x.example",
        to: ["harbour.test"],
        subject: "Grüße",
      });

      await command("post", [url], {}, { ...draft, ...named("p2"), reply: "<light-3@harbour.example>" });
      const answer = server.mails.at(-1)?.raw.toString() ?? "";
      expect(answer).toContain("Newsgroups: harbour.lights\r\n");
      expect(answer).toContain(
        "References: <light-1@harbour.example>\r\n <light-2@harbour.example>\r\n <light-3@harbour.example>\r\n",
      );
      expect(server.mails.at(-1)?.subject).toBe("Re: Two flashes or three? (Grüße aus der Werft)");

      // The article says where answers are to go.
      await command("post", [url], {}, { ...draft, ...named("p3"), reply: "<horn-1@harbour.example>" });
      expect(server.mails.at(-1)?.to).toEqual(["harbour.lights"]);

      await command(
        "post",
        [`${url}harbour.test`],
        {},
        { ...draft, ...named("p4"), subject: "Better", supersedes: id("p1") },
      );
      const session = await open();
      expect(await failure(read(session, `/${encodeURIComponent(id("p1"))}`))).toMatchObject({
        code: "missing",
      });
      await command("post", [url], {}, { cancel: id("p4") });
      expect(await failure(read(session, `/${encodeURIComponent(id("p4"))}`))).toMatchObject({
        code: "missing",
      });
    });
  });

  it("post: the text, or all of it, from a file or standard input", async () => {
    await inHarbour(async ({ url, server }) => {
      await inFolder(async (folder) => {
        const draft = { from: "ann@x.example", group: ["harbour.test"], subject: "x" };
        await command("post", [url], {}, { ...draft, "text-file": "-" });
        expect(server.mails.at(-1)?.raw.toString()).toContain("\r\n\r\nWhat came by standard input.\r\n");
        const file = join(folder, "article");
        await writeFile(
          file,
          "From: a@x.example\nNewsgroups: harbour.test\nSubject: Raw\nMessage-ID: <raw@x.example>\n\nAs it stands  \n",
        );
        expect((await texts("post", [url], {}, { eml: file }))[0]).toMatch(
          /^posted to harbour\.test: <raw@x\.example> /,
        );
        expect(server.mails.at(-1)?.raw.toString()).toContain("\r\n\r\nAs it stands  \r\n");
        expect(await failure(texts("post", [url], {}, { eml: join(folder, "nothing") }))).toMatchObject({
          code: "local",
          exit: 12,
        });
      });
    });
  });

  it("post: says what it would do, and what is missing", async () => {
    await inHarbour(async ({ url, server }) => {
      const draft = { from: "ann@x.example", group: ["harbour.test"], subject: "x", text: "y" };
      const [shown] = await texts("post", [url], {}, { ...draft, "dry-run": true });
      expect(shown).toMatch(/^From: ann@x\.example\nNewsgroups: harbour\.test\nSubject: x\n/);
      expect(server.mails.length).toBe(0);
      for (const absent of ["from", "group", "subject", "text"]) {
        const options = Object.fromEntries(Object.entries(draft).filter(([key]) => key !== absent));
        expect(await failure(texts("post", [url], {}, options)), absent).toMatchObject({
          code: "usage",
          exit: 2,
        });
      }
      for (const group of ["harbour.announce", "harbour.empty", "harbour.lost"]) {
        expect(await failure(texts("post", [url], {}, { ...draft, group: [group] })), group).toMatchObject({
          code: "refused",
          exit: 9,
        });
      }
    });
  });

  it("ihave and feed: articles as another server would bring them", async () => {
    await inHarbour(async ({ url, server }) => {
      await inFolder(async (folder) => {
        const files: string[] = [];
        for (const name of ["one", "two", "three"]) {
          files.push(join(folder, name));
          await writeFile(
            join(folder, name),
            `From: a@x.example\r\nNewsgroups: harbour.test\r\nSubject: ${name}\r\nMessage-ID: <${name}@x.example>\r\n\r\n.dots\r\n`,
          );
        }
        const [one = "", two = "", three = ""] = files;
        expect((await texts("ihave", [url, one]))[0]).toMatch(/^taken: <one@x\.example> \(235 /);
        expect(await failure(texts("ihave", [url, one]))).toMatchObject({
          code: "refused",
          reply: "435 Have it",
        });
        const told: string[] = [];
        const fed = command("feed", [url, one, two, three]).then((outputs) => {
          told.push(...outputs.map((output) => (output.kind === "record" ? output.text : "")));
        });
        expect(await failure(fed)).toMatchObject({
          code: "partial",
          exit: 13,
          message: "1 of 3 articles were not taken",
        });
        expect(server.mails.map(({ subject }) => subject)).toEqual(["one", "two", "three"]);
        expect(server.mails.at(-1)?.raw.toString()).toMatch(/\r\n\r\n\.dots\r\n$/);
      });
    });
  });

  it("list, date, help, capabilities and quote: the server itself", async () => {
    await inHarbour(async ({ url }) => {
      expect(await texts("list", [url, "motd"])).toEqual([
        "The light is on.",
        "Nothing leaves this harbour.",
      ]);
      expect(await texts("list", [url, "ACTIVE.TIMES", "*.test"])).toEqual([
        "harbour.test 1709251200 keeper@harbour.example",
      ]);
      for (const kind of [
        "active",
        "newsgroups",
        "overview.fmt",
        "headers",
        "distrib.pats",
        "counts",
        "moderators",
        "subscriptions",
      ]) {
        expect((await texts("list", [url, kind])).length, kind).toBeGreaterThan(0);
      }
      expect(await failure(texts("list", [url, "nothing"]))).toMatchObject({ code: "refused" });
      expect((await texts("date", [url]))[0]).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
      expect(await texts("help", [url])).toContain("ARTICLE");
      expect((await texts("capabilities", [url]))[0]).toContain("VERSION 2\n");
      expect(await texts("quote", [url, "GROUP harbour.test"])).toEqual(["211 2 1 2 harbour.test"]);
      expect(await texts("quote", [`${url}harbour.test`, "LISTGROUP"])).toEqual([
        "211 2 1 2 harbour.test list follows",
        "1",
        "2",
      ]);
      expect(await texts("quote", [`${url}harbour.test`, "HEAD", "1"])).toEqual([
        "221 1 <test-1@harbour.example>",
        expect.stringContaining("Subject: test\n"),
      ]);
      expect(await texts("quote", [url, "FLY"])).toEqual(["500 What?"]);
      expect(await texts("quote", [url, "SLAVE"])).toEqual(["202 Noted"]);
      expect(await failure(texts("quote", [url, "POST"]))).toMatchObject({ code: "usage" });
    });
  });
});
