import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Mask } from "../../src/net/mask.js";

function covered(secrets: readonly string[], text: string | Buffer): string {
  const mask = new Mask();
  for (const secret of secrets) mask.add(secret);
  return mask.cover(Buffer.from(text)).toString("latin1");
}

const base64 = (text: string | Buffer) => Buffer.from(text).toString("base64");
const base64url = (text: string | Buffer) => Buffer.from(text).toString("base64url");

describe("a secret is covered", () => {
  it.each([
    ["as it is", "hunter2", "PASS hunter2\r\n", "PASS [masked]\r\n"],
    ["in other cases of its letters", "Hunter2", "X-Echo: HUNTER2", "X-Echo: [masked]"],
    ["twice", "hunter2", "hunter2hunter2 hunter2", "[masked][masked] [masked]"],
    ["in UTF-8", "pässwört", Buffer.from("PASS pässwört!"), "PASS [masked]!"],
    ["in Latin-1", "pässwört", Buffer.from("PASS pässwört!", "latin1"), "PASS [masked]!"],
    ["in percent-encoding", "p@ss w/rd", "?p=p%40ss%20w%2Frd&x", "?p=[masked]&x"],
    ["in percent-encoding in lower case", "p@ss/", "?p=p%40ss%2f", "?p=[masked]"],
    ["in percent-encoding of some octets", "p@ss!/", "ftp://me:p%40ss!/@h", "ftp://me:[masked]@h"],
    ["in percent-encoding of all octets", "abcd", "%61%62%63%64", "[masked]"],
    ["in percent-encoding of Latin-1", "clé", "cl%E9", "[masked]"],
    ["in percent-encoding with a plain % in it", "50%off", "50%25off 50%off", "[masked] [masked]"],
    ["in a form", "two words+1", "p=two+words%2B1&", "p=[masked]&"],
    [
      "in a form as URLSearchParams writes it",
      "a~b (c)'!*",
      new URLSearchParams({ p: "a~b (c)'!*" }).toString(),
      "p=[masked]",
    ],
    ["in JSON", 'say "hi"\\now', JSON.stringify({ p: 'say "hi"\\now' }), '{"p":"[masked]"}'],
    ["in JSON with all but ASCII escaped", "clé€", '{"p":"cl\\u00e9\\u20AC"}', '{"p":"[masked]"}'],
    ["in JSON with escaped slashes", "a/b/c", '"a\\/b\\/c"', '"[masked]"'],
    ["in JSON beyond the basic plane", "key😀", '"key\\uD83D\\ude00"', '"[masked]"'],
    ["in a quoted string", 'p"a\\ss', 'LOGIN me "p\\"a\\\\ss"', 'LOGIN me "[masked]"'],
    ["in XML", "a<b&c>d\"e'f", "<p>a&lt;b&amp;c&gt;d&quot;e&#39;f</p>", "<p>[masked]</p>"],
    ["in XML by numbers", "a<b", "a&#x3C;b a&#060;b", "[masked] [masked]"],
    ["in hexadecimal", "hunter2", "68756E74657232", "[masked]"],
    [
      "with characters that patterns know",
      "a.b*c+d?e^f$g{h}(i)|[j]/k",
      "a.b*c+d?e^f$g{h}(i)|[j]/k",
      "[masked]",
    ],
  ])("%s", (_how, secret, text, shown) => {
    expect(covered([secret], text)).toBe(shown);
  });

  it.each([0, 1, 2])("in base64 at alignment %i of a larger token", (alignment) => {
    const before = "x".repeat(alignment);
    for (const after of ["", "y", "yy", "a longer tail, for good measure"]) {
      expect(covered(["hunter2"], `AUTH PLAIN ${base64(`${before}hunter2${after}`)}\r\n`)).toBe(
        "AUTH PLAIN [masked]\r\n",
      );
      expect(covered(["hünter2?>"], `Bearer ${base64url(`${before}hünter2?>${after}`)}.sig`)).toBe(
        "Bearer [masked].sig",
      );
    }
  });

  it("in SASL PLAIN and HTTP Basic", () => {
    expect(covered(["s3cr3t!"], `AUTH PLAIN ${base64("\0user\0s3cr3t!")}`)).toBe("AUTH PLAIN [masked]");
    expect(covered(["s3cr3t!"], `Authorization: Basic ${base64("user:s3cr3t!")}\r\n`)).toBe(
      "Authorization: Basic [masked]\r\n",
    );
  });

  it("in base64 with text of the same alphabet before it", () => {
    for (const before of ["-", "--", "---", "/path/", "a"]) {
      expect(covered(["hunter2"], `${before}${base64("hunter2hunter2")}`)).toBe("[masked]");
    }
  });

  it("in base64 within JSON, slashes escaped", () => {
    const secret = "\u00ff\u00ff?hunter2";
    const coded = base64(secret).replaceAll("/", "\\/");
    expect(coded).toContain("\\/");
    expect(covered([secret], `{"t":"${coded}"}`)).toBe('{"t":"[masked]"}');
  });

  it("and nothing else: the same octets come back when there is none", () => {
    const mask = new Mask();
    const octets = Buffer.from([0, 255, 13, 10, 104, 117]);
    expect(mask.cover(octets)).toBe(octets);
    mask.add("hunter2");
    expect(mask.cover(octets)).toBe(octets);
    expect(mask.cover(Buffer.from("hunter1 aHVudGVyMQ=="))).toEqual(Buffer.from("hunter1 aHVudGVyMQ=="));
  });

  it("beside octets that are no text, which stay as they are", () => {
    const octets = Buffer.from([0xff, 0xfe, ...Buffer.from("hunter2"), 0x80, 0x00]);
    expect(covered(["hunter2"], octets)).toBe("\u00ff\u00fe[masked]\u0080\u0000");
  });
});

describe("several secrets", () => {
  it("that share octets are both covered whole", () => {
    expect(covered(["abcdef", "defghi"], "-abcdefghi-")).toBe("-[masked]-");
    expect(covered(["abcd", "xxabcdyy"], "xxabcdyy abcd")).toBe("[masked] [masked]");
    expect(covered(["xxabcdyy", "abcd"], "xxabcdyy abcd")).toBe("[masked] [masked]");
    expect(covered(["aaaa"], "aaaaaa")).toBe("[masked]");
  });

  it("that are given twice or empty do nothing more", () => {
    expect(covered(["", "hunter2", "hunter2"], "hunter2")).toBe("[masked]");
    const mask = new Mask();
    mask.add("");
    expect(mask.empty).toBe(true);
  });
});

describe("whatever the secret and whatever stands around it", () => {
  const secret = fc.string({ minLength: 4, maxLength: 24, unit: "grapheme" });
  const around = fc.string({ maxLength: 30, unit: "binary-ascii" });
  const percentAll = (text: string) =>
    [...Buffer.from(text)].map((octet) => `%${octet.toString(16).padStart(2, "0")}`).join("");
  const codings = new Map<string, (text: string) => string>([
    ["raw", (text) => text],
    ["percent", encodeURIComponent],
    ["every octet in percent", percentAll],
    ["form", (text) => new URLSearchParams([["", text]]).toString().slice(1)],
    ["json", (text) => JSON.stringify(text).slice(1, -1)],
    [
      "json in ASCII",
      (text) =>
        JSON.stringify(text)
          .slice(1, -1)
          .replace(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`),
    ],
    ["quoted", (text) => text.replace(/["\\]/g, "\\$&")],
    ["hex", (text) => Buffer.from(text).toString("hex")],
    ["HEX", (text) => Buffer.from(text).toString("hex").toUpperCase()],
  ]);

  it.each([...codings])("it never appears in %s", (_name, code) => {
    fc.assert(
      fc.property(secret, around, around, (word, before, after) => {
        const coded = code(word);
        // What the mask itself writes is no leak.
        fc.pre(!`${before}[masked]${after}`.toLowerCase().includes(coded.toLowerCase()));
        const shown = covered([word], `${before}${coded}${after}`);
        const view = Buffer.from(coded).toString("latin1");
        expect(shown).not.toContain(view);
        expect(shown).toContain("[masked]");
      }),
    );
  });

  it.each(["base64", "base64url"] as const)("it cannot be decoded from %s", (coding) => {
    fc.assert(
      fc.property(
        secret,
        fc.uint8Array({ maxLength: 20 }),
        fc.uint8Array({ maxLength: 20 }),
        (word, before, after) => {
          const token = Buffer.concat([before, Buffer.from(word), after]).toString(coding);
          const shown = covered([word], `AUTH ${token}\r\n`);
          expect(shown).toBe("AUTH [masked]\r\n");
        },
      ),
    );
  });
});
