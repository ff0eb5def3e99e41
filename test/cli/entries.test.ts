import { describe, expect, it } from "vitest";
import { type ListingStyle, listing, listingStyle, showEntries } from "../../src/cli/entries.js";
import type { Entry } from "../../src/plugin.js";
import { collected } from "./collected.js";

const now = new Date(2026, 5, 15);
const ENTRIES: readonly Entry[] = [
  { url: "gopher://h/", name: "Welcome\x1b[2J", kind: "note", meta: {} },
  { url: "gopher://h/1docs", name: "docs", kind: "directory", meta: { itemType: "1" } },
  {
    url: "gopher://h/0a",
    name: "a\nb\u202e",
    kind: "file",
    size: 1234,
    modified: new Date(2026, 4, 3, 7, 5),
    type: "text/plain",
    meta: {},
  },
];

async function* given(entries: readonly Entry[]): AsyncGenerator<Entry, void, undefined> {
  yield* entries;
}

async function shown(style: ListingStyle, entries = ENTRIES): Promise<string> {
  let text = "";
  for await (const piece of listing(given(entries), { style, protocol: "gopher", columns: 40, now }))
    text += piece;
  return text;
}

describe("a listing", () => {
  it("into a pipe is one name a line, as it is but for line breaks, without notes", async () => {
    expect(await shown("names")).toBe("docs\na\\x0ab\u202e\n");
  });

  it("on a terminal is a grid of safe names", async () => {
    expect(await shown("columns")).toBe("docs  a\\x0ab\\u202e\n");
  });

  it("with -l has kind, size, date and name", async () => {
    expect(await shown("long")).toBe(
      "directory      -             -  docs\nfile        1.2K  May  3 07:05  a\\x0ab\\u202e\n",
    );
  });

  it("opened on a terminal has numbers, and notes between them", async () => {
    expect(await shown("numbered")).toBe(
      "      Welcome\\x1b[2J\n   1  docs\n   2  a\\x0ab\\u202e  1.2K  May  3 07:05\n",
    );
  });

  it("has lines that were asked for, which are no names to open", async () => {
    const line: Entry = { url: "gopher://h/2", name: "phone: 1\x1b[2J", kind: "line", meta: {} };
    const of = async (style: ListingStyle) => {
      let text = "";
      for await (const piece of listing(given([line]), { style, protocol: "gopher", now })) text += piece;
      return text;
    };
    expect(await of("names")).toBe("phone: 1\x1b[2J\n");
    expect(await of("numbered")).toBe("      phone: 1\\x1b[2J\n");
    expect(JSON.parse(await of("json"))).toMatchObject({ type: "line", name: "phone: 1\x1b[2J" });
  });

  it("of mail has marks for what is unread, answered, flagged, and counts for mailboxes", async () => {
    const message = (name: string, ...flags: readonly string[]): Entry => ({
      url: "imap://h/INBOX/;UID=1",
      name,
      kind: "message",
      meta: { flags, from: "Ann" },
    });
    const mailbox: Entry = {
      url: "imap://h/A",
      name: "A",
      kind: "mailbox",
      meta: { messages: 7, unseen: 2 },
    };
    const entries = [
      message("new"),
      message("told", "\\Seen", "\\Answered", "\\Flagged"),
      message("going", "\\seen", "\\deleted"),
      mailbox,
      { ...mailbox, meta: { messages: 7, unseen: 0 } },
    ];
    const ann = "Ann".padEnd(24);
    expect((await shown("numbered", entries)).split("\n")).toEqual([
      `   1  N    ${ann}  new`,
      `   2   r!  ${ann}  told`,
      `   3   D   ${ann}  going`,
      "   4  A  7, 2 unseen",
      "   5  A  7",
      "",
    ]);
  });

  it("with --json is NDJSON with the documented keys, harmless on a terminal", async () => {
    const utc = ENTRIES.slice(2).map((entry) => ({ ...entry, modified: new Date("2026-05-03T07:05:00Z") }));
    expect(await shown("json", [...ENTRIES.slice(1, 2), ...utc])).toBe(
      '{"type":"directory","name":"docs","url":"gopher://h/1docs","gopher":{"itemType":"1"}}\n' +
        '{"type":"file","name":"a\\nb\\u202e","url":"gopher://h/0a","size":1234,' +
        '"modified":"2026-05-03T07:05:00.000Z","mediaType":"text/plain","gopher":{}}\n',
    );
  });

  it("with --json leaves out a date that is none", async () => {
    const entry: Entry = { url: "x:", name: "x", kind: "file", modified: new Date(Number.NaN), meta: {} };
    expect(await shown("json", [entry])).toBe('{"type":"file","name":"x","url":"x:","gopher":{}}\n');
  });

  it("comes as the entries come: a name is out before the next one exists", async () => {
    let release = (): void => undefined;
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const slow = (async function* () {
      yield* ENTRIES.slice(1, 2);
      await gate;
      yield* ENTRIES.slice(2);
    })();
    const pieces = listing(slow, { style: "columns", protocol: "gopher" });
    expect(await pieces.next()).toEqual({ done: false, value: "docs\n" });
    release();
    expect(await pieces.next()).toEqual({ done: false, value: "a\\x0ab\\u202e\n" });
    expect(await pieces.next()).toEqual({ done: true, value: undefined });
  });

  it("shows what came before a failure", async () => {
    const failing = (async function* () {
      yield* ENTRIES.slice(1, 2);
      throw new Error("cut");
    })();
    const { terminal, stdout } = collected({ columns: 40, rows: 24 });
    await expect(showEntries(failing, terminal, { style: "columns", protocol: "gopher" })).rejects.toThrow(
      "cut",
    );
    expect(stdout.text).toBe("docs\n");
  });

  it("left early ends its source", async () => {
    let ended = false;
    const source = (async function* () {
      try {
        for (;;) yield* ENTRIES;
      } finally {
        ended = true;
      }
    })();
    for await (const _ of listing(source, { style: "columns", protocol: "gopher" })) break;
    expect(ended).toBe(true);
  });

  it("counts what it showed, notes not", async () => {
    const { terminal } = collected();
    expect(await showEntries(given(ENTRIES), terminal, { style: "json", protocol: "gopher" })).toBe(2);
  });

  it.each([
    [{ json: true, long: true }, true, "json"],
    [{ long: true }, false, "long"],
    [{ open: true }, false, "names"],
    [{ open: true }, true, "numbered"],
    [{}, true, "columns"],
  ] as const)("asked for with %j on a terminal (%s) is %s", (asked, isTerminal, style) => {
    expect(listingStyle(asked, isTerminal)).toBe(style);
  });
});

describe("groups in a listing", () => {
  const group = (name: string, count: number, description?: string): Entry => ({
    url: `nntp://h/${name}`,
    name,
    kind: "group",
    meta: { count, ...(description === undefined ? {} : { description }) },
  });

  it("show with -l how much they hold, and what they are about where that was asked for", async () => {
    expect(await shown("long", [group("a.lights", 12), group("b", 0, "Bells\x1b[2J")])).toBe(
      "group         12             -  a.lights\ngroup          0             -  b  Bells\\x1b[2J\n",
    );
  });

  it("stand with their descriptions one a line, in place of a grid; a pipe gets names alone", async () => {
    const groups = [group("a.lights", 12, "Lamps"), group("b", 0, ""), group("c", 1, "Bells")];
    expect(await shown("columns", groups)).toBe("a.lights  Lamps\nb\nc         Bells\n");
    expect(await shown("names", groups)).toBe("a.lights\nb\nc\n");
  });
});

describe("messages in a listing", () => {
  it("show who wrote them, before their subject", async () => {
    async function* mailbox(): AsyncGenerator<Entry> {
      yield {
        url: "pop3://h/uid:1",
        name: "Low tide\x1b[2J",
        kind: "message",
        size: 1200,
        modified: new Date("2026-11-01T10:00:00Z"),
        meta: { from: "Ann of the lighthouse on the northern mole <ann@x.example>" },
      };
    }
    const lines: string[] = [];
    const options = { style: "long", protocol: "pop3", now: new Date("2026-11-02T10:00:00Z") } as const;
    for await (const line of listing(mailbox(), options)) lines.push(line);
    expect(lines).toEqual(["message     1.2K  Nov  1 10:00  Ann of the lighthouse o…  Low tide\\x1b[2J\n"]);
  });
});
