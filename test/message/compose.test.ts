import { generateKeyPairSync } from "node:crypto";
import { Readable } from "node:stream";
import { buffer, text } from "node:stream/consumers";
import fc from "fast-check";
import PostalMime from "postal-mime";
import { describe, expect, it } from "vitest";
import { type Attachment, compose, type Mail } from "../../src/message/compose.js";

const ANN: Mail = { from: "ann@x.example", to: ["bob@y.example"], subject: "Hi", text: "Hello\n" };

async function composed(mail: Partial<Mail>): Promise<string> {
  return text((await compose({ ...ANN, ...mail })).raw());
}

function attachment(filename: string, octets: Buffer, more: Partial<Attachment> = {}): Attachment {
  return {
    filename,
    size: octets.length,
    open: () => Readable.from([octets], { objectMode: false }),
    ...more,
  };
}

/** The header's fields, unfolded, as they stand in the message. */
function fieldsOf(raw: string): Map<string, string> {
  const [header = ""] = raw.split("\r\n\r\n", 1);
  const lines = header.replace(/\r\n(?=[ \t])/g, "").split("\r\n");
  return new Map(
    lines.map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1).trim()]),
  );
}

async function failure(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => "no failure",
    (thrown: unknown) => thrown,
  );
}

function withoutNothing<T extends object>(parts: T): Partial<Mail> {
  return Object.fromEntries(Object.entries(parts).filter(([, value]) => value !== undefined));
}

describe("a mail", () => {
  it.each([
    ["beside a text", { text: "Hello\n" }],
    ["beside another subject", { text: "Hello\n", subject: "Hi" }],
    ["of a test mail", { text: undefined }],
    ["beside an attachment", { attachments: [attachment("a.bin", Buffer.from("a"))] }],
  ] as const)("has the subject that is given as a header, %s", async (_, parts) => {
    const { subject: _subject, text: _text, ...who } = ANN;
    const mail = await compose({
      ...who,
      ...withoutNothing(parts),
      headers: [{ name: "Subject", value: "own" }],
    });
    const raw = await text(mail.raw());
    expect(raw.match(/^Subject:.*$/gim)).toEqual(["Subject: own"]);
  });

  it("has who, to whom, when, which, and its text", async () => {
    const before = Date.now() - 1000;
    const raw = await composed({
      from: '"Bee, Ann" <ann@x.example>',
      to: ["Bob <bob@y.example>", "c@z.example"],
    });
    const fields = fieldsOf(raw);
    expect([...fields.keys()].sort()).toEqual([
      "Content-Transfer-Encoding",
      "Content-Type",
      "Date",
      "From",
      "MIME-Version",
      "Message-ID",
      "Subject",
      "To",
    ]);
    expect(fields.get("From")).toBe('"Bee, Ann" <ann@x.example>');
    expect(fields.get("To")).toBe("Bob <bob@y.example>, c@z.example");
    expect(Date.parse(fields.get("Date") ?? "")).toBeGreaterThan(before);
    expect(fields.get("Message-ID")).toMatch(/^<[0-9a-f-]{36}@x\.example>$/);
    expect(raw).toMatch(/\r\n\r\nHello\r\n$/);
    expect(raw.replaceAll("\r\n", "")).not.toMatch(/[\r\n]/);
  });

  it("is recognised as a test when there is nothing to say", async () => {
    const { envelope, raw } = await compose({ from: "me@x.example", to: ["me@here"] });
    expect(envelope).toEqual({ from: "me@x.example", to: ["me@here"] });
    const sent = await text(raw());
    expect(fieldsOf(sent).get("Subject")).toBe("Porthole test mail");
    expect(sent).toMatch(
      /\r\n\r\nThis is a test mail\.\r\n\r\nIt was made by Porthole \(porthole send\) on .* GMT\.\r\n$/,
    );
  });

  it("may have a subject of its own as a test", async () => {
    const sent = await text(
      (await compose({ from: "me@x.example", to: ["me@here"], subject: "ping" })).raw(),
    );
    expect(fieldsOf(sent).get("Subject")).toBe("ping");
    expect(sent).toContain("This is a test mail.");
  });

  it("is read back as it was meant, beyond ASCII too", async () => {
    const raw = await composed({
      from: "Jürgen <j@x.example>",
      subject: "Grüße aus dem Hafen 🚢",
      text: "Moin,\n.\nFrom here\n=20 ist nicht\tzwanzig\n",
      html: "<p>Möwe</p>",
      attachments: [attachment("Übersicht.txt", Buffer.from([0, 1, 2, 0xff]))],
    });
    const read = await PostalMime.parse(raw);
    expect(read.from).toMatchObject({ name: "Jürgen", address: "j@x.example" });
    expect(read.subject).toBe("Grüße aus dem Hafen 🚢");
    expect(read.text?.trimEnd()).toBe("Moin,\n.\nFrom here\n=20 ist nicht\tzwanzig");
    expect(read.html?.trimEnd()).toBe("<p>Möwe</p>");
    expect(read.attachments[0]).toMatchObject({ filename: "Übersicht.txt", mimeType: "text/plain" });
    expect(raw).toMatch(/^[\x00-\x7f]*$/);
  });

  it("says the blind copies' addresses to the server alone", async () => {
    const mail = await compose({
      ...ANN,
      cc: ["c@z.example"],
      bcc: ["secret@z.example", "BOB@y.example", "bob@Y.example"],
    });
    expect(mail.envelope.to).toEqual(["bob@y.example", "c@z.example", "secret@z.example", "BOB@y.example"]);
    const raw = await text(mail.raw());
    expect(fieldsOf(raw).get("Cc")).toBe("c@z.example");
    expect(raw).not.toMatch(/secret|bcc/i);
  });

  it.each(["Hello\n", "Hello", "a\r\nb\n\n", "", "\n", ".\n..\nFrom x\n", "x".repeat(76), "\t \x7e\n"])(
    "makes of one text in ASCII what the package makes of it: %j",
    async (text) => {
      const given: Mail = {
        ...ANN,
        text,
        subject: "Grüße, und ein langer Betreff, der gefaltet wird, weil er nicht auf eine Zeile geht",
        headers: [
          { name: "Message-ID", value: "<1@x.example>" },
          { name: "Date", value: "Mon, 04 Mar 2024 18:05:00 +0000" },
        ],
      };
      const own = await compose(given);
      // Signed mails go the package's whole way.
      const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 1024 });
      const pem = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
      const signed = await compose({
        ...given,
        dkim: { domain: "x.example", selector: "s", privateKey: pem },
      });
      const octets = (await buffer(signed.raw())).toString("latin1");
      expect(octets.replace(/^DKIM-Signature:.*?\r\n(?![ \t])/s, "")).toBe(
        (await buffer(own.raw())).toString("latin1"),
      );
    },
  );

  it("attaches a mail as a file like any other: the package would show it within the text", async () => {
    const inner = Buffer.from("From: b@y.example\r\nSubject: inner\r\n\r\nHello\r\n");
    const mail = await compose({ ...ANN, attachments: [attachment("inner.eml", inner)] });
    const octets = await buffer(mail.raw());
    if (mail.size !== undefined) expect(octets.length).toBe(mail.size);
    const raw = octets.toString();
    expect(raw).toContain("Content-Disposition: attachment; filename=inner.eml\r\n");
    expect(raw).toContain("Subject: inner\r\n\r\nHello\r\n");
  });

  it("can be taken more than once, and is the same", async () => {
    const mail = await compose({
      ...ANN,
      html: "<p>x</p>",
      attachments: [attachment("a.bin", Buffer.alloc(1000, 7))],
    });
    const first = await text(mail.raw());
    expect(await text(mail.raw())).toBe(first);
    expect(first).toContain(mail.messageId);
  });

  it("names its Message-ID after the sender's domain, or a recipient's, never this machine", async () => {
    expect((await compose({ ...ANN, from: "root" })).messageId).toMatch(/@y\.example>$/);
    expect((await compose({ from: "root", to: ["bob"] })).messageId).toMatch(/@localhost>$/);
    expect((await compose({ ...ANN, from: "a@bücher.example" })).messageId).toMatch(
      /@xn--bcher-kva\.example>$/,
    );
  });
});

describe("size", () => {
  it("is known before anything is read, to the octet", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 3 }),
        fc.string({ maxLength: 200 }),
        async (sizes, words) => {
          const attachments = sizes.map((size, at) => attachment(`a${at}.bin`, Buffer.alloc(size, 1)));
          const mail = await compose({ ...ANN, text: words, attachments });
          expect(mail.size).toBe((await buffer(mail.raw())).length);
        },
      ),
      { numRuns: 150 },
    );
  });

  it("is that of an empty file alone, too", async () => {
    const mail = await compose({ ...ANN, text: "", attachments: [attachment("a.bin", Buffer.alloc(0))] });
    expect(mail.size).toBe((await buffer(mail.raw())).length);
  });

  it("is unknown when an attachment's is", async () => {
    const pipe = { filename: "a.bin", open: () => Readable.from([Buffer.from("x")]) };
    expect((await compose({ ...ANN, attachments: [pipe] })).size).toBeUndefined();
  });

  it("of a message within the mail is not foreseen, for it goes out as it is, in eight bits", async () => {
    const inner = Buffer.from("Subject: Häfen\n\nGrüße\n");
    const mail = await compose({ ...ANN, attachments: [attachment("old.eml", inner)] });
    expect(mail).toMatchObject({ eightBit: true });
    expect(mail.size).toBeUndefined();
    expect(await text(mail.raw())).toContain("Subject: Häfen\n\nGrüße\n");
    expect(await compose(ANN)).toMatchObject({ eightBit: false });
  });
});

describe("attachments", () => {
  it("are opened when their turn comes, and not at all when the mail is not taken", async () => {
    let opened = 0;
    const counted = {
      filename: "a.bin",
      size: 3,
      open: () => {
        opened += 1;
        return Readable.from([Buffer.from("abc")]);
      },
    };
    const mail = await compose({ ...ANN, attachments: [counted] });
    const unwanted = mail.raw();
    unwanted.destroy();
    expect(opened).toBe(0);
    await buffer(mail.raw());
    expect(opened).toBe(1);
  });

  it("are read as fast as the mail is taken", async () => {
    let given = 0;
    const endless = {
      filename: "a.bin",
      open: () =>
        Readable.from(
          (function* () {
            for (;;) {
              given += 65_536;
              yield Buffer.alloc(65_536);
            }
          })(),
          { objectMode: false },
        ),
    };
    const raw = (await compose({ ...ANN, attachments: [endless] })).raw();
    let taken = 0;
    for await (const chunk of raw) {
      taken += Buffer.isBuffer(chunk) ? chunk.length : 0;
      if (taken > 1_000_000) break;
    }
    expect(given).toBeLessThan(2_000_000);
    expect(raw.destroyed).toBe(true);
  });

  it("that cannot be read end the mail with their error", async () => {
    const broken = {
      filename: "a.bin",
      size: 10,
      open: () =>
        Readable.from(
          (async function* () {
            yield Buffer.from("abc");
            throw new Error("the disk is on fire");
          })(),
        ),
    };
    const { raw } = await compose({ ...ANN, attachments: [broken] });
    expect(String(await failure(buffer(raw())))).toContain("the disk is on fire");
  });

  it("are never fetched by their names", async () => {
    const raw = await composed({ attachments: [attachment("/etc/passwd", Buffer.from("harmless"))] });
    const read = await PostalMime.parse(raw);
    const [only] = read.attachments;
    expect(only?.content instanceof ArrayBuffer ? Buffer.from(only.content).toString() : "").toBe("harmless");
  });

  it("have the type that they are given", async () => {
    const octets = Buffer.from("<svg/>");
    expect(await composed({ attachments: [attachment("a", octets, { type: "image/svg+xml" })] })).toContain(
      "Content-Type: image/svg+xml; name=a",
    );
  });
});

describe("headers of one's own", () => {
  it("are spelled as they were given", async () => {
    const raw = await composed({
      headers: [
        { name: "X-iPhone-ID", value: " seven" },
        { name: "Reply-To", value: "Office <office@x.example>" },
        { name: "In-Reply-To", value: "<0@y.example>" },
      ],
    });
    expect(raw).toContain("X-iPhone-ID: seven\r\n");
    expect(raw).toContain("Reply-To: Office <office@x.example>\r\n");
    expect(raw).toContain("In-Reply-To: <0@y.example>\r\n");
  });

  it("may say who and when, whatever the envelope says", async () => {
    const { envelope, messageId, raw } = await compose({
      ...ANN,
      headers: [
        { name: "From", value: "Boss <boss@x.example>" },
        { name: "To", value: "undisclosed-recipients:;" },
        { name: "Date", value: "Thu, 01 Jan 1970 00:00:00 +0000" },
        { name: "Message-ID", value: "<own@x.example>" },
      ],
    });
    expect(envelope).toEqual({ from: "ann@x.example", to: ["bob@y.example"] });
    expect(messageId).toBe("<own@x.example>");
    const sent = await text(raw());
    expect(sent.match(/^(?:From|To|Date|Message-ID): .*$/gim)).toEqual([
      "From: Boss <boss@x.example>",
      'To: "undisclosed-recipients":;',
      "Date: Thu, 01 Jan 1970 00:00:00 +0000",
      "Message-ID: <own@x.example>",
    ]);
  });

  it.each([
    ["Bcc", "secret@z.example"],
    ["bcc", "secret@z.example"],
    ["Resent-Bcc", "secret@z.example"],
    ["Content-Type", "text/html"],
    ["MIME-Version", "1.0"],
    ["X-Bad Name", "x"],
    ["X-Bad:Name", "x"],
    ["", "x"],
    ["X-A", "x\r\nBcc: secret@z.example"],
    ["X-A", "x\nBcc: secret@z.example"],
    ["X-A", "x\rBcc: secret@z.example"],
    ["X-A", "x\0"],
    ["Message-ID", "none"],
  ])("cannot be %s: %j", async (name, value) => {
    expect(await failure(compose({ ...ANN, headers: [{ name, value }] }))).toMatchObject({
      code: "usage",
      exit: 2,
    });
  });
});

describe("what would smuggle", () => {
  it.each([
    ["the trap that sent a mail to a stranger", { to: ["d@e.f\r\nBcc: x@y.z"] }],
    ["a group", { to: ["friends: x@y.z;"] }],
    ["a list", { to: ["b@y.example, x@y.z"] }],
    ["a list behind a name", { to: ["Bob <b@y.example>, x@y.z"] }],
    ["a second address in brackets", { cc: ["<b@y.example> <x@y.z>"] }],
    ["a name that opens a group", { bcc: ["b: <x@y.z>"] }],
    ["a name with a line break", { to: ["Bob\r\nBcc: x@y.z <b@y.example>"] }],
    ["a quoted name with a line break", { to: ['"Bob\r\nBcc: x@y.z" <b@y.example>'] }],
    ["a sender with a line break", { from: "a@x.example\nBcc: x@y.z" }],
    ["a subject with a line break", { subject: "Hi\r\nBcc: x@y.z" }],
    ["a subject with a CR", { subject: "Hi\rBcc: x@y.z" }],
    [
      "an attachment's name with a line break",
      { attachments: [attachment("a\r\nBcc: x@y.z", Buffer.from(""))] },
    ],
    ["nobody", { to: [] }],
    ["no sender", { from: "" }],
  ])("is refused: %s", async (_what, change) => {
    expect(await failure(compose({ ...ANN, ...change }))).toMatchObject({ code: "usage", exit: 2 });
  });

  it("never reaches the envelope, whatever the address", async () => {
    const odd = fc.string({
      unit: fc.constantFrom(...Array.from("ab@.,;:<>\"'()[]\\ \t\r\n\0ü")),
      minLength: 1,
      maxLength: 12,
    });
    await fc.assert(
      fc.asyncProperty(odd, async (address) => {
        const made = await compose({ ...ANN, to: [address] }).catch((thrown: unknown) => thrown);
        if (made instanceof Error) {
          expect(made).toMatchObject({ code: "usage" });
          return;
        }
        const mail = await compose({ ...ANN, to: [address] });
        expect(mail.envelope.to).toHaveLength(1);
        expect(mail.envelope.to[0]).not.toMatch(/[\r\n\0]/);
        const to = /^To: (.*)$/m.exec(await text(mail.raw()))?.[1] ?? "";
        const read = await PostalMime.parse(`To: ${to}\r\n\r\n`);
        expect(read.to).toHaveLength(1);
      }),
      { numRuns: 500 },
    );
  });
});
