import { describe, expect, it } from "vitest";
import { conversation, type Script, script } from "../../fixtures/servers/scripted.js";
import type { Session, WatchEvent } from "../../src/plugin.js";
import { ANN, failure, opens, talk, welcome } from "./talk.js";

function looks(tag: string, ...uids: readonly number[]): Script {
  return script()
    .expect(`${tag} FETCH 1:* (UID FLAGS)`)
    .sendLines(...uids.map((uid, at) => `* ${at + 1} FETCH (UID ${uid} FLAGS ())`), `${tag} OK`);
}

function tells(tag: string, uid: number): Script {
  return script()
    .expect(`${tag} UID FETCH ${uid} (UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE)`)
    .sendLines(
      `* 9 FETCH (UID ${uid} FLAGS () INTERNALDATE "17-Jul-1996 02:44:25 -0700" RFC822.SIZE 9 ENVELOPE NIL)`,
      `${tag} OK`,
    );
}

async function take(session: Session, count: number): Promise<string[]> {
  const told: string[] = [];
  for await (const { event, entry } of session.watch?.("/INBOX") ?? nothing()) {
    told.push(`${event} ${entry.url.replace(/^.*=/, "")}`);
    if (told.length === count) break;
  }
  return told;
}

async function* nothing(): AsyncGenerator<WatchEvent> {}

describe("a mailbox that is watched", () => {
  it("tells what comes, changes and goes, as the server tells it", async () => {
    const play = welcome("IDLE")
      .and(opens("A2", 2))
      .and(looks("A3", 4, 7))
      .and(conversation("C: A4 IDLE\nS: + idling\nS: * 1 EXPUNGE\nS: * 2 EXISTS\nC: DONE\nS: A4 OK"))
      .and(conversation("C: A5 UID SEARCH UID 8:*\nS: * SEARCH 9\nS: A5 OK"))
      .and(tells("A6", 9))
      .and(conversation("C: A7 IDLE\nS: + idling\nS: * 1 FETCH (FLAGS (\\Seen))\nC: DONE\nS: A7 OK"))
      .and(tells("A8", 7));
    await talk(play, async (session) => {
      expect(await take(session, 3)).toEqual(["gone 4", "new 9", "changed 7"]);
    });
  });

  it("is found again when the connection was cut, and what happened meanwhile is told", async () => {
    const first = welcome("IDLE")
      .and(opens("A2", 2))
      .and(looks("A3", 4, 7))
      .expect("A4 IDLE")
      .sendLines("+ idling", "* BYE timeout")
      .drop();
    const second = welcome("IDLE")
      .and(opens("A2", 2))
      .and(looks("A3", 7, 8))
      .and(tells("A4", 8));
    await talk([first, second], async (session) => {
      expect(await take(session, 2)).toEqual(["gone 4", "new 8"]);
    });
  });

  it("is asked for again and again where the server does not tell", async () => {
    const play = welcome()
      .and(opens("A2", 1))
      .and(looks("A3", 4))
      .and(
        conversation(
          "C: A4 NOOP\nS: A4 OK\nC: A5 NOOP\nS: * 2 EXISTS\nS: A5 OK\nC: A6 UID SEARCH UID 5:*\nS: * SEARCH 6\nS: A6 OK",
        ),
      )
      .and(tells("A7", 6));
    await talk(play, async (session) => expect(await take(session, 1)).toEqual(["new 6"]), {
      ...ANN,
      options: { interval: 0.05 },
    });
  });

  it("that is not there is an error at once", async () => {
    const play = welcome("IDLE").expect('A2 EXAMINE "INBOX"').sendLines("A2 NO [NONEXISTENT] none");
    await talk(play, async (session) => {
      expect(await failure(take(session, 1))).toMatchObject({ code: "missing" });
    });
  });
});
