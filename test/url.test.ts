import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  decodeOctets,
  encodeOctets,
  encodeSegment,
  formatHost,
  formatUrl,
  type PortholeUrl,
  parseUrl,
  refuseControls,
  withoutPassword,
} from "../src/url.js";

/** What a URL without anything else has. */
const PLAIN = { user: undefined, password: undefined, port: undefined, path: "", fragment: undefined };

describe("a URL of each protocol", () => {
  it.each<[string, Partial<PortholeUrl>]>([
    ["http://example.org", { scheme: "http", host: "example.org" }],
    [
      "https://example.org/a/../b?x=1&y=2#top",
      { host: "example.org", path: "/a/../b?x=1&y=2", fragment: "top" },
    ],
    ["HTTP://EXAMPLE.org:8080/", { scheme: "http", host: "example.org", port: 8080, path: "/" }],
    ["https://example.org?x=1", { host: "example.org", path: "?x=1" }],
    ["ftp://ftp.example.org/dir/file;type=a", { scheme: "ftp", path: "/dir/file;type=a" }],
    ["ftp://me@ftp.example.org//etc/motd", { user: "me", path: "//etc/motd" }],
    ["ftp://ftp.example.org/%2Fetc/motd", { path: "/%2Fetc/motd" }],
    ["ftps://ftp.example.org:990/", { scheme: "ftps", port: 990 }],
    ["smtp://mail.example.org", { scheme: "smtp", host: "mail.example.org", path: "" }],
    ["submission://me@mail.example.org:587", { scheme: "submission", user: "me", port: 587 }],
    ["lmtp://localhost:24", { scheme: "lmtp", port: 24 }],
    ["pop3s://me@mail.example.org/3", { scheme: "pop3s", user: "me", path: "/3" }],
    ["pop3://mail.example.org/uid:WhqtswO00WBw418f9t5JxYwZ", { path: "/uid:WhqtswO00WBw418f9t5JxYwZ" }],
    ["imap://mail.example.org/INBOX/;UID=7/;SECTION=1.2", { path: "/INBOX/;UID=7/;SECTION=1.2" }],
    [
      "imaps://me;AUTH=*@mail.example.org/INBOX?SUBJECT%20x",
      { user: "me;AUTH=*", path: "/INBOX?SUBJECT%20x" },
    ],
    ["nntp://news.example.org/comp.lang.c/1200-1300", { path: "/comp.lang.c/1200-1300" }],
    [
      "nntp://news.example.org/%3Cabc@example.org%3E",
      { host: "news.example.org", path: "/%3Cabc@example.org%3E" },
    ],
    ["news:comp.lang.c", { scheme: "news", host: "", path: "comp.lang.c" }],
    ["telnet://towel.example.org", { scheme: "telnet", host: "towel.example.org" }],
    ["gopher://gopher.example.org/7selector%09words", { path: "/7selector%09words" }],
    ["gophers://gopher.example.org:7443/1", { scheme: "gophers", port: 7443, path: "/1" }],
    ["tcp://localhost:12345", { scheme: "tcp", host: "localhost", port: 12_345 }],
    ["tcp://:12345", { scheme: "tcp", host: "", port: 12_345 }],
    ["udp://[::1]:53", { scheme: "udp", host: "::1", port: 53 }],
    ["unix:/run/x.sock", { scheme: "unix", host: "", path: "/run/x.sock" }],
    ["file:./a%20b", { scheme: "file", host: "", path: "./a%20b" }],
    ["file:///etc/motd", { scheme: "file", host: "", path: "/etc/motd" }],
    ["maildir:./backup", { scheme: "maildir", host: "", path: "./backup" }],
    ["http+unix://x/", { scheme: "http+unix", host: "x" }],
  ])("%s", (text, parts) => {
    expect(parseUrl(text)).toMatchObject(parts);
  });

  it("has nothing that was not written", () => {
    expect(parseUrl("gopher://h")).toEqual({ ...PLAIN, scheme: "gopher", host: "h" });
    expect(parseUrl("ftp://u:p@h:1/x#f")).toEqual({
      scheme: "ftp",
      user: "u",
      password: "p",
      host: "h",
      port: 1,
      path: "/x",
      fragment: "f",
    });
  });
});

describe("the host", () => {
  it.each([
    ["http://[::1]/", "::1"],
    ["http://[2001:DB8::A]:8080/", "2001:db8::a"],
    ["http://[::ffff:192.0.2.1]/", "::ffff:192.0.2.1"],
    ["http://[fe80::1%25Eth0]/", "fe80::1%Eth0"],
    ["http://[fe80::1%Eth0]/", "fe80::1%Eth0"],
    ["http://bücher.example/", "xn--bcher-kva.example"],
    ["imap://BÜCHER.example/", "xn--bcher-kva.example"],
    ["http://b%C3%BCcher.example/", "xn--bcher-kva.example"],
    ["http://例え.テスト/", "xn--r8jz45g.xn--zckzah"],
    ["http://xn--bcher-kva.example/", "xn--bcher-kva.example"],
    ["http://EXAMPLE.ORG./", "example.org."],
    ["http://under_score.example/", "under_score.example"],
    ["http://192.0.2.1/", "192.0.2.1"],
  ])("of %s is %s", (text, host) => {
    expect(parseUrl(text).host).toBe(host);
  });

  it.each([
    ["http://[::1", "'http://[::1' has no readable host and port"],
    ["http://::1/", "'http://::1/' has no readable host and port"],
    ["http://[]/", "'[]' in 'http://[]/' is not an IPv6 address"],
    ["http://[:::]/", "'[:::]' in 'http://[:::]/' is not an IPv6 address"],
    ["http://[1.2.3.4]/", "'[1.2.3.4]' in 'http://[1.2.3.4]/' is not an IPv6 address"],
    ["http://[::g]/", "'[::g]' in 'http://[::g]/' is not an IPv6 address"],
    [
      "http://[1:2:3:4:5:6:7:8:9]/",
      "'[1:2:3:4:5:6:7:8:9]' in 'http://[1:2:3:4:5:6:7:8:9]/' is not an IPv6 address",
    ],
    ["http://[::1]x/", "'http://[::1]x/' has no readable host and port"],
    ["http://a b/", "'a b' is not a host name"],
    ["http://a%20b/", "'a b' is not a host name"],
    ["http://a%2Fb/", "'a/b' is not a host name"],
    ["http://a%40b/", "'a@b' is not a host name"],
    ["http://a%3A80/", "'a:80' is not a host name"],
    ["http://a%2525b/", "'a%25b' is not a host name"],
    ["http://a\\b/", "'a\\b' is not a host name"],
    ["http://<script>/", "'<script>' is not a host name"],
    ["http://xn--iñvalid.example/", "'xn--iñvalid.example' is not a host name"],
    ["http://a%zzb/", "'http://a%zzb/' has broken percent-encoding"],
    ["http://a%FFb/", "'http://a%FFb/' has broken percent-encoding"],
  ])("of %s is refused", (text, message) => {
    expect(() => parseUrl(text)).toThrow(expect.objectContaining({ code: "usage", message }));
  });
});

describe("the port", () => {
  it.each([
    ["http://h:0/", 0],
    ["http://h:00080/", 80],
    ["http://h:65535/", 65_535],
    ["http://h:/", undefined],
    ["http://[::1]:1/", 1],
  ])("of %s is %s", (text, port) => {
    expect(parseUrl(text).port).toBe(port);
  });

  it.each([
    ["http://h:65536/", "port 65536 in 'http://h:65536/' is beyond 65535"],
    [
      "http://h:99999999999999999999/",
      "port 100000000000000000000 in 'http://h:99999999999999999999/' is beyond 65535",
    ],
    ["http://h:80a/", "'http://h:80a/' has no readable host and port"],
    ["http://h:-1/", "'http://h:-1/' has no readable host and port"],
    ["http://h:8 0/", "'http://h:8 0/' has no readable host and port"],
    ["http://h:1:2/", "'http://h:1:2/' has no readable host and port"],
  ])("of %s is refused", (text, message) => {
    expect(() => parseUrl(text)).toThrow(expect.objectContaining({ code: "usage", message }));
  });
});

describe("user and password", () => {
  it.each([
    ["ftp://me@h/", "me", undefined],
    ["ftp://me:@h/", "me", ""],
    ["ftp://:pw@h/", "", "pw"],
    ["ftp://@h/", "", undefined],
    ["ftp://me:a:b@h/", "me", "a:b"],
    ["ftp://me%40work:p%2F%3Aw%25@h/", "me@work", "p/:w%"],
    ["ftp://me@work:pw@h/", "me@work", "pw"],
    ["ftp://m%C3%BCller:clé@h/", "müller", "clé"],
    ["ftp://a+b:c+d@h/", "a+b", "c+d"],
  ])("of %s are %s and %s", (text, user, password) => {
    expect(parseUrl(text)).toMatchObject({ user, password, host: "h" });
  });

  it.each([
    ["ftp://me:a%zz@h/", "'ftp://me@h/' has broken percent-encoding"],
    ["ftp://me:pa/ss@h/", "'ftp://me@h/' has no readable host and port"],
    ["ftp://me:pa?ss@h/", "'ftp://me@h/' has no readable host and port"],
    ["ftp://me:hunter2@h:99999/", "port 99999 in 'ftp://me@h:99999/' is beyond 65535"],
    ["ftp://me:hunter2@[::g]/", "'[::g]' in 'ftp://me@[::g]/' is not an IPv6 address"],
    ["me:hunter2@h", "'me@h' is not a URL"],
  ])("of %s are not repeated in its error", (text, message) => {
    const shown =
      text === "me:hunter2@h"
        ? () => parseUrl(` ${text}`.trim().replace("me:", "1me:"))
        : () => parseUrl(text);
    expect(shown).toThrow(
      expect.objectContaining({ code: "usage", message: message.replace("'me@h'", "'1me@h'") }),
    );
  });

  it("may be taken out of any text for a message", () => {
    expect(withoutPassword("ftp://me:pw@h/x@y")).toBe("ftp://me@y");
    expect(withoutPassword("ftp://me@h/x")).toBe("ftp://me@h/x");
    expect(withoutPassword("//me:pw@h")).toBe("//me@h");
    expect(withoutPassword("me:pw@h")).toBe("me@h");
    expect(withoutPassword("http://h/a:b@c")).toBe("http://h/a:b@c");
    expect(withoutPassword("http://h:80/x")).toBe("http://h:80/x");
    expect(withoutPassword("")).toBe("");
  });
});

describe("CR, LF and NUL", () => {
  it.each(["\r", "\n", "\0"])("%j are refused anywhere", (control) => {
    const refused = expect.objectContaining({
      code: "usage",
      message: "the URL holds a line break or a NUL, which is never sent",
      hint: "take it out; in a path it may be meant as %0D, %0A or %00",
    });
    for (const text of [
      `http://h/${control}`,
      `ht${control}tp://h/`,
      `http://h#${control}`,
      `http://u${control}@h`,
      control,
    ]) {
      expect(() => parseUrl(text), JSON.stringify(text)).toThrow(refused);
    }
  });

  it.each(["%0D", "%0a", "%00"])(
    "%s are refused where they would be decoded: user, password, host, octets",
    (coded) => {
      const refused = expect.objectContaining({
        code: "usage",
        message: "the URL's user, password or host holds a line break or a NUL, which is never sent",
      });
      for (const text of [`ftp://u${coded}@h/`, `ftp://u:p${coded}@h/`, `ftp://h${coded}/`]) {
        expect(() => parseUrl(text), text).toThrow(refused);
      }
      expect(() => decodeOctets(`a${coded}b`, "the selector")).toThrow(
        expect.objectContaining({ message: "the selector holds a line break or a NUL, which is never sent" }),
      );
      expect(parseUrl(`http://h/${coded}`).path).toBe(`/${coded}`);
    },
  );

  it("are refused in arguments, other controls are not", () => {
    expect(() => refuseControls("a\tb\u001b\u007f", "an argument")).not.toThrow();
    expect(() => refuseControls("a\rb", "an argument")).toThrow("an argument holds a line break");
  });
});

describe("what is no URL", () => {
  it.each(["", "example.org", "/a/b", "//h/x", "1http://h/", "ht tp://h", "://h", "ht_tp://h/"])(
    "%j is refused",
    (text) => {
      expect(() => parseUrl(text)).toThrow(
        expect.objectContaining({
          code: "usage",
          message: `'${text}' is not a URL`,
          hint: "write it as scheme://host/path",
        }),
      );
    },
  );
});

describe("a URL as text", () => {
  const url = parseUrl("ftp://me:p%40w@[fe80::1%25eth0]:2121/a%20b;type=a#end");

  it("has no password unless it is asked for", () => {
    expect(formatUrl(url)).toBe("ftp://me@[fe80::1%25eth0]:2121/a%20b;type=a#end");
    expect(formatUrl(url, { withPassword: true })).toBe(
      "ftp://me:p%40w@[fe80::1%25eth0]:2121/a%20b;type=a#end",
    );
    expect(formatUrl(parseUrl("ftp://:pw@h/"))).toBe("ftp://@h/");
  });

  it("has no port that goes without saying", () => {
    expect(formatUrl(url, { defaultPort: 2121 })).toBe("ftp://me@[fe80::1%25eth0]/a%20b;type=a#end");
    expect(formatUrl(url, { defaultPort: 21 })).toContain(":2121");
  });

  it("keeps what stands without an authority", () => {
    for (const text of ["unix:/run/x.sock", "file:./a", "news:comp.lang.c", "mbox:/var/mail/me"]) {
      expect(formatUrl(parseUrl(text))).toBe(text);
    }
    expect(formatUrl(parseUrl("tcp://:12345"))).toBe("tcp://:12345");
    expect(formatUrl(parseUrl("file:////x"))).toBe("file:////x");
  });

  it("sets a path apart from the host", () => {
    expect(formatUrl({ ...url, host: "h", port: undefined, fragment: undefined, path: "pub" })).toBe(
      "ftp://me@h/pub",
    );
    expect(formatUrl({ ...url, host: "h", port: 1, fragment: undefined, path: "?q" })).toBe("ftp://me@h:1?q");
  });

  it("writes a host as URLs do", () => {
    expect([formatHost("h.example"), formatHost("::1"), formatHost("fe80::1%eth0")]).toEqual([
      "h.example",
      "[::1]",
      "[fe80::1%25eth0]",
    ]);
  });

  it("is read back as the same URL", () => {
    const text = fc.string({ unit: "grapheme", maxLength: 12 }).filter((word) => !/[\r\n\0]/.test(word));
    const host = fc.constantFrom(
      "example.org",
      "a",
      "xn--bcher-kva.example",
      "192.0.2.1",
      "::1",
      "fe80::1%Eth0",
      "2001:db8::a",
    );
    const path = fc
      .tuple(
        fc.constantFrom("", "/", "//", "?", "/a;b="),
        fc.array(fc.constantFrom("a", "%20", "/", "?", "é", "~", ":", "@", "..", ";", "[", "\\", " ")),
      )
      .map(([head, rest]) => (head === "" ? "" : head + rest.join("")));
    const url = fc.record({
      scheme: fc.constantFrom("http", "ftp", "imaps", "http+unix", "x-y.z"),
      user: fc.option(text, { nil: undefined }),
      password: fc.option(text, { nil: undefined }),
      host,
      port: fc.option(fc.nat(65_535), { nil: undefined }),
      path,
      fragment: fc.option(fc.constantFrom("", "top", "a#b", "?x/y"), { nil: undefined }),
    });
    fc.assert(
      fc.property(url, (parts) => {
        const whole = { ...parts, user: parts.password === undefined ? parts.user : (parts.user ?? "") };
        expect(parseUrl(formatUrl(whole, { withPassword: true }))).toEqual(whole);
        expect(parseUrl(formatUrl(whole))).toEqual({ ...whole, password: undefined });
      }),
    );
  });

  it("of anything is either refused as usage or stable", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: "binary", maxLength: 30 }),
        fc.constantFrom("", "ftp://", "http://u:p@", "x:"),
        (tail, head) => {
          let once: string;
          try {
            once = formatUrl(parseUrl(head + tail), { withPassword: true });
          } catch (thrown) {
            expect(thrown).toMatchObject({ code: "usage" });
            return;
          }
          expect(formatUrl(parseUrl(once), { withPassword: true })).toBe(once);
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe("octets in a path", () => {
  it("are decoded one by one", () => {
    expect(decodeOctets("a%20b%2Fc%ff")).toEqual(Buffer.from([97, 32, 98, 47, 99, 255]));
    expect(decodeOctets("é+")).toEqual(Buffer.from("é+"));
    expect(decodeOctets("")).toEqual(Buffer.alloc(0));
  });

  it.each(["%", "%4", "%zz", "a%2", "%%41"])("with broken encoding are refused: %s", (text) => {
    expect(() => decodeOctets(text)).toThrow(
      expect.objectContaining({ code: "usage", hint: "write a plain % as %25" }),
    );
  });

  it("are encoded where they may not stand", () => {
    expect(encodeSegment("a/b c?d#e%é")).toBe("a%2Fb%20c%3Fd%23e%25%C3%A9");
    expect(encodeSegment("-._~!$&'()*+,=:@")).toBe("-._~!$&'()*+,=:@");
    expect(encodeSegment(";")).toBe("%3B");
    expect(encodeOctets(Buffer.from("/a b/"), "/")).toBe("/a%20b/");
    expect(encodeOctets(Buffer.from([0xe9, 0x2f]), "é")).toBe("%E9%2F");
  });

  it("come back whole", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (octets) => {
        fc.pre(!octets.some((octet) => octet === 0 || octet === 10 || octet === 13));
        expect(decodeOctets(encodeOctets(octets))).toEqual(Buffer.from(octets));
      }),
    );
  });
});
