import { describe, expect, it } from "vitest";
import { type RenderedLine, renderMessage } from "../../src/message/render.js";

async function rendered(message: string | Buffer, columns = 60): Promise<RenderedLine[]> {
  const octets = Buffer.from(message);
  const body = (async function* () {
    for (let at = 0; at < octets.length; at += 1000) yield octets.subarray(at, at + 1000);
  })();
  const lines = [];
  for await (const line of renderMessage({ body }, columns)) lines.push(line);
  return lines;
}

const textOf = (lines: readonly RenderedLine[]) => lines.map(({ text }) => text);

describe("a message on a screen", () => {
  it("has the fields that matter, decoded and harmless, then its text", async () => {
    const lines = await rendered(
      [
        "Received: from a by b",
        "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe=1B[31m?=",
        "X-Mailer: nobody asks",
        "From: =?utf-8?b?w4Rubg==?= <ann@example.org>",
        "To: a@example.org",
        "Date: Thu, 1 Jan 2026 12:00:00 +0000",
        "",
        "Hello\x07",
        "",
      ].join("\r\n"),
    );
    expect(lines).toEqual([
      { style: "field", depth: 0, text: "From: Änn <ann@example.org>" },
      { style: "field", depth: 0, text: "To: a@example.org" },
      { style: "field", depth: 0, text: "Date: Thu, 1 Jan 2026 12:00:00 +0000" },
      { style: "field", depth: 0, text: "Subject: Grüße\\x1b[31m" },
      { style: "text", depth: 0, text: "" },
      { style: "text", depth: 0, text: "Hello\\x07" },
    ]);
  });

  it("marks quotes by their depth, and the signature", async () => {
    const lines = await rendered("Subject: x\n\n> one\n>> two\n> > two\nmine\n-- \nAnn\n");
    expect(lines.slice(2)).toEqual([
      { style: "quote", depth: 1, text: "> one" },
      { style: "quote", depth: 2, text: ">> two" },
      { style: "quote", depth: 2, text: ">> two" },
      { style: "text", depth: 0, text: "mine" },
      { style: "signature", depth: 0, text: "--" },
      { style: "signature", depth: 0, text: "Ann" },
    ]);
  });

  it("puts flowed lines together and wraps them (RFC 3676)", async () => {
    const head = "Content-Type: text/plain; format=flowed; delsp=no\n\n";
    const lines = await rendered(`${head}one two \nthree\n> quoted \n> words\n From here\n`, 60);
    expect(textOf(lines).slice(1)).toEqual(["one two three", "> quoted words", "From here"]);
    const wrapped = await rendered(`${head}> ${"word ".repeat(20)}\n`, 30);
    expect(wrapped.slice(1).every(({ text, style }) => text.startsWith("> word") && style === "quote")).toBe(
      true,
    );
    expect(Math.max(...textOf(wrapped).map(({ length }) => length))).toBeLessThanOrEqual(30);
  });

  it("shows the plain one of alternatives, or HTML as text when the plain one is blank", async () => {
    const alternatives = (plain: string) =>
      [
        "Content-Type: multipart/alternative; boundary=b",
        "",
        "--b",
        "Content-Type: text/plain",
        "",
        plain,
        "--b",
        "Content-Type: text/html; charset=utf-8",
        "",
        '<p>Hällo <a href="https://example.org/x">there</a></p>',
        "--b--",
      ].join("\n");
    expect(textOf(await rendered(alternatives("plain")))).toEqual(["", "plain"]);
    expect(textOf(await rendered(alternatives("  ")))).toEqual([
      "",
      "Hällo there[1]",
      "",
      "[1] https://example.org/x",
    ]);
  });

  it("lists what is attached, by number, with safe names and sizes", async () => {
    const lines = await rendered(
      [
        "Content-Type: multipart/mixed; boundary=b",
        "",
        "--b",
        "",
        "see below",
        "--b",
        "Content-Type: application/pdf",
        "Content-Transfer-Encoding: base64",
        'Content-Disposition: attachment; filename="../../.bashrc"',
        "",
        Buffer.alloc(3000).toString("base64"),
        "--b",
        "Content-Type: message/rfc822",
        "",
        "Subject: forwarded",
        "",
        "its text",
        "--b",
        "Content-Type: text/plain",
        "Content-Disposition: attachment; filename=notes.txt",
        "",
        "notes",
        "--b--",
      ].join("\n"),
    );
    expect(lines).toEqual([
      { style: "text", depth: 0, text: "" },
      { style: "text", depth: 0, text: "see below" },
      { style: "note", depth: 0, text: "" },
      { style: "attachment", depth: 0, text: "[2] _bashrc  application/pdf  2.9K" },
      { style: "attachment", depth: 0, text: "[3] part-3.eml  message/rfc822  forwarded" },
      { style: "attachment", depth: 0, text: "[4] notes.txt  text/plain  5" },
    ]);
  });

  it.each([
    ["charset=iso-8859-1", Buffer.from([0x47, 0x72, 0xfc])],
    ["charset=us-ascii", Buffer.from("Grü")],
    ["charset=nonsense", Buffer.from("Grü")],
  ])("reads %s", async (charset, text) => {
    const head = Buffer.from(`Content-Type: text/plain; ${charset}\n\n`);
    expect(textOf(await rendered(Buffer.concat([head, text])))).toEqual(["", "Grü"]);
  });

  it("shows the beginning of a text that has no end, and says so", async () => {
    const lines = await rendered(
      Buffer.concat([Buffer.from("Subject: x\n\n"), Buffer.alloc(10 * 1024 * 1024, "word ")]),
      80,
    );
    expect(lines.at(-1)).toMatchObject({
      style: "note",
      text: "(the text is longer; only its first part is shown)",
    });
    expect(lines.length).toBeLessThan(70_000);
    expect(Math.max(...textOf(lines).map(({ length }) => length))).toBeLessThanOrEqual(80);
  });

  it("takes one line of 10 MB without a blank", async () => {
    const begun = performance.now();
    const lines = await rendered(
      Buffer.concat([Buffer.from("Subject: x\n\n"), Buffer.alloc(10 * 1024 * 1024, "x")]),
      80,
    );
    expect(lines.length).toBeGreaterThan(1000);
    expect(performance.now() - begun).toBeLessThan(15_000);
  });
});

describe("what programs write for people", () => {
  const mail = (type: string, ...body: readonly string[]) =>
    ["Subject: x", `Content-Type: ${type}`, "", ...body, ""].join("\r\n");

  it("tells an invitation in words (RFC 5545)", async () => {
    const lines = await rendered(
      mail(
        "multipart/alternative; boundary=b",
        "--b",
        "Content-Type: text/plain",
        "",
        "Please come.",
        "--b",
        "Content-Type: text/calendar; method=REQUEST; charset=utf-8",
        "",
        "BEGIN:VCALENDAR",
        "METHOD:REQUEST",
        "BEGIN:VTIMEZONE",
        "DTSTART:19700101T000000",
        "END:VTIMEZONE",
        "BEGIN:VEVENT",
        "SUMMARY:Harbour watch\\, night",
        "DTSTART;TZID=Europe/Berlin:20261102T220000",
        "DTEND;TZID=Europe/Berlin:20261103T040000",
        "LOCATION:The long",
        " pier",
        'ORGANIZER;CN="Keeper: the first":mailto:keeper@x.example',
        "ATTENDEE;PARTSTAT=ACCEPTED;CN=Ann:mailto:ann@x.example",
        "DESCRIPTION:Bring tea.\\nAnd \u001b[31mmilk.",
        "BEGIN:VALARM",
        "DESCRIPTION:not this",
        "END:VALARM",
        "END:VEVENT",
        "END:VCALENDAR",
        "--b--",
      ),
    );
    expect(textOf(lines).slice(2)).toEqual([
      "Invitation",
      "What: Harbour watch, night",
      "When: 2026-11-02 22:00 (Europe/Berlin) to 2026-11-03 04:00",
      "(Europe/Berlin)",
      "Where: The longpier",
      "From: Keeper: the first <keeper@x.example>",
      "With: Ann <ann@x.example> (comes)",
      "",
      "Bring tea.",
      "And \\x1b[31mmilk.",
      "",
      "Please come.",
    ]);
  });

  it("tells what became of a mail (RFC 3464)", async () => {
    const lines = await rendered(
      mail(
        "multipart/report; report-type=delivery-status; boundary=b",
        "--b",
        "Content-Type: text/plain",
        "",
        "It failed.",
        "--b",
        "Content-Type: message/delivery-status",
        "",
        "Reporting-MTA: dns; mail.x.example",
        "",
        "Final-Recipient: rfc822; bob@y.example",
        "Action: failed",
        "Status: 5.1.1",
        "Diagnostic-Code: smtp; 550 no such user",
        "",
        "Original-Recipient: rfc822; eve@y.example",
        "Final-Recipient: rfc822; eve@z.example",
        "Action: delayed",
        "Status: 4.4.1",
        "--b",
        "Content-Type: message/rfc822",
        "",
        "Subject: the mail",
        "",
        "text",
        "--b--",
      ),
    );
    expect(textOf(lines).slice(2)).toEqual([
      "It failed.",
      "",
      "bob@y.example was not delivered (5.1.1)",
      "    550 no such user",
      "eve@y.example is delayed (4.4.1)",
      "Reported by mail.x.example",
      "",
      "[3] part-3.eml  message/rfc822  the mail",
    ]);
  });

  it.each([
    ["multipart/signed", "(signed; the signature is not verified)"],
    ["multipart/encrypted", "(encrypted; it is not decrypted)"],
  ])("names %s", async (type, note) => {
    const lines = await rendered(
      mail(
        `${type}; boundary=b`,
        "--b",
        "",
        "Hello",
        "--b",
        "Content-Type: application/octet-stream",
        "",
        "x",
        "--b--",
      ),
    );
    expect(lines).toContainEqual({ style: "note", depth: 0, text: note });
  });
});
