/** What a server can send, and what must not come of it. */
import { afterEach, describe, expect, it } from "vitest";
import { type Script, type ScriptedServer, script, scripted } from "../../fixtures/servers/scripted.js";
import { formsOf, valuesOf } from "../../src/browser/web-forms.js";
import { Browsing, type BrowsingOptions } from "./browsing.js";

let server: ScriptedServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

/** A browser at a Gopher server that plays this for each connection. */
async function facing(
  play: Script | readonly Script[],
  options: BrowsingOptions & { path?: string } = {},
): Promise<Browsing> {
  server = await scripted(play, { timeout: 10_000 });
  server.done.catch(() => undefined);
  return Browsing.open({ url: server.url("gopher", options.path ?? "/"), ...options });
}

const answer = (...lines: readonly string[]) =>
  script()
    .expect(/.*/)
    .sendLines(...lines);

describe("control characters", () => {
  it("in menus never move the cursor nor change the title", async () => {
    await using at = await facing(
      answer(
        "0\x1b]0;owned\x07name\x1b[2J\t/\x1b[H\thost\t70",
        "i\x9b31mred\u202egnihton\u2066",
        "1back\bspace\rreturn\t/x\th\t70",
      ),
    );
    await at.sees("\\x1b]0;owned\\x07name\\x1b[2J");
    await at.sees("\\u202egnihton");
    expect(at.screen.strange).toEqual([]);
  });

  it("in texts, titles of web pages, errors and addresses neither", async () => {
    await using at = await facing(
      answer("<title>\x1b]0;x\x07T\u202e</title><p>\x1b[5mblink <a href='gopher://h/0\x1b'>l</a>"),
      { path: "/h/page" },
    );
    await at.sees("blink");
    expect(at.screen.strange).toEqual([]);
    at.press("\\");
    await at.sees("\\x1b]0;x\\x07");
    expect(at.screen.strange).toEqual([]);
    at.press("Left", "m");
    await at.sees("Lately");
    expect(at.screen.strange).toEqual([]);
  });

  it("in an answer that is an error neither", async () => {
    await using at = await facing(answer("3\x1b[2Jgone\t\terror.host\t1", "."));
    await at.sees("\\x1b[2Jgone");
    expect(at.screen.strange).toEqual([]);
  });
});

describe("a menu's own title", () => {
  it("is the page's, made harmless; a later one is a heading alone", async () => {
    const lines = [
      "iThe \x1b[2Jharbour\tTITLE\tnull.host\t1",
      "iNot this\tTITLE\tnull.host\t1",
      "0A text\t/x\th\t70",
    ];
    await using at = await facing([answer(...lines, ".")]);
    await at.sees("A text");
    expect(at.screen.row(1)).toMatch(/^ The \\x1b\[2Jharbour - gopher:/);
    expect(at.screen.strange).toEqual([]);
  });
});

describe("size", () => {
  it("a menu without end is cut, and the browser answers keys meanwhile", async () => {
    const line = "0An item of a menu that has no end\t/x\t127.0.0.1\t70\r\n";
    await using at = await facing(
      script()
        .expect(/.*/)
        .flood(80 * 1024 * 1024, line),
      { rows: 10 },
    );
    await at.sees("loading");
    at.press("PageDown");
    at.press("?");
    await at.sees("open the selected link");
  }, 30_000);

  it("lines of a megabyte are shown in pieces", async () => {
    await using at = await facing(
      script()
        .expect(/.*/)
        .send(`${"word ".repeat(200_000)}\r\nthe end\r\n`),
      {
        path: "/0/long",
      },
    );
    await at.sees(/ \d+%$/m);
    at.press("G");
    await at.sees("the end");
    expect(at.screen.strange).toEqual([]);
  });

  it("a terminal too small for anything is drawn on all the same", async () => {
    await using at = await facing([answer("0A name that is long\t/x\th\t70"), answer("x")], {
      columns: 1,
      rows: 1,
    });
    while (at.screen.writes === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    // Help leaves what is loading: the page is to be there first.
    at.screen.resize(60, 10);
    at.browser.redraw();
    await at.sees("A name that is long");
    for (const [columns, rows] of [
      [1, 1],
      [2, 2],
      [5, 3],
      [3, 4],
      [200, 2],
      [60, 10],
    ] as const) {
      at.screen.resize(columns, rows);
      at.browser.redraw();
      at.press("j", "Down", "?", "Left");
    }
    expect(at.screen.strange).toEqual([]);
    await at.sees("A name that is long");
  });

  it("a terminal resized while the page loads has all of it", async () => {
    await using at = await facing(
      script().expect(/.*/).sendLines("ione").pause(150).sendLines("itwo").pause(150).sendLines("ithree"),
    );
    await at.sees("one");
    at.screen.resize(30, 8);
    at.browser.redraw();
    await at.sees("two");
    at.screen.resize(90, 20);
    at.browser.redraw();
    await at.sees("three");
    expect(at.screen.text).toContain("one");
  });
});

describe("a host that hangs", () => {
  it("before it answers is left with back, and the page before is there", async () => {
    await using at = await facing([
      answer("0A text\t/x\t127.0.0.1\t70"),
      script().expect(/.*/).pause(60_000).send("late"),
    ]);
    await at.sees("A text");
    at.press("g", server?.url("gopher", "/0/hang") ?? "", "Enter");
    await at.sees("back leaves");
    at.press("Left");
    await at.sees("left");
    expect(at.screen.text).toContain("A text");
    expect(at.screen.text).not.toContain("loading");
  });

  it("amid a text keeps what has come", async () => {
    await using at = await facing(script().expect(/.*/).send("the first half\r\n").pause(60_000), {
      path: "/0/half",
    });
    await at.sees("the first half");
    at.press("Escape");
    await at.sees("(left before the end");
  });

  it("does not keep the browser from quitting", async () => {
    await using at = await facing(script().expect(/.*/).pause(60_000), { path: "/0/hang" });
    await at.sees("loading");
    at.press("q");
    await at.over;
  });
});

describe("a page from outside", () => {
  it("cannot lead into this machine", async () => {
    await using at = await facing(
      answer("<a href='file:///etc/passwd'>here</a> <a href='maildir:/x'>mail</a> <a href='unix:/s'>s</a>"),
      { path: "/h/page", columns: 100 },
    );
    await at.sees("here[1]");
    at.press("1");
    await at.sees("may not lead into this machine");
    at.press("2");
    await at.sees("may not lead into this machine: maildir:");
    at.press("3");
    await at.sees("may not lead into this machine: unix:");
  });

  it("cannot make a binary look like a text by its type", async () => {
    await using at = await facing(
      script()
        .expect(/.*/)
        .send(Buffer.from([0, 1, 2, 3, 0x1b, 0x5b, 0x32, 0x4a])),
      {
        path: "/0/liar",
      },
    );
    await at.sees("It is no text");
    expect(at.screen.strange).toEqual([]);
  });

  it("is read in the character set that the person names", async () => {
    const play = script().expect(/.*/).send(Buffer.from("caf\x82\r\n", "latin1"));
    const later = script().expect(/.*/).send(Buffer.from("th\x82\r\n", "latin1"));
    await using at = await facing([play, play, later], { path: "/0/dos" });
    await at.sees("café");
    at.press("e", "C-u", "iso-8859-1", "Enter");
    await at.sees("caf\\x82");
    at.press("r");
    await at.sees("th\\x82");
    expect(at.screen.strange).toEqual([]);
  });

  it("that is Latin-1, or no charset at all, is shown", async () => {
    await using at = await facing(script().expect(/.*/).send(Buffer.from("K\xe4se \xff\xfe\r\n", "latin1")), {
      path: "/0/latin",
    });
    await at.sees("Käse ÿþ");
  });
});

const PLAIN_FIELD = { value: "", choices: [], hidden: false, secret: false, optional: false, lines: false };

describe("a web form", () => {
  it("is read from the page's source, without what only scripts need", () => {
    const form =
      '<form action="/find" name="search"><input name="q" value="fog"><input type="hidden" name="h" value="1"><input type="submit"></form>';
    expect(formsOf(form, "http://127.0.0.1:1/x")).toEqual([
      {
        name: "search",
        action: "http://127.0.0.1:1/find",
        method: "get",
        encoding: "application/x-www-form-urlencoded",
        fields: [
          { ...PLAIN_FIELD, name: "q", label: "q", value: "fog" },
          { ...PLAIN_FIELD, name: "h", label: "h", value: "1", hidden: true },
        ],
      },
    ]);
  });

  it("knows labels, boxes, radio buttons, choices, texts, and the button that sends it", () => {
    const [form] = formsOf(
      `<form action="?x=1" method="POST">
        <label for="who">Your <b>name</b>:</label><input id="who" name="n" placeholder="not this">
        <input type="checkbox" name="news" value="yes"><input type="checkbox" name="old" checked>
        <input type="radio" name="size" value="s"><input type="radio" name="size" value="m" checked>
        <select name="where"><option value="a">A<option selected>Harbour &amp; sea</select>
        <textarea name="more">
two
lines</textarea><input name="off" disabled><input type="file" name="f">
        <button name="go" value="1">Send</button><input type="submit" name="cancel" value="2">`,
      "http://127.0.0.1:1/x",
    );
    expect(form).toMatchObject({ action: "http://127.0.0.1:1/x?x=1", method: "post" });
    expect(form?.fields).toEqual([
      { ...PLAIN_FIELD, name: "n", label: "Your name" },
      { ...PLAIN_FIELD, name: "news", label: "news", choices: ["yes"], optional: true },
      { ...PLAIN_FIELD, name: "old", label: "old", value: "on", choices: ["on"], optional: true },
      { ...PLAIN_FIELD, name: "size", label: "size", value: "m", choices: ["s", "m"], optional: true },
      {
        ...PLAIN_FIELD,
        name: "where",
        label: "where",
        value: "Harbour & sea",
        choices: ["a", "Harbour & sea"],
      },
      { ...PLAIN_FIELD, name: "more", label: "more", value: "two\nlines", lines: true },
      { ...PLAIN_FIELD, name: "go", label: "go", value: "1", hidden: true },
    ]);
    const news = form?.fields[1];
    if (form === undefined || news === undefined) throw new Error("there is a form with fields");
    expect(valuesOf(form, new Map()).toString()).toBe(
      "n=&old=on&size=m&where=Harbour+%26+sea&more=two%0D%0Alines&go=1",
    );
    expect(valuesOf(form, new Map([[news, "yes"]])).get("news")).toBe("yes");
  });
});

describe("what is repainted", () => {
  it("is only what differs", async () => {
    const lines = Array.from({ length: 100 }, (_, at) => `0item ${at}\t/${at}\t127.0.0.1\t70`);
    await using at = await facing(answer(...lines), { rows: 20 });
    await at.sees("item 10");
    await new Promise((resolve) => setTimeout(resolve, 60));
    at.screen.drawn = 0;
    at.press("Down");
    // Two links, and the status line.
    expect(at.screen.drawn).toBe(3);
  });
});
