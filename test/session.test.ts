import { Duplex, Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { Client } from "../src/client.js";
import { PortholeError } from "../src/errors.js";
import type { Document, Entry, Manifest, ManyRead, Session } from "../src/plugin.js";
import { Registry } from "../src/registry.js";
import { labelled, supervise } from "../src/session.js";
import { failureOf } from "./net/dialing.js";

const PLACE = { host: "h.example", port: 7 };

function entry(name: string): Entry {
  return { url: `x://h.example/${name}`, name, kind: "file", meta: {} };
}

function documentOf(body: Readable): Document {
  return { entry: entry("a"), type: "text/plain", offset: 0, body };
}

/** A session that lists two entries and notes down what is asked of it. */
class Shelf implements Session {
  readonly asked: string[] = [];
  disposed = 0;
  left = 0;
  body = new Readable({ read: () => undefined });

  async *list(path: string): AsyncGenerator<Entry, void, undefined> {
    this.asked.push(`list ${path}`);
    try {
      yield entry("one");
      yield entry("two");
    } finally {
      this.left += 1;
    }
  }

  async stat(path: string): Promise<Entry> {
    this.asked.push(`stat ${path}`);
    await sleep(10);
    return entry(path);
  }

  async read(path: string): Promise<Document> {
    this.asked.push(`read ${path}`);
    return documentOf(this.body);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.disposed += 1;
  }
}

function shelf() {
  const inner = new Shelf();
  const supervised = supervise(inner, "shelf", PLACE);
  const missing = () => Promise.reject(new Error("the method is missing"));
  return {
    inner,
    session: {
      list: (path: string) => supervised.list?.(path) ?? Readable.from([]),
      stat: (path: string) => supervised.stat?.(path) ?? missing(),
      read: (path: string) => supervised.read?.(path) ?? missing(),
      [Symbol.asyncDispose]: () => Promise.resolve(supervised[Symbol.asyncDispose]()),
    },
  };
}

const overlap = (later: string, first: string) => ({
  code: "usage",
  exit: 2,
  protocol: "shelf",
  message: `${later}() was called while ${first}() is still at work`,
  hint: "finish or leave the first, or open a second session",
});

async function names(entries: AsyncIterable<Entry>): Promise<string[]> {
  const heard: string[] = [];
  for await (const { name } of entries) heard.push(name);
  return heard;
}

describe("a session", () => {
  it("has the methods that the plugin's has, and no others", () => {
    const supervised = supervise(new Shelf(), "shelf", PLACE);
    expect(Object.keys(supervised).sort()).toEqual(["list", "read", "stat"]);
  });

  it("keeps a class's own fields within reach of its methods", async () => {
    const { inner, session } = shelf();
    expect(await names(session.list("/"))).toEqual(["one", "two"]);
    expect((await session.stat("a")).name).toBe("a");
    expect(inner.asked).toEqual(["list /", "stat a"]);
  });

  it("may be a plain object with every method", async () => {
    const calls: string[] = [];
    const say = (call: string) => {
      calls.push(call);
    };
    const act = async (call: string) => {
      say(call);
      return entry(call);
    };
    const stream = Object.assign(
      new Duplex({ read: () => undefined, write: (_chunk, _encoding, done) => done() }),
      { keys: false, draws: false, resize: () => undefined, signals: {}, signal: () => "" },
    );
    const plain: Required<Session> = {
      kindOf: () => "directory",
      list: async function* () {
        say("list");
        yield entry("a");
      },
      stat: () => act("stat"),
      read: async () => documentOf(Readable.from([])),
      readMany: async function* (paths) {
        for await (const path of paths) {
          if (path === "/lost") yield { path, error: new PortholeError("missing", "there is none") };
          else yield { path, document: documentOf(Readable.from([])) };
        }
      },
      form: async () => [{ question: "Who?", proposed: "", choices: [], hidden: false }],
      fillIn: async () => documentOf(Readable.from([])),
      submit: async () => documentOf(Readable.from([])),
      write: () => act("write"),
      handOver: () => act("handOver"),
      remove: async () => say("remove"),
      move: () => act("move"),
      makeFolder: () => act("makeFolder"),
      makeLink: () => act("makeLink"),
      mark: () => act("mark"),
      search: async function* (_path, words) {
        say(`search ${words}`);
        yield entry("b");
      },
      resultsPath: (path, words) => `${path}?${words}`,
      send: async () => ({ accepted: [], refused: [], reply: "250 ok", size: 0 }),
      watch: async function* () {
        yield { event: "new", entry: entry("c"), at: new Date(0) };
      },
      check: async function* () {
        yield { step: "connect", ok: true, ms: 1, detail: "" };
      },
      home: async () => [],
      separator: async () => "/",
      mailboxes: async () => [{ levels: ["Sent"], use: "sent" }],
      hears: true,
      isInbox: async () => false,
      hypertext: async () => ({ links: [], rewritten: () => new Uint8Array() }),
      robots: async () => ({ allows: (path) => path === "/", sitemaps: [] }),
      interact: async () => stream,
      [Symbol.asyncDispose]: async () => say("dispose"),
    };
    const session = supervise(plain, "plain", PLACE);
    expect(Object.keys(session).sort()).toEqual(Object.keys(plain).sort());
    expect(session.kindOf?.("/")).toBe("directory");
    for await (const _entry of session.list?.("/") ?? []) expect(calls).toEqual(["list"]);
    await session.stat?.("/");
    const read = await session.read?.("/");
    read?.body.destroy();
    await sleep(1);
    const results: ManyRead[] = [];
    for await (const result of session.readMany?.(Readable.from(["/a", "/lost"])) ?? []) results.push(result);
    expect(results).toMatchObject([{ path: "/a" }, { path: "/lost", error: { protocol: "plain" } }]);
    expect(await session.form?.("/")).toHaveLength(1);
    (await session.fillIn?.("/", ["me"]))?.body.destroy();
    await sleep(1);
    expect(await failureOf(session.fillIn?.("/", ["me\r\nyou"]) ?? Promise.resolve())).toMatchObject({
      code: "usage",
    });
    (await session.submit?.("/", { body: Readable.from([]), type: "text/plain" }))?.body.destroy();
    await sleep(1);
    expect(
      await failureOf(
        session.submit?.("/", { body: Readable.from([]), type: "text/plain\r\nX: y" }) ?? Promise.resolve(),
      ),
    ).toMatchObject({ code: "usage" });
    await session.write?.("/", { body: Readable.from([]) });
    const { inner, session: other } = shelf();
    await session.handOver?.("/", other, "/there");
    expect(inner.asked).toEqual([]);
    await session.remove?.("/");
    await session.move?.("/a", "/b");
    await session.makeFolder?.("/c");
    await session.mark?.("/c", ["\\Seen"]);
    for await (const _entry of session.search?.("/", "words") ?? [])
      expect(calls.at(-1)).toBe("search words");
    const report = await session.send?.({ kind: "octets", source: { body: Readable.from([]) } });
    expect(report?.reply).toBe("250 ok");
    for await (const { event } of session.watch?.("/") ?? []) expect(event).toBe("new");
    for await (const { step } of session.check?.() ?? []) expect(step).toBe("connect");
    expect((await session.robots?.())?.allows("/")).toBe(true);
    const page = documentOf(Readable.from([]));
    expect((await session.hypertext?.(page, new Uint8Array()))?.links).toEqual([]);
    expect(await session.interact?.()).toBe(stream);
    expect(await failureOf(session.stat?.("/") ?? Promise.resolve())).toMatchObject({
      message: "stat() was called while interact() is still at work",
    });
    stream.destroy();
    await session[Symbol.asyncDispose]();
    expect(calls).toEqual([
      "list",
      "stat",
      "write",
      "handOver",
      "remove",
      "move",
      "makeFolder",
      "mark",
      "search words",
      "dispose",
    ]);
  });
});

describe("documents that were asked for ahead", () => {
  it("may be left with an error that nobody waits for", async () => {
    const plain: Session = {
      readMany: async function* (paths) {
        for await (const path of paths)
          yield { path, document: documentOf(new Readable({ read: () => undefined })) };
      },
      [Symbol.asyncDispose]: async () => undefined,
    };
    const session = supervise(plain, "plain", PLACE);
    for await (const result of session.readMany?.(Readable.from(["/a"])) ?? []) {
      if ("document" in result) result.document.body.destroy(new Error("too late"));
    }
    await sleep(1);
  });
});

describe("two calls at once", () => {
  it("are refused with an error that names both", async () => {
    const { inner, session } = shelf();
    const first = session.stat("a");
    expect(await failureOf(session.stat("b"))).toMatchObject(overlap("stat", "stat"));
    expect(await failureOf(session.read("b"))).toMatchObject(overlap("read", "stat"));
    expect(await failureOf(names(session.list("b")))).toMatchObject(overlap("list", "stat"));
    expect((await first).name).toBe("a");
    expect(inner.asked).toEqual(["stat a"]);
  });

  it("are refused while a list is being read, and do not disturb it", async () => {
    const { session } = shelf();
    const heard: string[] = [];
    for await (const { name } of session.list("/")) {
      heard.push(name);
      expect(await failureOf(session.stat("b"))).toMatchObject(overlap("stat", "list"));
      expect(await failureOf(names(session.list("b")))).toMatchObject(overlap("list", "list"));
    }
    expect(heard).toEqual(["one", "two"]);
    await session.stat("after");
  });

  it("are refused while a document's body is open", async () => {
    const { inner, session } = shelf();
    const document = await session.read("a");
    expect(await failureOf(session.stat("b"))).toMatchObject(overlap("stat", "read"));
    inner.body.push("text");
    inner.body.push(null);
    let text = "";
    for await (const chunk of document.body) text += String(chunk);
    expect(text).toBe("text");
    await sleep(1);
    await session.stat("after");
  });
});

describe("the turn passes on", () => {
  it("when a list is left early, which closes it", async () => {
    const { inner, session } = shelf();
    for await (const { name } of session.list("/")) {
      expect(name).toBe("one");
      break;
    }
    expect(inner.left).toBe(1);
    await session.stat("after");
  });

  it("when the next of a list is asked for twice at once, each in its turn", async () => {
    const { inner, session } = shelf();
    const list = session.list("/")[Symbol.asyncIterator]();
    const both = await Promise.all([list.next(), list.next()]);
    expect(both.map(({ value }) => (value === undefined ? "" : value.name))).toEqual(["one", "two"]);
    expect(await failureOf(session.stat("b"))).toMatchObject(overlap("stat", "list"));
    expect((await list.next()).done).toBe(true);
    expect((await list.next()).done).toBe(true);
    await session.stat("after");
    expect(inner.left).toBe(1);
  });

  it("when a list is left while its first is awaited", async () => {
    const { inner, session } = shelf();
    const list = session.list("/")[Symbol.asyncIterator]();
    const first = list.next();
    const left = list.return?.();
    expect((await first).done).toBe(false);
    expect((await left)?.done).toBe(true);
    await session.stat("after");
    expect(inner.left).toBe(1);
  });

  it("when a list was left before its first was asked for", async () => {
    const { inner, session } = shelf();
    const list = session.list("/")[Symbol.asyncIterator]();
    expect((await list.return?.())?.done).toBe(true);
    expect((await list.next()).done).toBe(true);
    await session.stat("after");
    expect(inner.asked).toEqual(["stat after"]);
  });

  it("when a list was never begun", async () => {
    const { inner, session } = shelf();
    session.list("/");
    await session.stat("after");
    expect(inner.asked).toEqual(["stat after"]);
  });

  it("when a body is destroyed, with or without an error", async () => {
    for (const reason of [undefined, new Error("enough")]) {
      const { session } = shelf();
      const document = await session.read("a");
      // Nobody listens: what fails after it was left must not end the process.
      document.body.destroy(reason);
      await sleep(1);
      await session.stat("after");
    }
  });

  it("when a call fails at once, in the middle, or while it is being left", async () => {
    const failing: Session = {
      stat: () => Promise.reject(new PortholeError("missing", "not there")),
      read: () => Promise.reject(new PortholeError("missing", "not there")),
      list: async function* () {
        yield entry("one");
        throw new PortholeError("protocol", "garbage");
      },
      search: async function* () {
        try {
          yield entry("one");
        } finally {
          await Promise.reject(new PortholeError("protocol", "could not be left"));
        }
      },
      makeFolder: async (path) => entry(path),
      [Symbol.asyncDispose]: async () => undefined,
    };
    const session = supervise(failing, "failing", PLACE);
    const leave = async () => {
      for await (const _entry of session.search?.("/", "x") ?? []) break;
    };
    for (const [act, code] of [
      [() => session.stat?.("a"), "missing"],
      [() => session.read?.("a"), "missing"],
      [() => names(session.list?.("a") ?? Readable.from([])), "protocol"],
      [leave, "protocol"],
    ] as const) {
      expect(await failureOf(Promise.resolve(act()))).toMatchObject({ code, protocol: "failing" });
      await session.makeFolder?.("after");
    }
  });

  it("when a plugin throws before it returns", async () => {
    const session = supervise(
      {
        stat: () => {
          throw new Error("not even a promise");
        },
        list: () => {
          throw new Error("not even an iterator");
        },
        [Symbol.asyncDispose]: async () => undefined,
      },
      "hasty",
      PLACE,
    );
    expect(await failureOf(session.stat?.("a") ?? Promise.resolve())).toMatchObject({
      code: "other",
      protocol: "hasty",
    });
    expect((await failureOf(names(session.list?.("a") ?? Readable.from([])))).message).toBe(
      "not even an iterator",
    );
    expect((await failureOf(session.stat?.("a") ?? Promise.resolve())).message).toBe("not even a promise");
  });
});

describe("CR, LF and NUL", () => {
  const refused = {
    code: "usage",
    protocol: "shelf",
    message: "an argument holds a line break or a NUL, which is never sent",
  };

  it.each(["a\rb", "a\nb", "a\0b", "a\r\nDELE 1"])("in an argument reach no plugin: %j", async (word) => {
    const asked: string[] = [];
    const note = async (path: string) => {
      asked.push(path);
      return entry("a");
    };
    const body = Readable.from([]);
    const session = supervise(
      {
        list: async function* (path) {
          yield await note(path);
        },
        stat: note,
        read: async (path) => {
          asked.push(path);
          return documentOf(Readable.from([]));
        },
        write: note,
        remove: async (path) => void (await note(path)),
        move: note,
        makeFolder: note,
        search: async function* (path) {
          yield await note(path);
        },
        send: async () => {
          asked.push("send");
          return { accepted: [], refused: [], reply: "", size: 0 };
        },
        watch: async function* (path) {
          yield { event: "new", entry: await note(path), at: new Date(0) };
        },
        [Symbol.asyncDispose]: async () => undefined,
      },
      "shelf",
      PLACE,
    );
    const message = (from: string, to: string) =>
      session.send?.({ kind: "message", envelope: { from, to: [to] }, raw: body, messageId: "x" });
    const begun = async (iterable: AsyncIterable<unknown> | undefined) => {
      for await (const _item of iterable ?? []) break;
    };
    for (const act of [
      () => begun(session.list?.(word)),
      () => session.stat?.(word),
      () => session.read?.(word),
      () => session.read?.("/", { offset: 1, validator: word }),
      () => session.write?.(word, { body }),
      () => session.write?.("/", { body, type: word }),
      () => session.remove?.(word),
      () => session.move?.(word, "/b"),
      () => session.move?.("/a", word),
      () => session.makeFolder?.(word),
      () => begun(session.search?.(word, "x")),
      () => begun(session.search?.("/", word)),
      () => message(word, "b@example.org"),
      () => message("a@example.org", word),
      () => begun(session.watch?.(word)),
    ]) {
      expect(await failureOf(Promise.resolve(act()))).toMatchObject(refused);
    }
    expect(asked).toEqual([]);
    await session.stat?.("after");
  });
});

describe("a session that is closed", () => {
  it("takes no more calls, and is closed once", async () => {
    const { inner, session } = shelf();
    await session[Symbol.asyncDispose]();
    await session[Symbol.asyncDispose]();
    expect(inner.disposed).toBe(1);
    expect(await failureOf(session.stat("a"))).toMatchObject({
      code: "usage",
      protocol: "shelf",
      message: "stat() was called after the session was closed",
    });
    expect((await failureOf(names(session.list("a")))).message).toBe(
      "list() was called after the session was closed",
    );
    expect(inner.asked).toEqual([]);
  });

  it("may be closed in the middle of a call", async () => {
    const { inner, session } = shelf();
    await session.read("a");
    await session[Symbol.asyncDispose]();
    expect(inner.disposed).toBe(1);
  });

  it("tells in its protocol's name why it could not be closed", async () => {
    const session = supervise(
      { [Symbol.asyncDispose]: () => Promise.reject(Object.assign(new Error("x"), { code: "ECONNRESET" })) },
      "shelf",
      PLACE,
    );
    expect(await failureOf(Promise.resolve(session[Symbol.asyncDispose]()))).toMatchObject({
      code: "connect",
      protocol: "shelf",
    });
  });
});

describe("what a plugin throws", () => {
  const system = (code: string, more: object = {}) =>
    Object.assign(new Error(`${code}: words`), { code, ...more });

  it.each<[string, unknown, string, string]>([
    ["a PortholeError", new PortholeError("missing", "not there"), "missing", "not there"],
    [
      "a refused connection",
      system("ECONNREFUSED", { syscall: "connect" }),
      "connect",
      "h.example:7: connection refused",
    ],
    ["a time-out", system("ETIMEDOUT"), "timeout", "h.example:7: the connection timed out"],
    ["a certificate", system("CERT_HAS_EXPIRED"), "tls", "h.example:7: the certificate has expired"],
    [
      "a full disk",
      system("ENOSPC", { syscall: "write", path: "/x" }),
      "local",
      "/x: no room left on the device",
    ],
    ["a missing file", system("ENOENT", { syscall: "open" }), "local", "no such file or folder"],
    [
      "a missing Unix socket",
      system("ENOENT", { syscall: "connect" }),
      "connect",
      "h.example:7: there is no such Unix socket",
    ],
    ["an abort", AbortSignal.abort().reason, "aborted", "stopped before the end"],
    ["a fault of the program", new TypeError("x is not a function"), "other", "x is not a function"],
    [
      "a fault of the program with a code",
      Object.assign(new TypeError("bad argument"), { code: "ERR_INVALID_ARG_TYPE" }),
      "other",
      "bad argument",
    ],
    ["a text", "just words", "other", "just words"],
    ["nothing", undefined, "other", "undefined"],
  ])("is %s: an error of the right kind that names the protocol", (_what, thrown, code, message) => {
    const error = labelled(thrown, "shelf", PLACE);
    expect(error).toBeInstanceOf(PortholeError);
    expect(error).toMatchObject({ code, message, protocol: "shelf" });
  });

  it("keeps the protocol that it named itself, and its cause", () => {
    const own = new PortholeError("auth", "no", { protocol: "proxy" });
    expect(labelled(own, "shelf", PLACE)).toBe(own);
    expect(own.protocol).toBe("proxy");
    const cause = system("ECONNRESET");
    expect(labelled(cause, "shelf", PLACE).cause).toBe(cause);
  });
});

describe("a client's use of a session", () => {
  function clientOf(open: () => Promise<Session>): Client {
    const manifest: Manifest = {
      name: "shelf",
      title: "Shelf",
      summary: "a shelf",
      schemes: { shelf: { port: 7, tls: "never" } },
      verbs: ["stat"],
      options: [],
      commands: [],
      load: async () => ({ open, commands: {} }),
    };
    return new Client({ registry: new Registry([manifest]) });
  }

  it("closes it, whatever happens", async () => {
    const inner = new Shelf();
    const client = clientOf(async () => inner);
    const target = client.target("shelf://h.example/a");
    expect(await client.use(target, async (session) => (await session.stat?.("a"))?.name)).toBe("a");
    expect(inner.disposed).toBe(1);
  });

  it("tells what went wrong first", async () => {
    const client = clientOf(async () => ({
      [Symbol.asyncDispose]: () => Promise.reject(new Error("and could not be closed either")),
    }));
    const target = client.target("shelf://me:pw@h.example/a");
    const failed = client.use(target, () => Promise.reject(new PortholeError("missing", "not there")));
    expect(await failureOf(failed)).toMatchObject({
      code: "missing",
      message: "not there",
      url: "shelf://me@h.example/a",
    });
    expect((await failureOf(client.use(target, async () => undefined))).message).toBe(
      "and could not be closed either",
    );
  });

  it("labels what goes wrong while it is opened", async () => {
    const client = clientOf(() => Promise.reject(Object.assign(new Error("x"), { code: "ECONNREFUSED" })));
    expect(await failureOf(client.open(client.target("shelf://h.example/")))).toMatchObject({
      code: "connect",
      protocol: "shelf",
      message: "h.example:7: connection refused",
    });
  });

  it("refuses what the protocol cannot do before anything is opened", () => {
    const client = clientOf(() => Promise.reject(new Error("was opened")));
    const target = client.target("shelf://h.example/");
    expect(() => client.require(target, "ls", ["ls"])).toThrow(
      expect.objectContaining({ code: "usage", message: "ls is not for Shelf", hint: "it can stat" }),
    );
    expect(() => client.require(target, "stat", ["stat"])).not.toThrow();
  });
});
