import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ChunkReader } from "../../src/wire/http-chunks.js";
import { type AnswerHead, framingOf, HeadReader, isKept } from "../../src/wire/http-head.js";
import { cutAt, everyCut, octetByOctet, places } from "./pieces.js";

const MOST = 1024;

/** All heads, and what follows the last one. */
function heads(pieces: readonly Buffer[]): { heads: AnswerHead[]; rest: string } {
  const reader = new HeadReader(MOST);
  const found: AnswerHead[] = [];
  for (const [at, piece] of pieces.entries()) {
    reader.feed(piece);
    for (let head = reader.next(); head !== undefined; head = reader.next()) {
      found.push(head);
      if (head.status < 200) continue;
      const rest = Buffer.concat([reader.rest(), ...pieces.slice(at + 1)]);
      return { heads: found, rest: rest.toString("latin1") };
    }
  }
  return { heads: found, rest: "" };
}

function refusal(text: string): string {
  const words = new Set<string>();
  for (const pieces of everyCut(Buffer.from(text, "latin1"))) {
    try {
      heads(pieces);
      words.add("nothing");
    } catch (thrown) {
      words.add(thrown instanceof Error ? thrown.message : "");
    }
  }
  return [...words].join(" | ").replaceAll("the answer is not proper HTTP: ", "");
}

const OK = "HTTP/1.1 200 OK\r\n";

describe("HeadReader", () => {
  it("gives heads that came together one by one, and what was fed before they were asked for after them", () => {
    const reader = new HeadReader(MOST);
    reader.feed(Buffer.from("HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 20"));
    reader.feed(Buffer.from("0 OK\r\nA: 1\r\n\r\nbo"));
    reader.feed(Buffer.from("dy"));
    expect(reader.begun).toBe(true);
    expect(reader.next()).toMatchObject({ status: 103, fields: [["Link", "a"]] });
    expect(reader.next()).toMatchObject({ status: 200, fields: [["A", "1"]] });
    expect(reader.rest().toString()).toBe("body");
    expect(reader.begun).toBe(false);
  });

  it("gives status, reason and fields in order, however they are cut, and what follows", () => {
    const sent = `HTTP/1.1 404 Not Found\r\nA: 1\r\nset-Cookie:\t x=\xe9 \t\r\nA:2\r\nEmpty:\r\n\r\nbody\r\n\r\n`;
    for (const pieces of everyCut(Buffer.from(sent, "latin1"))) {
      expect(heads(pieces)).toEqual({
        heads: [
          {
            status: 404,
            reason: "Not Found",
            version: "1.1",
            fields: [
              ["A", "1"],
              ["set-Cookie", "x=\xe9"],
              ["A", "2"],
              ["Empty", ""],
            ],
          },
        ],
        rest: "body\r\n\r\n",
      });
    }
  });

  it("gives the answers before the answer, each by itself", () => {
    const sent = `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.0 204\r\n\r\nx`;
    for (const pieces of everyCut(Buffer.from(sent))) {
      const found = heads(pieces);
      expect(found.heads.map(({ status, version }) => `${version} ${status}`)).toEqual([
        "1.1 100",
        "1.1 103",
        "1.0 204",
      ]);
      expect(found.rest).toBe("x");
    }
  });

  it("takes a folded header for one line (RFC 9112, 5.2)", () => {
    const sent = `${OK}A: one\r\n two \r\n\t three\r\nB:\r\n  b\r\n \r\nC: c\r\n\r\n`;
    for (const pieces of everyCut(Buffer.from(sent))) {
      expect(heads(pieces).heads[0]?.fields).toEqual([
        ["A", "one two three"],
        ["B", "b"],
        ["C", "c"],
      ]);
    }
    const folded = heads([Buffer.from(`${OK}Content-Length: 1\r\n 2\r\n\r\n`)]).heads[0];
    expect(() => framingOf("GET", folded ?? expect.fail())).toThrow("no number of octets");
  });

  it.each([
    ["<p>hello", "it begins with no status line"],
    ["SSH-2.0-OpenSSH_9.2\r\n", "it begins with no status line"],
    ["HTTP", "nothing"],
    ["\r\nHTTP/1.1 200 OK\r\n\r\n", "it begins with no status line"],
    ["HTTP/2 200\r\n\r\n", "a status line that cannot be read"],
    ["HTTP/1.1 20 OK\r\n\r\n", "a status line that cannot be read"],
    ["HTTP/1.1  200 OK\r\n\r\n", "a status line that cannot be read"],
    ["HTTP/1.1 2000 OK\r\n\r\n", "a status line that cannot be read"],
    ["HTTP/1.1 200 O\0K\r\n\r\n", "a status line that cannot be read"],
    ["HTTP/1.1 200 OK\n\n", "a line of the headers ends by LF alone"],
    [`${OK}A: b\n\r\n`, "a line of the headers ends by LF alone"],
    [`${OK} A: b\r\n\r\n`, "a header folded over lines"],
    [`${OK}A: b\r\n c\0\r\n\r\n`, "a control character in a header"],
    [`${OK}A : b\r\n\r\n`, "a header's name with characters that none may have"],
    [`${OK}: b\r\n\r\n`, "a header's name with characters that none may have"],
    [`${OK}A\r\n\r\n`, "a line of the headers without a colon"],
    [`${OK}A: b\rc\r\n\r\n`, "a control character in a header"],
    [`${OK}A: b\0\r\n\r\n`, "a control character in a header"],
  ])("refuses %j, however it is cut", (text, words) => {
    expect(refusal(text)).toBe(words);
  });

  it("takes a head of the most octets there may be, and not one more", () => {
    const filled = (octets: number) => {
      const frame = `${OK}A: \r\n\r\n`;
      return Buffer.from(frame.replace("A: ", `A: ${"x".repeat(octets - frame.length)}`));
    };
    for (const pieces of [[filled(MOST)], octetByOctet(filled(MOST))]) {
      expect(heads(pieces).heads).toHaveLength(1);
    }
    for (const pieces of [[filled(MOST + 1)], octetByOctet(filled(MOST + 1))]) {
      expect(() => heads(pieces)).toThrow("longer than Porthole accepts");
    }
    expect(() => heads([Buffer.from(OK), Buffer.alloc(MOST, "a")])).toThrow("longer than Porthole accepts");
    expect(() => heads([Buffer.from(`${OK}${"A: b\r\n".repeat(MOST)}`)])).toThrow(
      "longer than Porthole accepts",
    );
  });
});

describe("the framing of a body", () => {
  const answer = (fields: AnswerHead["fields"], status = 200): AnswerHead => ({
    status,
    reason: "",
    version: "1.1",
    fields,
  });
  const framing = (fields: AnswerHead["fields"], method = "GET", status = 200) => {
    try {
      const found = framingOf(method, answer(fields, status));
      return found.by === "length" ? found.octets : found.by;
    } catch (thrown) {
      return thrown instanceof Error ? thrown.message.replace("the answer is not proper HTTP: ", "") : "";
    }
  };

  it("is none for HEAD, 204 and 304, whatever the headers say", () => {
    const fields = [["Content-Length", "5"]] as const;
    expect([framing(fields, "HEAD"), framing(fields, "GET", 204), framing(fields, "GET", 304)]).toEqual([
      "nothing",
      "nothing",
      "nothing",
    ]);
  });

  it.each([
    [[["Content-Length", "5"]], 5],
    [
      [
        ["content-length", "5"],
        ["Content-Length", "5"],
      ],
      5,
    ],
    [[["Content-Length", "5, 5"]], 5],
    [
      [
        ["Content-Length", "5"],
        ["Content-Length", "6"],
      ],
      "two different Content-Lengths",
    ],
    [[["Content-Length", "5, 6"]], "two different Content-Lengths"],
    [[["Content-Length", "-5"]], "a Content-Length that is no number of octets"],
    [[["Content-Length", "+5"]], "a Content-Length that is no number of octets"],
    [[["Content-Length", "0x5"]], "a Content-Length that is no number of octets"],
    [[["Content-Length", ""]], "a Content-Length that is no number of octets"],
    [[["Content-Length", "99999999999999999999"]], "a Content-Length that is no number of octets"],
    [[["Transfer-Encoding", "Chunked"]], "chunks"],
    [
      [
        ["Transfer-Encoding", "chunked"],
        ["Content-Length", "5"],
      ],
      "both Content-Length and Transfer-Encoding",
    ],
    [[["Transfer-Encoding", "gzip, chunked"]], "a transfer coding that was not asked for: gzip, chunked"],
    [
      [
        ["Transfer-Encoding", "chunked"],
        ["Transfer-Encoding", "chunked"],
      ],
      "a transfer coding that was not asked for: chunked, chunked",
    ],
    [[], "close"],
  ] as const)("of %j is %s", (fields, expected) => {
    expect(framing(fields)).toBe(expected);
  });

  it("tells whether the connection serves again", () => {
    const kept = (fields: AnswerHead["fields"], version = "1.1") => {
      const head = { ...answer(fields), version };
      return isKept(head, framingOf("GET", head));
    };
    const length = ["Content-Length", "0"] as const;
    expect(kept([length])).toBe(true);
    expect(kept([length, ["Connection", "foo, Close"]])).toBe(false);
    expect(kept([length], "1.0")).toBe(false);
    expect(kept([length, ["Connection", "keep-alive"]], "1.0")).toBe(true);
    expect(
      kept(
        [
          ["Transfer-Encoding", "chunked"],
          ["Connection", "keep-alive"],
        ],
        "1.0",
      ),
    ).toBe(false);
    expect(kept([])).toBe(false);
  });
});

/** What is undone, the trailers, whether it ended, and what follows. */
function unchunked(pieces: readonly Buffer[]) {
  const reader = new ChunkReader();
  const body: Buffer[] = [];
  let rest = Buffer.alloc(0);
  for (const piece of pieces) {
    // The buffer is used again: what was given is no longer there.
    const reused = Buffer.from(piece);
    const iterator = reader.pieces(reused);
    let next = iterator.next();
    for (; next.done !== true; next = iterator.next()) body.push(Buffer.from(next.value));
    rest = Buffer.concat([rest, piece.subarray(next.value)]);
    reused.fill("!");
  }
  return {
    body: Buffer.concat(body).toString("latin1"),
    trailers: reader.trailers,
    ended: reader.ended,
    rest: rest.toString("latin1"),
  };
}

describe("ChunkReader", () => {
  it("undoes chunks with extensions and trailers, however they are cut, and leaves what follows", () => {
    const sent = Buffer.from(
      "5;a=b\r\nhello\r\n007 \r\n,\r\nworl\r\n1\r\nd\r\n000\r\nX-Sum: 1\r\nY:2\r\n\r\nHTTP/1.1",
    );
    for (const pieces of everyCut(sent)) {
      expect(unchunked(pieces)).toEqual({
        body: "hello,\r\nworld",
        trailers: [
          ["X-Sum", "1"],
          ["Y", "2"],
        ],
        ended: true,
        rest: "HTTP/1.1",
      });
    }
  });

  it("has not ended when the last chunk, or the end of the trailers, has not come", () => {
    for (const sent of ["5\r\nhello\r\n", "5\r\nhel", "0\r\n", "0\r\nX: 1\r\n", "0\r\n\r"]) {
      for (const pieces of everyCut(Buffer.from(sent))) expect(unchunked(pieces).ended).toBe(false);
    }
  });

  it.each([
    ["zz\r\n", "a chunk's size that is no number"],
    ["\r\n", "a chunk's size that is no number"],
    ["-1\r\n", "a chunk's size that is no number"],
    ["0x5\r\n", "a chunk's size that is no number"],
    ["5 5\r\n", "a chunk's size that is no number"],
    ["fffffffffffffff\r\n", "a chunk's size that is no number"],
    ["5\nhello\r\n", "a chunk's line ends by LF alone"],
    ["5\r\nhello!\r\n", "a chunk is longer than its size"],
    ["5\r\nhello\n", "a chunk is longer than its size"],
    [`5;${"a".repeat(5000)}\r\n`, "a chunk's size without end"],
    [`0\r\n${"A: b\r\n".repeat(20_000)}`, "trailers without end"],
    ["0\r\nA : b\r\n", "a header's name with characters that none may have"],
  ])("refuses %j, however it is cut", (text, words) => {
    const sent = Buffer.from(text);
    const cuts = sent.length > 100 ? [[sent], octetByOctet(sent)] : [...everyCut(sent)];
    for (const pieces of cuts) expect(() => unchunked(pieces)).toThrow(words);
  });

  it("undoes any body in any chunks and any cuts", () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ minLength: 1, maxLength: 50 }), { maxLength: 10 }),
        places,
        (chunks, cuts) => {
          const sent = Buffer.concat([
            ...chunks.flatMap((chunk) => [
              Buffer.from(`${chunk.length.toString(16)}\r\n`),
              chunk,
              Buffer.from("\r\n"),
            ]),
            Buffer.from("0\r\n\r\n"),
          ]);
          const found = unchunked(cutAt(sent, cuts));
          expect(found.body).toBe(Buffer.concat(chunks).toString("latin1"));
          expect(found.ended).toBe(true);
        },
      ),
    );
  });
});
