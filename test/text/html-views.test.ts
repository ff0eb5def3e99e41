import { describe, expect, it } from "vitest";
import { articleOf } from "../../src/text/html-article.js";
import { linksOfCss, linksOfHtml } from "../../src/text/html-links.js";
import { htmlAsMarkdown } from "../../src/text/html-markdown.js";
import { tagsOf } from "../../src/text/html-tags.js";

const BASE = "https://x.example/a/";

describe("HTML as Markdown", () => {
  const cases: Readonly<Record<string, readonly [html: string, markdown: string]>> = {
    "headings and paragraphs": ["<h1>A  b</h1><p>one<p>two<br>three", "# A b\n\none\n\ntwo\\\nthree\n"],
    "marks and code": ["<p><b>b</b> <em>e</em> <code>a`b</code> <del>d</del>", "**b** *e* `` a`b `` ~~d~~\n"],
    links: [
      '<a href="b?c=(d)">x</a> <a href="#y">y</a> <a href="javascript:z()">z</a>',
      "[x](https://x.example/a/b?c=%28d%29) y z\n",
    ],
    images: [
      '<img src="i.png" alt="a boat"><img src="dot.png" alt="">',
      "![a boat](https://x.example/a/i.png)\n",
    ],
    lists: ["<ul><li>a<li>b<ol start=3><li>c</ol></ul>", "- a\n- b\n\n  3. c\n"],
    quotations: ["<blockquote><p>a<p>b</blockquote>", "> a\n>\n> b\n"],
    "preformatted text": ["<pre>\n a\n  ```\n</pre>", "````\n a\n  ```\n````\n"],
    tables: [
      "<table><caption>T</caption><tr><th>a<th>b|c<tr><td>1<td>2<tr><td>3</table>",
      "**T**\n\n| a | b\\|c |\n| --- | --- |\n| 1 | 2 |\n| 3 |  |\n",
    ],
    "cells over several columns and rows": [
      "<table><tr><th colspan=2>AB<th>C<tr><td rowspan=2>r<td>1<td>2<tr><td>3<td>4</table>",
      "| AB |  | C |\n| --- | --- | --- |\n| r | 1 | 2 |\n|  | 3 | 4 |\n",
    ],
    "a cell with blocks and a table in it": [
      "<table><tr><th>a<th>b<tr><td><p>one</p><p>two</p><td><table><tr><td>x<td>y</table></table>",
      "| a | b |\n| --- | --- |\n| one two | x y |\n",
    ],
    "a table that only sets out others": [
      "<table><tr><td>left<td><table><tr><th>x<th>y<tr><td>1<td>2</table></table>",
      "left\n\n| x | y |\n| --- | --- |\n| 1 | 2 |\n",
    ],
    "spans without end": [
      "<table><tr><td colspan=999999999>a<td>b<tr><td rowspan=1e9>c<td>d</table>",
      `| a |${"  |".repeat(99)}\n|${" --- |".repeat(100)}\n| c | d |${"  |".repeat(98)}\n`,
    ],
    "what Markdown would take for its own": ["<p>*a* [b] &lt;c> _d_", "\\*a\\* \\[b\\] \\<c\\> \\_d\\_\n"],
    "nothing that runs": ["<script>x</script><style>y</style><p>z", "z\n"],
  };
  it.each(Object.entries(cases))("%s", async (_name, [html, markdown]) => {
    expect(await htmlAsMarkdown(html, BASE)).toBe(markdown);
  });

  it("has no control characters of the page's", async () => {
    expect(await htmlAsMarkdown("<p>a\x1b[31mb&#27;c\x07")).not.toMatch(/[\x07\x1b]/);
  });
});

describe("the article of a page", () => {
  it("is without what stands around it", async () => {
    const words =
      "The tide tables of the harbour are kept since 1911, and every morning the master reads the gauge. ".repeat(
        8,
      );
    const html = `<html><head><title>Tides</title></head><body><nav><a href=/>Home</a></nav><article><h1>Tides</h1><p>${words}</p><p>${words}</p></article><footer>Imprint</footer></body></html>`;
    const article = await articleOf(html);
    expect(article?.html).toContain("tide tables");
    expect(article?.html).not.toContain("Imprint");
    expect(article?.title).toBe("Tides");
  });

  it("is not looked for in a page that would keep the program busy for minutes", async () => {
    await expect(articleOf(`${"<div>".repeat(200_000)}x`)).rejects.toMatchObject({
      code: "refused",
      hint: "leave out --reader",
    });
  });

  it("is not there in a page without one", async () => {
    expect(await articleOf("<html><body></body></html>")).toBeUndefined();
  });
});

describe("the addresses in a page", () => {
  const moved = (html: string) =>
    linksOfHtml(Buffer.from(html, "latin1"), BASE)
      .rewritten((url, role) => (url.startsWith(BASE) ? `${role[0]}:${url.slice(BASE.length)}` : undefined))
      .toString("latin1");

  it.each([
    ["<a href=one>", '<a href="p:one">'],
    ["<A HREF = 'one#two'>x</A>", "<A HREF = 'p:one#two'>x</A>"],
    [
      '<img src=b.png srcset="a.png 1x,c.png 2x, d,e.png">',
      '<img src="r:b.png" srcset="r:a.png 1x,c.png 2x, r:d,e.png">',
    ],
    [
      "<link rel=stylesheet href=s.css><link rel=next href=n>",
      '<link rel=stylesheet href="r:s.css"><link rel=next href="p:n">',
    ],
    ["<style>a{background:url( 'x.png' )}</style>", "<style>a{background:url( 'r:x.png' )}</style>"],
    ['<p style="background:url(&quot;x.png&quot;)">', '<p style="background:url(&quot;r:x.png&quot;)">'],
    ['<meta http-equiv=refresh content="5; url=next">', '<meta http-equiv=refresh content="5; url=p:next">'],
    ['<a href="/up?a=1&amp;b=2">', '<a href="https://x.example/up?a=1&#38;b=2">'],
    ['<a href="caf\xc3\xa9">caf\xe9</a>', '<a href="p:caf%C3%A9">caf\xe9</a>'],
    [
      "<script>'<a href=no>'</script><!-- <a href=no> --><textarea><a href=no></textarea>",
      "<script>'<a href=no>'</script><!-- <a href=no> --><textarea><a href=no></textarea>",
    ],
    [
      '<a href="">a</a><a href="#x">b</a><a>c</a><a href="data:,x">',
      '<a href="">a</a><a href="#x">b</a><a>c</a><a href="data:,x">',
    ],
    [
      "<form action=/q><iframe src=f></iframe><object data=o>",
      '<form action="https://x.example/q"><iframe src="p:f"></iframe><object data="r:o">',
    ],
    ["<a href='it\u0027s'>", "<a href='p:it's'>"],
  ])("%s", (html, expected) => {
    expect(moved(html)).toBe(expected);
  });

  it.each([
    // An empty address is relative to the base as all others are.
    [
      '<base href="sub/"><a href="">a</a><a href="#x">b</a>',
      '<base href=""><a href="p:sub/">a</a><a href="#x">b</a>',
    ],
    ['<base href="sub/"><img src=""><a href>c</a>', '<base href=""><img src=""><a href>c</a>'],
    ["<base href='one/'><base href='two/'><a href=x>", "<base href=''><base href=''><a href=\"p:one/x\">"],
    [`<base href="${BASE}"><a href="">a</a>`, '<base href=""><a href="">a</a>'],
    // A path goes out in UTF-8, a query in the page's charset (URL Standard, 4.4).
    [
      "<meta charset=windows-1251><a href='\xea\xee\xf2?q=\xea#\xee'>",
      "<meta charset=windows-1251><a href='p:%D0%BA%D0%BE%D1%82?q=%EA#%D0%BE'>",
    ],
    ["<meta charset=shift_jis><img src='\x95\x5c'>", "<meta charset=shift_jis><img src='r:%E8%A1%A8'>"],
    ["<meta charset=nonsense><img src='caf\xc3\xa9'>", "<meta charset=nonsense><img src='r:caf%C3%A9'>"],
  ])("in a base or a charset: %j", (html, expected) => {
    expect(moved(html)).toBe(expected);
  });

  it("of a page are read in the charset that its header tells", () => {
    const { links } = linksOfHtml(Buffer.from("<a href=\xe9>\xe9</a>", "latin1"), BASE, "windows-1251");
    expect(links).toEqual([{ url: `${BASE}%D0%B9`, role: "page", text: "\u0439" }]);
  });

  it.each([
    ['@charset "windows-1251";', undefined, "%D0%B9?%D0%B9"],
    ["", "windows-1251", "%D0%B9?%D0%B9"],
    ['@charset "windows-1251";', "iso-8859-1", "%C3%A9?%C3%A9"],
    [' @charset "windows-1251";', undefined, "%C3%A9?%C3%A9"],
  ])("of a style sheet are read in its charset: %j, %s", (start, charset, expected) => {
    const css = Buffer.from(`${start}a{background:url(\xe9?\xe9)}`, "latin1");
    expect(linksOfCss(css, BASE, charset).links).toEqual([{ url: `${BASE}${expected}`, role: "requisite" }]);
  });

  it("of a style sheet", () => {
    const css = `@import "a.css"; @import url(b.css) print; p { background: URL("c (1).png"), url(data:x) }`;
    const text = linksOfCss(Buffer.from(css), BASE).rewritten((url) => `m/${url.slice(BASE.length)}`);
    expect(text.toString()).toBe(
      `@import "m/a.css"; @import url(m/b.css) print; p { background: URL("m/c%20%281%29.png"), url(data:x) }`,
    );
  });

  it("stand where tags do, however the page is cut", () => {
    const html = `<p a=1 b='2' c="3" d e=>x</P><br/><a\nhref="u"\t>`;
    for (let cut = 0; cut <= html.length; cut++) {
      for (const tag of tagsOf(html.slice(0, cut))) {
        expect(html[tag.start]).toBe("<");
        expect(html[tag.end - 1]).toBe(">");
        for (const { value, start, end } of tag.attributes) expect(html.slice(start, end)).toBe(value);
      }
    }
    expect([...tagsOf(html)].map(({ name, isEnd, attributes }) => [name, isEnd, attributes.length])).toEqual([
      ["p", false, 5],
      ["p", true, 0],
      ["br", false, 0],
      ["a", false, 1],
    ]);
  });
});
