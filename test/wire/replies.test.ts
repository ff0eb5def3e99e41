import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PortholeError } from "../../src/errors.js";
import { enhancedStatus } from "../../src/wire/enhanced-status.js";
import { type Reply, type ThreeDigitOptions, ThreeDigitReplyReader } from "../../src/wire/replies.js";
import { serverSays } from "./conversation.js";
import { cutAt, everyCut, places } from "./pieces.js";

function read(pieces: readonly Buffer[], options: ThreeDigitOptions) {
  const reader = new ThreeDigitReplyReader(options);
  const replies: Reply[] = [];
  try {
    for (const piece of pieces) {
      reader.feed(piece);
      for (let reply = reader.next(); reply !== undefined; reply = reader.next()) replies.push(reply);
    }
  } catch (thrown) {
    if (!(thrown instanceof PortholeError)) throw thrown;
    return { replies, error: `${thrown.code}: ${thrown.message}`, reply: thrown.reply };
  }
  return { replies, rest: reader.rest().toString("latin1") };
}

/** Each reply as code and lines. */
function heard(conversation: string, multiline: ThreeDigitOptions["multiline"], trailing = "") {
  const octets = Buffer.concat([serverSays(conversation), Buffer.from(trailing)]);
  const whole = read([octets], { multiline });
  for (const pieces of everyCut(octets)) expect(read(pieces, { multiline })).toEqual(whole);
  if (whole.error !== undefined) return { error: whole.error, reply: whole.reply };
  expect(whole.rest).toBe(trailing);
  return whole.replies.map((reply) => [reply.code, ...reply.lines]);
}

describe("three-digit replies on one line", () => {
  it("are a code and a text", () => {
    const conversation = `
      S: 200 news.example.org ready, posting allowed
      S: 211 1234 3000234 3002322 misc.test
      S: 480 Authentication required`;
    for (const multiline of ["never", "bracketed", "prefixed"] as const) {
      expect(heard(conversation, multiline, "111 2026")).toEqual([
        [200, "news.example.org ready, posting allowed"],
        [211, "1234 3000234 3002322 misc.test"],
        [480, "Authentication required"],
      ]);
    }
  });

  it("may lack the text, and the space before it", () => {
    const octets = Buffer.from("250\r\n250 \r\n250  two spaces\r\n");
    for (const pieces of everyCut(octets)) {
      expect(read(pieces, { multiline: "prefixed" }).replies.map((reply) => reply.text)).toEqual([
        "",
        "",
        " two spaces",
      ]);
    }
  });

  it("may end with LF alone", () => {
    const reader = new ThreeDigitReplyReader({ multiline: "never" });
    reader.feed(Buffer.from("200 hello\n201 there\r\n"));
    expect([reader.next()?.text, reader.lineEnd]).toEqual(["hello", "lf"]);
    expect([reader.next()?.text, reader.lineEnd]).toEqual(["there", "crlf"]);
  });

  it("are read as UTF-8, and as Latin-1 where they are not", () => {
    expect(read([Buffer.from("257 Prüfung\r\n", "utf8")], { multiline: "bracketed" }).replies[0]?.text).toBe(
      "Prüfung",
    );
    expect(
      read([Buffer.from("257 Prüfung\r\n", "latin1")], { multiline: "bracketed" }).replies[0]?.text,
    ).toBe("Prüfung");
  });

  it("are none without a code from 100 to 699, and the words are told", () => {
    for (const words of [
      "hello",
      "",
      " 220 ready",
      "099 low",
      "700 high",
      "999",
      "22 ready",
      "2200 ready",
      "220ready",
      "2\x000 ready",
      "-ERR no",
      "HTTP/1.1 400 Bad Request",
    ]) {
      for (const multiline of ["never", "bracketed", "prefixed"] as const) {
        expect(heard(`S: ${words}`, multiline)).toEqual({
          error: "protocol: the answer does not begin with a reply code",
          reply: words,
        });
      }
    }
  });

  it("cannot go on where the protocol has one line", () => {
    expect(heard("S: 211-Features", "never")).toEqual({
      error: "protocol: the answer goes on over several lines, which this protocol does not have",
      reply: "211-Features",
    });
  });
});

describe("FTP's replies over several lines (RFC 959, 4.2)", () => {
  it("end at the same code and a space, whatever stands between", () => {
    const conversation = `
      S: 123-First line
      S: Second line
      S:   234 A line beginning with numbers
      S: 456 and another one
      S: 123-looks like a beginning
      S:
      S: 123 The last line
      S: 200 next`;
    expect(heard(conversation, "bracketed", "150 O")).toEqual([
      [
        123,
        "First line",
        "Second line",
        "  234 A line beginning with numbers",
        "456 and another one",
        "looks like a beginning",
        "",
        "The last line",
      ],
      [200, "next"],
    ]);
  });

  it("keep the space before a feature (RFC 2389, 3.2)", () => {
    const conversation = `
      S: 211-Extensions supported:
      S:  MLST size*;modify*;
      S:  UTF8
      S: 211 End`;
    expect(heard(conversation, "bracketed")).toEqual([
      [211, "Extensions supported:", " MLST size*;modify*;", " UTF8", "End"],
    ]);
  });

  it("may end with the bare code", () => {
    expect(heard("S: 230-Welcome\nS: 230", "bracketed")).toEqual([[230, "Welcome", ""]]);
  });

  it("have their lines joined as text", () => {
    const { replies } = read([serverSays("S: 230-Welcome\nS: to the harbour\nS: 230 Log in")], {
      multiline: "bracketed",
    });
    expect(replies).toEqual([
      { code: 230, text: "Welcome\nto the harbour\nLog in", lines: ["Welcome", "to the harbour", "Log in"] },
    ]);
  });
});

describe("SMTP's replies over several lines (RFC 5321, 4.2.1)", () => {
  it("have the code on every line", () => {
    const conversation = `
      S: 250-mail.example.org
      S: 250-PIPELINING
      S: 250-SIZE 10240000
      S: 250 SMTPUTF8
      S: 250 2.1.0 Ok`;
    expect(heard(conversation, "prefixed", "354 ")).toEqual([
      [250, "mail.example.org", "PIPELINING", "SIZE 10240000", "SMTPUTF8"],
      [250, "2.1.0 Ok"],
    ]);
  });

  it("may end with an empty line, as smtp-sink's do", () => {
    const octets = Buffer.from("250-smtp-sink\r\n250-8BITMIME\r\n250 \r\n");
    expect(read([octets], { multiline: "prefixed" }).replies).toEqual([
      { code: 250, text: "smtp-sink\n8BITMIME\n", lines: ["smtp-sink", "8BITMIME", ""] },
    ]);
  });

  it("must not change the code or lack it on the way", () => {
    for (const words of ["550 no", "550-no", "no code", "", " 250 ok"]) {
      expect(heard(`S: 250-mail.example.org\nS: ${words}`, "prefixed")).toEqual({
        error: "protocol: a line within the 250 answer does not begin with 250",
        reply: words,
      });
    }
  });
});

describe("the bounds of a reply", () => {
  const endless = serverSays(`S: 230-Welcome${"\nS: 230-and welcome".repeat(20)}`);

  it("hold for its lines", () => {
    for (const multiline of ["bracketed", "prefixed"] as const) {
      for (const pieces of everyCut(endless)) {
        expect(read(pieces, { multiline, maxLines: 10 })).toEqual({
          replies: [],
          error: "protocol: the 230 answer is longer than the bound of 10 lines",
          reply: "230-and welcome",
        });
      }
      expect(read([serverSays("S: 230-a\nS: 230 b")], { multiline, maxLines: 2 }).replies).toHaveLength(1);
    }
  });

  it("hold for its octets", () => {
    expect(read([endless], { multiline: "bracketed", maxOctets: 100 })).toMatchObject({
      error: "protocol: the 230 answer is longer than the bound of 100 octets",
    });
    const exact = serverSays("S: 230-12345\nS: 230 12345");
    expect(read([exact], { multiline: "bracketed", maxOctets: 18 }).replies).toHaveLength(1);
    expect(read([exact], { multiline: "bracketed", maxOctets: 17 }).error).toContain("17 octets");
  });

  it("hold for its last line, too", () => {
    expect(read([serverSays("S: 230-a\nS: 230 b")], { multiline: "bracketed", maxLines: 1 }).error).toContain(
      "1 lines",
    );
  });

  it("hold for a line without end", () => {
    expect(
      read([Buffer.from(`220 ${"a".repeat(100)}`)], { multiline: "never", maxLineLength: 50 }),
    ).toMatchObject({
      error: "protocol: a line is longer than the bound of 50 octets",
    });
    expect(read([Buffer.from(`220 ${"a".repeat(70_000)}`)], { multiline: "never" }).error).toContain(
      "65536 octets",
    );
  });

  it("count each reply for itself", () => {
    const twenty = serverSays("S: 250 ok\n".repeat(20));
    expect(read([twenty], { multiline: "bracketed", maxLines: 1, maxOctets: 6 }).replies).toHaveLength(20);
  });
});

describe("ThreeDigitReplyReader", () => {
  it("goes on refusing after what was no reply", () => {
    const reader = new ThreeDigitReplyReader({ multiline: "prefixed" });
    reader.feed(serverSays("S: garbage\nS: 250 ok"));
    expect(() => reader.next()).toThrow("does not begin with a reply code");
    expect(() => reader.next()).toThrow("does not begin with a reply code");
  });

  it("says whether an answer is under way", () => {
    const reader = new ThreeDigitReplyReader({ multiline: "prefixed" });
    expect(reader.partial).toBe(false);
    for (const words of ["25", "0-mail", "\r\n", "250", " ok"]) {
      reader.feed(Buffer.from(words));
      expect(reader.next()).toBeUndefined();
      expect(reader.partial).toBe(true);
    }
    reader.feed(Buffer.from("\r\n"));
    expect(reader.next()?.code).toBe(250);
    expect(reader.partial).toBe(false);
  });

  it("tells an end within an answer from one between answers", () => {
    for (const [words, reply] of [
      ["250-mail.example.org\r\n", "mail.example.org"],
      ["250-mail.example.org\r\n250-SI", "250-SI"],
      ["25", "25"],
    ] as const) {
      const reader = new ThreeDigitReplyReader({ multiline: "prefixed" });
      reader.feed(Buffer.from(words));
      reader.next();
      expect(() => reader.end()).toThrow(
        expect.objectContaining({
          code: "protocol",
          message: "the connection was closed in the middle of an answer",
          reply,
        }),
      );
    }
    const reader = new ThreeDigitReplyReader({ multiline: "prefixed" });
    reader.feed(Buffer.from("221 bye\r\n"));
    reader.next();
    expect(() => reader.end()).not.toThrow();
  });

  it("gives the same replies however the octets are cut", () => {
    const line = fc.constantFrom(
      "220 a",
      "220-a",
      "220",
      "220-",
      "text",
      "",
      "5 no",
      "550 b",
      "550-b",
      " 220 c",
      "\xe4",
    );
    const end = fc.constantFrom("\r\n", "\n");
    const octets = fc
      .array(fc.tuple(line, end), { maxLength: 12 })
      .map((lines) => Buffer.from(lines.flat().join(""), "latin1"));
    fc.assert(
      fc.property(
        octets,
        places,
        fc.constantFrom("bracketed", "prefixed", "never"),
        (all, cuts, multiline) => {
          const options = { multiline, maxLines: 4, maxOctets: 20, maxLineLength: 8 } as const;
          expect(read(cutAt(all, cuts), options)).toEqual(read([all], options));
        },
      ),
    );
  });
});

describe("enhanced status codes (RFC 3463)", () => {
  function statusOf(conversation: string) {
    const [reply] = read([serverSays(conversation)], { multiline: "prefixed" }).replies;
    return reply === undefined ? undefined : enhancedStatus(reply);
  }

  it("are taken apart from the text", () => {
    expect(statusOf("S: 550 5.1.1 No such user here")).toEqual({
      class: 5,
      subject: 1,
      detail: 1,
      code: "5.1.1",
      text: "No such user here",
    });
    expect(statusOf("S: 250 2.0.0")).toEqual({ class: 2, subject: 0, detail: 0, code: "2.0.0", text: "" });
    expect(statusOf("S: 451 4.7.500 Wait")).toMatchObject({
      class: 4,
      subject: 7,
      detail: 500,
      code: "4.7.500",
    });
  });

  it("are taken off every line that has them", () => {
    expect(statusOf("S: 554-5.7.1 Not wanted\nS: 554-see the page\nS: 554 5.7.1 about it")?.text).toBe(
      "Not wanted\nsee the page\nabout it",
    );
  });

  it("are none where the class is another or the form is not theirs", () => {
    for (const words of [
      "250 5.1.1 odd",
      "550 2.0.0 odd",
      "354 3.0.0 go",
      "250 ok",
      "250 2.1",
      "250 2.1.1000 x",
      "250 2.0.0ok",
      "220 10.0.0.1 ready",
      "220 2.0.0.1 ready",
    ]) {
      expect(statusOf(`S: ${words}`)).toBeUndefined();
    }
  });
});
