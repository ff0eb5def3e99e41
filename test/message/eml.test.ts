import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type EmlEnvelope, readEml } from "../../src/message/eml.js";
import type { ReadyMail } from "../../src/message/mail.js";
import { DotWriter } from "../../src/wire/dot-writer.js";

const LETTER = [
  "From: Ann <ann@x.example>",
  'To: "Bee, Bob" <bob@y.example>,',
  "\tc@z.example (Cee)",
  "Bcc: secret@z.example,",
  " other@z.example",
  "Cc: Friends: d@z.example, <e@z.example>;",
  "Message-ID: <1@x.example>",
  "Subject: Hi",
  "",
  "Bcc: this is text",
  "..dots",
  "",
];

function ready(octets: string | Buffer, given: EmlEnvelope = {}, once = false): Promise<ReadyMail> {
  const open = () => Readable.from([Buffer.from(octets)], { objectMode: false });
  return readEml({ name: "letter.eml", open, once }, given);
}

async function octetsOf(mail: ReadyMail): Promise<string> {
  return (await buffer(mail.raw())).toString("latin1");
}

async function failure(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => "no failure",
    (thrown: unknown) => thrown,
  );
}

describe("a ready message that was sent on", () => {
  const RESENT = [
    "Resent-From: Cee <cee@z.example>",
    "Resent-To: dee@z.example, e@z.example",
    "Resent-Bcc: secret@z.example",
    ...LETTER,
  ];

  it("goes to whom it was sent on, by who did that (RFC 5322, 3.6.6)", async () => {
    const mail = await ready(RESENT.join("\r\n"));
    expect(mail.envelope).toEqual({
      from: "cee@z.example",
      to: ["dee@z.example", "e@z.example", "secret@z.example"],
    });
    expect(await octetsOf(mail)).not.toContain("secret@");
  });

  it("by a list, which names nobody, goes to whom it was to", async () => {
    const mail = await ready(["Resent-From: list@z.example", ...LETTER].join("\r\n"));
    expect(mail.envelope).toMatchObject({ from: "ann@x.example" });
    expect(mail.envelope.to[0]).toBe("bob@y.example");
  });

  it("more than once wants to be told to whom", async () => {
    const twice = ["Resent-From: f@z.example", "Resent-To: g@z.example", ...RESENT].join("\r\n");
    expect(await failure(ready(twice))).toMatchObject({ code: "usage" });
    const told = { from: "a@x.example", to: ["b@y.example"] };
    expect((await ready(twice, told)).envelope).toEqual(told);
  });
});

describe("a ready message", () => {
  it.each([false, true])(
    "tells who sends it to whom, and loses its blind copies (once: %s)",
    async (once) => {
      const mail = await ready(LETTER.join("\r\n"), {}, once);
      expect(mail.envelope).toEqual({
        from: "ann@x.example",
        to: [
          "bob@y.example",
          "c@z.example",
          "d@z.example",
          "e@z.example",
          "secret@z.example",
          "other@z.example",
        ],
      });
      expect(mail.messageId).toBe("<1@x.example>");
      expect(await octetsOf(mail)).toBe([...LETTER.slice(0, 3), ...LETTER.slice(5)].join("\r\n"));
    },
  );

  it("keeps the octets of its body", async () => {
    const body = Buffer.from([0x80, 0x0a, 0x2e, 0x0d, 0x0a, 0x00, 0xff]);
    const mail = await ready(Buffer.concat([Buffer.from("From: a@b\nTo: c@d\n\n"), body]));
    expect(await octetsOf(mail)).toBe(`From: a@b\r\nTo: c@d\r\n\r\n${body.toString("latin1")}`);
    expect(mail.eightBit).toBe(true);
  });

  it("is the same however it is cut, whatever ends its lines", async () => {
    const ends = fc.constantFrom("\r\n", "\n", "\r");
    await fc.assert(
      fc.asyncProperty(ends, fc.integer({ min: 1, max: 40 }), fc.boolean(), async (end, size, once) => {
        const whole = Buffer.from(LETTER.join(end));
        const pieces = Array.from({ length: Math.ceil(whole.length / size) }, (_, at) =>
          whole.subarray(at * size, (at + 1) * size),
        );
        const open = () => Readable.from(pieces, { objectMode: false });
        const mail = await readEml({ name: "x", open, once });
        expect(mail.envelope.to).toHaveLength(6);
        const header = [...LETTER.slice(0, 3), ...LETTER.slice(5, 8)].join("\r\n");
        const want = `${header}\r\n\r\n${LETTER.slice(9).join(end)}`;
        expect(await octetsOf(mail)).toBe(want);
      }),
      { numRuns: 60 },
    );
  });

  it("hides no Bcc behind a CR that DotWriter would make a line end of", async () => {
    const mail = await ready("From: a@b\nTo: c@d\nSubject: x\rBcc: secret@z.example\n\nhello\n");
    expect(mail.envelope.to).toEqual(["c@d", "secret@z.example"]);
    expect(await octetsOf(mail)).not.toContain("secret");
  });

  it("may be a header alone", async () => {
    expect(await octetsOf(await ready("From: a@b\nTo: c@d"))).toBe("From: a@b\r\nTo: c@d\r\n\r\n");
  });

  it("loses the line that a mailbox file keeps before it", async () => {
    const mail = await ready("From a@b Sun Nov 22 18:00:00 2026\nFrom: a@b\nTo: c@d\n\nhi\n");
    expect(await octetsOf(mail)).toBe("From: a@b\r\nTo: c@d\r\n\r\nhi\n");
  });

  it("goes from whom and to whom the user says, and is not changed by it", async () => {
    const mail = await ready(LETTER.join("\r\n"), { from: "", to: ["x@y.example", "x@Y.example"] });
    expect(mail.envelope).toEqual({ from: "", to: ["x@y.example"] });
    expect(await octetsOf(mail)).toContain("From: Ann <ann@x.example>");
  });

  it("has a sender apart from its authors", async () => {
    const mail = await ready("From: a@b, c@d\nSender: e@f\nTo: g@h\n\n");
    expect(mail.envelope.from).toBe("e@f");
  });

  it("may have no Message-ID", async () => {
    expect((await ready("From: a@b\nTo: c@d\n\n")).messageId).toBe("");
  });

  it("measures what goes out, without the dots that are doubled", async () => {
    const odd = fc.array(fc.constantFrom("\r", "\n", "\r\n", ".", "a", "\x80"), { maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(odd, async (pieces) => {
        const mail = await ready(Buffer.from(`From: a@b\r\nTo: c@d\r\n\r\n${pieces.join("")}`, "latin1"));
        const writer = new DotWriter();
        const sent = Buffer.concat([writer.write(await buffer(mail.raw())), writer.end()]).toString("latin1");
        expect(mail.size).toBe(sent.slice(0, -3).replace(/(^|\r\n)\.\./g, "$1.").length);
        expect(mail.eightBit).toBe(pieces.includes("\x80"));
      }),
      { numRuns: 300 },
    );
  });

  it("from a pipe is not measured, and may be of any octets", async () => {
    const mail = await ready("From: a@b\nTo: c@d\n\n", {}, true);
    expect(mail.size).toBeUndefined();
    expect(mail.eightBit).toBe(true);
  });

  it.each([
    ["no header", "hello there\n\nFrom: a@b\n"],
    ["nothing", ""],
    ["no sender", "To: c@d\n\n"],
    ["no recipient", "From: a@b\nTo: undisclosed-recipients:;\n\n"],
    ["an address that is none", "From: a@b\nTo: c@d, not an address\n\n"],
    ["a header without end", `From: a@b\nTo: c@d\nX: ${"x".repeat(1024 * 1024)}`],
  ])("is refused: %s", async (_what, octets) => {
    let closed = 0;
    const open = () => {
      const stream = Readable.from([Buffer.from(octets)], { objectMode: false });
      stream.on("close", () => closed++);
      return stream;
    };
    expect(await failure(readEml({ name: "letter.eml", open }))).toMatchObject({ code: "usage", exit: 2 });
    await new Promise((resolve) => setImmediate(resolve));
    expect(closed).toBe(1);
  });
});
