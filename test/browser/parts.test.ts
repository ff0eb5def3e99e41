/** The browser's parts, each by itself. */
import { deflateSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { pathAbove } from "../../src/browser/above.js";
import { parseBindings, usualBindings } from "../../src/browser/bindings.js";
import { formatBookmark, parseBookmarks } from "../../src/browser/bookmarks.js";
import { crossing } from "../../src/browser/crossing.js";
import { KeyReader } from "../../src/browser/keys.js";
import { Layout } from "../../src/browser/layout.js";
import { LineEditor } from "../../src/browser/line-editor.js";
import { LinesEditor } from "../../src/browser/lines-editor.js";
import { MOST_LINES, Page } from "../../src/browser/page.js";
import { blockRows, boxOf, decodePicture, shadedRows } from "../../src/browser/picture.js";
import { decodePng } from "../../src/browser/png.js";
import { TextLines, withoutTabs } from "../../src/browser/text-lines.js";
import { Client } from "../../src/client.js";
import { displayWidth } from "../../src/text/width.js";

const page = () => new Page({ url: "", title: "" });

describe("keys", () => {
  const keys = (text: string) => {
    const reader = new KeyReader();
    return [...reader.feed(text), ...reader.flush()].map((input) => {
      if (input.kind === "key") return input.key;
      if (input.kind === "paste") return `<${input.text}>`;
      if (input.kind === "report") return `${input.report} ${input.numbers.join(",")}`;
      return `${input.action} ${input.row}`;
    });
  };

  it.each([
    ["letters and words", "aß €", ["a", "ß", "Space", "€"]],
    ["arrows in both modes", "\x1b[A\x1bOB", ["Up", "Down"]],
    ["keys with modifiers", "\x1b[1;5C\x1b[1;3D\x1b[Z", ["C-Right", "M-Left", "S-Tab"]],
    ["named controls", "\r\x7f\t\x0c", ["Enter", "Backspace", "Tab", "C-l"]],
    ["Alt with a letter", "\x1b1", ["M-1"]],
    ["Escape alone", "\x1b", ["Escape"]],
    ["Escape twice", "\x1b\x1b", ["Escape", "Escape"]],
    ["page keys", "\x1b[5~\x1b[6~", ["PageUp", "PageDown"]],
    ["the mouse", "\x1b[<0;5;7M\x1b[<0;5;7m\x1b[<65;1;2M", ["press 7", "wheel-down 2"]],
    ["the mouse of old terminals", "\x1b[M %'\x1b[M#%'\x1b[M`!\"a", ["press 7", "wheel-up 2", "a"]],
    ["a paste in one piece", "\x1b[200~a\x1b[31mb\x1b[201~c", ["<a\x1b[31mb>", "c"]],
    ["what is no key", "\x1b[99;99;99Xa", ["a"]],
  ])("%s", (_what, text, wanted) => {
    expect(keys(text)).toEqual(wanted);
  });

  it("may be cut anywhere", () => {
    const reader = new KeyReader();
    const text = "\x1b[1;5Cx\x1b[<64;10;20M";
    expect(Array.from(text, (character) => reader.feed(character)).flat()).toEqual([
      { kind: "key", key: "C-Right" },
      { kind: "key", key: "x" },
      { kind: "mouse", action: "wheel-up", column: 10, row: 20 },
    ]);
  });
});

describe("the folder above", () => {
  it.each([
    ["/pub/charts/north.txt", undefined, "/pub/charts/"],
    ["/pub/charts/", undefined, "/pub/"],
    ["/pub", undefined, "/"],
    ["/", undefined, undefined],
    ["", undefined, "../"],
    ["//etc/motd", undefined, "//etc/"],
    ["//etc", undefined, "//"],
    ["//", undefined, undefined],
    ["/INBOX;UIDVALIDITY=7/;UID=3", undefined, "/INBOX;UIDVALIDITY=7/"],
    ["/docs/a.html?page=2#x", undefined, "/docs/"],
    ["./", undefined, "../"],
    ["../", undefined, "../../"],
    ["./notes", undefined, "./"],
    ["notes/old/a.txt", undefined, "notes/old/"],
    ["/0/texts/fog.txt", "1", "/1/texts"],
    ["/1/texts", "1", "/"],
    ["/1texts/old/", "1", "/1texts"],
    ["/00/texts/fog.txt", "1", "/11/texts"],
    ["/%3B/films/a", "1", "/1/films"],
    ["/0about.txt", "1", "/"],
    ["/7/find/text%09fog%20horn", "1", "/1/find"],
    ["/1", "1", undefined],
    ["/", "1", undefined],
  ])("of %s (%s) is %s", (path, folderType, wanted) => {
    expect(pathAbove(path, folderType)).toBe(wanted);
  });
});

describe("bindings", () => {
  it("are the usual ones with those of the person's file", () => {
    const bindings = parseBindings("# mine\n#yours\n#\nx quit\nq -\n", "keys");
    expect(bindings.get("x")).toBe("quit");
    expect(bindings.get("q")).toBeUndefined();
    expect(bindings.get("j")).toBe(usualBindings().get("j"));
  });

  it("name the line that is none", () => {
    expect(() => parseBindings("x explode", "/home/me/keys")).toThrow("/home/me/keys:1: 'x explode'");
  });

  it("give no key two meanings", async () => {
    const { keysOf } = await import("../../src/browser/bindings.js");
    const all = [...keysOf(usualBindings()).values()];
    // Every action can be reached.
    expect(all.filter((keys) => keys.length === 0)).toEqual([]);
  });
});

describe("lines in rows", () => {
  const rows = (text: string, columns: number, hanging = 0) => {
    const one = page();
    one.add(text, "text", hanging);
    const layout = new Layout();
    layout.update(one, columns, true);
    return layout.rows.map(({ from, to, indent }) => " ".repeat(indent) + text.slice(from, to));
  };

  it("break between words, and within a word that is too long", () => {
    expect(rows("one two three", 7)).toEqual(["one two", "three"]);
    expect(rows("abcdefghij kl", 4)).toEqual(["abcd", "efgh", "ij", "kl"]);
  });

  it("hang below what came first", () => {
    expect(rows("   1  menu A long name of a menu", 22, 11)).toEqual([
      "   1  menu A long name",
      "           of a menu",
    ]);
  });

  it("count columns, not characters", () => {
    expect(rows("漢字漢字漢字", 5)).toEqual(["漢字", "漢字", "漢字"]);
    for (const row of rows("é漢字a".repeat(50), 9)) expect(displayWidth(row)).toBeLessThanOrEqual(9);
  });

  it("grow with the page, and start over for another width", () => {
    const one = page();
    const layout = new Layout();
    one.add("a b c d e f g h");
    layout.update(one, 8, true);
    one.add("more");
    layout.update(one, 8, true);
    expect(layout.rows.length).toBe(3);
    expect(layout.rowOf(1)).toBe(2);
    layout.update(one, 40, true);
    expect(layout.rows.length).toBe(2);
  });
});

describe("a page", () => {
  it("takes no more lines than it keeps, and says so", () => {
    const one = page();
    for (let at = 0; at < MOST_LINES + 10; at++) one.add("x");
    expect(one.lines.length).toBe(MOST_LINES + 1);
    expect(one.lines.at(-1)?.text).toContain("there is more");
  });

  it("has addresses in a text as links, without what follows them", () => {
    const one = page();
    const lines = new TextLines(one);
    lines.write(
      "See (gopher://example.org/0/a_(b)). Or news:comp.lang.c, and mailto:a@b.c!\nevil javascript:x",
    );
    lines.end();
    expect(one.links.map(({ url }) => url)).toEqual([
      "gopher://example.org/0/a_(b",
      "news:comp.lang.c",
      "mailto:a@b.c",
    ]);
  });

  it("has line ends of all kinds, cut anywhere, and tabs filled up", () => {
    const one = page();
    const lines = new TextLines(one);
    for (const character of "a\r\nb\rc\nd") lines.write(character);
    lines.end();
    expect(one.lines.map(({ text }) => text)).toEqual(["a", "b", "c", "d"]);
    expect(withoutTabs("\ta\tbc\t")).toBe("        a       bc      ");
  });
});

describe("the editor of several lines", () => {
  const typed = (keys: readonly string[], text = "") => {
    const editor = new LinesEditor(text);
    for (const key of keys) editor.take({ kind: "key", key });
    return editor;
  };

  it("breaks lines by Enter, joins them by Backspace, and goes up and down", () => {
    expect(typed(["a", "Enter", "b"]).text).toBe("a\nb");
    expect(typed(["a", "Enter", "b", "Up", "X", "Down", "Y"]).text).toBe("aX\nbY");
    expect(typed(["a", "b", "Left", "Enter"]).text).toBe("a\nb");
    expect(typed(["Home", "Backspace", "-"], "one\r\ntwo").text).toBe("one-two");
    expect(typed(["Up", "Up", "Backspace", "Backspace"], "one\ntwo").text).toBe("o\ntwo");
    expect(typed(["C-a", "Backspace"]).text).toBe("");
    expect(typed([], "one\n").text).toBe("one");
  });

  it("ends by Ctrl-X, is given up by Escape, and has the lines of a paste", () => {
    const editor = new LinesEditor("say: ");
    expect(editor.take({ kind: "paste", text: "one\r\n  two\x1b[2J" })).toBeUndefined();
    expect(editor.take({ kind: "key", key: "Escape" })).toBe("cancel");
    expect(editor.take({ kind: "key", key: "C-x" })).toBe("done");
    expect(editor.text).toBe("say: one\n  two\x1b[2J");
    expect(editor.shown(40, 4)).toEqual({
      rows: ["say: one", "  two\\x1b[2J"],
      cursor: { row: 1, column: 12 },
    });
  });

  it("shows the lines around the cursor where there is no room for all", () => {
    const editor = typed(["Up", "Up"], "1\n2\n3\n4\n5");
    expect(editor.shown(10, 3)).toEqual({ rows: ["2", "3", "4"], cursor: { row: 1, column: 1 } });
    expect(editor.shown(10, 1)).toEqual({ rows: ["3"], cursor: { row: 0, column: 1 } });
  });
});

describe("the line editor", () => {
  const typed = (keys: readonly string[], options = {}) => {
    const editor = new LineEditor(options);
    for (const key of keys) editor.take({ kind: "key", key });
    return editor;
  };

  it("has readline's keys", () => {
    expect(typed(["a", "b", "c", "Left", "Left", "X"]).text).toBe("aXbc");
    expect(typed([...Array.from("one two"), "C-w"]).text).toBe("one ");
    expect(typed([..."a b c".split(" "), "C-a", "C-k"]).text).toBe("");
    expect(typed([..."a b c".split(" "), "Up"], { memory: ["first", "last"] }).text).toBe("last");
    expect(
      typed([..."a b c".split(" "), "Up", "Up", "Down", "Down"], { memory: ["first", "last"] }).text,
    ).toBe("abc");
  });

  it("turns through what completion offers", () => {
    const complete = () => ["alpha", "beta"];
    expect(typed(["a", "Tab"], { complete }).text).toBe("alpha");
    expect(typed(["a", "Tab", "Tab"], { complete }).text).toBe("beta");
    expect(typed(["a", "Tab", "S-Tab"], { complete }).text).toBe("beta");
  });

  it("shows no line break and no control of a paste, and does not end with one", () => {
    const editor = new LineEditor();
    expect(editor.take({ kind: "paste", text: "a\nb\x1b[2J" })).toBeUndefined();
    expect(editor.text).toBe("a b\x1b[2J");
    expect(editor.shown(40).text).toBe("a b\\x1b[2J");
  });

  it("shows the part of a long line where the cursor is", () => {
    const { text, cursor } = new LineEditor({ text: "0123456789" }).shown(6);
    expect(text).toBe("56789");
    expect(cursor).toBe(5);
  });
});

describe("bookmarks", () => {
  it("are lines of URL and name, with headings", () => {
    expect(parseBookmarks("# Gopher\ngopher://a/ The  A\n\nftp://b/\n")).toEqual([
      { kind: "heading", text: "Gopher" },
      { kind: "bookmark", url: "gopher://a/", name: "The  A" },
      { kind: "bookmark", url: "ftp://b/", name: "ftp://b/" },
    ]);
    expect(formatBookmark("gopher://a/", "two\nlines ")).toBe("gopher://a/ two lines\n");
  });
});

describe("a picture", () => {
  /** A PNG of one row of pixels a line, by colour type and depth, filtered by `filter`. */
  function png(
    width: number,
    height: number,
    colour: number,
    rows: readonly number[][],
    filter = 0,
    interlace = 0,
  ): Buffer {
    const chunk = (name: string, body: Buffer) => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(body.length);
      return Buffer.concat([length, Buffer.from(name), body, Buffer.alloc(4)]);
    };
    const header = Buffer.alloc(13);
    header.writeUInt32BE(width, 0);
    header.writeUInt32BE(height, 4);
    header.set([8, colour, 0, 0, interlace], 8);
    const raw = Buffer.from(rows.flatMap((row) => [filter, ...row]));
    return Buffer.concat([
      Buffer.from("\x89PNG\r\n\x1a\n", "latin1"),
      chunk("IHDR", header),
      chunk("IDAT", deflateSync(raw)),
      chunk("IEND", Buffer.alloc(0)),
    ]);
  }

  it("is its pixels, whatever the filter", () => {
    const rows = [
      [255, 0, 0, 0, 255, 0],
      [0, 0, 255, 9, 9, 9],
    ];
    expect([...(decodePng(png(2, 2, 2, rows))?.rgba ?? [])]).toEqual([
      255, 0, 0, 255, 0, 255, 0, 255, 0, 0, 255, 255, 9, 9, 9, 255,
    ]);
    // Each as the difference to its left (filter 1).
    expect([...(decodePng(png(2, 1, 0, [[7, 3]], 1))?.rgba ?? [])]).toEqual([7, 7, 7, 255, 10, 10, 10, 255]);
    expect([...(decodePng(png(1, 2, 0, [[7], [3]], 4))?.rgba ?? [])]).toEqual([
      7, 7, 7, 255, 10, 10, 10, 255,
    ]);
  });

  it("comes in seven passes where it is interlaced", () => {
    // Each pixel its own place: row * 16 + column, 5 across and 3 down.
    const pass = (columns: readonly number[], rows: readonly number[]) =>
      rows.map((row) => columns.map((column) => row * 16 + column));
    const passes = [
      ...pass([0], [0]),
      ...pass([4], [0]),
      ...pass([2], [0]),
      ...pass([0, 2, 4], [2]),
      ...pass([1, 3], [0, 2]),
      ...pass([0, 1, 2, 3, 4], [1]),
    ];
    const picture = decodePng(png(5, 3, 0, passes, 0, 1));
    const greys = [...(picture?.rgba ?? [])].filter((_, at) => at % 4 === 0);
    expect(greys).toEqual([0, 1, 2, 3, 4, 16, 17, 18, 19, 20, 32, 33, 34, 35, 36]);
    expect(decodePng(png(5, 3, 0, passes.slice(0, -1), 0, 1))).toBeUndefined();
    expect(decodePng(png(5, 3, 0, passes, 0, 2))).toBeUndefined();
  });

  it("is drawn two rows to one of the screen", async () => {
    const picture = await decodePicture(
      png(1, 2, 2, [
        [255, 0, 0],
        [0, 0, 255],
      ]),
    );
    if (picture === undefined) throw new Error("it is a picture");
    expect(blockRows(picture, 40)).toEqual(["\x1b[38;2;255;0;0;48;2;0;0;255m▀\x1b[0m"]);
    const grey = (...lights: number[]) => Uint8Array.from(lights.flatMap((light) => [light, light, light]));
    const four = { width: 4, height: 2, rgb: grey(255, 255, 0, 0, 255, 0, 255, 0) };
    expect(shadedRows(four, 40)).toEqual(["█▀▄ "]);
    expect(boxOf({ width: 640, height: 480, rgb: picture.rgb }, 80)).toEqual({ columns: 80, rows: 30 });
    expect(boxOf({ width: 640, height: 480, rgb: picture.rgb }, 80, { width: 10, height: 20 })).toEqual({
      columns: 64,
      rows: 24,
    });
  });

  it("that lies about its size, or ends early, is none", () => {
    const whole = png(2, 2, 2, [
      [1, 2, 3, 4, 5, 6],
      [1, 2, 3, 4, 5, 6],
    ]);
    expect(decodePng(png(60_000, 60_000, 2, [[1]]))).toBeUndefined();
    for (let cut = 0; cut < whole.length - 16; cut += 5)
      expect(decodePng(whole.subarray(0, cut))).toBeUndefined();
    expect(decodePng(Buffer.from("GIF89a"))).toBeUndefined();
  });
});

describe("crossing", () => {
  const client = new Client();
  const way = (from: string | undefined, to: string) =>
    crossing(from === undefined ? undefined : client.target(from), client.target(to), client.registry);

  it.each([
    ["gopher://a/", "gopher://b/0/x", true, undefined],
    ["gopher://a/", "ftp://b/", true, /FTP/],
    ["gophers://a/", "gopher://a/", true, /out of TLS/],
    ["gopher://a/", "file:/etc/passwd", false, /may not/],
    ["https://a/", "unix:/run/x", false, /may not/],
    ["file:/a", "file:/b", true, undefined],
    ["file:/a", "gopher://b/", true, /Gopher/],
    [undefined, "file:/b", true, undefined],
  ])("from %s to %s", (from, to, allowed, words) => {
    const found = way(from, to);
    expect(found.allowed).toBe(allowed);
    if (words === undefined) expect(found.words).toBeUndefined();
    else expect(found.words).toMatch(words);
  });
});
