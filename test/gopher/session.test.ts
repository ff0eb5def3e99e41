import { once } from "node:events";
import { buffer, text } from "node:stream/consumers";
import { describe, expect, it } from "vitest";
import {
  conversation,
  type Script,
  type ScriptedServer,
  script,
  scripted,
} from "../../fixtures/servers/scripted.js";
import { Client, type ClientSettings } from "../../src/client.js";
import { Transcript } from "../../src/net/transcript.js";
import type { Entry, Session } from "../../src/plugin.js";

const MEBIBYTE = 1024 ** 2;
const GIBIBYTE = 1024 ** 3;

/** A session with a server that plays a script on each connection; both are closed at the end. */
async function talk(
  play: Script | readonly Script[],
  act: (session: Session, server: ScriptedServer) => Promise<void>,
  settings: ClientSettings = {},
): Promise<void> {
  await using server = await scripted(play, { timeout: 5000 });
  const client = new Client(settings);
  const session = await client.open(client.target(server.url("gopher", "/")));
  try {
    await act(session, server);
  } finally {
    await session[Symbol.asyncDispose]();
  }
}

async function all(entries: AsyncIterable<Entry> | undefined): Promise<Entry[]> {
  const listed: Entry[] = [];
  for await (const entry of entries ?? []) listed.push(entry);
  return listed;
}

async function read(session: Session, path: string): Promise<string> {
  const document = await session.read?.(path);
  return document === undefined ? "" : text(document.body);
}

/** Octets that the first client took. */
function accepted(server: ScriptedServer): number {
  return server.connections[0]?.accepted ?? 0;
}

/** A number once it has stopped growing. */
async function steady(read: () => number): Promise<number> {
  for (;;) {
    const before = read();
    await new Promise((resolve) => setTimeout(resolve, 100));
    if (before > 0 && read() === before) return before;
  }
}

async function failure(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => "no failure",
    (thrown: unknown) => thrown,
  );
}

describe("ls", () => {
  it("asks for the selector and gives the menu's items", async () => {
    const play = conversation(`
      C: /pub
      S: iWelcome	fake	(NULL)	0
      S: 0About	/about.txt	127.0.0.1	70
      S: 1More	/pub/more
      S: .
    `);
    await talk(play, async (session, server) => {
      expect(await all(session.list?.("/1/pub"))).toEqual([
        {
          url: server.url("gopher", "/1/pub"),
          name: "Welcome",
          kind: "note",
          meta: { type: "i", selector: "fake", host: "(NULL)", port: 0 },
        },
        {
          url: "gopher://127.0.0.1/0/about.txt",
          name: "About",
          kind: "file",
          type: "text/plain",
          meta: { type: "0", selector: "/about.txt", host: "127.0.0.1", port: 70 },
        },
        {
          url: server.url("gopher", "/1/pub/more"),
          name: "More",
          kind: "menu",
          type: "application/gopher-menu",
          meta: { type: "1", selector: "/pub/more", host: "127.0.0.1", port: server.port },
        },
      ]);
      await server.done;
    });
  });

  it("asks for the first menu with an empty line", async () => {
    await talk(conversation("C:\nS: ."), async (session) => {
      expect(await all(session.list?.("/"))).toEqual([]);
    });
  });

  it("gives items while the server still sends, and hangs up when it is left", async () => {
    const play = script().expect("").sendLines("0A\t/a").eof();
    await talk(play, async (session, server) => {
      for await (const entry of session.list?.("/") ?? []) {
        expect(entry.name).toBe("A");
        break;
      }
      await server.done;
    });
  });

  it("stops at a limit, and at once at the lone dot of a server that stays", async () => {
    const menu = script().expect("").sendLines("0A\t/a", "0B\t/b", ".", "0C\t/c").eof();
    await talk([menu, menu], async (session, server) => {
      expect((await all(session.list?.("/", { limit: 1 }))).map(({ name }) => name)).toEqual(["A"]);
      expect((await all(session.list?.("/"))).map(({ name }) => name)).toEqual(["A", "B"]);
      expect(await all(session.list?.("/", { limit: 0 }))).toEqual([]);
      await server.done;
      expect(server.connections.length).toBe(2);
    });
  });

  it("lists the results of a search whose words stand in the URL", async () => {
    await talk(conversation("C: find\tfog horn\nS: 0Fog\t/fog.txt"), async (session) => {
      expect((await all(session.list?.("/7find%09fog%20horn"))).map(({ name }) => name)).toEqual(["Fog"]);
    });
  });

  it("fails where a server closes without a word: a menu has at least its dot", async () => {
    const play = conversation("C: /a");
    await talk([play, play, play], async (session) => {
      const closed = {
        code: "connect",
        exit: 4,
        message: "the server closed the connection without an answer",
      };
      expect(await failure(all(session.list?.("/1/a")))).toMatchObject(closed);
      expect(await failure(read(session, "/1/a"))).toMatchObject(closed);
      expect(await failure(session.stat?.("/1/a") ?? Promise.resolve())).toMatchObject(closed);
    });
  });

  it("takes no more from the server than is wanted", async () => {
    const line = "0An item like any other\t/a.txt\texample.org\t70\r\n";
    await talk(script().expect("").flood(GIBIBYTE, line), async (session, server) => {
      let count = 0;
      for await (const entry of session.list?.("/") ?? []) {
        // Ten thousand expectations take longer than the server has patience.
        if (entry.url !== "gopher://example.org/0/a.txt") expect.fail(`an item's URL is ${entry.url}`);
        if (++count < 10_000) continue;
        expect(await steady(() => accepted(server))).toBeLessThan(64 * MEBIBYTE);
        break;
      }
      await server.done;
      expect(accepted(server)).toBeLessThan(64 * MEBIBYTE);
    });
  });
});

describe("get", () => {
  it("gives a text without what ends it", async () => {
    await talk(conversation("C: /a.txt\nS: One\nS: ..two\nS: ."), async (session, server) => {
      const document = await session.read?.("/0/a.txt");
      expect(document).toMatchObject({
        type: "text/plain",
        offset: 0,
        filename: "a.txt",
        entry: { url: server.url("gopher", "/0/a.txt"), name: "a.txt", kind: "file" },
      });
      if (document !== undefined) expect(await text(document.body)).toBe("One\r\n.two\r\n");
    });
  });

  it("gives a text that only stops as it is", async () => {
    await talk(conversation("C: /a.txt\nS: One\nS: .\nS: ..two"), async (session) => {
      expect(await read(session, "/0/a.txt")).toBe("One\r\n.\r\n..two\r\n");
    });
  });

  it("gives all else octet for octet up to the end", async () => {
    const octets = Buffer.from([...Array(256).keys(), ...Buffer.from("\r\n..\r\n.\r\n")]);
    const play = script().expect("/a.bin").sendCut(octets, [1, 255, 260]);
    await talk(play, async (session) => {
      const document = await session.read?.("/9/a.bin");
      expect(document?.type).toBe("application/octet-stream");
      if (document !== undefined) expect(await buffer(document.body)).toEqual(octets);
    });
  });

  it("gives a menu as the octets it came in", async () => {
    await talk(conversation("C: /m\nS: 0A\t/a\nS: ."), async (session) => {
      const document = await session.read?.("/1/m");
      expect(document?.type).toBe("application/gopher-menu");
      if (document !== undefined) expect(await text(document.body)).toBe("0A\t/a\r\n.\r\n");
    });
  });

  it("sends a Gopher+ string and gives the item, without the reply's own words", async () => {
    await talk(conversation("C: /a\t\t+\nS: +-1\nS: One\nS: ."), async (session) => {
      expect(await read(session, "/0/a%09%09+")).toBe("One\r\n");
    });
  });

  it("ends a document that nobody reads when its connection fails", async () => {
    await talk(script().expect("/a").send("half").pause(30).reset(), async (session) => {
      const document = await session.read?.("/9/a");
      if (document === undefined) throw new Error("no document");
      const [thrown] = await once(document.body, "error");
      expect(thrown).toMatchObject({ code: "connect", protocol: "gopher" });
    });
  });

  it("closes without complaint what has come to its end", async () => {
    const notes: string[] = [];
    const transcript = new Transcript();
    transcript.subscribe(({ text: words }) => notes.push(words ?? "octets"));
    await talk(
      [conversation("C: /a\nS: A\nS: ."), conversation("C: /m\nS: 0A\t/a\nS: .")],
      async (session) => {
        expect(await read(session, "/0/a")).toBe("A\r\n");
        expect((await all(session.list?.("/1/m"))).length).toBe(1);
      },
      { transcript },
    );
    expect(notes.filter((words) => words.startsWith("closed"))).toEqual(["closed", "closed"]);
  });

  it("gives an empty document where nothing comes", async () => {
    await talk([conversation("C: /a"), conversation("C: /a")], async (session) => {
      expect(await read(session, "/0/a")).toBe("");
      expect(await read(session, "/9/a")).toBe("");
    });
  });

  it("gives a document that only begins like an error", async () => {
    const answers = ["3 ships\tcame in\r\n", "3", "3\t1\t2\t3\r\n", "Error: none of my doing\r\n"];
    const plays = answers.map((answer) =>
      script()
        .expect("/a")
        .sendCut(answer, answer.length > 2 ? [1, 2] : []),
    );
    await talk(plays, async (session) => {
      for (const answer of answers) expect(await read(session, "/0/a")).toBe(answer);
    });
  });

  it("takes no more from the server than is read, and hangs up when it is left", async () => {
    await talk(
      [script().expect("/a").flood(GIBIBYTE), conversation("C: /b\nS: B")],
      async (session, server) => {
        const document = await session.read?.("/9/a");
        if (document === undefined) throw new Error("no document");
        await once(document.body, "readable");
        expect(await steady(() => accepted(server))).toBeLessThan(64 * MEBIBYTE);
        document.body.destroy();
        await once(document.body, "close");
        expect(await read(session, "/0/b")).toBe("B\r\n");
        await server.done;
      },
    );
  });

  it("hangs up while it waits for octets, too", async () => {
    await talk(script().expect("/a").send("half").eof(), async (session, server) => {
      const document = await session.read?.("/9/a");
      if (document === undefined) throw new Error("no document");
      const [first]: unknown[] = await once(document.body, "data");
      expect(String(first)).toBe("half");
      document.body.destroy();
      await server.done;
    });
  });
});

describe("search", () => {
  it("sends the words behind a tab", async () => {
    await talk(
      conversation("C: /find\tcafé au lait\nS: 0Coffee\t/coffee.txt\nS: ."),
      async (session, server) => {
        expect(await all(session.search?.("/7/find", "café au lait"))).toMatchObject([
          { name: "Coffee", url: server.url("gopher", "/0/coffee.txt") },
        ]);
      },
    );
  });

  it("gives notes the URL of the search with its words", async () => {
    await talk(conversation("C: /find\tx y\nS: iNothing"), async (session, server) => {
      expect(await all(session.search?.("/7/find%09other", "x y"))).toMatchObject([
        { name: "Nothing", url: server.url("gopher", "/7/find%09x%20y") },
      ]);
    });
  });

  it("keeps to the limit", async () => {
    await talk(conversation("C: /find\tx\nS: 0A\t/a\nS: 0B\t/b"), async (session) => {
      expect((await all(session.search?.("/7/find", "x", { limit: 1 }))).length).toBe(1);
    });
  });
});

describe("stat", () => {
  it("asks, and hangs up when the answer begins", async () => {
    await talk(script().expect("/a.gif").send("GIF89a").eof(), async (session, server) => {
      expect(await session.stat?.("/g/a.gif")).toEqual({
        url: server.url("gopher", "/g/a.gif"),
        name: "a.gif",
        kind: "file",
        type: "image/gif",
        meta: { type: "g", selector: "/a.gif", host: "127.0.0.1", port: server.port },
      });
      await server.done;
    });
  });
});

describe("stat of what the menu lies about", () => {
  it.each([
    ["/0/a.txt", "\x89PNG\r\n\x1a\n", "image/png"],
    ["/0/a.txt", "a\0b\n", "application/octet-stream"],
    ["/9/a", "%PDF-1.4\n", "application/pdf"],
    ["/0/a.txt", "words\n", "text/plain"],
    ["/0/a.txt", "", "text/plain"],
  ])("%s that begins with %j is %s", async (path, begins, type) => {
    const play = script().expect(path.slice(2)).send(Buffer.from(begins, "latin1"));
    await talk(play, async (session) => {
      expect((await session.stat?.(path))?.type).toBe(type);
    });
  });
});

describe("what is not there", () => {
  const refusals: readonly (readonly [string, string, string])[] = [
    ["an item of type 3", "3'/x' is not here\t\terror.host\t1\r\n.\r\n", "'/x' is not here"],
    ["one without a dot", "3Gone\tfake\t(NULL)\t0\n", "Gone"],
    ["one without port or end", "3Gone\t\t\t", "Gone"],
    ["one with lines after it", "3Gone\tTITLE\tnull.host\t1\r\niSorry\t\tnull.host\t1\r\n.\r\n", "Gone"],
    [
      "the text of Gophernicus",
      "Error: File or directory not found! (null)\r\n",
      "Error: File or directory not found! (null)",
    ],
  ];

  it.each(refusals)("is told by %s", async (_name, answer, reply) => {
    const play = script().expect("/x").sendCut(answer, "everywhere");
    await talk([play, play, play], async (session) => {
      const missing = { code: "missing", exit: 8, protocol: "gopher", reply };
      expect(await failure(all(session.list?.("/1/x")))).toMatchObject(missing);
      expect(await failure(read(session, "/0/x"))).toMatchObject(missing);
      expect(await failure(Promise.resolve(session.stat?.("/0/x")))).toMatchObject(missing);
    });
  });

  it("is told of a binary by a whole item alone", async () => {
    const plays = ["3Gone\t\terror.host\t1\r\n", "Error: Access denied!\r\n"].map((answer) =>
      script().expect("/x").send(answer),
    );
    await talk(plays, async (session) => {
      expect(await failure(read(session, "/9/x"))).toMatchObject({ code: "missing" });
      expect(await read(session, "/9/x")).toBe("Error: Access denied!\r\n");
    });
  });

  it("is no matter of an error item further down", async () => {
    await talk(conversation("C:\nS: iHello\nS: 3The pier is closed\t\there\t70\nS: ."), async (session) => {
      expect((await all(session.list?.("/"))).map(({ name, kind }) => [name, kind])).toEqual([
        ["Hello", "note"],
        ["The pier is closed", "note"],
      ]);
    });
  });
});

describe("a connection that fails", () => {
  it.each([
    ["before an answer", script().expect("/a").reset()],
    ["within an answer", script().expect("/a").send("0A\t/a\r\n0B").pause(30).reset()],
  ])("by a reset %s is an error", async (_name, play) => {
    await talk([play, play, play], async (session) => {
      const lost = {
        code: "connect",
        protocol: "gopher",
        message: expect.stringContaining("reset by the other side"),
      };
      expect(await failure(all(session.list?.("/1/a")))).toMatchObject(lost);
      expect(await failure(read(session, "/0/a"))).toMatchObject(lost);
      expect(await failure(read(session, "/9/a"))).toMatchObject(lost);
    });
  });

  it("is an error where nobody listens", async () => {
    const server = await scripted(script());
    await server.close();
    const client = new Client();
    const session = await client.open(client.target(server.url("gopher", "/")));
    expect(await failure(all(session.list?.("/")))).toMatchObject({ code: "connect", exit: 4 });
    await session[Symbol.asyncDispose]();
  });

  it("is a time-out where the server is silent", async () => {
    const silent = script().expect("").eof();
    await talk(
      [silent, silent],
      async (session) => {
        expect(await failure(all(session.list?.("/")))).toMatchObject({ code: "timeout", exit: 6 });
        expect(await failure(read(session, "/"))).toMatchObject({ code: "timeout", exit: 6 });
      },
      { network: { idleTimeout: 50 } },
    );
  });

  it("ends with the caller's signal", async () => {
    const controller = new AbortController();
    await talk(
      script().expect("/a").send("half").eof(),
      async (session, server) => {
        const document = await session.read?.("/9/a");
        if (document === undefined) throw new Error("no document");
        document.body.once("data", () => controller.abort());
        expect(await failure(buffer(document.body))).toMatchObject({ code: "aborted", exit: 130 });
        await server.done;
      },
      { signal: controller.signal },
    );
  });

  it("ends with the session", async () => {
    await talk(script().expect("/a").send("half").eof(), async (session, server) => {
      const document = await session.read?.("/9/a");
      if (document === undefined) throw new Error("no document");
      const failed = failure(buffer(document.body));
      await session[Symbol.asyncDispose]();
      await server.done;
      expect(await failed).toMatchObject({
        code: "aborted",
        message: "the session was closed before the end",
      });
    });
  });

  it("is one when a line of a menu does not end", async () => {
    await talk(script().expect("").endlessLine(GIBIBYTE), async (session, server) => {
      expect(await failure(all(session.list?.("/")))).toMatchObject({
        code: "protocol",
        exit: 11,
        message: "a line of the menu has no end within 4194304 octets",
      });
      await server.done;
      expect(accepted(server)).toBeLessThan(64 * MEBIBYTE);
    });
  });
});

describe("wrong use", () => {
  it.each([
    ["list", "/0/a.txt", "type 0 (text) cannot be listed"],
    ["list", "/g/a.gif", "type g (GIF image) cannot be listed"],
    ["list", "/7/find", "a search wants words"],
    ["list", "/1/a%09%09+", "what Gopher+ answers cannot be listed"],
    ["list", "/2", "a search wants words"],
    ["list", "/1/a%0Ab", "the path holds a line break or a NUL, which is never sent"],
    ["list", "/1/a\tb", "the URL holds a tab"],
    ["read", "/8guest", "type 8 (Telnet session) is not served over Gopher"],
    ["read", "/2", "type 2 (CSO phone book) is not read but searched"],
    ["read", "/0/a%0D%0A/b", "the path holds a line break or a NUL, which is never sent"],
    ["stat", "/Tguest", "type T (TN3270 session) is not served over Gopher"],
    ["stat", `/0${"a".repeat(5000)}`, "5000 octets of selector or words; 4096 are the most that is sent"],
    ["search", "/1/a", "type 1 (menu) is no search"],
  ] as const)("%s of %j is refused, and nothing is sent", async (verb, path, message) => {
    await talk(script(), async (session, server) => {
      const call = {
        list: () => all(session.list?.(path)),
        read: () => read(session, path),
        stat: async () => session.stat?.(path),
        search: () => all(session.search?.(path, "words")),
      }[verb];
      expect(await failure(call())).toMatchObject({ code: "usage", exit: 2, protocol: "gopher", message });
      expect(server.connections.length).toBe(0);
    });
  });

  it.each(["a\tb", "a\r\nb", "a\nb", "a\0b"])(
    "a search for %j is refused, and nothing is sent",
    async (words) => {
      await talk(script(), async (session, server) => {
        expect(await failure(all(session.search?.("/7/find", words)))).toMatchObject({ code: "usage" });
        expect(server.connections.length).toBe(0);
      });
    },
  );

  it("refuses to walk menus by itself", async () => {
    await talk(script(), async (session, server) => {
      expect(await failure(all(session.list?.("/", { recursive: true })))).toMatchObject({ code: "usage" });
      expect(server.connections.length).toBe(0);
    });
  });
});
