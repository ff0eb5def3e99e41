import { text } from "node:stream/consumers";
import { describe, expect, it } from "vitest";
import {
  conversation,
  type Script,
  type ScriptedServer,
  script,
  scripted,
} from "../../fixtures/servers/scripted.js";
import type { ClientSettings } from "../../src/client.js";
import type { Document } from "../../src/plugin.js";
import { closed, failureOf, GOODBYE, LOGIN, passive, pieces, talk } from "./opened.js";

/** What comes before RETR of a file of six octets. */
const LOOK = `
  C: PWD
  S: 257 "/home"
  C: TYPE I
  S: 200 ok
  C: SIZE /home/f
  S: 213 6
  C: MDTM /home/f
  S: 213 20240301083015
`;

/** The control connection up to RETR and what follows it. */
function download(data: ScriptedServer, rest: Script): Script {
  return LOGIN.and(conversation(LOOK))
    .and(conversation(`${passive(data)}\nC: RETR /home/f`))
    .and(rest);
}

const ended = (data: ScriptedServer) => script().call(() => data.done);

const NEXT = conversation("C: CWD /home/x\nS: 250 there");
const IS_THERE = conversation("C: SIZE /home/x\nS: 550 a folder").and(NEXT);

/** Who logs in anew meets this. */
const NOBODY = script().drop();

/** The same octets by the stream, and by the short way. */
const WAYS: readonly (readonly [string, (document: Document) => Promise<string>])[] = [
  ["read", ({ body }) => text(body)],
  [
    "poured",
    async ({ pour }) => {
      const pieces: Buffer[] = [];
      await pour?.((octets) => {
        pieces.push(Buffer.from(octets));
      });
      return Buffer.concat(pieces).toString();
    },
  ],
];

describe.each(WAYS)("a download (%s)", (_way, take) => {
  it("is whole when the data have ended and the server says so", async () => {
    await using data = await scripted(script().send("abc").pause(30).send("def"));
    const control = download(
      data,
      conversation("S: 150 here").and(ended(data)).and(conversation("S: 226 done")),
    );
    const document = await talk(control.and(GOODBYE), async (session) => {
      const found = await session.read("/f");
      const { total, offset } = found;
      return { total, offset, content: await take(found) };
    });
    expect(document).toMatchObject({ content: "abcdef", total: 6, offset: 0 });
  });

  it("may be confirmed before its data come, in the same packet as the 150", async () => {
    await using data = await scripted(script().pause(80).send("abcdef"));
    const control = download(data, conversation("S: 150 here\nS: 226 done").and(GOODBYE));
    expect(await talk(control, async (session) => take(await session.read("/f")))).toBe("abcdef");
  });

  it("may be confirmed without a 150", async () => {
    await using data = await scripted(script().send("abcdef"));
    const control = download(data, conversation("S: 226 done").and(GOODBYE));
    expect(await talk(control, async (session) => take(await session.read("/f")))).toBe("abcdef");
  });

  it.each([
    ["426 aborted", "abc", { code: "busy", reply: "426 aborted" }],
    ["451 disk error", "abcdef", { code: "busy", reply: "451 disk error" }],
    ["551 page type unknown", "", { code: "refused", reply: "551 page type unknown" }],
    ["226 done", "abc", { code: "protocol", message: "the server announced 6 octets and sent 3" }],
    ["226 done", "", { code: "protocol", message: "the server announced 6 octets and sent 0" }],
  ])("closed by %s after %j is an error", async (closing, sent, wanted) => {
    await using data = await scripted(script().send(sent));
    const control = download(
      data,
      conversation("S: 150 here")
        .and(ended(data))
        .and(conversation(`S: ${closing}`)),
    );
    await talk(control.and(IS_THERE).and(GOODBYE), async (session) => {
      const document = await session.read("/f");
      expect(await failureOf(take(document))).toMatchObject({ ...wanted, protocol: "ftp" });
      // The session goes on.
      expect(await session.stat("/x")).toMatchObject({ kind: "directory" });
    });
  });

  it("stopped by the server while data still flow ends with the server's words", async () => {
    await using data = await scripted(script().send("abc").drain());
    const control = download(data, conversation("S: 150 here\nS: 451 disk error"));
    await talk(control.and(IS_THERE).and(GOODBYE), async (session) => {
      const document = await session.read("/f");
      expect(await failureOf(take(document))).toMatchObject({ code: "busy", reply: "451 disk error" });
      expect(await session.stat("/x")).toMatchObject({ kind: "directory" });
    });
  });

  it("whose data are reset ends with the server's words, which come later", async () => {
    await using data = await scripted(script().send("abc").pause(20).reset());
    const control = download(
      data,
      conversation("S: 150 here").and(ended(data)).pause(50).and(conversation("S: 426 lost it")),
    );
    await talk(control.and(IS_THERE).and(GOODBYE), async (session) => {
      const document = await session.read("/f");
      expect(await failureOf(take(document))).toMatchObject({ code: "busy", reply: "426 lost it" });
      expect(await session.stat("/x")).toMatchObject({ kind: "directory" });
    });
  });

  it("whose session broke before anybody read it is no whole file", async () => {
    await using data = await scripted(script().send("abc").drain());
    const control = download(data, conversation("S: 150 here")).drop();
    await talk(control, async (session) => {
      const document = await session.read("/f");
      await new Promise((resolve) => setTimeout(resolve, 200));
      expect(await failureOf(take(document))).toMatchObject({ protocol: "ftp" });
    });
  });

  it("whose data are reset and called done all the same is no whole file", async () => {
    await using data = await scripted(script().send("abcdef").pause(20).reset());
    const control = download(
      data,
      conversation("S: 150 here").and(ended(data)).and(conversation("S: 226 done")).and(GOODBYE),
    );
    await talk(control, async (session) => {
      const document = await session.read("/f");
      expect(await failureOf(take(document))).toMatchObject({ code: "protocol" });
    });
  });

  it.each([
    ["closes", script().drop()],
    ["resets", script().reset()],
  ])("whose control connection the server %s is no whole file", async (_name, end) => {
    await using data = await scripted(script().send("abcdef").drain());
    const control = download(data, conversation("S: 150 here").pause(30).and(end));
    await talk([control, NOBODY], async (session) => {
      const document = await session.read("/f");
      expect(await failureOf(take(document))).toMatchObject({ code: "protocol" });
      expect(await failureOf(session.stat("/x"))).toMatchObject({ code: "connect" });
    });
  });

  it("that is never confirmed runs into the idle limit", async () => {
    await using data = await scripted(script().send("abcdef"));
    const control = download(data, conversation("S: 150 here").and(script().drain()));
    const settings = { network: { idleTimeout: 150 } } satisfies ClientSettings;
    await talk(
      control,
      async (session) => {
        const document = await session.read("/f");
        expect(await failureOf(take(document))).toMatchObject({ code: "timeout" });
      },
      settings,
    );
  });

  it("whose data stand still runs into the idle limit", async () => {
    await using data = await scripted(script().send("abc").drain());
    const control = download(
      data,
      conversation("S: 150 here").and(ended(data)).and(conversation("S: 226 done")).and(GOODBYE),
    );
    const settings = { network: { idleTimeout: 150 } } satisfies ClientSettings;
    await talk(
      control,
      async (session) => {
        const document = await session.read("/f");
        expect(await failureOf(take(document))).toMatchObject({ code: "timeout" });
      },
      settings,
    );
  });

  it("may take longer than the idle limit of the control connection, and be read slowly", async () => {
    await using data = await scripted(script().sendSlowly("abcdef", 60));
    const control = download(
      data,
      conversation("S: 150 here").and(ended(data)).and(conversation("S: 226 done")),
    );
    const settings = { network: { idleTimeout: 200 } } satisfies ClientSettings;
    const content = await talk(
      control.and(GOODBYE),
      async (session) => {
        const document = await session.read("/f");
        await new Promise((resolve) => setTimeout(resolve, 500));
        return take(document);
      },
      settings,
    );
    expect(content).toBe("abcdef");
  });

  it("of a missing file is missing, also when the server resets the data connection", async () => {
    await using data = await scripted(script().pause(20).reset());
    const control = LOGIN.and(
      conversation(`
        C: PWD
        S: 257 "/home"
        C: TYPE I
        S: 200 ok
        C: SIZE /home/f
        S: 550 no
        C: CWD /home/f
        S: 550 no
        C: MDTM /home/f
        S: 550 no
        ${passive(data)}
        C: RETR /home/f
      `),
    )
      .and(ended(data))
      .pause(50)
      .and(conversation("S: 550 no such file"))
      .and(IS_THERE)
      .and(GOODBYE);
    await talk(control, async (session) => {
      expect(await failureOf(session.read("/f"))).toMatchObject({
        code: "missing",
        exit: 8,
        reply: "550 no such file",
      });
      expect(await session.stat("/x")).toMatchObject({ kind: "directory" });
    });
  });

  it("that is left closes its data, and goes on when the server has said 426", async () => {
    await using data = await scripted(script().flood(1024 ** 3));
    const control = download(
      data,
      conversation("S: 150 here").and(ended(data)).and(conversation("S: 426 you left")),
    );
    await talk(control.and(IS_THERE).and(GOODBYE), async (session) => {
      const document = await session.read("/f");
      for await (const _chunk of document.body) break;
      await closed(document.body);
      expect(await session.stat("/x")).toMatchObject({ kind: "directory" });
    });
    expect(data.connections[0]?.accepted).toBeLessThan(64 * 1024 ** 2);
  });

  it("that is left gives the session up when the server says nothing", async () => {
    await using data = await scripted(script().flood(1024 ** 3));
    const control = download(data, conversation("S: 150 here").and(script().drain()));
    await talk([control, NOBODY], async (session) => {
      const document = await session.read("/f");
      for await (const _chunk of document.body) break;
      await closed(document.body);
      // The next call logs in anew.
      expect(await failureOf(session.stat("/x"))).toMatchObject({ code: "connect" });
    });
  });

  it("holds no more than a little of what nobody reads", async () => {
    await using data = await scripted(script().flood(1024 ** 3));
    const control = download(
      data,
      conversation("S: 150 here").and(ended(data)).and(conversation("S: 426 you left")),
    );
    await talk(control.and(GOODBYE), async (session) => {
      const document = await session.read("/f");
      let before = -1;
      while (before < 1 || before !== data.connections[0]?.accepted) {
        before = data.connections[0]?.accepted ?? 0;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      expect(before).toBeLessThan(64 * 1024 ** 2);
      document.body.destroy();
      await closed(document.body);
    });
  });

  it("is begun at an octet by REST, and says so when the server does not know it", async () => {
    await using data = await scripted([script().send("def"), script().send("abcdef")]);
    const control = (answer: string) =>
      conversation(`${passive(data)}\nC: REST 3\nS: ${answer}\nC: RETR /home/f\nS: 150 here\nS: 226 done`);
    const again = conversation("C: SIZE /home/f\nS: 213 6\nC: MDTM /home/f\nS: 502 what?");
    await talk(
      LOGIN.and(conversation(LOOK))
        .and(control("350 go on"))
        .and(again)
        .and(control("502 what?"))
        .and(GOODBYE),
      async (session) => {
        const part = await session.read("/f", { offset: 3 });
        expect([part.offset, await text(part.body)]).toEqual([3, "def"]);
        const whole = await session.read("/f", { offset: 3 });
        expect([whole.offset, await text(whole.body)]).toEqual([0, "abcdef"]);
      },
    );
  });
});

/** The control connection up to STOR and what follows it. */
function uploading(data: ScriptedServer, rest: Script): Script {
  const before = `
    C: TYPE I
    S: 200 ok
    C: PWD
    S: 257 "/home"
    ${passive(data)}
    C: STOR /home/f
  `;
  return LOGIN.and(conversation(before)).and(rest);
}

describe("pouring", () => {
  it("that the taker ends fails with the taker's words, and the session goes on", async () => {
    await using data = await scripted(script().flood(1024 ** 3));
    const control = download(data, conversation("S: 150 here\nS: 426 left"));
    await talk(control.and(IS_THERE).and(GOODBYE), async (session) => {
      const { pour, body } = await session.read("/f");
      const full = pour?.(() => Promise.reject(new Error("the disc is full")));
      expect(await failureOf(full ?? Promise.resolve())).toMatchObject({ message: "the disc is full" });
      expect(body.closed).toBe(true);
      expect(await session.stat("/x")).toMatchObject({ kind: "directory" });
    });
  });
});

describe("an upload", () => {
  it("is whole when the server says so, and not before", async () => {
    await using data = await scripted(script().expectUntil("abcdef").eof());
    const control = uploading(
      data,
      conversation("S: 150 go").and(ended(data)).and(conversation("S: 226 done")).and(GOODBYE),
    );
    await talk(control, async (session) => {
      expect(await session.write("/f", { body: pieces("abc", "def"), replace: true })).toMatchObject({
        size: 6,
      });
    });
  });

  it.each([
    ["452 no room", { code: "busy", reply: "452 no room" }],
    ["552 over quota", { code: "refused", exit: 9, reply: "552 over quota" }],
  ])("closed by %s is an error", async (closing, wanted) => {
    await using data = await scripted(script().drain());
    const control = uploading(
      data,
      conversation("S: 150 go")
        .and(ended(data))
        .and(conversation(`S: ${closing}`)),
    );
    await talk(control.and(IS_THERE).and(GOODBYE), async (session) => {
      expect(await failureOf(session.write("/f", { body: pieces("abc"), replace: true }))).toMatchObject(
        wanted,
      );
      expect(await session.stat("/x")).toMatchObject({ kind: "directory" });
    });
  });

  it("stops when the server refuses in the middle", async () => {
    await using data = await scripted(script().drain());
    let given = 0;
    async function* endless() {
      for (;;) {
        given += 1;
        yield Buffer.alloc(65_536);
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    }
    const control = uploading(
      data,
      conversation("S: 150 go").pause(30).and(conversation("S: 552 over quota")),
    );
    await talk(control.and(IS_THERE).and(GOODBYE), async (session) => {
      const failure = await failureOf(session.write("/f", { body: endless(), replace: true }));
      expect(failure).toMatchObject({ code: "refused", reply: "552 over quota" });
      expect(await session.stat("/x")).toMatchObject({ kind: "directory" });
    });
    expect(given).toBeGreaterThan(1);
  });

  it("tells the server before it closes the data when the source fails", async () => {
    await using data = await scripted(script().drain());
    const control = uploading(
      data,
      conversation("S: 150 go\nC: ABOR\nC: NOOP\nS: 426 aborted\nS: 226 ABOR ok\nS: 200 ok"),
    );
    async function* failing() {
      yield Buffer.from("abc");
      throw new Error("the disk is gone");
    }
    await talk(control.and(IS_THERE).and(GOODBYE), async (session) => {
      expect(await failureOf(session.write("/f", { body: failing(), replace: true }))).toMatchObject({
        message: "the disk is gone",
      });
      expect(await session.stat("/x")).toMatchObject({ kind: "directory" });
    });
  });

  it("refused at once sends nothing", async () => {
    await using data = await scripted(script().eof());
    const control = uploading(data, conversation("S: 553 not that name").and(GOODBYE));
    await talk(control, async (session) => {
      expect(await failureOf(session.write("/f", { body: pieces("abc"), replace: true }))).toMatchObject({
        code: "refused",
        reply: "553 not that name",
      });
    });
    await data.done;
  });
});

describe("the data connection", () => {
  it("that nobody takes is an error, and the session goes on", async () => {
    const closed = await scripted(script());
    await closed.close();
    const control = LOGIN.and(conversation(LOOK)).and(conversation(passive(closed)));
    await talk(control.and(IS_THERE).and(GOODBYE), async (session) => {
      expect(await failureOf(session.read("/f"))).toMatchObject({
        code: "connect",
        message: expect.stringMatching(/^no data connection: .*connection refused$/),
      });
      expect(await session.stat("/x")).toMatchObject({ kind: "directory" });
    });
  });

  it("goes to the server's own address, whatever PASV says", async () => {
    await using data = await scripted(script().send("abcdef"));
    const port = `${Math.floor(data.port / 256)},${data.port % 256}`;
    const control = LOGIN.and(conversation(LOOK)).and(
      conversation(`
        C: EPSV
        S: 502 what?
        C: PASV
        S: 227 Entering Passive Mode (192,0,2,1,${port})
        C: RETR /home/f
        S: 150 here
        S: 226 done
      `),
    );
    expect(await talk(control.and(GOODBYE), async (session) => text((await session.read("/f")).body))).toBe(
      "abcdef",
    );
    expect(data.connections).toHaveLength(1);
  });

  it.each([
    ["EPSV", "229 ok, I think", "protocol"],
    ["EPSV", "425 no port left", "busy"],
  ])("%s answered by %s", async (command, answer, code) => {
    const control = LOGIN.and(conversation(LOOK))
      .and(conversation(`C: ${command}\nS: ${answer}`))
      .and(GOODBYE);
    await talk(control, async (session) => {
      expect(await failureOf(session.read("/f"))).toMatchObject({ code, reply: answer });
    });
  });
});

describe("a name with a line break", () => {
  it.each(["/a%0D%0ADELE%20b", "/a%0Ab", "/a%00b"])(
    "%s reaches no server, and opens no data connection",
    async (path) => {
      await talk(LOGIN.and(GOODBYE), async (session) => {
        const usage = { code: "usage", exit: 2 };
        expect(await failureOf(session.read(path))).toMatchObject(usage);
        expect(await failureOf(session.write(path, { body: pieces("x") }))).toMatchObject(usage);
        expect(await failureOf(session.remove(path))).toMatchObject(usage);
        expect(await failureOf(session.move("/a", path))).toMatchObject(usage);
        expect(await failureOf(session.makeFolder(path))).toMatchObject(usage);
        expect(await failureOf(session.stat(path))).toMatchObject(usage);
        expect(await failureOf(session.list(path)[Symbol.asyncIterator]().next())).toMatchObject(usage);
      });
    },
  );
});

describe("the login's folder", () => {
  it.each([
    ['257 "/dir""quote" is here', '/dir"quote'],
    ['257 "/" "root"', ""],
    ["257 /plain is here", "/plain"],
    ['257 "/caf\u00e9"', "/caf\u00e9"],
  ])("%s", async (answer, folder) => {
    const control = LOGIN.and(
      conversation(`
        C: PWD
        S: ${answer}
        C: TYPE I
        S: 200 ok
        C: SIZE ${folder}/f
        S: 550 no
        C: CWD ${folder}/f
        S: 250 there
      `),
    ).and(GOODBYE);
    await talk(control, async (session) => {
      expect(await session.stat("/f")).toMatchObject({ kind: "directory" });
    });
  });

  it.each([
    ['257 "C:\\inetpub"', "S: 215 Windows_NT", "/C:/inetpub"],
    ['257 "SYS$USER:[GUEST.PUB]"', "S: 215 VMS OpenVMS V8.4", "/SYS$USER/GUEST/PUB"],
    [
      '257 "QGPL"',
      'S: 215 OS/400 is the remote operating system.\nC: SITE NAMEFMT 1\nS: 250 ok\nC: PWD\nS: 257 "/QSYS.LIB/QGPL.LIB"',
      "/QSYS.LIB/QGPL.LIB",
    ],
  ])("in another form than with slashes is what SYST makes of it: %s", async (answer, system, folder) => {
    const control = LOGIN.and(
      conversation(`
        C: PWD
        S: ${answer}
        C: SYST
        ${system}
        C: TYPE I
        S: 200 ok
        C: SIZE ${folder}/f
        S: 550 no
        C: CWD ${folder}/f
        S: 250 there
      `),
    ).and(GOODBYE);
    await talk(control, async (session) => {
      expect(await session.stat("/f")).toMatchObject({ kind: "directory" });
    });
  });

  it("in a form that nobody knows is an error with the system's name", async () => {
    const control = conversation("C: PWD\nS: 257 \"'USER.'\"\nC: SYST\nS: 215 MVS is the operating system");
    await talk(LOGIN.and(control).and(GOODBYE), async (session) => {
      expect(await failureOf(session.stat("/f"))).toMatchObject({
        code: "protocol",
        message: "the server's folder is in a form that is not known: 'USER.'",
        reply: "MVS is the operating system",
        hint: expect.stringContaining("//folder/file"),
      });
    });
  });

  it("is not asked for when a path begins at the root", async () => {
    const control = conversation(
      "C: TYPE I\nS: 200 ok\nC: SIZE /etc/motd\nS: 550 no\nC: CWD /etc/motd\nS: 250 there",
    );
    await talk(LOGIN.and(control).and(GOODBYE), async (session) => {
      expect(await session.stat("//etc/motd")).toMatchObject({ kind: "directory" });
    });
  });

  it("that the server does not tell is a broken protocol", async () => {
    await talk(LOGIN.and(conversation("C: PWD\nS: 257 here")).and(GOODBYE), async (session) => {
      expect(await failureOf(session.stat("/f"))).toMatchObject({ code: "protocol", reply: "257 here" });
    });
  });
});
