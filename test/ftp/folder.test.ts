import { describe, expect, it } from "vitest";
import {
  conversation,
  type Script,
  type ScriptedServer,
  script,
  scripted,
} from "../../fixtures/servers/scripted.js";
import type { ClientSettings } from "../../src/client.js";
import { all, failureOf, GOODBYE, LOGIN, names, opened, passive, talk } from "./opened.js";

/** A login to a server that knows MLSD. */
const WITH_FACTS = conversation(`
  S: 220 ready
  C: USER anonymous
  S: 230 come in
  C: FEAT
  S: 211-Features:
  S:  MLST type*;size*;modify*;
  S: 211 End
`);

/** One listing by MLSD of /pub that the data connection `data` plays. */
function factsOf(data: ScriptedServer, command = "MLSD /pub"): Script {
  return conversation(`${passive(data)}\nC: ${command}\nS: 150 here\nS: 226 done`);
}

/** A session's warnings, and the settings that gather them. */
function warnings(): { said: string[]; settings: ClientSettings } {
  const said: string[] = [];
  return { said, settings: { warn: (text) => said.push(text) } };
}

const lines = (...texts: readonly string[]) => script().send(texts.map((line) => `${line}\r\n`).join(""));

/** A number once it has stopped growing. */
async function steady(read: () => number): Promise<number> {
  for (;;) {
    const before = read();
    await new Promise((resolve) => setTimeout(resolve, 100));
    if (before > 0 && read() === before) return before;
  }
}

describe("a listing", () => {
  it("comes line by line, cut anywhere, its last line with an end or without", async () => {
    const text = "type=file;size=1; a\r\ntype=dir; caf\xc3\xa9\r\ntype=file; last";
    await using data = await scripted(script().sendCut(Buffer.from(text, "latin1"), "everywhere"));
    const entries = await talk(WITH_FACTS.and(factsOf(data)).and(GOODBYE), (session) =>
      all(session.list("//pub")),
    );
    expect(entries.map(({ name, kind }) => [name, kind])).toEqual([
      ["a", "file"],
      ["café", "directory"],
      ["last", "file"],
    ]);
    expect(entries[1]?.url).toMatch(/\/\/pub\/caf%C3%A9\/$/);
  });

  it("of any length is read as it is wanted, and the server asked for no more", async () => {
    await using data = await scripted(
      script().flood(1024 ** 3, "type=file;size=1;modify=20240301083015; a-file-among-many.txt\r\n"),
    );
    const control = WITH_FACTS.and(conversation(`${passive(data)}\nC: MLSD /pub\nS: 150 here`))
      .call(() => data.done)
      .and(conversation("S: 426 you left\nC: MLST /pub/x\nS: 250-\nS:  type=file; x\nS: 250 End"))
      .and(GOODBYE);
    await talk(control, async (session) => {
      let count = 0;
      for await (const entry of session.list("//pub", { limit: 10 })) {
        expect(entry.name).toBe("a-file-among-many.txt");
        count += 1;
        if (count === 5) {
          const taken = await steady(() => data.connections[0]?.accepted ?? 0);
          expect(taken).toBeLessThan(64 * 1024 ** 2);
        }
      }
      expect(count).toBe(10);
      expect(await session.stat("//pub/x")).toMatchObject({ kind: "file" });
    });
  });

  it("with a line that does not end is a broken protocol", async () => {
    await using data = await scripted(script().endlessLine(1024 ** 2));
    const control = WITH_FACTS.and(conversation(`${passive(data)}\nC: MLSD /pub\nS: 150 here`))
      .call(() => data.done)
      .and(conversation("S: 426 you left"))
      .and(GOODBYE);
    await talk(control, async (session) => {
      expect(await failureOf(all(session.list("//pub")))).toMatchObject({
        code: "protocol",
        message: "a line is longer than the bound of 65536 octets",
      });
    });
  });

  it("that breaks off gives what came, and then an error", async () => {
    await using data = await scripted(lines("type=file; a", "type=file; b"));
    const control = WITH_FACTS.and(conversation(`${passive(data)}\nC: MLSD /pub\nS: 150 here`))
      .call(() => data.done)
      .pause(50)
      .and(conversation("S: 451 disk error"))
      .and(GOODBYE);
    await talk(control, async (session) => {
      const seen: string[] = [];
      const listing = async () => {
        for await (const { name } of session.list("//pub")) seen.push(name);
      };
      expect(await failureOf(listing())).toMatchObject({ code: "busy", reply: "451 disk error" });
      expect(seen).toEqual(["a", "b"]);
    });
  });

  it("leaves out names that lead elsewhere, and says so", async () => {
    await using data = await scripted(
      lines(
        "type=dir; ..",
        "type=dir; .",
        "type=file; ../../etc/passwd",
        "type=file; /etc/passwd",
        "type=file; a/b",
        "type=file; two\rlines",
        "type=file; a name\ntype=file; of two lines",
        "type=file; ",
        "type=file; fine",
        "nonsense",
      ),
    );
    const { said, settings } = warnings();
    await talk(
      WITH_FACTS.and(factsOf(data)).and(GOODBYE),
      async (session) => expect(await names(session.list("//pub"))).toEqual(["fine"]),
      settings,
    );
    expect(said).toEqual([
      "a line of the listing is in no known form and was left out",
      "6 names hold a slash, a line break or a NUL and were left out",
    ]);
  });

  it("ends with an error in place of the warning where what is not listed counts as not there", async () => {
    await using data = await scripted(lines("type=file; a", "nonsense", "type=file; a/b", "type=file; z"));
    const { said, settings } = warnings();
    await talk(
      WITH_FACTS.and(factsOf(data)).and(GOODBYE),
      async (session) => {
        const seen: string[] = [];
        const listing = (async () => {
          for await (const { name } of session.list("//pub", { whole: true })) seen.push(name);
        })();
        expect(await failureOf(listing)).toMatchObject({
          code: "partial",
          message: expect.stringMatching(/^a line .*; a name .*/),
        });
        expect(seen).toEqual(["a", "z"]);
      },
      settings,
    );
    expect(said).toEqual([]);
  });

  it("takes lines that end in LF alone for what they are", async () => {
    await using data = await scripted(script().send("type=file; one\ntype=file; two\n"));
    await talk(WITH_FACTS.and(factsOf(data)).and(GOODBYE), async (session) =>
      expect(await names(session.list("//pub"))).toEqual(["one", "two"]),
    );
  });

  it("makes no two names of one with a line break in LIST either", async () => {
    await using data = await scripted(
      script().send(
        "total 2\r\n-rw-r--r-- 1 u g 6 Mar  1 2024 new\nline.txt\r\n-rw-r--r-- 1 u g 6 Mar  1 2024 f\r\n",
      ),
    );
    const { said, settings } = warnings();
    const list = conversation(`C: CWD /pub\nS: 250 ok\n${passive(data)}\nC: LIST -a\nS: 150 here`)
      .call(() => data.done)
      .and(conversation("S: 226 done"));
    await talk(
      LOGIN.and(list).and(GOODBYE),
      async (session) => expect(await names(session.list("//pub"))).toEqual(["f"]),
      settings,
    );
    expect(said).toEqual(["a name holds a slash, a line break or a NUL and was left out"]);
  });

  it("of folders within folders goes on past one that may not be read, and says that it was partial", async () => {
    await using data = await scripted([
      lines("type=dir; closed", "type=dir; open"),
      script().eof(),
      lines("type=file; x"),
    ]);
    const control = WITH_FACTS.and(factsOf(data))
      .and(conversation(`${passive(data)}\nC: MLSD /pub/closed\nS: 550 permission denied`))
      .and(factsOf(data, "MLSD /pub/open"))
      .and(GOODBYE);
    const { said, settings } = warnings();
    await talk(
      control,
      async (session) => {
        const seen: string[] = [];
        const listing = async () => {
          for await (const { name } of session.list("//pub", { recursive: true })) seen.push(name);
        };
        expect(await failureOf(listing())).toMatchObject({ code: "partial", exit: 13 });
        expect(seen).toEqual(["closed", "open", "open/x"]);
      },
      settings,
    );
    expect(said).toEqual(["/pub/closed: 550 permission denied"]);
  });

  it("without a floor ends", async () => {
    const deep = "d".repeat(255);
    const depth = 33;
    await using data = await scripted(Array.from({ length: depth }, () => lines(`type=dir; ${deep}`)));
    let control = WITH_FACTS;
    for (let level = 0; level < depth; level++)
      control = control.and(factsOf(data, `MLSD ${`/${deep}`.repeat(level) || "/"}`));
    await talk(control.and(GOODBYE), async (session) => {
      expect(await failureOf(all(session.list("//", { recursive: true })))).toMatchObject({
        code: "protocol",
        message: "the server names folders within folders without end",
      });
    });
  });
});

describe("where MLSD is not known", () => {
  const entered = "C: CWD /pub\nS: 250 there";

  it("LIST shows hidden names where it can", async () => {
    await using data = await scripted(lines("total 4", "-rw-r--r-- 1 u g 5 Mar 01 2024 .hidden"));
    const control = LOGIN.and(conversation(entered)).and(factsOf(data, "LIST -a")).and(GOODBYE);
    expect(await talk(control, (session) => names(session.list("//pub")))).toEqual([".hidden"]);
  });

  it.each([
    ["is refused", ["550 no such file"], 1],
    ["comes back empty", ["150 here", "226 done"], 2],
  ])("LIST without option follows when the option %s", async (_name, answers, connections) => {
    const listed = lines("-rw-r--r-- 1 u g 5 Mar 01 2024 a");
    const plays = connections === 1 ? [script().eof(), listed, listed] : [script(), listed, listed];
    await using data = await scripted(plays);
    const first = conversation(
      `${entered}\n${passive(data)}\nC: LIST -a\n${answers.map((line) => `S: ${line}`).join("\n")}`,
    );
    // What was learnt once is not tried again.
    const control = LOGIN.and(first)
      .and(factsOf(data, "LIST"))
      .and(conversation(entered))
      .and(factsOf(data, "LIST"))
      .and(GOODBYE);
    await talk(control, async (session) => {
      expect(await names(session.list("//pub"))).toEqual(["a"]);
      expect(await names(session.list("//pub"))).toEqual(["a"]);
    });
  });

  it.each(["550 No files found", "450 no such file or directory"])(
    "an empty folder may be a refusal: %s",
    async (answer) => {
      await using data = await scripted([script().eof(), script().eof()]);
      const control = LOGIN.and(
        conversation(`
        ${entered}
        ${passive(data)}
        C: LIST -a
        S: ${answer}
        ${passive(data)}
        C: LIST
        S: ${answer}
      `),
      ).and(GOODBYE);
      expect(await talk(control, (session) => names(session.list("//pub")))).toEqual([]);
    },
  );

  it("a feature that is claimed and not known is tried once", async () => {
    const listed = lines("-rw-r--r-- 1 u g 5 Mar 01 2024 a");
    await using data = await scripted([script().eof(), listed, listed]);
    const control = WITH_FACTS.and(conversation(`${passive(data)}\nC: MLSD /pub\nS: 502 what?\n${entered}`))
      .and(factsOf(data, "LIST -a"))
      .and(conversation(entered))
      .and(factsOf(data, "LIST -a"))
      .and(GOODBYE);
    await talk(control, async (session) => {
      expect(await names(session.list("//pub"))).toEqual(["a"]);
      expect(await names(session.list("//pub"))).toEqual(["a"]);
    });
  });
});

describe("removing a folder with all that is in it", () => {
  it("never leaves the folder, whatever names the server gives", async () => {
    await using data = await scripted(
      lines("type=file; ../../etc/passwd", "type=file; /etc/passwd", "type=file; x"),
    );
    const control = WITH_FACTS.and(
      conversation(`
        C: DELE /pub
        S: 550 a folder
        C: MLST /pub
        S: 250-
        S:  type=dir; /pub
        S: 250 End
      `),
    )
      .and(factsOf(data))
      .and(
        conversation(`
          C: DELE /pub/x
          S: 250 gone
          C: CWD /
          S: 250 there
          C: RMD /pub
          S: 550 not empty
        `),
      )
      .and(GOODBYE);
    const { said, settings } = warnings();
    await talk(
      control,
      async (session) => {
        expect(await failureOf(session.remove("//pub", { recursive: true }))).toMatchObject({
          code: "refused",
        });
      },
      settings,
    );
    expect(said).toHaveLength(1);
  });

  it("ends with a server that lists for ever what it says is removed", async () => {
    await using data = await scripted(
      script().flood(1024 ** 2, Array.from({ length: 1000 }, (_, at) => `type=file; ${at}\r\n`).join("")),
      { connections: 2 },
    );
    const listing = () =>
      conversation(`${passive(data)}\nC: MLSD /pub\nS: 150 here`)
        .pause(50)
        .and(conversation("S: 426 you left"));
    const control = WITH_FACTS.and(
      conversation(`
        C: DELE /pub
        S: 550 a folder
        C: MLST /pub
        S: 250-
        S:  type=dir; /pub
        S: 250 End
      `),
    )
      .and(listing())
      .repeat(1000, conversation("C~ ^DELE /pub/\\d+$\nS: 250 gone"))
      .and(listing())
      .and(GOODBYE);
    await talk(control, async (session) => {
      expect(await failureOf(session.remove("//pub", { recursive: true }))).toMatchObject({
        code: "protocol",
        message: "the server says that a file is removed, and lists it again",
      });
    });
  });
});

describe("a signal", () => {
  it("ends a listing at once, and leaves no connection", async () => {
    await using data = await scripted(lines("type=file; a").drain());
    await using server = await scripted(
      WITH_FACTS.and(conversation(`${passive(data)}\nC: MLSD /pub\nS: 150 here`)).drain(),
    );
    const stop = new AbortController();
    await opened(
      server.url("ftp", "/"),
      async (session) => {
        const listing = async () => {
          for await (const entry of session.list("//pub")) {
            expect(entry.name).toBe("a");
            stop.abort();
          }
        };
        expect(await failureOf(listing())).toMatchObject({ name: expect.stringMatching(/Abort|Porthole/) });
      },
      { signal: stop.signal },
    );
    // Both sides have seen our end.
    await Promise.all([server.done, data.done]);
  });
});
