import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Sandbox, startSandbox } from "../../fixtures/servers/sandbox.js";
import { type Script, scripted } from "../../fixtures/servers/scripted.js";
import { EventStream } from "../../protocols/http/event-stream.js";
import { Client } from "../../src/client.js";
import type { WatchEvent } from "../../src/plugin.js";
import { watch } from "../../src/verbs/watch.js";
import { answered, asked, sent } from "./over-client.js";

function eventsIn(text: string, cut?: number) {
  const stream = new EventStream();
  const octets = Buffer.from(text);
  const events = [];
  for (let at = 0; at < octets.length; at += cut ?? octets.length) {
    events.push(...stream.write(octets.subarray(at, at + (cut ?? octets.length))));
  }
  return { events, stream };
}

describe("a stream of events", () => {
  const TEXT =
    "\ufeff: a comment\nretry: 250\n\nid: 1\nevent: tide\ndata: high water\ndata:  second\n\ndata\n\nid\ndata:x\n\nevent: lost\n\nunknown: y\ndata: Grüße\n\ndata: unfinished\n";
  const EVENTS = [
    { type: "tide", data: "high water\n second", id: "1" },
    { type: "message", data: "", id: "1" },
    { type: "message", data: "x", id: "" },
    { type: "message", data: "Grüße", id: "" },
  ];

  it.each([
    ["LF", "\n"],
    ["CR", "\r"],
    ["CR LF", "\r\n"],
  ])("ended by %s, whole and cut at every octet", (_name, end) => {
    for (const cut of [undefined, 1, 2, 7]) {
      const { events, stream } = eventsIn(TEXT.replaceAll("\n", end), cut);
      expect(events).toEqual(EVENTS);
      expect(stream.retryMs).toBe(250);
    }
  });

  it("heeds no id with a NUL, and no retry that is none", () => {
    const { stream } = eventsIn("id: 1\nid: a\0b\nretry: -1\nretry: soon\ndata: x\n\n");
    expect(stream.lastId).toBe("1");
    expect(stream.retryMs).toBeUndefined();
  });

  it("ends at an event without end", () => {
    const stream = new EventStream();
    const piece = Buffer.from("x".repeat(1024 * 1024));
    expect(() => {
      for (let count = 0; count < 20; count++) Array.from(stream.write(piece));
    }).toThrow(expect.objectContaining({ code: "protocol" }));
  });
});

/** So many events of a watch. */
async function watched(url: string, count: number, interval = 0.05): Promise<WatchEvent[]> {
  const client = new Client();
  const target = client.target(url);
  const events: WatchEvent[] = [];
  const all = watch(target, (signal) => client.open(target, signal), { interval, firstPause: 1 });
  for await (const event of all) {
    events.push(event);
    if (events.length === count) break;
  }
  return events;
}

const stream = (text: string): Script =>
  asked().send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n").send(text);

describe("watch", () => {
  let sandbox: Sandbox;
  beforeAll(async () => {
    sandbox = await startSandbox({ only: ["http"] });
  });
  afterAll(() => sandbox.close());

  it("gives server-sent events as they come", async () => {
    const events = await watched(`${sandbox.url("http")}events?count=3&ms=1`, 3);
    expect(events.map(({ event, text, entry }) => [event, text, entry.name, entry.meta])).toEqual(
      [1, 2, 3].map((id) => [
        "data",
        `high water ${id}\nsecond line`,
        "tide",
        { event: "tide", data: `high water ${id}\nsecond line`, id: String(id) },
      ]),
    );
  });

  it("asks again where a stream ended, from the last event on, until there is nothing more", async () => {
    await using server = await scripted([
      stream("retry: 1\n\nid: 7\ndata: a\n\n").drop(),
      stream("data: b\n\n").drop(),
      asked().and(answered("204 No Content")).drain(),
    ]);
    const events = await watched(server.url("http", "/"), 3);
    expect(events.map(({ text }) => text)).toEqual(["a", "b"]);
    expect(sent(server, "last-event-id")).toEqual(["7", "7"]);
  });

  it("and says nothing of a last event that has no ID", async () => {
    await using server = await scripted([
      stream("id: 7\ndata: a\n\nid\ndata: b\n\n").reset(),
      stream("data: c\n\n").drain(),
    ]);
    const events = await watched(server.url("http", "/"), 3);
    expect(events.map(({ text }) => text)).toEqual(["a", "b", "c"]);
    expect(sent(server, "last-event-id")).toEqual([]);
  });

  it("and from the last event on after the connection broke", async () => {
    await using server = await scripted([
      stream("id: 7\ndata: a\n\n").reset(),
      stream("id: 8\ndata: b\n\n").drain(),
    ]);
    const events = await watched(server.url("http", "/"), 2);
    expect(events.map(({ text }) => text)).toEqual(["a", "b"]);
    expect(sent(server, "last-event-id")).toEqual(["7"]);
  });

  it("asks politely whether a document has changed, is gone, and is there again", async () => {
    const tagged = (etag: string, status = "200 OK") =>
      asked().and(answered(status, [`ETag: "${etag}"`], "x"));
    await using server = await scripted(
      tagged("1")
        .and(asked().send('HTTP/1.1 304 Not Modified\r\nETag: "1"\r\n\r\n'))
        .and(tagged("2"))
        .and(asked().and(answered("503 Busy", ["Retry-After: 0"])))
        .and(asked().and(answered("404 Not Found")))
        .and(tagged("3"))
        .drain(),
    );
    const events = await watched(server.url("http", "/page"), 3);
    expect(events.map(({ event }) => event)).toEqual(["changed", "gone", "new"]);
    expect(sent(server, "if-none-match")).toEqual(['"1"', '"1"', '"2"', '"2"']);
    expect(server.connections).toHaveLength(1);
  });

  it("by its content where no header tells", async () => {
    const page = (text: string) => asked().and(answered("200 OK", [], text));
    await using server = await scripted(page("a").and(page("a")).and(page("b")).drain());
    expect((await watched(server.url("http", "/"), 1)).map(({ event }) => event)).toEqual(["changed"]);
  });

  it("says at once that a place is not there", async () => {
    await expect(watched(`${sandbox.url("http")}lost`, 1)).rejects.toMatchObject({ code: "missing" });
  });
});
