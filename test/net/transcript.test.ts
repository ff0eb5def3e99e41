import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Tap, Transcript, type TranscriptEvent } from "../../src/net/transcript.js";

function watched(...secrets: string[]): { transcript: Transcript; events: TranscriptEvent[] } {
  const transcript = new Transcript();
  for (const secret of secrets) transcript.mask(secret);
  const events: TranscriptEvent[] = [];
  transcript.subscribe((event) => events.push(event));
  return { transcript, events };
}

function shown(events: readonly TranscriptEvent[]): string[] {
  const marks = { client: "C", server: "S", note: "N" } as const;
  return events.map(
    (event) => `${marks[event.direction]}: ${event.text ?? event.bytes?.toString("latin1") ?? ""}`,
  );
}

function say(tap: Tap, direction: "client" | "server", ...pieces: (string | Buffer)[]): void {
  for (const piece of pieces) tap.octets(direction, Buffer.from(piece));
}

describe("a transcript", () => {
  it("costs nothing and keeps nothing without a sink", () => {
    const transcript = new Transcript();
    const tap = transcript.tap();
    say(tap, "client", "before ");
    tap.note("before");
    expect(transcript.active).toBe(false);
    const events: TranscriptEvent[] = [];
    const stop = transcript.subscribe((event) => events.push(event));
    say(tap, "client", "after\n");
    stop();
    say(tap, "client", "later\n");
    expect(shown(events)).toEqual(["C: after\n"]);
  });

  it("numbers connections from 1, tells their purpose, and times events", () => {
    const { transcript, events } = watched();
    const control = transcript.tap();
    const data = transcript.tap("data");
    say(data, "server", "octets\n");
    say(control, "client", "QUIT\r\n");
    transcript.note("over");
    expect(events.map(({ connection, purpose }) => [connection, purpose])).toEqual([
      [2, "data"],
      [1, undefined],
      [0, undefined],
    ]);
    const times = events.map(({ at }) => at);
    expect(times).toEqual([...times].sort((a, b) => a - b));
    expect(times[0]).toBeGreaterThanOrEqual(0);
  });

  it("serves several sinks", () => {
    const { transcript, events } = watched();
    const second: TranscriptEvent[] = [];
    transcript.subscribe((event) => second.push(event));
    transcript.note("hello");
    expect(shown(second)).toEqual(["N: hello"]);
    expect(second).toEqual(events);
  });

  it("covers notes and texts", () => {
    const { transcript, events } = watched("hunter2");
    transcript.note("the password is hunter2");
    transcript.tap().note("hunter2 was wrong: ä");
    expect(shown(events)).toEqual(["N: the password is [masked]", "N: [masked] was wrong: ä"]);
    expect(transcript.cover("höher: hunter2")).toBe("höher: [masked]");
  });
});

describe("octets", () => {
  it("are handed on when their line ends", () => {
    const { transcript, events } = watched();
    const tap = transcript.tap();
    say(tap, "server", "22", "0 re", "ady\r", "\n250");
    expect(shown(events)).toEqual(["S: 220 ready\r\n"]);
    tap.flush();
    tap.flush();
    expect(shown(events)).toEqual(["S: 220 ready\r\n", "S: 250"]);
  });

  it("keep their order when the direction changes in mid-line", () => {
    const { transcript, events } = watched();
    const tap = transcript.tap();
    say(tap, "server", "login: ");
    say(tap, "client", "me\r\n");
    say(tap, "server", "Password: ");
    tap.note("closed");
    expect(shown(events)).toEqual(["S: login: ", "C: me\r\n", "S: Password: ", "N: closed"]);
  });

  it("of two connections do not mix", () => {
    const { transcript, events } = watched();
    const [one, two] = [transcript.tap(), transcript.tap()];
    say(one, "server", "first ");
    say(two, "server", "other\n");
    say(one, "server", "line\n");
    expect(shown(events)).toEqual(["S: other\n", "S: first line\n"]);
  });

  it("are copied: the connection may reuse its buffer", () => {
    const { transcript, events } = watched();
    const tap = transcript.tap();
    const buffer = Buffer.from("abc");
    tap.octets("server", buffer);
    buffer.fill("x");
    tap.flush();
    expect(shown(events)).toEqual(["S: abc"]);
  });

  it("of a datagram are an event of their own, line end or not", () => {
    const { transcript, events } = watched();
    const tap = transcript.tap();
    for (const text of ["a\nb", "c", "d\n"]) tap.datagram("client", Buffer.from(text));
    expect(shown(events)).toEqual(["C: a\nb", "C: c", "C: d\n"]);
  });
});

describe("a secret", () => {
  it("is covered though it was written in pieces", () => {
    const { transcript, events } = watched("hunter2");
    const tap = transcript.tap();
    say(tap, "client", "PASS hun", "ter", "2\r\n");
    say(tap, "client", "h", "u", "n", "t", "e", "r", "2", "\r\n");
    expect(shown(events)).toEqual(["C: PASS [masked]\r\n", "C: [masked]\r\n"]);
  });

  it("is covered as soon as it is known, in what is still held", () => {
    const { transcript, events } = watched();
    const tap = transcript.tap();
    say(tap, "client", "PASS hunter2");
    transcript.mask("hunter2");
    say(tap, "client", "\r\n");
    expect(shown(events)).toEqual(["C: PASS [masked]\r\n"]);
  });

  it("is covered wherever it stands in a line without end, coded or not", () => {
    const secret = "hunter2-hunter2";
    const coded = Buffer.from(`\0me\0${secret}`).toString("base64");
    for (const word of [secret, coded]) {
      // The first piece goes out when 45 chunks of 1,460 octets are held.
      for (const at of [65_535, 65_536, 65_700 - 7, 65_700 - 1, 61_604 - 7, 61_604, 130_000]) {
        const { transcript, events } = watched(secret);
        const tap = transcript.tap();
        const line = Buffer.from(`${".".repeat(at)}${word}${".".repeat(140_000)}`);
        for (let from = 0; from < line.length; from += 1460)
          tap.octets("server", line.subarray(from, from + 1460));
        tap.flush();
        const text = events.map(({ bytes }) => bytes?.toString("latin1") ?? "").join("");
        expect(text === `${".".repeat(at)}[masked]${".".repeat(140_000)}`, `at ${at}`).toBe(true);
      }
    }
  });

  it("is covered in a token that is longer than what is held", () => {
    const secret = "hunter2-hunter2";
    for (const phase of [0, 1, 2]) {
      const { transcript, events } = watched(secret);
      const tap = transcript.tap();
      const token = Buffer.concat([Buffer.alloc(120_000 + phase), Buffer.from(secret), Buffer.alloc(50_000)]);
      say(tap, "client", token.toString("base64"));
      tap.flush();
      const text = events.map(({ bytes }) => bytes?.toString("latin1") ?? "").join("");
      for (let at = 0; at < 4; at++) {
        const parts = text
          .split("[masked]")
          .map((part) => Buffer.from(part.slice(at), "base64").toString("latin1"));
        expect(parts.join("|")).not.toContain(secret);
      }
      expect(text).toContain("[masked]");
    }
  });

  it.each([
    ["key by key", ["s", "3", "c", "\r\n", "ls\r\n"]],
    ["as a line", ["s3c\r\nls\r\n"]],
  ])("is covered at a prompt though nobody knew it, %s", (_how, pieces) => {
    const { transcript, events } = watched();
    const tap = transcript.tap();
    say(tap, "server", "Password: ");
    tap.hideLine();
    say(tap, "client", ...pieces);
    const said = events
      .filter(({ direction }) => direction === "client")
      .map(({ bytes }) => bytes?.toString());
    expect(said.join("")).toBe("[masked]\r\nls\r\n");
  });

  it("in a code that no mask sees through is withheld with all that the client says, and why is told", () => {
    const { transcript, events } = watched();
    const tap = transcript.tap();
    tap.withhold("coded");
    say(tap, "client", "\x82\x86", "\n");
    say(tap, "server", "an answer\n");
    expect(shown(events)).toEqual(["N: coded", "S: an answer\n"]);
  });

  it("at a prompt without a sink is over with its line", () => {
    const transcript = new Transcript();
    const tap = transcript.tap();
    tap.hideLine();
    say(tap, "client", "s3cret\r\n");
    const events: TranscriptEvent[] = [];
    transcript.subscribe((event) => events.push(event));
    say(tap, "client", "ls\r\n");
    expect(shown(events)).toEqual(["C: ls\r\n"]);
  });

  it("is whatever a request proves itself with, a hash too; what a server says of it is not", () => {
    const { transcript, events } = watched();
    const tap = transcript.tap();
    const fields =
      'GET / HTTP/1.1\r\nAUTHORIZATION: Digest response="8092"\r\nproxy-authorization: Basic eA==\r\n\r\n';
    say(tap, "client", fields);
    say(tap, "server", "Authorization: is wanted\r\n");
    expect(shown(events)).toEqual([
      "C: GET / HTTP/1.1\r\nAUTHORIZATION: [masked]\r\nproxy-authorization: [masked]\r\n\r\n",
      "S: Authorization: is wanted\r\n",
    ]);
  });

  it("never appears, however the octets are cut", () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 4, maxLength: 20 }).filter((text) => !"[masked]".includes(text.toLowerCase())),
        fc.string({ maxLength: 40 }),
        fc.string({ maxLength: 40 }),
        fc.array(fc.nat(120), { maxLength: 6 }),
        (secret, before, after, cuts) => {
          const text = `${before}${secret}${after}`;
          fc.pre(!`${before}[masked]${after}`.toLowerCase().includes(secret.toLowerCase()));
          const { transcript, events } = watched(secret);
          const tap = transcript.tap();
          const bounds = [0, ...cuts.filter((cut) => cut < text.length), text.length].sort((a, b) => a - b);
          for (const [index, from] of bounds.entries())
            say(tap, "client", text.slice(from, bounds[index + 1]));
          tap.flush();
          expect(shown(events).join("")).not.toContain(secret);
        },
      ),
    );
  });
});

describe("events", () => {
  it("are at most 64 KiB, and together they are all that was said", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom("a", "b\n", "\n", "é"), fc.nat(90_000)), { maxLength: 6 }),
        (parts) => {
          const { transcript, events } = watched("never said");
          const tap = transcript.tap();
          const pieces = parts.map(([text, length]) => Buffer.alloc(length, text));
          for (const piece of pieces) tap.octets("server", piece);
          tap.flush();
          const bytes = events.flatMap((event) => event.bytes ?? []);
          expect(Math.max(0, ...bytes.map(({ length }) => length))).toBeLessThanOrEqual(65_536);
          expect(Buffer.concat(bytes).equals(Buffer.concat(pieces))).toBe(true);
        },
      ),
      { numRuns: 40 },
    );
  });
});
