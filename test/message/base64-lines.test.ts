import { randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { describe, expect, it } from "vitest";
import { base64Lines, base64Size } from "../../src/message/base64-lines.js";
import { compose } from "../../src/message/compose.js";

/** By its definition: RFC 2045, 6.8. */
function wrapped(octets: Buffer): string {
  return (octets.toString("base64").match(/.{1,76}/g) ?? []).join("\r\n");
}

async function encoded(octets: Buffer, piece: number): Promise<string> {
  const pieces: Buffer[] = [];
  for (let at = 0; at < octets.length; at += piece) pieces.push(octets.subarray(at, at + piece));
  return (await buffer(Readable.from(base64Lines(Readable.from(pieces))))).toString("latin1");
}

describe("base64 in lines", () => {
  it.each([0, 1, 2, 3, 56, 57, 58, 113, 114, 115, 171, 500])(
    "%i octets, in pieces of any size",
    async (size) => {
      const octets = randomBytes(size);
      for (const piece of [1, 2, 3, 7, 56, 57, 58, 100, 1000]) {
        expect(await encoded(octets, piece)).toBe(wrapped(octets));
      }
      expect(base64Size(size)).toBe(wrapped(octets).length);
    },
  );

  it("does not keep what its source may use again", async () => {
    const same = Buffer.alloc(10);
    const reused = (async function* () {
      for (let at = 0; at < 30; at++) yield same.fill(at);
    })();
    const octets = Buffer.concat(Array.from({ length: 30 }, (_, at) => Buffer.alloc(10, at)));
    expect((await buffer(Readable.from(base64Lines(reused)))).toString()).toBe(wrapped(octets));
  });
});

describe("a mail with attachments", () => {
  const file = (filename: string, octets: Buffer, cid?: string) => ({
    filename,
    size: octets.length,
    ...(cid === undefined ? {} : { cid }),
    open: () => Readable.from([octets]),
  });

  it("holds each in its place, the same one twice, the empty one, and one within the text", async () => {
    const [one, two] = [randomBytes(5000), randomBytes(57)];
    const same = file("same.bin", two);
    const mail = await compose({
      from: "a@x.example",
      to: ["b@y.example"],
      html: '<img src="cid:picture">',
      attachments: [same, file("empty.txt", Buffer.alloc(0)), file("p.png", one, "picture"), same],
    });
    for (const _ of [1, 2]) {
      const raw = (await buffer(mail.raw())).toString("latin1");
      expect(raw.length).toBe(mail.size);
      const bodies = raw.split(/\r\n----porthole[^\r\n]*/).map((part) => part.replace(/^.*?\r\n\r\n/s, ""));
      expect(bodies.filter((body) => body === wrapped(two))).toHaveLength(2);
      expect(bodies.filter((body) => body === wrapped(one))).toHaveLength(1);
      const names = [...raw.matchAll(/filename=(\S+)/g)].map(([, name]) => name);
      expect(new Set(names)).toEqual(new Set(["empty.txt", "p.png", "same.bin"]));
      expect(names).toHaveLength(4);
    }
  });

  it("opens nothing before its turn, and closes what it opened when it is left", async () => {
    const opened: Readable[] = [];
    const open = () => {
      const stream = Readable.from([randomBytes(100_000), randomBytes(100_000)]);
      opened.push(stream);
      return stream;
    };
    const mail = await compose({
      from: "a@x.example",
      to: ["b@y.example"],
      text: "x",
      attachments: [
        { filename: "a", size: 200_000, open },
        { filename: "b", size: 200_000, open },
      ],
    });
    expect(opened).toHaveLength(0);
    for await (const piece of mail.raw()) if (piece.length > 50_000) break;
    for (const stream of opened) await new Promise<void>((resolve) => stream.once("close", () => resolve()));
    expect(opened).toHaveLength(1);
  });
});
