import { describe, expect, it } from "vitest";
import { entryOfItem, entryOfPath, type MenuPlace } from "../../protocols/gopher/entry.js";
import { parseMenuLine } from "../../protocols/gopher/menu.js";
import { parsePath } from "../../protocols/gopher/url.js";

const MENU: MenuPlace = {
  url: "gopher://here.example/1/menu",
  scheme: "gopher",
  host: "here.example",
  port: 70,
};
const SECURE: MenuPlace = {
  url: "gophers://here.example:7443/",
  scheme: "gophers",
  host: "here.example",
  port: 7443,
};

function entry(line: string | Buffer, menu = MENU) {
  return entryOfItem(parseMenuLine(Buffer.from(line)), menu);
}

describe("an item", () => {
  it("is an entry whose URL opens it", () => {
    expect(entry("0About us\t/about.txt\there.example\t70")).toEqual({
      url: "gopher://here.example/0/about.txt",
      name: "About us",
      kind: "file",
      type: "text/plain",
      meta: { type: "0", selector: "/about.txt", host: "here.example", port: 70 },
    });
  });

  it.each([
    ["1", "", "menu", "application/gopher-menu"],
    ["2", "", "search", undefined],
    ["4", "a.hqx", "file", "application/mac-binhex40"],
    ["5", "a.zip", "file", "application/zip"],
    ["6", "a.uue", "file", "text/x-uuencode"],
    ["7", "find", "search", "application/gopher-menu"],
    ["9", "a.bin", "file", "application/octet-stream"],
    ["9", "a.tar.GZ", "file", "application/gzip"],
    ["g", "a", "file", "image/gif"],
    ["I", "a.jpg", "file", "image/jpeg"],
    ["I", "a", "file", "image/*"],
    ["h", "a.htm", "page", "text/html"],
    ["s", "a.mp3", "file", "audio/mpeg"],
    ["d", "a.ps", "file", "application/postscript"],
    ["p", "a", "file", "image/png"],
    ["P", "a", "file", "application/pdf"],
    [";", "a.webm", "file", "video/webm"],
    ["<", "a.wav", "file", "audio/wav"],
    [":", "a.bmp", "file", "image/bmp"],
    ["c", "a", "file", "text/calendar"],
    ["M", "a", "file", "message/rfc822"],
    ["x", "a", "file", "application/xml"],
    ["r", "a", "file", "application/rtf"],
    ["?", "a.png", "file", "image/png"],
    ["?", "constructor", "file", "application/octet-stream"],
  ])("of type %s (%s) is a %s of type %s", (type, selector, kind, media) => {
    const made = entry(`${type}Name\t${selector}\there.example\t70`);
    expect([made.kind, made.type]).toEqual([kind, media]);
  });

  it.each([
    ["1A\t/a\tthere.example\t70", "gopher://there.example/1/a"],
    ["1A\t/a\tthere.example\t7070", "gopher://there.example:7070/1/a"],
    ["1A\t/a\tthere.example", "gopher://there.example/1/a"],
    ["1A\t/a\tthere.example\t0", "gopher://there.example/1/a"],
    ["1A\t/a", "gopher://here.example/1/a"],
    ["1A\t/a\t(null)\t0", "gopher://here.example/1/a"],
    ["1A\t\there.example\t70", "gopher://here.example/"],
    ["0A\ta b?c#d%e\there.example\t70", "gopher://here.example/0a%20b%3Fc%23d%25e"],
    ["0A\t/a\t2001:db8::1\t70", "gopher://[2001:db8::1]/0/a"],
    ["0A\t/a\t[2001:db8::1]\t7070", "gopher://[2001:db8::1]:7070/0/a"],
    ["0A\t/a\tbücher.example\t70", "gopher://bücher.example/0/a"],
    ["<A\t/a\there.example\t70", "gopher://here.example/%3C/a"],
    ["+A\t/a\there.example\t70", "gopher://here.example/1/a"],
    ["2Phone book\t\tcso.example\t105", "gopher://cso.example:105/2"],
  ])("%j has the URL %s", (line, url) => {
    expect(entry(line).url).toBe(url);
  });

  it("keeps the octets of a selector that is not UTF-8", () => {
    const line = Buffer.from("0A\t/caf\xe9\there.example\t70", "latin1");
    expect(entry(line)).toMatchObject({ url: "gopher://here.example/0/caf%E9", meta: { selector: "/café" } });
  });

  it("says that its server speaks Gopher+", () => {
    expect(entry("0A\t/a\there.example\t70\t+").meta).toMatchObject({ plus: true });
  });
});

describe("TLS", () => {
  it.each([
    ["0A\t/a\there.example\t7443", "gophers://here.example:7443/0/a"],
    ["0A\t/a\tHERE.example\t7443", "gophers://HERE.example:7443/0/a"],
    ["0A\t/a", "gophers://here.example:7443/0/a"],
    ["0A\t/a\there.example\t70", "gopher://here.example/0/a"],
    ["0A\t/a\tthere.example\t7443", "gopher://there.example:7443/0/a"],
  ])("goes with the same host and port alone: %j is %s", (line, url) => {
    expect(entry(line, SECURE).url).toBe(url);
  });
});

describe("a Telnet item", () => {
  it.each([
    ["8Library\tguest\tlib.example\t23", "telnet://guest@lib.example"],
    ["8Library\t\tlib.example\t2323", "telnet://lib.example:2323"],
    ["8Library\ta@b c\tlib.example\t0", "telnet://a%40b%20c@lib.example"],
    ["TMainframe\tguest\tlib.example\t23", "telnet://guest@lib.example"],
  ])("%j is a session at %s", (line, url) => {
    expect(entry(line)).toMatchObject({ url, kind: "session" });
  });
});

describe("an h item with a URL for selector", () => {
  it.each([
    ["URL:http://example.org/a?b#c", "http://example.org/a?b#c"],
    ["/URL:https://example.org", "https://example.org"],
    ["URL:ftp://me:secret@example.org/", "ftp://me@example.org/"],
    ["URL:mailto:me@example.org", "mailto:me@example.org"],
    ["URL:gemini://example.org/", "gemini://example.org/"],
    ["URL:magnet:?xt=urn:btih:abc", "magnet:?xt=urn:btih:abc"],
    ["URL:tel:+4930", "tel:+4930"],
  ])("%s is a link to %s", (selector, url) => {
    expect(entry(`hSite\t${selector}\there.example\t70`)).toEqual({
      url,
      name: "Site",
      kind: "link",
      meta: { type: "h", selector },
    });
  });

  it.each([
    ["URL:file:///etc/passwd", "gopher://here.example/hURL:file:///etc/passwd"],
    ["URL:file://localhost/etc/passwd", "gopher://here.example/hURL:file://localhost/etc/passwd"],
    ["URL:maildir:./mail", "gopher://here.example/hURL:maildir:./mail"],
    ["URL:unix:/run/x.sock", "gopher://here.example/hURL:unix:/run/x.sock"],
    ["URL:javascript:alert(1)", "gopher://here.example/hURL:javascript:alert(1)"],
    ["URL:nonsense", "gopher://here.example/hURL:nonsense"],
  ])("%s leads nowhere, least of all into this machine, and stays a selector", (selector, url) => {
    expect(entry(`hSite\t${selector}\there.example\t70`)).toMatchObject({ url, kind: "page" });
  });
});

describe("a line that cannot be opened", () => {
  it.each([
    ["iWelcome\tfake\t(NULL)\t0", "Welcome", { type: "i", selector: "fake", host: "(NULL)", port: 0 }],
    ["Plain words", "Plain words", { type: "i", selector: "", host: "", port: 0 }],
    ["3Closed\t\terror.host\t1", "Closed", { type: "3", selector: "", host: "error.host", port: 1 }],
    ["1A\t/a\tno host\t70", "A", { type: "1", selector: "/a", host: "no host", port: 70 }],
    [
      "1A\t/a\tme@evil.example/x\t70",
      "A",
      { type: "1", selector: "/a", host: "me@evil.example/x", port: 70 },
    ],
    ["1A\t/a\0b\there.example\t70", "A", { type: "1", selector: "/a\0b", host: "here.example", port: 70 }],
    ["+A\t/a\t-\t70", "A", { type: "+", selector: "/a", host: "-", port: 70 }],
  ])("%j is a note with the URL of its menu", (line, name, meta) => {
    expect(entry(line)).toEqual({ url: "gopher://here.example/1/menu", name, kind: "note", meta });
  });

  it("may be one whose selector is too long to be sent", () => {
    expect(entry(`0A\t${"a".repeat(4096)}\there.example\t70`).kind).toBe("file");
    expect(entry(`0A\t${"a".repeat(4097)}\there.example\t70`).kind).toBe("note");
  });
});

describe("a URL alone", () => {
  it.each([
    ["/", "here.example", "menu"],
    ["/1/pub/", "pub", "menu"],
    ["/0/pub/about.txt", "about.txt", "file"],
    ["/7/find", "find", "search"],
    ["/7/find%09fog", "find", "menu"],
    ["/h/index.html", "index.html", "page"],
  ])("%s is %s, a %s", (path, name, kind) => {
    expect(entryOfPath(parsePath(path), MENU)).toMatchObject({
      name,
      kind,
      url: "gopher://here.example/1/menu",
    });
  });
});
