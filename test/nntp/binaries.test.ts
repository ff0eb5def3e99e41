import { access, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { describe, expect, it } from "vitest";
import { BINARIES } from "../../fixtures/content/news.js";
import { binaryFiles, nzbOf, uuEncode, yEncode } from "../../fixtures/servers/nntp-binaries.js";
import { commonSubject, nameIn, parseNzb, partIn } from "../../protocols/nntp/binaries/nzb.js";
import { UuDecoder } from "../../protocols/nntp/binaries/uudecode.js";
import { Transcript } from "../../src/net/transcript.js";
import { command, failure, type Harbour, inHarbour } from "./talk.js";

const HORN = ["horn-part-1", "horn-part-2", "horn-part-3"].map((name) => ({
  id: `<${name}@binaries.harbour.example>`,
  bytes: 800,
}));
const HORN_SUBJECT = 'The horn - "horn.wav" yEnc (1/3)';
const [, SOUND] = binaryFiles();

async function inFolder(act: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "porthole-nzb-"));
  try {
    await act(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Adds an article of the binaries group. */
function bring({ server }: Harbour, id: string, subject: string, body: Buffer): void {
  const header = Buffer.from(
    `From: a@b\r\nNewsgroups: ${BINARIES}\r\nSubject: ${subject}\r\nMessage-ID: ${id}\r\n`,
  );
  server.store.add(id, [BINARIES], header, body);
}

async function whereAll(folder: string): Promise<string[]> {
  return (await readdir(folder)).sort();
}

describe("an NZB", () => {
  it("names files and their segments", () => {
    const text = nzbOf([
      {
        subject: 'A & B - "a b.bin" yEnc (1/3)',
        segments: [
          { id: "<1@x>", bytes: 7 },
          { id: "<2&3@x>", bytes: 8 },
        ],
      },
    ]);
    expect(parseNzb(text)).toEqual([
      {
        subject: 'A & B - "a b.bin" yEnc (1/3)',
        segments: [
          { number: 1, id: "<1@x>", bytes: 7 },
          { number: 2, id: "<2&3@x>", bytes: 8 },
        ],
        total: 3,
      },
    ]);
  });

  it.each([
    "",
    "<nzb></nzb>",
    "hello",
    "<nzb><file subject='x'><segments><segment>a\r\nQUIT</segment></segments></file></nzb>",
  ])("is not %j", (text) => {
    expect(() => parseNzb(text)).toThrow(expect.objectContaining({ code: "usage" }));
  });

  it("has subjects that tell names and parts", () => {
    expect(nameIn('[1/9] - "a b.rar" yEnc (2/7)')).toBe("a b.rar");
    expect(nameIn("Holiday pic.jpg (1/1)")).toBe("pic.jpg");
    expect(nameIn("Hello there")).toBeUndefined();
    expect(partIn('[1/9] - "a.rar" yEnc (2/7)')).toEqual({ number: 2, total: 7 });
    expect(commonSubject('"a.rar" (2/7)')).toBe('"a.rar" (*/7)');
  });
});

describe("uuencode", () => {
  const octets = Buffer.from(Array.from({ length: 1000 }, (_, at) => (at * 11) & 0xff));

  it.each([1, 3, 61, 64, 5000])("is undone, in pieces of %i", (size) => {
    const body = Buffer.concat([
      Buffer.from("Hello\r\n\r\n"),
      uuEncode(octets, "a b.bin"),
      Buffer.from("bye\r\n"),
    ]);
    const decoder = new UuDecoder();
    const events = [];
    for (let at = 0; at < body.length; at += size)
      events.push(...decoder.write(body.subarray(at, at + size)));
    events.push(...decoder.end());
    expect(events[0]).toEqual({ type: "begin", name: "a b.bin" });
    expect(
      Buffer.concat(events.flatMap((event) => (event.type === "data" ? [event.octets] : []))).equals(octets),
    ).toBe(true);
    expect(events.at(-1)).toEqual({ type: "end" });
  });

  it("is undone where blanks stand for nothing, and were lost at line ends", () => {
    const text = uuEncode(Buffer.from("Cat\0\0\0"), "x")
      .toString("latin1")
      .replaceAll("`", " ")
      .replace(/ +\r\n/g, "\r\n");
    const events = new UuDecoder().write(Buffer.from(text, "latin1"));
    expect(
      Buffer.concat(events.flatMap((event) => (event.type === "data" ? [event.octets] : []))).toString(),
    ).toBe("Cat\0\0\0");
  });

  it("has a form in base64", () => {
    const events = new UuDecoder().write(Buffer.from("begin-base64 644 x\r\nSGVsbG8=\r\n====\r\n"));
    expect(events).toEqual([
      { type: "begin", name: "x" },
      { type: "data", octets: Buffer.from("Hello") },
      { type: "end" },
    ]);
  });
});

describe("porthole nntp nzb", () => {
  it("makes its folder, and needs no URL where a usual server is set", async () => {
    await inFolder(async (folder) => {
      await inHarbour(async ({ url }) => {
        const index = join(folder, "index.nzb");
        await writeFile(index, nzbOf([{ subject: HORN_SUBJECT, segments: HORN }]));
        const environment = { NNTPSERVER: new URL(url).host };
        await command("nzb", [index], { environment }, { directory: join(folder, "new") });
        expect(await whereAll(join(folder, "new"))).toEqual(["horn.wav"]);
        const deeper = command("nzb", [url, index], {}, { directory: join(folder, "no", "such") });
        expect(await failure(deeper)).toMatchObject({ code: "local", exit: 12 });
      });
    });
  });

  it("says what it found nothing of", async () => {
    await inHarbour(async ({ url }) => {
      const group = `${url}harbour.binaries`;
      expect(await failure(command("nzb", [group], {}, { subject: "tower" }))).toMatchObject({
        code: "missing",
        message: "there are no files whose subject holds 'tower'",
      });
      expect(await failure(command("nzb", [group]))).toMatchObject({ code: "usage", exit: 2 });
      expect(await failure(command("nzb", []))).toMatchObject({ code: "usage", exit: 2 });
    });
  });

  it("fetches and joins the parts that an NZB names", async () => {
    await inHarbour(async ({ url }) => {
      await inFolder(async (folder) => {
        const index = join(folder, "index.nzb");
        await writeFile(index, nzbOf([{ subject: HORN_SUBJECT, segments: HORN }]));
        const outputs = await command("nzb", [url, index], {}, { directory: folder });
        expect(outputs).toEqual([
          {
            kind: "record",
            text: `${join(folder, "horn.wav")}: ${SOUND?.octets.length} octets`,
            data: {
              name: "horn.wav",
              path: join(folder, "horn.wav"),
              size: SOUND?.octets.length,
              whole: true,
              faults: [],
            },
          },
        ]);
        expect((await readFile(join(folder, "horn.wav"))).equals(SOUND?.octets ?? Buffer.alloc(0))).toBe(
          true,
        );
        expect(await whereAll(folder)).toEqual(["horn.wav", "index.nzb"]);
      });
    });
  });

  it("finds the files of a group by their subjects, over several connections", async () => {
    await inHarbour(async ({ url }) => {
      await inFolder(async (folder) => {
        const group = `${url}${BINARIES}`;
        await command("nzb", [group], { policy: { jobs: 3 } }, { directory: folder, subject: "o" });
        expect(await whereAll(folder)).toEqual(["horn.wav", "large.bin", "lighthouse.png", "note.pdf"]);
        for (const { name, octets } of binaryFiles()) {
          expect((await readFile(join(folder, name))).equals(octets), name).toBe(true);
        }
      });
    });
  });

  it("fetches one file of many parts over several connections", async () => {
    // A server that takes its time with each answer: one session alone is not done before the others are there.
    await inHarbour(
      async (harbour) => {
        await inFolder(async (folder) => {
          const [count, size] = [200, 500];
          const octets = Buffer.from(Array.from({ length: count * size }, (_, at) => (at * 7) % 253));
          const whole = { size: octets.length, crc: crc32(octets) };
          const subject = (number: number) => `"many.bin" yEnc (${number}/${count})`;
          const segments = Array.from({ length: count }, (_, at) => {
            const part = { number: at + 1, total: count, begin: at * size };
            const id = `<many-${at}@x>`;
            bring(
              harbour,
              id,
              subject(at + 1),
              yEncode(octets.subarray(at * size, (at + 1) * size), "many.bin", part, whole),
            );
            return { id, bytes: size };
          });
          const index = join(folder, "many.nzb");
          await writeFile(index, nzbOf([{ subject: subject(1), segments }]));
          const transcript = new Transcript();
          const talkative = new Set<number>();
          transcript.subscribe(({ connection, direction, bytes }) => {
            if (direction === "client" && String(bytes).includes("BODY")) talkative.add(connection);
          });
          const settings = { policy: { jobs: 4 }, transcript };
          await command("nzb", [harbour.url, index], settings, { directory: folder });
          expect((await readFile(join(folder, "many.bin"))).equals(octets)).toBe(true);
          expect(talkative.size).toBeGreaterThan(1);
        });
      },
      { delayMs: 10 },
    );
  });

  it("takes an attachment in base64 out of a multipart article", async () => {
    await inHarbour(async (harbour) => {
      await inFolder(async (folder) => {
        const octets = Buffer.from(Array.from({ length: 1000 }, (_, at) => at % 256));
        const lines = octets.toString("base64").match(/.{1,76}/g) ?? [];
        const body = [
          "This is for others.",
          "--part",
          "Content-Type: text/plain",
          "",
          "A chart.",
          "--part",
          'Content-Type: image/png; name="old.png"',
          "Content-Transfer-Encoding: base64",
          "Content-Disposition: attachment;",
          '\tfilename="chart.png"',
          "",
          ...lines,
          "--part--",
          "",
        ].join("\r\n");
        bring(harbour, "<chart@x>", "chart.png", Buffer.from(body));
        const index = join(folder, "chart.nzb");
        await writeFile(
          index,
          nzbOf([{ subject: "chart.png", segments: [{ id: "<chart@x>", bytes: 1000 }] }]),
        );
        await command("nzb", [harbour.url, index], {}, { directory: folder });
        expect((await readFile(join(folder, "chart.png"))).equals(octets)).toBe(true);
      });
    });
  });

  it("names what is missing, and goes on when it has come", async () => {
    await inHarbour(async (harbour) => {
      await inFolder(async (folder) => {
        const octets = Buffer.alloc(3000, "light");
        const whole = { size: 3000, crc: crc32(octets) };
        const part = (number: number) =>
          yEncode(
            octets.subarray((number - 1) * 1000, number * 1000),
            "lamp.bin",
            { number, total: 3, begin: (number - 1) * 1000 },
            whole,
          );
        const subject = (number: number) => `"lamp.bin" yEnc (${number}/3)`;
        bring(harbour, "<l1@x>", subject(1), part(1));
        bring(harbour, "<l3@x>", subject(3), part(3));
        const index = join(folder, "lamp.nzb");
        const segments = ["<l1@x>", "<l2@x>", "<l3@x>"].map((id) => ({ id, bytes: 1000 }));
        await writeFile(index, nzbOf([{ subject: subject(1), segments }]));
        const run = () => command("nzb", [harbour.url, index], {}, { directory: folder });
        expect(await failure(run())).toMatchObject({
          code: "partial",
          exit: 13,
          message: "1 of 1 files are not whole",
        });
        expect(await whereAll(folder)).toEqual(["lamp.bin.part", "lamp.bin.part.json", "lamp.nzb"]);
        bring(harbour, "<l2@x>", subject(2), part(2));
        // What has come before is not fetched again.
        harbour.server.store.remove("<l1@x>");
        await run();
        expect(await whereAll(folder)).toEqual(["lamp.bin", "lamp.nzb"]);
        expect((await readFile(join(folder, "lamp.bin"))).equals(octets)).toBe(true);
      });
    });
  });

  it("tells broken parts apart", async () => {
    await inHarbour(async (harbour) => {
      await inFolder(async (folder) => {
        const octets = Buffer.alloc(4000, "fog");
        const part = (number: number) =>
          yEncode(
            octets.subarray((number - 1) * 1000, number * 1000),
            "fog.bin",
            { number, total: 4, begin: (number - 1) * 1000 },
            { size: 4000, crc: 1 },
          );
        const [one, two, three] = [part(1), part(2), part(3)];
        two[200] = (two[200] ?? 0) ^ 1;
        bring(harbour, "<f1@x>", "x", one);
        bring(harbour, "<f2@x>", "x", two);
        bring(harbour, "<f3@x>", "x", three.subarray(0, 500));
        bring(harbour, "<f4@x>", "x", Buffer.from("There is nothing here.\r\n"));
        const index = join(folder, "fog.nzb");
        await writeFile(
          index,
          nzbOf([
            {
              subject: '"fog.bin" yEnc (1/4)',
              segments: [1, 2, 3, 4].map((n) => ({ id: `<f${n}@x>`, bytes: 1 })),
            },
          ]),
        );
        const told: unknown[] = [];
        const failed = await failure(
          command("nzb", [harbour.url, index], {}, { directory: folder }).then((outputs) =>
            told.push(...outputs),
          ),
        );
        expect(failed).toMatchObject({ code: "partial" });
        const kept: unknown = JSON.parse(await readFile(join(folder, "fog.bin.part.json"), "utf8"));
        expect(kept).toMatchObject({ done: [1] });
      });
    });
  });

  it("replaces nothing unless it is told to, and writes nowhere else", async () => {
    await inHarbour(async (harbour) => {
      await inFolder(async (folder) => {
        bring(harbour, "<evil@x>", '"evil.bin" yEnc (1/1)', yEncode(Buffer.from("x"), "../../evil.bin"));
        const index = join(folder, "evil.nzb");
        await writeFile(
          index,
          nzbOf([{ subject: '"evil.bin" yEnc (1/1)', segments: [{ id: "<evil@x>", bytes: 1 }] }]),
        );
        await command("nzb", [harbour.url, index], {}, { directory: folder });
        expect(await whereAll(folder)).toEqual(["___.._evil.bin", "evil.nzb"]);
        await writeFile(join(folder, "horn.wav"), "mine");
        const warnings: string[] = [];
        await writeFile(index, nzbOf([{ subject: HORN_SUBJECT, segments: HORN }]));
        await command(
          "nzb",
          [harbour.url, index],
          { warn: (text) => warnings.push(text) },
          { directory: folder },
        );
        expect(warnings).toEqual([`${join(folder, "horn.wav")} is there already`]);
        expect(await readFile(join(folder, "horn.wav"), "utf8")).toBe("mine");
        await command("nzb", [harbour.url, index], {}, { directory: folder, force: true });
        expect((await readFile(join(folder, "horn.wav"))).length).toBe(SOUND?.octets.length);
      });
    });
  });

  it("leaves out what only repairs, unless it is asked for", async () => {
    await inHarbour(async (harbour) => {
      await inFolder(async (folder) => {
        bring(harbour, "<p@x>", '"a.par2" yEnc (1/1)', yEncode(Buffer.from("par"), "a.par2"));
        const index = join(folder, "a.nzb");
        await writeFile(
          index,
          nzbOf([{ subject: '"a.par2" yEnc (1/1)', segments: [{ id: "<p@x>", bytes: 1 }] }]),
        );
        expect(await failure(command("nzb", [harbour.url, index], {}, { directory: folder }))).toMatchObject({
          code: "missing",
        });
        await command("nzb", [harbour.url, index], {}, { directory: folder, par2: true });
        await access(join(folder, "a.par2"));
      });
    });
  });

  it("wants a server, and an index or a subject", async () => {
    await inHarbour(async ({ url }) => {
      expect(await failure(command("nzb", ["x.nzb"]))).toMatchObject({ code: "usage" });
      expect(await failure(command("nzb", [url]))).toMatchObject({ code: "usage" });
      expect(await failure(command("nzb", [url, "/nowhere/x.nzb"]))).toMatchObject({
        code: "local",
        exit: 12,
      });
    });
  });
});
