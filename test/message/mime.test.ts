import { readFileSync } from "node:fs";
import PostalMime from "postal-mime";
import { describe, expect, it } from "vitest";
import { MimeParser } from "../../src/message/mime.js";
import { openPart, partsOf } from "../../src/message/parts.js";

/** As each event would be read aloud. Octets of one part that follow each other are put together. */
function heard(pieces: readonly Buffer[]): string[] {
  const parser = new MimeParser();
  const lines: string[] = [];
  let text = "";
  const flush = () => {
    if (text !== "") lines.push(JSON.stringify(text));
    text = "";
  };
  const take = (events: ReturnType<MimeParser["feed"]>) => {
    for (const event of events) {
      if (event.kind === "octets") text += event.octets.toString("latin1");
      else {
        flush();
        lines.push(`${event.kind} ${event.part.section || "-"} ${event.part.type}`);
      }
    }
  };
  for (const piece of pieces) take(parser.feed(piece));
  take(parser.end());
  flush();
  return lines;
}

const crlf = (lines: readonly string[]) => Buffer.from(lines.join("\r\n"));

const MIXED = crlf([
  "Subject: parts",
  "Content-Type: multipart/mixed; boundary=outer",
  "",
  "the preamble is for nobody",
  "--outer",
  "Content-Type: multipart/alternative; boundary=inner",
  "",
  "--inner",
  "",
  "plain --inner",
  "-- ",
  "--innerly, but no boundary",
  "",
  "--inner",
  "Content-Type: text/html",
  "",
  "<p>html",
  "--inner--",
  "the epilogue neither",
  "--outer",
  "Content-Type: message/rfc822",
  "",
  "Subject: within",
  "Content-Type: multipart/mixed; boundary=deep",
  "",
  "--deep",
  "Content-Type: image/png",
  "Content-Transfer-Encoding: base64",
  "",
  "iVBORw0KGgo=",
  "--deep--",
  "--outer  ",
  "Content-Type: application/octet-stream",
  "Content-Disposition: attachment; filename=../../.bashrc",
  "",
  "",
  "--outer--",
  "",
]);

const HEARD = [
  "begin - multipart/mixed",
  "begin 1 multipart/alternative",
  "begin 1.1 text/plain",
  JSON.stringify("plain --inner\r\n-- \r\n--innerly, but no boundary\r\n"),
  "end 1.1 text/plain",
  "begin 1.2 text/html",
  JSON.stringify("<p>html"),
  "end 1.2 text/html",
  "end 1 multipart/alternative",
  "begin 2 message/rfc822",
  "begin 2 multipart/mixed",
  "begin 2.1 image/png",
  JSON.stringify("iVBORw0KGgo="),
  "end 2.1 image/png",
  "end 2 multipart/mixed",
  "end 2 message/rfc822",
  "begin 3 application/octet-stream",
  "end 3 application/octet-stream",
  "end - multipart/mixed",
];

describe("the structure of a message", () => {
  it("is heard part by part, numbered as IMAP does", () => {
    expect(heard([MIXED])).toEqual(HEARD);
  });

  it("is the same cut at every octet", () => {
    for (let cut = 0; cut <= MIXED.length; cut++) {
      expect(heard([MIXED.subarray(0, cut), MIXED.subarray(cut)]), `cut at ${cut}`).toEqual(HEARD);
    }
  });

  it("is the same octet by octet", () => {
    expect(heard(Array.from(MIXED, (octet) => Buffer.from([octet])))).toEqual(HEARD);
  });

  it("may end lines with LF alone", () => {
    const lf = Buffer.from(MIXED.toString().replaceAll("\r\n", "\n"));
    expect(heard([lf])).toEqual(HEARD.map((line) => line.replaceAll("\\r\\n", "\\n")));
  });

  it("of a plain message is its text, octet for octet", () => {
    const text = "one\r\n\r\n--two\r\nthree";
    expect(heard([Buffer.from(`Subject: x\r\n\r\n${text}`)])).toEqual([
      "begin 1 text/plain",
      JSON.stringify(text),
      "end 1 text/plain",
    ]);
  });

  it.each([
    ["nothing at all", "", ["begin 1 text/plain", "end 1 text/plain"]],
    ["a header alone", "Subject: x", ["begin 1 text/plain", "end 1 text/plain"]],
    [
      "a multipart without its boundary",
      "Content-Type: multipart/mixed\n\nx",
      ["begin 1 multipart/mixed", '"x"', "end 1 multipart/mixed"],
    ],
    [
      "a multipart that is cut off",
      "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nhalf",
      [
        "begin - multipart/mixed",
        "begin 1 text/plain",
        '"half"',
        "end 1 text/plain",
        "end - multipart/mixed",
      ],
    ],
    [
      "a header that a boundary cuts off",
      "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/html\n--b--\n",
      ["begin - multipart/mixed", "begin 1 text/html", "end 1 text/html", "end - multipart/mixed"],
    ],
  ])("of %s", (_name, message, lines) => {
    expect(heard([Buffer.from(message)])).toEqual(lines);
  });

  it("is followed 100 deep", () => {
    const depth = 100;
    const open = Array.from(
      { length: depth },
      (_, at) => `Content-Type: multipart/mixed; boundary=b${at}\n\n--b${at}\n`,
    );
    const close = Array.from({ length: depth }, (_, at) => `\n--b${depth - 1 - at}--`);
    const lines = heard([Buffer.from(`${open.join("")}\nat the bottom${close.join("")}\n`)]);
    expect(lines).toContain('"at the bottom"');
    expect(lines.filter((line) => line.startsWith("begin"))).toHaveLength(depth + 1);
  });

  it("10,000 deep costs neither stack nor much time", () => {
    const open = Array.from(
      { length: 10_000 },
      (_, at) => `Content-Type: multipart/mixed; boundary=b${at}\n\n--b${at}\n`,
    );
    const begun = performance.now();
    const lines = heard([Buffer.from(open.join(""))]);
    expect(performance.now() - begun).toBeLessThan(3000);
    expect(lines.filter((line) => line.startsWith("begin")).length).toBeLessThan(200);
  });

  it("with a line of 10 MB in header and body stays small and quick", () => {
    const long = "x".repeat(10 * 1024 * 1024);
    const message = Buffer.from(
      `X-Long: ${long}\nSubject: y\nContent-Type: multipart/mixed; boundary=b\n\n${long}\n--b\n\n${long}`,
    );
    const parser = new MimeParser();
    let octets = 0;
    const begun = performance.now();
    for (let at = 0; at < message.length; at += 65_536) {
      for (const event of parser.feed(message.subarray(at, at + 65_536)))
        if (event.kind === "octets") octets += event.octets.length;
    }
    for (const event of parser.end()) if (event.kind === "octets") octets += event.octets.length;
    expect(performance.now() - begun).toBeLessThan(3000);
    // The header was too long to be read to its type: the message is one plain part.
    expect(octets).toBeGreaterThan(20 * 1024 * 1024);
  });
});

describe("the parts of a message", () => {
  it("are told with safe names and decoded sizes", async () => {
    const found = [];
    for await (const part of partsOf(piecesOf(MIXED, 7))) found.push(part);
    expect(found).toEqual([
      {
        section: "1.1",
        type: "text/plain",
        charset: undefined,
        filename: "part-1.1.txt",
        attached: false,
        size: 48,
      },
      {
        section: "1.2",
        type: "text/html",
        charset: undefined,
        filename: "part-1.2.html",
        attached: false,
        size: 7,
      },
      {
        section: "2.1",
        type: "image/png",
        charset: undefined,
        filename: "part-2.1.png",
        attached: true,
        size: 8,
      },
      {
        section: "3",
        type: "application/octet-stream",
        charset: undefined,
        filename: "_bashrc",
        attached: true,
        size: 0,
      },
    ]);
  });

  it("are opened by number, decoded", async () => {
    const part = await openPart(piecesOf(MIXED, 11), "2.1");
    expect(part).toMatchObject({ type: "image/png", filename: "part-2.1.png" });
    expect((await gathered(part.octets)).toString("latin1")).toBe("\x89PNG\r\n\x1a\n");
  });

  it("may be a whole message", async () => {
    const part = await openPart(piecesOf(MIXED, 13), "2");
    const text = (await gathered(part.octets)).toString();
    expect(text.startsWith("Subject: within\r\n")).toBe(true);
    expect(text.endsWith("--deep--")).toBe(true);
  });

  it("are missing when there is none of that number", async () => {
    await expect(openPart(piecesOf(MIXED, 100), "4")).rejects.toMatchObject({ code: "missing", exit: 8 });
  });

  it("leave the message when they are left", async () => {
    let left = false;
    const source = async function* () {
      try {
        for (;;) yield MIXED;
      } finally {
        left = true;
      }
    };
    const part = await openPart(source(), "1.2");
    await part.leave();
    expect(left).toBe(true);
  });

  it("have what an independent reader finds", async () => {
    const image = readFileSync(process.execPath).subarray(0, 200_000);
    const message = crlf([
      "From: a@b",
      'Content-Type: multipart/mixed; boundary="==x=="',
      "",
      "--==x==",
      "Content-Type: text/plain; charset=iso-8859-1",
      "Content-Transfer-Encoding: quoted-printable",
      "",
      "Gr=FC=DFe, a line that is =",
      "joined and blanks at the end   ",
      "=46rom here",
      "--==x==",
      "Content-Type: application/x-program; name=node",
      "Content-Transfer-Encoding: base64",
      "Content-Disposition: attachment",
      "",
      (image.toString("base64").match(/.{1,76}/g) ?? []).join("\r\n"),
      "--==x==--",
      "",
    ]);
    const parsed = await PostalMime.parse(message);
    const program = await openPart(piecesOf(message, 4096), "2");
    expect((await gathered(program.octets)).equals(image)).toBe(true);
    const [attachment] = parsed.attachments;
    const content = attachment?.content instanceof ArrayBuffer ? new Uint8Array(attachment.content) : [];
    expect(Buffer.from(content).equals(image)).toBe(true);
    const text = await openPart(piecesOf(message, 3), "1");
    expect((await gathered(text.octets)).toString("latin1")).toBe(
      "Gr\xfc\xdfe, a line that is joined and blanks at the end\r\nFrom here",
    );
    // postal-mime keeps the blanks at a line's end, which RFC 2045, 6.7 (3) has taken away.
    expect(parsed.text?.trim().replace(/ *\r?\n/g, "\n")).toBe(
      "Grüße, a line that is joined and blanks at the end\nFrom here",
    );
  });
});

async function* piecesOf(message: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < message.length; at += size) yield message.subarray(at, at + size);
}

async function gathered(octets: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces = [];
  for await (const piece of octets) pieces.push(Buffer.from(piece));
  return Buffer.concat(pieces);
}
