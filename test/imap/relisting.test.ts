/** What is listed again is asked for its changes alone (RFC 7162). */
import { mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { conversation, type Script, scripted } from "../../fixtures/servers/scripted.js";
import { Client } from "../../src/client.js";
import type { JsonValue, ListQuery, Session } from "../../src/plugin.js";
import { ANN, all, plays, welcome } from "./talk.js";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "porthole-relisting-"));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

const FACTS = "(UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE MODSEQ)";

function fact(number: number, uid: number, flags: string, modSeq: number): string {
  return `* ${number} FETCH (UID ${uid} FLAGS (${flags}) INTERNALDATE "02-Nov-2026 08:00:00 +0000" RFC822.SIZE ${uid} ENVELOPE (NIL "mail ${uid}" NIL NIL NIL NIL NIL NIL NIL "<${uid}@x>") MODSEQ (${modSeq}))`;
}

/** The mailbox is opened by command A2, or behind ENABLE by A3. */
function opens(tag: string, exists: number, modSeq: number, validity = 17): Script {
  return conversation(`
    C: ${tag} EXAMINE "INBOX" (CONDSTORE)
    S: * ${exists} EXISTS
    S: * OK [UIDVALIDITY ${validity}] valid
    S: * OK [HIGHESTMODSEQ ${modSeq}] counted
    S: ${tag} OK [READ-ONLY] open
  `);
}

const ENABLES = conversation("C: A2 ENABLE QRESYNC\nS: * ENABLED QRESYNC\nS: A2 OK");

/** All three messages, as the first listing has them. */
function listsAll(tag: string): Script {
  return conversation(`C: ${tag} FETCH 1:3 ${FACTS}`).sendLines(
    fact(1, 4, "", 10),
    fact(2, 5, "\\Seen", 11),
    fact(3, 9, "", 12),
    `${tag} OK`,
  );
}

/** UIDs with flags, as a job lists them that will list again. */
function told(session: Session): Promise<string[]> {
  return toldWith(session, { again: true });
}

async function toldWith(session: Session, query: ListQuery): Promise<string[]> {
  const entries = await all(session.list?.("/INBOX", query) ?? none());
  return entries
    .filter(({ kind }) => kind === "message")
    .map(({ name, meta }) => `${Number(meta["uid"])} ${name} ${flagsOf(meta["flags"])}`);
}

function flagsOf(flags: JsonValue | undefined): string {
  return Array.isArray(flags) ? flags.filter((flag) => typeof flag === "string").join() : "none told";
}

async function* none(): AsyncGenerator<never> {}

/** Without mailboxes within the mailbox. */
function ends(tag: string): Script {
  return conversation(`C: ${tag} LIST "" ""`).sendLines('* LIST (\\Noselect) NIL ""', `${tag} OK`);
}

type Run = readonly [Script, readonly string[], query?: ListQuery];

/** One listing after the other of the same server, each over a connection of its own; `between` comes before each but the first. */
async function lists(runs: readonly Run[], between?: () => Promise<void>): Promise<void> {
  await using server = await scripted(
    runs.map(([play]) => play),
    { timeout: 5000 },
  );
  const client = new Client({ ...ANN, stateFolder: folder });
  const target = client.target(server.url("imap"));
  for (const [at, [, expected, query]] of runs.entries()) {
    if (at > 0) await between?.();
    const listed = await client.use(target, (session) =>
      query === undefined ? told(session) : toldWith(session, query),
    );
    expect(listed).toEqual(expected);
  }
  await server.done;
}

const CONDSTORE = welcome("CONDSTORE");
const QRESYNC = welcome("CONDSTORE", "QRESYNC").and(ENABLES);
const ALL = ["9 mail 9 ", "5 mail 5 \\Seen", "4 mail 4 "];

/** The three questions of a listing that knows messages up to UID 9, until modification 12. */
function asks(tag: number, vanished = ""): Script {
  return conversation(`
    C: A${tag} UID FETCH 9 ${FACTS}
    C: A${tag + 1} UID FETCH 1:9 (UID FLAGS MODSEQ) (CHANGEDSINCE 12${vanished})
    C: A${tag + 2} UID SEARCH UID 10:*
  `);
}

describe("with QRESYNC", () => {
  const first = QRESYNC.and(opens("A3", 3, 12))
    .and(listsAll("A4"))
    .and(ends("A5"));

  it("only what is new, changed and gone is asked for", async () => {
    const again = QRESYNC.and(opens("A3", 3, 20))
      .and(asks(4, " VANISHED"))
      .sendLines(
        fact(2, 9, "", 12),
        "A4 OK",
        "* VANISHED (EARLIER) 1:3,5",
        "* 1 FETCH (UID 4 FLAGS (\\Flagged) MODSEQ (18))",
        "A5 OK",
        "* SEARCH 11",
        "A6 OK",
      )
      .and(conversation(`C: A7 UID FETCH 11 ${FACTS}`))
      .sendLines(fact(3, 11, "", 20), "A7 OK")
      .and(ends("A8"));
    const nothingNew = QRESYNC.and(opens("A3", 3, 20))
      .expect(`A4 UID FETCH 11 ${FACTS}`)
      .expect("A5 UID FETCH 1:11 (UID FLAGS MODSEQ) (CHANGEDSINCE 20 VANISHED)")
      .expect("A6 UID SEARCH UID 12:*")
      .sendLines(fact(3, 11, "", 20), "A4 OK", "A5 OK", "* SEARCH 11", "A6 OK")
      .and(ends("A7"));
    const now = ["11 mail 11 ", "9 mail 9 ", "4 mail 4 \\Flagged"];
    await lists([
      [first, ALL],
      [again, now],
      [nothingNew, now],
    ]);
  });

  it("flags of the newest that changed are told, though the server says OK to all questions at the end", async () => {
    const again = QRESYNC.and(opens("A3", 3, 20))
      .and(asks(4, " VANISHED"))
      .sendLines(
        fact(3, 9, "\\Flagged", 20),
        "* 3 FETCH (UID 9 FLAGS (\\Flagged) MODSEQ (20))",
        "* SEARCH 9",
        "A6 OK",
        "A4 OK",
        "A5 OK",
      )
      .and(ends("A7"));
    await lists([
      [first, ALL],
      [again, ["9 mail 9 \\Flagged", ...ALL.slice(1)]],
    ]);
  });

  it("envelopes are left out where they are not wanted, and asked for by who wants them", async () => {
    const withoutEnvelopes = FACTS.replace(" ENVELOPE", "");
    const brief = QRESYNC.and(opens("A3", 3, 12))
      .and(conversation(`C: A4 FETCH 1:3 ${withoutEnvelopes}`))
      .sendLines(
        ...[fact(1, 4, "", 10), fact(2, 5, "\\Seen", 11), fact(3, 9, "", 12)].map((line) =>
          line.replace(/ ENVELOPE \(.*\) (?=MODSEQ)/, " "),
        ),
        "A4 OK",
      )
      .and(ends("A5"));
    const nothingNew = QRESYNC.and(opens("A3", 3, 12))
      .and(asks(4, " VANISHED"))
      .sendLines(fact(3, 9, "", 12), "A4 OK", "A5 OK", "* SEARCH 9", "A6 OK")
      .and(ends("A7"));
    const unnamed = ["9 message 9 ", "5 message 5 \\Seen", "4 message 4 "];
    await lists([
      [brief, unnamed, { again: true, brief: true }],
      [nothingNew, unnamed, { again: true, brief: true }],
      [first, ALL],
      [nothingNew, ALL, { again: true, brief: true }],
    ]);
  });

  it("what goes meanwhile is told by VANISHED and counted", async () => {
    const again = QRESYNC.and(opens("A3", 3, 20))
      .and(asks(4, " VANISHED"))
      .sendLines(fact(3, 9, "", 12), "A4 OK", "* VANISHED 4:5", "A5 OK", "* SEARCH 9", "A6 OK")
      .and(ends("A7"));
    await lists([
      [first, ALL],
      [again, ["9 mail 9 "]],
    ]);
  });

  it("ranges of what never was cost nothing", async () => {
    const again = QRESYNC.and(opens("A3", 1, 20))
      .and(asks(4, " VANISHED"))
      .sendLines(
        fact(1, 9, "", 12),
        "A4 OK",
        "* VANISHED (EARLIER) 1:8,10:4294967295",
        "A5 OK",
        "* SEARCH 9",
        "A6 OK",
      )
      .and(ends("A7"));
    await lists([
      [first, ALL],
      [again, ["9 mail 9 "]],
    ]);
  });
});

it("what was listed is not asked about again when it is read", async () => {
  const listing = conversation(`C: A3 FETCH 1:1 ${FACTS.replace(" MODSEQ", "")}`);
  await plays(
    welcome()
      .and(conversation('C: A2 EXAMINE "INBOX"'))
      .sendLines("* 1 EXISTS", "* OK [UIDVALIDITY 17] valid", "A2 OK open")
      .and(listing)
      .sendLines(fact(1, 4, "\\Seen", 10), "A3 OK")
      .and(ends("A4"))
      .and(conversation("C: A5 UID FETCH 4 (UID BODY.PEEK[])"))
      .send("* 1 FETCH (UID 4 BODY[] {6}\r\nmail 4)\r\nA5 OK\r\n"),
    async (session) => {
      const [entry] = await all(session.list?.("/INBOX", { again: true }) ?? none());
      const paths = async function* () {
        yield "/INBOX;UIDVALIDITY=17/;UID=4";
      };
      for await (const result of session.readMany?.(paths()) ?? none()) {
        if ("error" in result) throw result.error;
        const { document } = result;
        expect((await document.whole?.(100))?.toString()).toBe("mail 4");
        expect(document.entry.modified).toEqual(entry?.modified);
        expect(document.entry.meta["flags"]).toEqual(["\\Seen"]);
      }
    },
    { ...ANN, stateFolder: folder },
  );
});

describe("with CONDSTORE alone", () => {
  const first = CONDSTORE.and(opens("A2", 3, 12))
    .and(listsAll("A3"))
    .and(ends("A4"));

  /** Listed again in full, after `play`. */
  function anew(play: Script, tag: number): Script {
    return play.and(listsAll(`A${tag}`)).and(ends(`A${tag + 1}`));
  }

  it("what is gone is found by what is there", async () => {
    const again = CONDSTORE.and(opens("A2", 2, 20))
      .and(asks(3))
      .expect("A6 UID SEARCH UID 1:9")
      .sendLines(
        fact(2, 9, "", 12),
        "A3 OK",
        "* 2 FETCH (UID 9 FLAGS (\\Seen) MODSEQ (19))",
        "A4 OK",
        "* SEARCH 9",
        "A5 OK",
        "* SEARCH 5 9",
        "A6 OK",
      )
      .and(ends("A7"));
    await lists([
      [first, ALL],
      [again, ["9 mail 9 \\Seen", "5 mail 5 \\Seen"]],
    ]);
  });

  it("all is listed anew when the UIDs are others now", async () => {
    await lists([
      [first, ALL],
      [anew(CONDSTORE.and(opens("A2", 3, 20, 18)), 3), ALL],
    ]);
  });

  it("and when fewer changes are counted than there were", async () => {
    await lists([
      [first, ALL],
      [anew(CONDSTORE.and(opens("A2", 3, 11)), 3), ALL],
    ]);
  });

  it.each([
    [
      "another message has the UID",
      [
        '* 3 FETCH (UID 9 FLAGS () INTERNALDATE "02-Nov-2026 08:00:00 +0000" RFC822.SIZE 1 ENVELOPE NIL MODSEQ (12))',
        "A3 OK",
        "A4 OK",
        "* SEARCH 9",
        "A5 OK",
        "* SEARCH 4 5 9",
        "A6 OK",
      ],
    ],
    [
      "what is told does not add up",
      [fact(3, 9, "", 12), "A3 OK", "A4 OK", "* SEARCH 9", "A5 OK", "* SEARCH 9", "A6 OK"],
    ],
    [
      "a message changed that was not known",
      [
        fact(3, 9, "", 12),
        "A3 OK",
        "* 2 FETCH (UID 6 FLAGS () MODSEQ (19))",
        "A4 OK",
        "* SEARCH 9",
        "A5 OK",
        "* SEARCH 4 5 9",
        "A6 OK",
      ],
    ],
  ])("and when %s", async (_, answers) => {
    const again = CONDSTORE.and(opens("A2", 3, 20))
      .and(asks(3))
      .expect("A6 UID SEARCH UID 1:9");
    await lists([
      [first, ALL],
      [anew(again.sendLines(...answers), 7), ALL],
    ]);
  });

  it.each([
    "{",
    "[]\n",
    '{"version":99}\n',
    '{"version":1,"uidValidity":17,"highestModSeq":"12","messages":3}\n{"uid":4',
  ])("and when what was remembered is %j", async (torn) => {
    const tear = async () => {
      const [name = ""] = await readdir(join(folder, "imap"));
      await writeFile(join(folder, "imap", name), torn);
    };
    const runs: readonly Run[] = [
      [first, ALL],
      [first, ALL],
    ];
    await lists(runs, tear);
  });

  it("it is kept for its owner alone", async () => {
    await lists([[first, ALL]]);
    const [name = ""] = await readdir(join(folder, "imap"));
    expect((await stat(join(folder, "imap", name))).mode & 0o777).toBe(0o600);
  });
});

it("without CONDSTORE, and where nobody lists again, nothing is kept", async () => {
  const facts = FACTS.replace(" MODSEQ", "");
  const plain = (welcoming: Script, select: string, items: string) =>
    welcoming
      .and(conversation(`C: A2 EXAMINE "INBOX"${select}`))
      .sendLines("* 1 EXISTS", "* OK [UIDVALIDITY 17] valid", "* OK [HIGHESTMODSEQ 12] counted", "A2 OK open")
      .and(conversation(`C: A3 FETCH 1:1 ${items}`))
      .sendLines(fact(1, 4, "", 10), "A3 OK")
      .and(ends("A4"));
  await plays(
    plain(CONDSTORE, " (CONDSTORE)", FACTS),
    async (session) => void (await all(session.list?.("/INBOX") ?? none())),
    { ...ANN, stateFolder: folder },
  );
  const uncounted = welcome()
    .and(conversation('C: A2 EXAMINE "INBOX"'))
    .sendLines("* 1 EXISTS", "* OK [UIDVALIDITY 17] valid", "A2 OK open")
    .and(conversation(`C: A3 FETCH 1:1 ${facts}`))
    .sendLines(fact(1, 4, "", 10), "A3 OK")
    .and(ends("A4"));
  await lists([[uncounted, ["4 mail 4 "]]]);
  expect(await readdir(folder)).toEqual([]);
});
