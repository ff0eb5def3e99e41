import { describe, expect, it } from "vitest";
import { conversation, type Script, script } from "../../fixtures/servers/scripted.js";
import type { ClientSettings } from "../../src/client.js";
import type { Session, WatchEvent } from "../../src/plugin.js";
import { ANN, BYE, failure, hello, plays, talk, welcome } from "./talk.js";

const OFTEN: ClientSettings = { ...ANN, options: { interval: 0.05 } };

/** One connection: what the maildrop holds (`1 abc`), and the headers that are asked for. */
function look(uids: readonly string[], ...tops: readonly (readonly [number, string])[]): Script {
  let play = welcome("UIDL", "TOP")
    .expect("LIST")
    .sendLines("+OK", ...uids.map((line) => `${line.split(" ")[0]} 100`), ".")
    .expect("UIDL")
    .sendLines("+OK", ...uids, ".");
  for (const [number, subject] of tops) {
    play = play.expect(`TOP ${number} 0`).sendLines("+OK", `Subject: ${subject}`, "", ".");
  }
  return play.and(BYE);
}

async function events(session: Session, count: number): Promise<WatchEvent[]> {
  const taken: WatchEvent[] = [];
  for await (const event of session.watch?.("/") ?? []) {
    taken.push(event);
    if (taken.length === count) break;
  }
  return taken;
}

describe("watching", () => {
  it("tells what comes and goes, looking anew by a connection a time", async () => {
    const looks = [
      look(["1 abc", "2 def"]),
      look(["1 abc", "2 def"]),
      look(["1 def", "2 ghi"], [2, "the third"]),
    ];
    await plays(
      looks,
      async (session) => {
        const taken = await events(session, 2);
        expect(taken).toMatchObject([
          { event: "gone", entry: { name: "abc", kind: "message" } },
          { event: "new", entry: { name: "the third", meta: { uid: "ghi", number: 2 } } },
        ]);
        expect(taken[0]?.at).toBeInstanceOf(Date);
      },
      OFTEN,
    );
  });

  it("goes on after a server that was away or busy, and says so once", async () => {
    const warnings: string[] = [];
    const settings = { ...OFTEN, warn: (text: string) => warnings.push(text) };
    const busy = hello("USER").and(
      conversation("C: USER ann\nS: +OK\nC: PASS open sesame\nS: -ERR [IN-USE] taken"),
    );
    const looks = [look(["1 abc"]), script().drop(), busy.and(BYE), look(["1 abc", "2 def"], [2, "new"])];
    await plays(
      looks,
      async (session) => expect(await events(session, 1)).toMatchObject([{ event: "new" }]),
      settings,
    );
    expect(warnings).toEqual(["the server closed the connection; looking again"]);
  });

  it("ends with what another look will not change", async () => {
    const refused = hello("USER").and(
      conversation("C: USER ann\nS: +OK\nC: PASS open sesame\nS: -ERR [AUTH] the password was changed"),
    );
    await plays(
      [look(["1 abc"]), refused.and(BYE)],
      async (session) => expect(await failure(events(session, 1))).toMatchObject({ code: "auth" }),
      OFTEN,
    );
  });

  it("wants identifiers", async () => {
    const play = welcome().and(conversation("C: LIST\nS: +OK\nS: 1 100\nS: .\nC: UIDL\nS: -ERR what?"));
    await plays(play.and(BYE), async (session) => {
      expect(await failure(events(session, 1))).toMatchObject({ code: "refused", exit: 9 });
    });
  });

  it("ends at once with the caller's signal, and when the session is closed", async () => {
    const stop = new AbortController();
    await talk(
      look(["1 abc"]),
      async (session, server) => {
        const failed = failure(events(session, 1));
        await server.done;
        stop.abort();
        expect(await failed).toMatchObject({ code: "aborted", exit: 130 });
      },
      { ...ANN, signal: stop.signal },
    );
    await talk(look(["1 abc"]), async (session, server) => {
      const failed = failure(events(session, 1));
      await server.done;
      await session[Symbol.asyncDispose]();
      expect(await failed).toMatchObject({ code: "aborted" });
    });
  });

  it("refuses an interval that would be a flood, and a message", async () => {
    await plays(
      welcome().and(BYE),
      async (session) => {
        expect(await failure(events(session, 1))).toMatchObject({ code: "usage" });
      },
      { ...ANN, options: { interval: 0 } },
    );
    await plays(welcome().and(BYE), async (session) => {
      const watch = async () => {
        for await (const event of session.watch?.("/1") ?? []) return event;
        return undefined;
      };
      expect(await failure(watch())).toMatchObject({ code: "usage" });
    });
  });
});
