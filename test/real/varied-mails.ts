/** Mails of all kinds, each with octets of its own: what a mailbox of many years holds, and what breaks careless readers. */
import { createHash } from "node:crypto";

const CRLF = "\r\n";
const LATIN1 = Buffer.from("K\xfcste, \xa7 3", "latin1");
const KOI8 = Buffer.from([0xf0, 0xd2, 0xc9, 0xd7, 0xc5, 0xd4]);
const GB18030 = Buffer.from([0xc4, 0xe3, 0xba, 0xc3]);
const SHIFT = "\x1b$B$3$s$K$A$O\x1b(B";

/** @param at tells it from all others */
export function variedMail(at: number): Buffer {
  const noise = noiseOf(at);
  const kind = KINDS[at % KINDS.length] ?? plain;
  const { header, body } = kind(at, noise);
  return Buffer.concat([
    Buffer.from(
      [
        `From: Mail ${at} <m${at}@x.example>`,
        `Subject: number ${at}`,
        // Some have none, and two in forty have the same: a mail and the copy that a list sent of it.
        // Of two subjects servers tell the one or the other: such a mail is known by its Message-ID alone.
        ...(at % 7 === 3 && kind !== TWO_SUBJECTS
          ? []
          : [`Message-ID: <${at % 40 === 1 ? at - 1 : at}@x.example>`]),
        `Date: Mon, 2 Nov 2026 08:00:${String(at % 60).padStart(2, "0")} +0000`,
        ...header,
        "",
        "",
      ].join(CRLF),
    ),
    ...body,
  ]);
}

interface Kind {
  readonly header: readonly string[];
  readonly body: readonly Buffer[];
}

function text(...lines: readonly string[]): Buffer {
  return Buffer.from(lines.map((line) => `${line}${CRLF}`).join(""));
}

function noiseOf(at: number): Buffer {
  return createHash("sha256").update(String(at)).digest();
}

function plain(at: number): Kind {
  return { header: [], body: [text(`This is mail ${at}.`, "It has two lines.")] };
}

const TWO_SUBJECTS = (): Kind => ({
  header: ["Subject: =?utf-8?q?K=C3=BCste?=", "X-Raw: Küste"],
  body: [text("ünïcödé ✓")],
});

const KINDS: readonly ((at: number, noise: Buffer) => Kind)[] = [
  plain,
  // What ends or begins things in POP3 and IMAP.
  () => ({
    header: [],
    body: [text(".", "..", ".x", "", ".", ")", "A1 OK done", "* BYE", "{5}", "-ERR", "+OK")],
  }),
  // Charsets, declared and not.
  (_, noise) => ({
    header: ["Content-Type: text/plain; charset=iso-8859-1", "Content-Transfer-Encoding: 8bit"],
    body: [LATIN1, text(""), Buffer.from(noise.map((octet) => octet | 0x80)), text("")],
  }),
  () => ({ header: ["Content-Type: text/plain; charset=koi8-r"], body: [KOI8, text("")] }),
  () => ({ header: ["Content-Type: text/plain; charset=gb18030"], body: [GB18030, text("")] }),
  () => ({ header: ["Content-Type: text/plain; charset=iso-2022-jp"], body: [text(SHIFT)] }),
  TWO_SUBJECTS,
  // No last line end, and nothing at all.
  (at) => ({ header: [], body: [Buffer.from(`no last line end ${at}`)] }),
  () => ({ header: [], body: [] }),
  () => ({ header: [], body: [text("", "", "")] }),
  // Long lines.
  (at) => ({ header: [], body: [text("a long line ".repeat(80 + (at % 700)), "short")] }),
  (at) => ({ header: [`X-Long: ${"word ".repeat(at % 400)}end`], body: [text("x")] }),
  // Attachments, and parts within parts.
  (at, noise) => ({
    header: ["MIME-Version: 1.0", `Content-Type: multipart/mixed; boundary="b${at}"`],
    body: [
      text(`--b${at}`, "Content-Type: text/plain", "", "see attached", `--b${at}`),
      text('Content-Type: image/png; name="../../.bashrc"', "Content-Transfer-Encoding: base64", ""),
      text(...Array.from({ length: at % 60 }, () => noise.toString("base64"))),
      text(`--b${at}--`),
    ],
  }),
  (at) => ({
    header: ["MIME-Version: 1.0", `Content-Type: multipart/mixed; boundary="n0-${at}"`],
    body: [nested(at, 0, at % 40)],
  }),
  (at) => ({
    header: ["Content-Type: message/rfc822"],
    body: [variedMail(at + 1_000_003), text("")],
  }),
  // Lone carriage returns, tabs and spaces at line ends.
  () => ({ header: [], body: [text("a\rb", "trailing \t ", "\t", " ")] }),
];

function nested(at: number, depth: number, deepest: number): Buffer {
  const mark = `n${depth}-${at}`;
  const inner =
    depth === deepest
      ? text("Content-Type: text/html", "", "<p>innermost</p>")
      : Buffer.concat([
          text(`Content-Type: multipart/mixed; boundary="n${depth + 1}-${at}"`, ""),
          nested(at, depth + 1, deepest),
        ]);
  return Buffer.concat([text(`--${mark}`), inner, text(`--${mark}--`)]);
}
