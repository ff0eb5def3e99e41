import { describe, expect, it } from "vitest";
import { htmlAsText, pageWithLinks } from "../../src/text/html.js";
import { boundDepth } from "../../src/text/html-depth.js";

async function rendered(html: string, columns = 40): Promise<string> {
  return pageWithLinks(await htmlAsText(html, { columns, baseUrl: "https://example.org/dir/page" }));
}

describe("a page as text", () => {
  it("wraps paragraphs, and keeps headings and lists", async () => {
    const html =
      "<h1>Top</h1><p>one two three four five six seven eight nine ten</p><ul><li>a<li>b</ul><ol><li>x</ol>";
    expect(await rendered(html, 24)).toBe(
      "TOP\n\none two three four five\nsix seven eight nine ten\n\n * a\n * b\n\n 1. x\n",
    );
  });

  it("numbers each link once, completes it, and leaves out what leads nowhere", async () => {
    const html =
      '<a href="a?b=c">A</a> <a href="/d">D</a> <a href="a?b=c">again</a> <a href="#top">up</a> ' +
      '<a href="javascript:alert(1)">no</a> <a href="gopher://h/1x">hole</a> <a href="http://[">broken</a>';
    expect(await rendered(html, 80)).toBe(
      "A[1] D[2] again[1] up no hole[3] broken\n\n" +
        "[1] https://example.org/dir/a?b=c\n[2] https://example.org/d\n[3] gopher://h/1x\n",
    );
  });

  it("heeds the page's own base", async () => {
    expect(await rendered('<base href="/other/"><a href="x">X</a>')).toBe(
      "X[1]\n\n[1] https://example.org/other/x\n",
    );
  });

  it("shows tables as columns", async () => {
    const html = "<table><tr><th>name<th>size<tr><td>alpha<td>7</table>";
    expect(await rendered(html)).toBe("name    size\nalpha   7\n");
  });

  it("names forms and their fields, but not what is hidden or secret", async () => {
    const html =
      '<form name="login" method="post"><input name="user" value="me"><input type="password" name="pw" value="s3cret">' +
      '<input type="hidden" name="token" value="t0ken"><input type="submit" value="Go"></form>';
    expect(await rendered(html)).toBe("[form login POST]\n[user: me] [pw: ____] <Go>\n");
  });

  it("names forms by what people are told, and shows what is chosen and what can be", async () => {
    const html = `<form aria-label="Find a tide" action="/find"><fieldset><legend>When</legend><label>Day <input name=day></label>
<input type=checkbox name=deep checked>deep <input type=radio name=by value=sun>Sun <input type=radio name=by value=moon checked>Moon
</fieldset><select name=port><optgroup label=South><option value=1>Cuxhaven<option selected>Hamburg</optgroup><option>Bremen</select>
<textarea name=note>low
 water</textarea><button>Look</button></form><form action="/other"><input type=submit></form>`;
    expect(await rendered(html, 200)).toBe(
      [
        "[form Find a tide GET]",
        "",
        "When",
        "Day [day: ____] [deep: yes] deep [by: sun] Sun [by: moon, chosen] Moon",
        "[port: Hamburg; or Cuxhaven, Bremen] [note: low water] <Look>",
        "",
        "[form /other GET]",
        "<submit>",
        "",
      ].join("\n"),
    );
  });

  it("puts a caption above its table, and definitions below their terms", async () => {
    const html =
      "<table><caption>Tides of <b>May</b></caption><tr><th>day<th>high<tr><td>1<td>3.2</table><table><tr><td>bare</table>" +
      "<dl><dt>ebb<dd>goes out<dt>flood<dd>comes in</dl><figure><img alt='A lamp'><figcaption>At night</figcaption></figure>";
    expect(await rendered(html)).toBe(
      [
        "Tides of May",
        "",
        "day   high",
        "1     3.2",
        "",
        "bare",
        "",
        "ebb",
        "    goes out",
        "flood",
        "    comes in",
        "[A lamp]",
        "At night",
        "",
      ].join("\n"),
    );
  });

  it("shows images by their words, and drops scripts, styles and the head", async () => {
    const html =
      "<head><title>T</title><style>p{}</style></head><body><script>evil()</script><img src=x alt='a cat'><img src=y>text";
    expect(await rendered(html)).toBe("[a cat]text\n");
  });

  it("is safe on a terminal, whatever entities say", async () => {
    expect(await rendered("<p>&#27;[2J&#x202e;x\u009b0m&shy;y</p>")).toBe(
      "\\x1b[2J\\u202exy\n".replace("xy", "x\\x9b0my"),
    );
  });

  it("keeps the text of what is nested too deep, and thousands of items that nobody closed", async () => {
    expect(await rendered(`${"<div>".repeat(1000)}deep`)).toBe("deep\n");
    const items = Array.from({ length: 3000 }, (_, at) => `<li>${at}`).join("");
    expect((await rendered(`<ul>${items}</ul>`)).split("\n")).toHaveLength(3001);
  });

  it("is read only so far", async () => {
    const page = await htmlAsText(`<p>${"word ".repeat(1_000_000)}</p>`, { columns: 80 });
    expect(page.truncated).toBe(true);
    expect(pageWithLinks(page)).toContain("\n\n(the page is longer; only its first part is shown)\n");
  });

  it("is flattened before it is drawn: the renderer takes quadratic time with depth", () => {
    expect(boundDepth("<div>x".repeat(300), 200).match(/<div>/g)).toHaveLength(200);
    expect(boundDepth("<div>x".repeat(300), 200).match(/x/g)).toHaveLength(300);
  });

  it.each([
    ["a hundred thousand open elements", "<div>".repeat(100_000)],
    ["tables in tables", "<table><tr><td>".repeat(5_000)],
    ["lists in lists", "<ul><li>x".repeat(5_000)],
    ["bold in bold", "<b>".repeat(1_000_000)],
    ["paragraphs in items", "<p><li>".repeat(200_000)],
    ["elements that hide their end", '<div x="<">'.repeat(200_000)],
    ["one word of a million letters", "x".repeat(1_000_000)],
    ["unclosed attributes", '<a href="'.repeat(50_000)],
    ["broken entities", "&".repeat(500_000)],
    ["declarations without end", "<!DOCTYPE [".repeat(50_000)],
  ])("comes to an end with %s", async (_attack, html) => {
    // Without the bound on depth these take minutes, which the runner's own limit ends.
    expect(await rendered(html, 80)).toBeTypeOf("string");
  });
});
