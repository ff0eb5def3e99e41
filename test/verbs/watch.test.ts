import { Readable } from "node:stream";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Sandbox, startSandbox } from "../../fixtures/servers/sandbox.js";
import { conversation, script, scripted } from "../../fixtures/servers/scripted.js";
import { Client } from "../../src/client.js";
import { PortholeError } from "../../src/errors.js";
import type { Entry, Session, WatchEvent } from "../../src/plugin.js";
import { type WatchOptions, watch } from "../../src/verbs/watch.js";

let sandbox: Sandbox;

beforeAll(async () => {
  sandbox = await startSandbox({ only: ["http", "ftp"] });
});
afterAll(async () => {
  await sandbox.close();
});

/** The first events of a watch, each of which `act` provokes when the watch has begun. */
async function events(
  url: string,
  count: number,
  options: WatchOptions,
  act: (came: (events: number) => Promise<void>) => Promise<void>,
): Promise<WatchEvent[]> {
  const client = new Client();
  const target = client.target(url);
  const found: WatchEvent[] = [];
  const came = async (wanted: number) => {
    while (found.length < wanted) await new Promise((resolve) => setTimeout(resolve, 20));
  };
  const timer = setTimeout(() => void act(came), 1000);
  for await (const event of watch(target, (signal) => client.open(target, signal), {
    interval: 0.05,
    ...options,
  })) {
    found.push(event);
    if (found.length === count) break;
  }
  clearTimeout(timer);
  return found;
}

async function withSession(url: string, act: (session: Session) => Promise<unknown>): Promise<void> {
  const client = new Client();
  await client.use(client.target(url), act);
}

const put = (session: Session, path: string, text: string) =>
  session.write?.(path, { body: Readable.from([Buffer.from(text)]), replace: true });

const entry = (name: string, size: number): Entry => ({
  url: `test://x/${name}`,
  name,
  kind: "file",
  size,
  meta: {},
});

/** A session that lists one set of entries after another; an error is thrown instead of a list. */
function listing(...looks: readonly (readonly Entry[] | PortholeError)[]): () => Promise<Session> {
  let look = 0;
  return async () => ({
    kindOf: () => "directory",
    async *list() {
      const now = looks[Math.min(look, looks.length - 1)] ?? [];
      look += 1;
      if (now instanceof PortholeError) throw now;
      yield* now;
    },
    [Symbol.asyncDispose]: async () => {},
  });
}

async function seen(
  open: () => Promise<Session>,
  count: number,
  options: WatchOptions = {},
): Promise<string[]> {
  const target = new Client().target("ftp://127.0.0.1/");
  const found: string[] = [];
  for await (const { event, entry } of watch(target, open, { interval: 0.05, firstPause: 1, ...options })) {
    found.push(`${event} ${entry.name}`);
    if (found.length === count) break;
  }
  return found;
}

const lost = (words: string) => new PortholeError("connect", words);

describe("asking again and again", () => {
  it("tells what is new, what changed and what is gone, and nothing of what was there", async () => {
    const [a, b, changed] = [entry("a", 1), entry("b", 2), entry("b", 3)];
    expect(await seen(listing([a], [a, b], [a, changed], [a, changed], [changed]), 3)).toEqual([
      "new b",
      "changed b",
      "gone a",
    ]);
  });

  it("an FTP folder, over one connection", async () => {
    const url = sandbox.url("ftp").replace("ftp://", "ftp://porthole:sandbox@");
    const found = await events(`${url}incoming/`, 1, {}, () =>
      withSession(url, (session) => Promise.resolve(put(session, "/incoming/fresh.txt", "new"))),
    );
    expect(found).toMatchObject([
      {
        event: "new",
        entry: { name: "fresh.txt", size: 3, url: expect.stringMatching(/^ftp:.*\/incoming\/fresh\.txt$/) },
      },
    ]);
    expect(found[0]?.at).toBeInstanceOf(Date);
    expect(found[0]?.entry.url).not.toContain("sandbox");
  });

  it("a web page: changed, by its validator; gone, when it is removed", async () => {
    const url = `${sandbox.url("http")}files/incoming/page.txt`;
    await withSession(url, (session) => Promise.resolve(put(session, "/files/incoming/page.txt", "one")));
    const found = await events(url, 2, {}, async (came) => {
      await withSession(url, (session) =>
        Promise.resolve(put(session, "/files/incoming/page.txt", "another")),
      );
      await came(1);
      await withSession(url, async (session) => session.remove?.("/files/incoming/page.txt"));
    });
    expect(found.map(({ event }) => event)).toEqual(["changed", "gone"]);
  });

  it("a page without any validator is read", async () => {
    const answer = (text: string) => `HTTP/1.1 200 OK\r\nContent-Length: ${text.length}\r\n\r\n`;
    const look = (text: string) =>
      script()
        .expectUntil("\r\n\r\n")
        .send(answer(text) + text);
    await using server = await scripted(look("same").and(look("same")).and(look("othr")));
    const found = await events(server.url("http", "/x"), 1, {}, async () => {});
    expect(found.map(({ event }) => event)).toEqual(["changed"]);
  });
});

describe("what breaks", () => {
  it("is taken up again, told, and nothing in between is missed", async () => {
    const told: string[] = [];
    const [a, b] = [entry("a", 1), entry("b", 2)];
    const open = listing([a], lost("gone away"), lost("still away"), [a, b]);
    expect(await seen(open, 1, { tell: (text) => told.push(text) })).toEqual(["new b"]);
    expect(told).toEqual(["gone away; trying again in 1 s", "still away; trying again in 1 s"]);
  });

  it("pauses twice as long each time", async () => {
    const began = performance.now();
    const open = listing([], lost("1"), lost("2"), lost("3"), [entry("a", 1)]);
    await seen(open, 1, { firstPause: 40 });
    // 40 + 80 + 160
    expect(performance.now() - began).toBeGreaterThan(270);
  });

  it("at the first attempt, is the user's to know", async () => {
    await expect(seen(listing(lost("no such server")), 1)).rejects.toMatchObject({ code: "connect" });
  });

  it("for good, is the end", async () => {
    const refused = new PortholeError("auth", "the password was changed");
    await expect(seen(listing([], refused), 1)).rejects.toMatchObject({ code: "auth" });
  });

  it("a server that closes the connection is connected to again", async () => {
    const visit = (...names: readonly string[]) =>
      script()
        .expect(/^/)
        .send(`${names.map((name) => `0${name}\t/${name}\t127.0.0.1\t70\r\n`).join("")}.\r\n`);
    await using server = await scripted([visit("a"), conversation("S drop"), visit("a", "b")]);
    const found = await events(server.url("gopher", "/1"), 1, { firstPause: 10 }, async () => {});
    expect(found.map(({ event, entry }) => `${event} ${entry.name}`)).toEqual(["new b"]);
  });
});

describe("a session that tells by itself", () => {
  const told = (...parts: readonly (WatchEvent | PortholeError)[]) => {
    const waiting = parts.values();
    return async (): Promise<Session> => ({
      async *watch() {
        for (const part of waiting) {
          if (part instanceof PortholeError) throw part;
          yield part;
        }
      },
      [Symbol.asyncDispose]: async () => {},
    });
  };
  const event = (name: string): WatchEvent => ({ event: "new", entry: entry(name, 1), at: new Date(0) });

  it("is heard, and heard again after a break, until it ends", async () => {
    expect(await seen(told(event("a"), lost("cut"), event("b")), 9)).toEqual(["new a", "new b"]);
  });
});

describe("the end", () => {
  it("comes with the signal, also between two looks", async () => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 50);
    const began = performance.now();
    await expect(seen(listing([]), 1, { interval: 3600, signal: controller.signal })).rejects.toMatchObject({
      code: "aborted",
      exit: 130,
    });
    expect(performance.now() - began).toBeLessThan(1000);
  });

  it("comes with the signal during a pause after a failure", async () => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 150);
    await expect(
      seen(listing([], lost("away")), 1, { firstPause: 3_600_000, signal: controller.signal }),
    ).rejects.toMatchObject({ code: "aborted" });
  });

  it("comes at once for an interval that would be a flood", async () => {
    await expect(seen(listing([]), 1, { interval: 0 })).rejects.toMatchObject({ code: "usage" });
  });
});
