/** What `ls` and `stat` make of a page: its links, or the files of an index page. */
import { describe, expect, it } from "vitest";
import type { Entry, Session } from "../../src/plugin.js";
import { answered, asked, requests, talk } from "./over-client.js";

const HTML = ["Content-Type: text/html"];

async function listing(session: Session, path: string, limit?: number, recursive = false): Promise<Entry[]> {
  const entries: Entry[] = [];
  const query = { recursive, ...(limit === undefined ? {} : { limit }) };
  for await (const entry of session.list?.(path, query) ?? []) entries.push(entry);
  return entries;
}

const NGINX = `<html>
<head><title>Index of /pub/</title></head>
<body>
<h1>Index of /pub/</h1><hr><pre><a href="../">../</a>
<a href="charts/">charts/</a>                                            27-Nov-2026 08:11                   -
<a href="a%26b%20%C3%A4.txt">a&amp;b ä.txt</a>                                          03-Feb-2025 17:05              104857
<a href="empty">empty</a>                                              01-Jan-2026 00:00                   0
</pre><hr></body>
</html>`;

const APACHE = `<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 3.2 Final//EN">
<html><head><title>Index of /pub</title></head><body><h1>Index of /pub</h1>
<table><tr><th><a href="?C=N;O=D">Name</a></th><th><a href="?C=M;O=A">Last modified</a></th></tr>
<tr><td><a href="/">Parent Directory</a></td><td>&nbsp;</td><td align="right">  - </td></tr>
<tr><td><a href="charts/">charts/</a></td><td align="right">2026-11-27 08:11  </td><td align="right">  - </td></tr>
<tr><td><a href="big.iso">big.iso</a></td><td align="right">2026-02-28 23:59  </td><td align="right">1.2M</td></tr>
<tr><td><a href="tiny">tiny</a></td><td align="right">2026-02-28 23:59  </td><td align="right">512 </td></tr>
</table></body></html>`;

const BUSYBODY = `<title>Index of /pub/</title><a href="https://elsewhere.example/x">x</a><a href="/other/y">y</a>
<a href="../../up">up</a><a href="sub/deep">deep</a><a href="http://[">broken</a><a href="./">self</a><a href="%2e%2e/">dots</a>
<a href="ok">ok</a><a href="ok">again</a>`;

describe("an index page", () => {
  it("of nginx is a folder: files with size and date", async () => {
    await talk(
      asked()
        .and(answered("200 OK", HTML, NGINX))
        .drain(),
      async (session, server) => {
        const found = await listing(session, "/pub/");
        const base = server.url("http", "/pub/");
        expect(found).toMatchObject([
          {
            url: `${base}charts/`,
            name: "charts",
            kind: "directory",
            modified: new Date("2026-11-27T08:11Z"),
          },
          { url: `${base}a%26b%20%C3%A4.txt`, name: "a&b ä.txt", kind: "file", size: 104_857 },
          { name: "empty", kind: "file", size: 0, modified: new Date("2026-01-01T00:00Z") },
        ]);
        expect(requests(server)).toEqual(["GET /pub/"]);
      },
    );
  });

  it("of Apache too; a size in words is no size", async () => {
    await talk(
      asked()
        .and(answered("200 OK", HTML, APACHE))
        .drain(),
      async (session) => {
        const [charts, big, tiny, ...more] = await listing(session, "/pub/");
        expect(more).toEqual([]);
        expect(charts).toMatchObject({ name: "charts", kind: "directory" });
        expect(big).toMatchObject({
          name: "big.iso",
          about: 1_258_291,
          modified: new Date("2026-02-28T23:59Z"),
        });
        expect(big?.size).toBeUndefined();
        expect(tiny).toMatchObject({ name: "tiny", size: 512 });
      },
    );
  });

  it("holds what is directly in it, each thing once", async () => {
    await talk(
      asked()
        .and(answered("200 OK", HTML, BUSYBODY))
        .drain(),
      async (session) => {
        expect((await listing(session, "/pub/")).map(({ name }) => name)).toEqual(["ok"]);
      },
    );
  });

  it("is listed with all folders beneath it, and none above or beside, when that is wanted", async () => {
    const index = (title: string, ...links: readonly string[]) =>
      answered(
        "200 OK",
        HTML,
        `<html><head><title>Index of ${title}</title></head><body><pre><a href="../">../</a>\n${links
          .map((link) => `<a href="${link}">${link}</a>  27-Nov-2026 08:11  -`)
          .join("\n")}</pre></body></html>`,
      );
    await talk(
      asked()
        .and(index("/pub/", "a/", "b.txt"))
        .and(asked())
        .and(index("/pub/a/", "c%20d/", "e.txt"))
        .and(asked())
        .and(index("/pub/a/c d/", "f.txt"))
        .drain(),
      async (session, server) => {
        const names = (await listing(session, "/pub/", undefined, true)).map(({ name }) => name);
        expect(names).toEqual(["a", "b.txt", "a/c d", "a/e.txt", "a/c d/f.txt"]);
        expect(requests(server)).toEqual(["GET /pub/", "GET /pub/a/", "GET /pub/a/c%20d/"]);
      },
    );
  });

  it("makes its place a folder for whoever asks", async () => {
    const play = asked()
      .and(answered("200 OK", HTML))
      .and(asked())
      .and(answered("200 OK", HTML, NGINX));
    await talk(play.drain(), async (session, server) => {
      expect(await session.stat?.("/pub/")).toMatchObject({
        kind: "directory",
        url: server.url("http", "/pub/"),
      });
      expect(requests(server)).toEqual(["HEAD /pub/", "GET /pub/"]);
    });
  });
});

describe("a page", () => {
  const PAGE = `<base href="/docs/"><title><a href="no">no</a></title><script>"<a href='no'>"</script>
<!-- <a href="no"> --><a href=one.html>The <b>first</b> &amp; best</a> <a href='two#part'>second</a><A HREF="two">again</A>
<a href="#here">here</a><a href="javascript:x()">script</a><a href="mailto:a@b.example">mail</a><img src="no.png">
<a href="gopher://hole.example/1/x">hole</a><area href="//other.example/é"><form action="/search"></form><a href="no`;

  it("gives its links: absolute, each once, with their words, and what can be opened alone", async () => {
    await talk(
      asked()
        .and(answered("200 OK", HTML, PAGE))
        .drain(),
      async (session, server) => {
        const base = server.url("http", "/docs/");
        expect((await listing(session, "/x")).map(({ url, name, kind }) => [url, name, kind])).toEqual([
          [`${base}one.html`, "The first & best", "page"],
          [`${base}two`, "second", "page"],
          ["gopher://hole.example/1/x", "hole", "other"],
          ["http://other.example/%C3%A9", "http://other.example/%C3%A9", "page"],
        ]);
      },
    );
  });

  it("gives no more of them than are wanted", async () => {
    await talk(
      asked()
        .and(answered("200 OK", HTML, PAGE))
        .drain(),
      async (session) => {
        expect(await listing(session, "/x", 2)).toHaveLength(2);
      },
    );
  });

  it("that is none has none: exit 9", async () => {
    await talk(
      asked()
        .and(answered("200 OK", ["Content-Type: image/png"], "x"))
        .drain(),
      async (session) => {
        await expect(listing(session, "/x.png")).rejects.toMatchObject({
          code: "refused",
          message: "image/png has no links to list",
        });
      },
    );
  });

  it("of hostile markup takes time in proportion to its length", async () => {
    const hostile = ['<a "', "<a href='", "<!--", "<script>", "<", "url(   ", "<a/", '<img srcset="a ,'].map(
      (piece) => piece.repeat(200_000),
    );
    for (const html of hostile) {
      await talk(
        asked()
          .and(answered("200 OK", HTML, html))
          .drain(),
        async (session) => {
          expect((await listing(session, "/x")).length).toBeLessThan(2);
        },
      );
    }
  });
});
