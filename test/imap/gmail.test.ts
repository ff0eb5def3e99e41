/** Gmail's labels, as its documentation of the IMAP extensions has them (X-GM-EXT-1). */
import { describe, expect, it } from "vitest";
import { conversation, type Script } from "../../fixtures/servers/scripted.js";
import { plugin } from "../../protocols/imap/index.js";
import type { Entry } from "../../src/plugin.js";
import { runs } from "../talk.js";
import { all, failure, listed, opens, plays, welcome } from "./talk.js";

const GMAIL = welcome("X-GM-EXT-1");
const FACTS = "(UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE X-GM-LABELS)";
/** Ours, and Gmail's own; a name with a space, one beyond ASCII, one with an ampersand. */
const LABELS = '(\\Inbox "\\\\Sent" Important "Muy Importante" "K&APw-ste" "a&-b")';
const SHOWN = ["\\Inbox", "\\Sent", "Important", "Muy Importante", "Küste", "a&b"];

function tells(tag: string, command: string, labels = LABELS): Script {
  return conversation(`C: ${tag} ${command} ${FACTS}`).sendLines(
    `* 1 FETCH (UID 7 FLAGS () INTERNALDATE "17-Jul-1996 02:44:25 -0700" RFC822.SIZE 9 ENVELOPE NIL X-GM-LABELS ${labels})`,
    `${tag} OK`,
  );
}

/** The message that a command gives back. */
async function entryOf(outputs: Promise<unknown[]>): Promise<Entry | undefined> {
  const [first] = await outputs;
  return isEntry(first) ? first.entry : undefined;
}

function isEntry(output: unknown): output is { readonly entry: Entry } {
  return typeof output === "object" && output !== null && "entry" in output;
}

const THERE = conversation("C: A3 UID SEARCH UID 7\nS: * SEARCH 7\nS: A3 OK");

describe("at Gmail", () => {
  it("messages are listed with their labels, as people write them", async () => {
    const play = GMAIL.and(opens("A2", 1)).and(tells("A3", "FETCH 1:1"));
    await plays(play, async (session) => {
      expect(await listed(session, "/INBOX", 1)).toMatchObject([{ meta: { labels: SHOWN } }]);
    });
  });

  it("labels are given and taken, one at a time, with the flags beside them", async () => {
    const given = GMAIL.and(opens("A2", 1, "SELECT"))
      .and(THERE)
      .and(conversation("C: A4 UID STORE 7 +FLAGS.SILENT (\\Seen)\nS: A4 OK"))
      .and(
        conversation('C: A5 UID STORE 7 +X-GM-LABELS "K&APw-ste"\nS: * 1 FETCH (X-GM-LABELS ())\nS: A5 OK'),
      )
      .and(conversation("C: A6 UID STORE 7 +X-GM-LABELS \\Starred\nS: A6 OK"))
      .and(tells("A7", "UID FETCH 7"));
    const words = ["flag", "/INBOX/;UID=7", "seen", "label:Küste", "label:\\Starred"] as const;
    expect(await entryOf(runs(plugin, "imap", given, words, { toTheEnd: false }))).toMatchObject({
      meta: { labels: SHOWN },
    });
    const taken = GMAIL.and(opens("A2", 1, "SELECT"))
      .and(THERE)
      .and(conversation('C: A4 UID STORE 7 -X-GM-LABELS "Muy Importante"\nS: A4 OK'))
      .and(tells("A5", "UID FETCH 7", "()"));
    const back = runs(plugin, "imap", taken, ["unflag", "/INBOX/;UID=7", "label:Muy Importante"], {
      toTheEnd: false,
    });
    expect(await entryOf(back)).toMatchObject({ meta: { labels: [] } });
  });

  it("messages are searched by label, and as Gmail searches", async () => {
    const play = GMAIL.and(opens("A2", 1))
      .and(
        conversation(
          'C: A3 UID SEARCH X-GM-LABELS "K&APw-ste" X-GM-RAW "has:attachment"\nS: * SEARCH 7\nS: A3 OK',
        ),
      )
      .and(tells("A4", "UID FETCH 7"));
    await plays(play, async (session) => {
      const found = await all(session.search?.("/INBOX", "label:Küste gmail:has:attachment") ?? none());
      expect(found).toMatchObject([{ meta: { uid: 7, labels: SHOWN } }]);
    });
  });
});

it("elsewhere labels are refused before anything is changed", async () => {
  const play = welcome().and(opens("A2", 1, "SELECT"));
  const refused = runs(plugin, "imap", play, ["flag", "/INBOX/;UID=7", "seen", "label:x"], {
    toTheEnd: false,
  });
  expect(await failure(refused)).toMatchObject({ code: "refused", hint: expect.stringContaining("Gmail") });
});

async function* none(): AsyncGenerator<never> {}
