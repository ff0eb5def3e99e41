import { once } from "node:events";
import { buffer } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { makeTlsMaterial } from "../../fixtures/servers/certificate.js";
import { conversation, type Script, script, scripted } from "../../fixtures/servers/scripted.js";
import { PortholeError } from "../../src/errors.js";
import { Dialer } from "../../src/net/dialer.js";
import { Dialogue } from "../../src/net/dialogue.js";
import type { NetworkSettings } from "../../src/net/settings.js";
import { commandLine } from "../../src/wire/command.js";
import type { Exchange, Sequel } from "../../src/wire/exchange.js";
import { type Reply, ThreeDigitReplyReader } from "../../src/wire/replies.js";

interface Habits {
  readonly greeting?: boolean;
  readonly leaveWithin?: number;
  readonly network?: Partial<NetworkSettings>;
  readonly signal?: AbortSignal;
}

/** A dialogue with a server that plays a script; both are closed at the end. */
async function talk(
  play: Script,
  act: (dialogue: Dialogue<Reply>, done: Promise<void>) => Promise<void>,
  habits: Habits = {},
): Promise<void> {
  await using server = await scripted(play, { timeout: 5000 });
  const dialer = new Dialer(habits.network);
  const signal = habits.signal ?? new AbortController().signal;
  const connection = await dialer.dial({ host: server.host, port: server.port, scheme: "test" }, signal);
  const dialogue = new Dialogue<Reply>(connection, {
    replies: new ThreeDigitReplyReader({ multiline: "never" }),
    greeting: habits.greeting ?? false,
    ...(habits.leaveWithin === undefined ? {} : { leaveWithin: habits.leaveWithin }),
    unsolicited: (reply, during) =>
      new PortholeError("busy", `unasked during ${during === undefined ? "nothing" : nameOf(during)}`, {
        reply: reply.text,
      }),
  });
  try {
    await act(dialogue, server.done);
  } finally {
    await dialogue.close();
  }
}

function nameOf(exchange: Exchange<Reply>): string {
  return Buffer.from(exchange.command).toString().trimEnd();
}

function command(
  words: string,
  sequel: Sequel = "nothing",
  rest: Partial<Exchange<Reply>> = {},
): Exchange<Reply> {
  return {
    command: commandLine(words),
    sequel: ({ code }) => (code < 400 ? sequel : "nothing"),
    ...rest,
  };
}

async function failure(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => "no failure",
    (thrown: unknown) => thrown,
  );
}

describe("commands and replies", () => {
  it("waits for the greeting before it says anything", async () => {
    const play = script().pause(50).sendLines("200 hello").expect("ONE").sendLines("201 one");
    await talk(
      play,
      async (dialogue, done) => {
        const one = dialogue.say(command("ONE"));
        expect(await dialogue.greeting()).toMatchObject({ code: 200, text: "hello" });
        expect(await one.reply()).toMatchObject({ code: 201, text: "one" });
        await done;
      },
      { greeting: true },
    );
  });

  it("sends what is said without waiting in one go, and keeps answers with their commands", async () => {
    const play = script()
      .expect(Buffer.from("ONE\r\nTWO\r\nTHREE\r\n"))
      .sendCut("201 one\r\n502 two\r\n203 three\r\n", "everywhere");
    await talk(play, async (dialogue, done) => {
      const answers = ["ONE", "TWO", "THREE"].map((words) => dialogue.say(command(words)));
      expect((await answers[2]?.reply())?.text).toBe("three");
      expect((await answers[0]?.reply())?.text).toBe("one");
      expect((await answers[1]?.reply())?.code).toBe(502);
      await done;
    });
  });

  it("gives several replies of one exchange in order", async () => {
    const play = conversation(`
      C: BOTH
      S: 150 first
      S: 226 second
    `);
    await talk(play, async (dialogue) => {
      const answer = dialogue.say(
        command("BOTH", "nothing", { sequel: ({ code }) => (code === 150 ? "reply" : "nothing") }),
      );
      expect((await answer.reply()).text).toBe("first");
      expect((await answer.reply()).text).toBe("second");
      expect(await failure(answer.reply())).toMatchObject({
        code: "usage",
        message: "a reply was awaited after the last one",
      });
    });
  });

  it("ends at a reply that nobody asked for, with its words", async () => {
    await talk(script().sendLines("400 closing now").eof(), async (dialogue, done) => {
      await done;
      expect(dialogue.failure).toMatchObject({
        code: "busy",
        message: "unasked during nothing",
        reply: "closing now",
      });
      const late = dialogue.say(command("ONE"));
      expect(await failure(late.reply())).toMatchObject({ code: "busy" });
      expect(late.standing).toBe("unsent");
    });
  });
});

describe("a connection that is lost", () => {
  it("tells of each exchange how far it had come", async () => {
    const play = script().expect("ONE").expect("TWO").sendLines("201 one").send("20").drop();
    await talk(play, async (dialogue) => {
      const [one, two, three] = [
        dialogue.say(command("ONE")),
        dialogue.say(command("TWO")),
        dialogue.say(command("THREE", "nothing", { sendAhead: "alone" })),
      ];
      expect((await one.reply()).text).toBe("one");
      expect(await failure(two.reply())).toMatchObject({
        code: "protocol",
        message: "the server closed the connection, in the middle of an answer",
      });
      expect([one.standing, two.standing, three.standing]).toEqual([undefined, "half-answered", "unsent"]);
    });
  });

  it("is `connect` when nothing of the answer had come", async () => {
    await talk(script().expect("ONE").drop(), async (dialogue) => {
      const one = dialogue.say(command("ONE"));
      expect(await failure(one.reply())).toMatchObject({
        code: "connect",
        message: "the server closed the connection",
      });
      expect(one.standing).toBe("unanswered");
    });
  });

  it("gives replies that came before the end", async () => {
    await talk(script().expect("ONE").sendLines("201 one").drop(), async (dialogue) => {
      const one = dialogue.say(command("ONE"));
      await once(dialogue.connection, "close");
      expect((await one.reply()).text).toBe("one");
    });
  });

  it("fails at garbage", async () => {
    await talk(script().expect("ONE").sendLines("what?").eof(), async (dialogue, done) => {
      expect(await failure(dialogue.ask(command("ONE")))).toMatchObject({ code: "protocol", reply: "what?" });
      await done;
    });
  });

  it("ends with the signal's reason", async () => {
    const stop = new AbortController();
    const reason = new PortholeError("aborted", "enough");
    await talk(
      script().expect("ONE").eof(),
      async (dialogue, done) => {
        const one = dialogue.ask(command("ONE"));
        setTimeout(() => stop.abort(reason), 20);
        expect(await failure(one)).toBe(reason);
        await done;
      },
      { signal: stop.signal },
    );
  });
});

describe("patience", () => {
  it("is over when the server owes an answer", async () => {
    await talk(
      script().expect("ONE").eof(),
      async (dialogue) => {
        expect(await failure(dialogue.ask(command("ONE")))).toMatchObject({ code: "timeout" });
      },
      { network: { idleTimeout: 80 } },
    );
  });

  it("is without end while it owes none", async () => {
    await talk(
      script().expect("ONE").sendLines("201 one"),
      async (dialogue) => {
        await sleep(250);
        expect((await dialogue.ask(command("ONE"))).text).toBe("one");
      },
      { network: { idleTimeout: 80 } },
    );
  });

  it("is over when a block stops coming, and not while its reader pauses", async () => {
    const play = script().expect("GET").sendLines("220 here").send("a\r\n").pause(300).send("b\r\n.\r\n");
    await talk(
      play,
      async (dialogue) => {
        const get = dialogue.say(command("GET", "block"));
        await get.reply();
        expect(await failure(buffer(get.block()))).toMatchObject({ code: "timeout" });
      },
      { network: { idleTimeout: 80 } },
    );
  });
});

describe("data for the server", () => {
  it("go out when it asks for them, and are answered", async () => {
    const play = conversation(`
      C: DATA
      S: 354 go on
      C: one
      C: two
      C: .
      S: 250 taken
    `);
    await talk(play, async (dialogue, done) => {
      const data = dialogue.say(
        command("DATA", "nothing", { sequel: ({ code }) => (code === 354 ? "data" : "nothing") }),
      );
      expect((await data.reply()).code).toBe(354);
      await dialogue.supply(Buffer.from("one\r\n"));
      await dialogue.supplyLast(Buffer.from("two\r\n.\r\n"));
      expect((await data.reply()).text).toBe("taken");
      await done;
    });
  });

  it("wait while the server does not take them", async () => {
    const play = script().expect("DATA").sendLines("354 go on").pause(300).drain();
    await talk(play, async (dialogue) => {
      const data = dialogue.say(command("DATA", "data"));
      await data.reply();
      const chunk = Buffer.alloc(1024 * 1024);
      let supplied = 0;
      const supplying = (async () => {
        for (; supplied < 64; supplied++) await dialogue.supply(chunk);
      })();
      await sleep(150);
      const early = supplied;
      expect(early).toBeLessThan(20);
      await supplying;
      expect(supplied).toBe(64);
    });
  });

  it("are refused when nobody asked", async () => {
    await talk(script().eof(), async (dialogue) => {
      expect(await failure(dialogue.supply(Buffer.from("x")))).toMatchObject({ code: "usage" });
    });
  });

  it("stop at a reply that comes in between", async () => {
    const play = script().expect("DATA").sendLines("354 go on").expect("one").sendLines("552 too much").eof();
    await talk(play, async (dialogue, done) => {
      const data = dialogue.say(command("DATA", "data"));
      await data.reply();
      await dialogue.supply(Buffer.from("one\r\n"));
      await done;
      expect(await failure(dialogue.supply(Buffer.from("two\r\n")))).toMatchObject({
        message: "unasked during DATA",
        reply: "too much",
      });
      expect(data.standing).toBe("data-unsent");
    });
  });

  it("leave it unknown whether they were taken when the answer to the last is lost", async () => {
    const play = script().expect("DATA").sendLines("354 go on").expect(".").drop();
    await talk(play, async (dialogue) => {
      const data = dialogue.say(command("DATA", "data"));
      await data.reply();
      await dialogue.supplyLast(Buffer.from(".\r\n"));
      expect(await failure(data.reply())).toMatchObject({ code: "connect" });
      expect(data.standing).toBe("data-unanswered");
    });
  });
});

describe("blocks", () => {
  it("come as octets, dots undone, cut anywhere", async () => {
    const play = script()
      .expect("GET")
      .sendCut("220 here\r\na\r\n..b\r\n.\r\n201 one\r\n", "everywhere")
      .expect("ONE");
    await talk(play, async (dialogue) => {
      const get = dialogue.say(command("GET", "block"));
      const one = dialogue.say(command("ONE"));
      expect((await get.reply()).text).toBe("here");
      expect((await buffer(get.block())).toString()).toBe("a\r\n.b\r\n");
      expect((await one.reply()).text).toBe("one");
    });
  });

  it("come as lines", async () => {
    const play = script()
      .expect("LIST")
      .sendLines("215 list", "a", "..b", "", ".")
      .expect("ONE")
      .sendLines("201 one");
    await talk(play, async (dialogue) => {
      const list = dialogue.say(command("LIST", "lines"));
      await list.reply();
      const lines: string[] = [];
      for await (const line of list.lines()) lines.push(line.toString());
      expect(lines).toEqual(["a", ".b", ""]);
      expect((await dialogue.ask(command("ONE"))).text).toBe("one");
    });
  });

  it("are not read faster than they are taken", async () => {
    let accepted = 0;
    const play = script()
      .expect("GET")
      .sendLines("220 here")
      .call((connection) => {
        void (async () => {
          const chunk = Buffer.alloc(64 * 1024, "line of text\r\n");
          while (!connection.gone) {
            await connection.write(chunk);
            accepted += chunk.length;
          }
        })().catch(() => {});
      })
      .drain();
    await talk(play, async (dialogue) => {
      const get = dialogue.say(command("GET", "block"));
      await get.reply();
      const body = get.block();
      await once(body, "readable");
      await sleep(200);
      expect(body.readableLength).toBeLessThan(512 * 1024);
      expect(accepted).toBeGreaterThan(0);
      const settled = accepted;
      await sleep(100);
      expect(accepted).toBe(settled);
      body.on("error", () => {});
      body.destroy();
    });
  });

  it("that are left early let the dialogue go on when little was left", async () => {
    const play = script()
      .expect("LIST")
      .sendLines("215 list", "a", "b", "c", ".")
      .expect("GET")
      .sendLines("220 here", "d", "e", ".")
      .expect("ONE")
      .sendLines("201 one");
    await talk(play, async (dialogue) => {
      const list = dialogue.say(command("LIST", "lines"));
      await list.reply();
      for await (const line of list.lines()) {
        expect(line.toString()).toBe("a");
        break;
      }
      const get = dialogue.say(command("GET", "block"));
      await get.reply();
      get.block().destroy();
      expect((await dialogue.ask(command("ONE"))).text).toBe("one");
    });
  });

  it("that are left early end the connection when much was left", async () => {
    const play = script()
      .expect("GET")
      .sendLines("220 here")
      .flood(4 * 1024 * 1024, "text\r\n");
    await talk(
      play,
      async (dialogue) => {
        const get = dialogue.say(command("GET", "block"));
        await get.reply();
        get.block().destroy();
        expect(await failure(dialogue.ask(command("ONE")))).toMatchObject({
          code: "aborted",
          message: "an answer was left early, and the connection with it",
        });
        expect(dialogue.connection.bytesRead).toBeLessThan(1024 * 1024);
      },
      { leaveWithin: 64 * 1024 },
    );
  });

  it("that are cut by the server fail at their cut", async () => {
    await talk(script().expect("GET").sendLines("220 here", "a").drop(), async (dialogue) => {
      const get = dialogue.say(command("GET", "block"));
      await get.reply();
      expect(await failure(buffer(get.block()))).toMatchObject({
        code: "protocol",
        message: "the server closed the connection, in the middle of an answer",
      });
    });
    await talk(script().expect("LIST").sendLines("215 list", "a").drop(), async (dialogue) => {
      const list = dialogue.say(command("LIST", "lines"));
      await list.reply();
      const lines: string[] = [];
      const taking = (async () => {
        for await (const line of list.lines()) lines.push(line.toString());
      })();
      expect(await failure(taking)).toMatchObject({ code: "protocol" });
      expect(lines).toEqual(["a"]);
    });
  });

  it("of many lines arrive whole", async () => {
    const text = Array.from({ length: 50_000 }, (_, at) => `line ${at}`);
    await talk(
      script()
        .expect("LIST")
        .sendLines("215 list", ...text, "."),
      async (dialogue) => {
        const list = dialogue.say(command("LIST", "lines"));
        await list.reply();
        const lines: string[] = [];
        for await (const line of list.lines()) lines.push(line.toString());
        expect(lines).toEqual(text);
      },
    );
  });
});

describe("TLS in place", () => {
  it("starts after a switch, and what is said then goes over it", async () => {
    const tls = await makeTlsMaterial();
    const play = conversation("C: TLS\nS: 220 go on").startTls(tls).and(conversation("C: ONE\nS: 201 one"));
    await talk(
      play,
      async (dialogue) => {
        expect((await dialogue.ask(command("TLS", "switch", { sendAhead: "alone" }))).code).toBe(220);
        await dialogue.startTls();
        expect(dialogue.connection.secure).toBe(true);
        expect((await dialogue.ask(command("ONE"))).text).toBe("one");
      },
      { network: { tls: { insecure: true } } },
    );
  });

  it("does not start when octets came ahead of it", async () => {
    await talk(script().expect("TLS").sendLines("220 go on", "201 injected").drain(), async (dialogue) => {
      await dialogue.ask(command("TLS", "switch", { sendAhead: "alone" }));
      expect(await failure(dialogue.startTls())).toMatchObject({ code: "tls" });
      expect(await failure(dialogue.ask(command("ONE")))).toMatchObject({ code: "tls" });
    });
  });
});

describe("the end", () => {
  it("is said with a farewell", async () => {
    await talk(conversation("C: BYE\nS: 205 bye\nC end"), async (dialogue, done) => {
      await dialogue.close(command("BYE"));
      await done;
    });
  });

  it("does not wait for long", async () => {
    await talk(script().expect("BYE").eof(), async (dialogue, done) => {
      const before = performance.now();
      await dialogue.close(command("BYE"));
      const took = performance.now() - before;
      expect(took).toBeGreaterThan(900);
      expect(took).toBeLessThan(3000);
      await done;
    });
  });

  it("is no farewell while an answer is due", async () => {
    await talk(script().expect("ONE").eof(), async (dialogue, done) => {
      const one = dialogue.ask(command("ONE"));
      const failed = failure(one);
      await sleep(20);
      await dialogue.close(command("BYE"));
      expect(await failed).toMatchObject({ code: "aborted" });
      await done;
    });
  });
});
