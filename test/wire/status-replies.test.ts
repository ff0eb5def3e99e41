import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PortholeError } from "../../src/errors.js";
import { type StatusReply, StatusReplyReader } from "../../src/wire/status-replies.js";
import { serverSays } from "./conversation.js";
import { cutAt, everyCut, places } from "./pieces.js";

function read(pieces: readonly Buffer[], maxLineLength = 512) {
  const reader = new StatusReplyReader({ maxLineLength });
  const replies: StatusReply[] = [];
  try {
    for (const piece of pieces) {
      reader.feed(piece);
      for (let reply = reader.next(); reply !== undefined; reply = reader.next()) replies.push(reply);
    }
  } catch (thrown) {
    if (!(thrown instanceof PortholeError)) throw thrown;
    return { replies, error: `${thrown.code}: ${thrown.message}`, reply: thrown.reply };
  }
  return { replies, rest: reader.rest().toString() };
}

function only(line: string): StatusReply | undefined {
  return read([Buffer.from(`${line}\r\n`)]).replies[0];
}

describe("POP3's replies (RFC 1939, 3)", () => {
  it("are a status and a text, whatever the cuts", () => {
    const conversation = serverSays(`
      S: +OK POP3 server ready <1896.697170952@dbc.mtview.ca.us>
      S: -ERR never heard of it
      S: +OK
      S: +
      S: + PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2U+`);
    for (const pieces of everyCut(Buffer.concat([conversation, Buffer.from("+O")]))) {
      expect(read(pieces)).toEqual({
        replies: [
          {
            status: "ok",
            text: "POP3 server ready <1896.697170952@dbc.mtview.ca.us>",
            responseCode: undefined,
            line: "+OK POP3 server ready <1896.697170952@dbc.mtview.ca.us>",
          },
          {
            status: "error",
            text: "never heard of it",
            responseCode: undefined,
            line: "-ERR never heard of it",
          },
          { status: "ok", text: "", responseCode: undefined, line: "+OK" },
          { status: "continue", text: "", responseCode: undefined, line: "+" },
          {
            status: "continue",
            text: "PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2U+",
            responseCode: undefined,
            line: "+ PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2U+",
          },
        ],
        rest: "+O",
      });
    }
  });

  it("have their response code taken apart (RFC 2449, 8)", () => {
    expect(only("-ERR [IN-USE] Do you have another POP session running?")).toEqual({
      status: "error",
      text: "Do you have another POP session running?",
      responseCode: "IN-USE",
      line: "-ERR [IN-USE] Do you have another POP session running?",
    });
    expect(only("-ERR [sys/temp] later")).toMatchObject({ responseCode: "SYS/TEMP", text: "later" });
    expect(only("-ERR [AUTH]")).toMatchObject({ responseCode: "AUTH", text: "" });
  });

  it("have none where brackets hold something else", () => {
    for (const text of ["[see the manual] no", "[] no", "mailbox [IN-USE]", "[AUTH"]) {
      expect(only(`-ERR ${text}`)).toMatchObject({ responseCode: undefined, text });
    }
  });

  it("are understood in lower case and with odd spacing", () => {
    expect(only("+ok fine")).toMatchObject({ status: "ok", text: "fine" });
    expect(only("-Err\tno")).toMatchObject({ status: "error", text: "no" });
    expect(only("-ERR[AUTH] no")).toMatchObject({ status: "error", responseCode: "AUTH", text: "no" });
  });

  it("are none when they begin otherwise, and the words are told", () => {
    for (const words of ["220 ready", "", "OK", "+OKAY", "-ERROR", "+O", "-", "++", "* OK", " +OK"]) {
      for (const pieces of everyCut(Buffer.from(`${words}\r\n`))) {
        expect(read(pieces)).toEqual({
          replies: [],
          error: "protocol: the answer begins with neither +OK nor -ERR",
          reply: words,
        });
      }
    }
  });

  it("are bounded", () => {
    expect(read([Buffer.from(`+OK ${"a".repeat(100)}`)], 50).error).toBe(
      "protocol: a line is longer than the bound of 50 octets",
    );
  });

  it("go on being refused after what was none", () => {
    const reader = new StatusReplyReader();
    reader.feed(serverSays("S: hello\nS: +OK"));
    expect(() => reader.next()).toThrow("neither +OK nor -ERR");
    expect(() => reader.next()).toThrow("neither +OK nor -ERR");
  });

  it("tell an end within an answer from one between answers", () => {
    const reader = new StatusReplyReader();
    reader.feed(Buffer.from("+OK bye\r\n"));
    reader.next();
    expect(reader.partial).toBe(false);
    expect(() => reader.end()).not.toThrow();
    reader.feed(Buffer.from("-ER"));
    expect(reader.next()).toBeUndefined();
    expect(reader.partial).toBe(true);
    expect(() => reader.end()).toThrow(
      expect.objectContaining({
        code: "protocol",
        reply: "-ER",
        message: "the connection was closed in the middle of an answer",
      }),
    );
  });

  it("are the same however the octets are cut", () => {
    const line = fc.constantFrom("+OK", "-ERR [AUTH] a", "+ abc", "+", "+OK \xe4", "x", "");
    const octets = fc
      .array(fc.tuple(line, fc.constantFrom("\r\n", "\n")), { maxLength: 10 })
      .map((lines) => Buffer.from(lines.flat().join(""), "latin1"));
    fc.assert(
      fc.property(octets, places, (all, cuts) => {
        expect(read(cutAt(all, cuts))).toEqual(read([all]));
      }),
    );
  });
});
