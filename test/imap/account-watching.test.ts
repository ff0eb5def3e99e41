/** All mailboxes of an account, watched: by NOTIFY (RFC 5465), else by STATUS now and then. */
import { describe, expect, it } from "vitest";
import { conversation, type Script, script } from "../../fixtures/servers/scripted.js";
import type { Session, WatchEvent } from "../../src/plugin.js";
import { ANN, failure, talk, welcome } from "./talk.js";

const SLOW = { ...ANN, options: { interval: 0.05 } };

/** `INBOX 3 2`: three messages, two of them unseen; the next UID is one more than messages. */
function lists(tag: string, ...boxes: readonly string[]): Script {
  const lines = boxes.map((box) => box.split(" "));
  return script()
    .expect(`${tag} LIST "" "*" RETURN (SUBSCRIBED CHILDREN STATUS (MESSAGES UNSEEN UIDNEXT UIDVALIDITY))`)
    .sendLines(
      ...lines.map(([name]) => `* LIST () "/" ${name}`),
      ...lines.map(([name, ...counts]) => statusLine(name ?? "", counts)),
      `${tag} OK`,
    );
}

function statusLine(
  name: string,
  [messages, unseen, next = Number(messages) + 1]: readonly (string | number)[],
) {
  return `* STATUS ${name} (MESSAGES ${messages} UNSEEN ${unseen} UIDNEXT ${next} UIDVALIDITY 17)`;
}

/** The mailbox is asked what it holds, by the command with this number. */
function asks(tag: number, name: string, ...counts: readonly number[]): Script {
  return conversation(`C: A${tag} STATUS "${name}" (MESSAGES UNSEEN UIDNEXT UIDVALIDITY)`).sendLines(
    statusLine(name, counts),
    `A${tag} OK`,
  );
}

/** The message of this UID is looked at, from the command with this number on. */
function tells(tag: number, name: string, uid: number): Script {
  return conversation(`C: A${tag} EXAMINE "${name}"`)
    .sendLines(`* ${uid} EXISTS`, "* OK [UIDVALIDITY 17] valid", `A${tag} OK [READ-ONLY] open`)
    .and(conversation(`C: A${tag + 1} UID SEARCH UID ${uid}:*\nS: * SEARCH ${uid}\nS: A${tag + 1} OK`))
    .expect(`A${tag + 2} UID FETCH ${uid} (UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE)`)
    .sendLines(
      `* ${uid} FETCH (UID ${uid} FLAGS () INTERNALDATE "17-Jul-1996 02:44:25 -0700" RFC822.SIZE 9 ENVELOPE NIL)`,
      `A${tag + 2} OK`,
    )
    .and(conversation(`C: A${tag + 3} CLOSE\nS: A${tag + 3} OK`));
}

async function take(session: Session, count: number): Promise<string[]> {
  const told: string[] = [];
  for await (const { event, entry } of session.watch?.("/") ?? nothing()) {
    told.push(`${event} ${new URL(entry.url).pathname}`);
    if (told.length === count) break;
  }
  return told;
}

async function* nothing(): AsyncGenerator<WatchEvent> {}

const LISTING = ["LIST-EXTENDED", "LIST-STATUS"];
const NOTIFIED = welcome(...LISTING, "NOTIFY").and(
  conversation(
    "C: A2 NOTIFY SET (personal (MessageNew MessageExpunge FlagChange MailboxName))\nS: A2 OK told",
  ),
);

describe("an account that is watched", () => {
  it("tells what the server tells: messages that come, mailboxes that change, come and go", async () => {
    const play = NOTIFIED.and(lists("A3", "INBOX 3 0", "Lists 5 1"))
      .sendLines(statusLine("Lists", [6, 2]))
      .and(asks(4, "Lists", 6, 2))
      .and(tells(5, "Lists", 6))
      .sendLines(statusLine("inbox", [2, 0, 4]))
      .and(asks(9, "INBOX", 2, 0, 4))
      .sendLines('* LIST () "/" New')
      .and(lists("A10", "INBOX 2 0 4", "New 0 0"))
      .sendLines(statusLine("INBOX", [2, 1, 4]))
      .and(asks(11, "INBOX", 2, 1, 4));
    await talk(play, async (session) => {
      expect(await take(session, 5)).toEqual([
        "new /Lists;UIDVALIDITY=17/;UID=6",
        "changed /INBOX",
        "gone /Lists",
        "new /New",
        "changed /INBOX",
      ]);
    });
  });

  it("misses nothing that is told while it is being asked", async () => {
    const play = NOTIFIED.and(lists("A3", "INBOX 3 0"))
      .sendLines(statusLine("INBOX", [3, 1]))
      .expect('A4 STATUS "INBOX" (MESSAGES UNSEEN UIDNEXT UIDVALIDITY)')
      .sendLines(statusLine("INBOX", [3, 1]), statusLine("INBOX", [3, 2]), "A4 OK")
      .and(asks(5, "INBOX", 3, 2));
    await talk(play, async (session) => {
      expect(await take(session, 2)).toEqual(["changed /INBOX", "changed /INBOX"]);
    });
  });

  it.each([
    ["the server does not offer NOTIFY", welcome(...LISTING), 2],
    [
      "the server refuses it",
      welcome(...LISTING, "NOTIFY")
        .expect(/^A2 NOTIFY/)
        .sendLines("A2 NO [BADEVENT (MessageNew)] not these"),
      3,
    ],
  ] as const)("is asked now and then where %s", async (_, hello, tag) => {
    const play = hello
      .and(lists(`A${tag}`, "INBOX 3 0"))
      .and(lists(`A${tag + 1}`, "INBOX 3 0"))
      .and(lists(`A${tag + 2}`, "INBOX 4 1"))
      .and(tells(tag + 3, "INBOX", 4));
    await talk(
      play,
      async (session) => expect(await take(session, 1)).toEqual(["new /INBOX;UIDVALIDITY=17/;UID=4"]),
      SLOW,
    );
  });

  it("is asked once the server gives up telling", async () => {
    const play = NOTIFIED.and(lists("A3", "INBOX 3 0"))
      .sendLines("* OK [NOTIFICATIONOVERFLOW] too much")
      .and(lists("A4", "INBOX 3 0"))
      .and(lists("A5", "INBOX 3 1"));
    await talk(play, async (session) => expect(await take(session, 1)).toEqual(["changed /INBOX"]), SLOW);
  });

  it("is found again when the connection was cut, and what came meanwhile is told", async () => {
    const first = NOTIFIED.and(lists("A3", "INBOX 3 0")).drop();
    const second = NOTIFIED.and(lists("A3", "INBOX 4 1")).and(tells(4, "INBOX", 4));
    await talk([first, second], async (session) => {
      expect(await take(session, 1)).toEqual(["new /INBOX;UIDVALIDITY=17/;UID=4"]);
    });
  });

  it("that cannot be listed is an error at once", async () => {
    const play = NOTIFIED.expect(/^A3 LIST/).sendLines("A3 NO not now");
    await talk(play, async (session) => {
      expect(await failure(take(session, 1))).toMatchObject({ code: "refused" });
    });
  });
});
