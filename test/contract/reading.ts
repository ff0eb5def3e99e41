/** Listing and reading: what is there, what is not, and what is left early. */
import { once } from "node:events";
import { setTimeout as wait } from "node:timers/promises";
import { expect, it } from "vitest";
import type { Document, Entry, ManyRead, Session } from "../../src/plugin.js";
import { CONTAINERS } from "../../src/plugin.js";
import { MANIFESTS } from "../../src/registry.js";
import { parseUrl } from "../../src/url.js";
import { all, CALLS, contentOf, outcome } from "./calls.js";
import { type Asking, need, offered, type Place, type Room, urlOf } from "./place.js";
import { visit } from "./visit.js";

/** Of a listing, so many are opened. */
const MOST_OPENED = 12;
/** Milliseconds in which a server could send a great deal. */
const UNREAD_MS = 400;
const MEBIBYTE = 1024 ** 2;

export function describeListing(room: Room): void {
  const { manifest, place } = room;

  it("lists entries that have a URL without password, a name and a kind", async () => {
    await visit(room, async (session) => {
      const entries = await listed(session, place);
      expect(entries.length).toBeGreaterThan(1);
      for (const { url, name, kind, meta } of entries) {
        expect(parseUrl(url).password).toBeUndefined();
        expect(name).not.toBe("");
        expect(kind).toMatch(/^[a-z]+$/);
        expect(meta).toBeTypeOf("object");
      }
    });
  });

  it("never lists a password that came with the URL", async () => {
    const url = new URL(urlOf(room));
    url.username = "porthole";
    url.password = "sandbox";
    await visit(room, async (_session, { open }) => {
      const entries = await listed(await open(url.href), place);
      expect(entries.filter((entry) => entry.url.includes(":sandbox@"))).toEqual([]);
      expect(entries.filter((entry) => parseUrl(entry.url).password !== undefined)).toEqual([]);
      expect(entries.length).toBeGreaterThan(1);
    });
  });

  it("lists URLs that open again, or lead to another scheme of the table", async () => {
    await visit(room, async (session, { client, target, open }) => {
      const known = MANIFESTS.flatMap(({ schemes }) => Object.keys(schemes));
      let opened = 0;
      for (const { url, kind } of await listed(session, place)) {
        const { scheme } = parseUrl(url);
        if (kind === "note") continue;
        expect([...known, "mailto"]).toContain(scheme);
        if (!(scheme in manifest.schemes) || opened === MOST_OPENED) continue;
        const { path, host, port } = client.target(url);
        if (host !== target.host || port !== target.port) continue;
        const again = await open(url);
        if (CONTAINERS.has(kind)) expect(await all(offered(again, "list")(path))).toBeInstanceOf(Array);
        else expect(await contentOf(again, path)).toBeInstanceOf(Buffer);
        await again[Symbol.asyncDispose]();
        opened += 1;
      }
      expect(opened).toBeGreaterThan(1);
    });
  });

  it("stops at a limit", async () => {
    await visit(room, async (session) => {
      const path = need(place.listable, "listable path");
      const [first, second] = await listed(session, place);
      expect(await all(offered(session, "list")(path, { limit: 1 }))).toEqual([first]);
      expect(await all(offered(session, "list")(path, { limit: 2 }))).toEqual([first, second]);
      expect(await all(offered(session, "list")(path, { limit: 0 }))).toEqual([]);
    });
  });

  it("can be left after one entry, and goes on", async () => {
    await visit(room, async (session) => {
      const before = await listed(session, place);
      for await (const entry of offered(session, "list")(need(place.listable, "listable path"))) {
        expect(entry).toEqual(before[0]);
        break;
      }
      await expectUsableOrClosed(session, "list", place);
    });
  });
}

export function describeReading(room: Room): void {
  const { place } = room;

  it("reads the octets that are there", async () => {
    await visit(room, async (session) => {
      const { path, content } = need(place.readable, "readable document");
      const { body, type, offset, entry } = await offered(session, "read")(path);
      expect(type).toMatch(/^[a-z]+\/[^\s;]+$/);
      expect(offset).toBe(0);
      expect(entry.url).toBe(new URL(path, urlOf(room)).href);
      expect(Buffer.concat(await all<Buffer>(body)).toString()).toBe(content.toString());
    });
  });

  it("reads a big document whole", async () => {
    await visit(room, async (session) => {
      const { path, size } = need(place.big, "big document");
      const { body } = await offered(session, "read")(path);
      let octets = 0;
      for await (const chunk of body) octets += Buffer.isBuffer(chunk) ? chunk.length : 0;
      expect(octets).toBe(size);
    });
  });

  it("can be left after the first octets, and goes on", async () => {
    await visit(room, async (session) => {
      const { body } = await offered(session, "read")(need(place.big, "big document").path);
      const [first] = await once(body, "data");
      expect(first).toBeInstanceOf(Buffer);
      body.destroy();
      await once(body, "close");
      await expectUsableOrClosed(session, "read", place);
    });
  });

  it("can be closed with a document half read", async () => {
    await visit(room, async (session) => {
      const { body } = await offered(session, "read")(need(place.big, "big document").path);
      await once(body, "data");
      const failed = outcome(all(body));
      await session[Symbol.asyncDispose]();
      expect(await failed).toMatchObject({ name: "PortholeError" });
    });
  });

  it("takes no more from the server than is read", async () => {
    await visit(room, async (session, { wire }) => {
      const { path, size } = need(place.big, "big document");
      const { body } = await offered(session, "read")(path);
      await once(body, "readable");
      await wait(UNREAD_MS);
      expect(size).toBeGreaterThan(4 * MEBIBYTE);
      if (place.overture !== undefined) expect(wire.received).toBeGreaterThan(0);
      expect(wire.received).toBeLessThan(MEBIBYTE);
      body.destroy();
      await once(body, "close");
    });
  });
}

export function describeMissing(room: Room): void {
  const { place, asking } = room;
  const looking = asking.filter((method) => ["list", "read", "stat", "remove", "move"].includes(method));

  it.each(looking)("says of what is not there that it is not, in the server's words: %s", async (method) => {
    await visit(room, async (session) => {
      const thrown = await outcome(CALLS[method](session, place, missingFor(method, place)));
      expect(thrown).toMatchObject({
        code: "missing",
        exit: place.missingExit ?? 8,
        protocol: room.manifest.name,
      });
      expect(thrown).toHaveProperty("reply", expect.stringMatching(/\S/));
      await expectUsable(session, method, place);
    });
  });
}

function missingFor(method: Asking, place: Place): string {
  const missing = need(place.missing, "missing path");
  return method === "list" ? missing : (place.missingDocument ?? missing);
}

function listed(session: Session, place: Place): Promise<Entry[]> {
  return all(offered(session, "list")(need(place.listable, "listable path")));
}

/** After `method` the session does what it is there for. */
async function expectUsable(session: Session, method: Asking, place: Place): Promise<void> {
  if (session.read === undefined) {
    expect(await CALLS[method](session, place)).toBeDefined();
    return;
  }
  const { path, content } = need(place.readable, "readable document");
  expect((await contentOf(session, path)).toString()).toBe(content.toString());
}

/** Or it says clearly that it is over. */
async function expectUsableOrClosed(session: Session, method: Asking, place: Place): Promise<void> {
  const result = await outcome(expectUsable(session, method, place));
  if (result === "an answer") return;
  expect(result).toMatchObject({ name: "PortholeError", message: expect.stringMatching(/closed/) });
}

/** For a protocol whose session can be asked for many documents at once. */
export function describeReadingMany(room: Room): void {
  const { place } = room;

  it("reads many in the order asked for, and tells of one that is not there", async () => {
    await visit(room, async (session) => {
      const { path, content } = need(place.readable, "readable document");
      const lost = need(place.missingDocument, "missing document");
      const asked = [path, lost, path, path];
      const got: string[] = [];
      for await (const result of readMany(session, asked)) {
        if ("error" in result) got.push(`${result.path} ${result.error.code}`);
        else
          got.push(
            `${result.path} ${Buffer.concat(await all<Buffer>(result.document.body)).toString("base64")}`,
          );
      }
      const whole = `${path} ${content.toString("base64")}`;
      expect(got).toEqual([whole, `${lost} missing`, whole, whole]);
    });
  });

  it("gives them in one piece where it can, and as a stream what is too large for that", async () => {
    await visit(room, async (session) => {
      const { path, content } = need(place.readable, "readable document");
      const most = [content.length, content.length - 1, 0, content.length + 1];
      const got: string[] = [];
      for await (const result of readMany(
        session,
        most.map(() => path),
      )) {
        if ("error" in result) throw result.error;
        const { document } = result;
        const bound = most[got.length] ?? 0;
        const whole = await document.whole?.(bound);
        if (document.whole !== undefined) expect(whole === undefined).toBe(bound < content.length);
        got.push((whole ?? Buffer.concat(await all<Buffer>(document.body))).toString("base64"));
      }
      expect(got).toEqual(most.map(() => content.toString("base64")));
      await expectUsable(session, "read", place);
    });
  });

  it.each([
    ["its body destroyed", ({ body }: Document) => void body.destroy()],
    ["untouched", () => undefined],
  ])("can be left in the middle of many, one %s, and goes on or is closed", async (_, leave) => {
    await visit(room, async (session) => {
      const { path } = need(place.readable, "readable document");
      for await (const result of readMany(session, [path, path, path])) {
        if ("document" in result) leave(result.document);
        break;
      }
      await expectUsableOrClosed(session, "read", place);
    });
  });
}

function readMany(session: Session, paths: readonly string[]): AsyncIterable<ManyRead> {
  const inTurn = async function* () {
    yield* paths;
  };
  if (session.readMany === undefined) throw new Error("the session cannot be asked for many");
  return session.readMany(inTurn());
}
