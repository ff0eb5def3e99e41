/** Writing, and what else changes things on a server: octet for octet, and never over what is there unasked. */
import { afterEach, expect, it } from "vitest";
import type { Session } from "../../src/plugin.js";
import { contentOf, NEW_NAME, namesIn, outcome, sourceOf } from "./calls.js";
import { offered, type Room } from "./place.js";
import { visit } from "./visit.js";

/** Every octet, and more than fits into one write. */
const CONTENT = Buffer.from(Array.from({ length: 300_000 }, (_, at) => (at * 7 + (at >> 8)) & 0xff));
const PIECES = [CONTENT.subarray(0, 1), CONTENT.subarray(1, 70_000), CONTENT.subarray(70_000)];
const EXISTS = { code: "local", exit: 12 };

export function describeWriting(room: Room): void {
  const { place, methods } = room;
  const missing = { code: "missing", exit: place.missingExit ?? 8 };
  const folder = place.folder ?? "/";
  const path = `${folder}${NEW_NAME}`;
  const other = `${folder}other%20name.bin`;
  const inner = `${folder}inner/`;

  it("has a folder to be tried in", () => {
    expect(place.folder).toMatch(/\/$/);
  });

  // What a test that failed has left must not fail the next.
  afterEach(async () => {
    if (!methods.includes("remove")) return;
    await visit(room, async (session) => {
      for (const left of [path, other, inner]) await outcome(offered(session, "remove")(left));
    });
  });

  it("writes octets that read back the same, at a URL that opens again", async () => {
    await visit(room, async (session, { client }) => {
      const entry = await offered(session, "write")(path, sourceOf(PIECES, { size: CONTENT.length }));
      expect(entry.name).toBe(NEW_NAME);
      expect(client.target(entry.url).path).toBe(path);
      expect(entry.size ?? CONTENT.length).toBe(CONTENT.length);
      expect((await contentOf(session, client.target(entry.url).path)).equals(CONTENT)).toBe(true);
      if (methods.includes("stat")) {
        expect(await offered(session, "stat")(path)).toMatchObject({ name: NEW_NAME, size: CONTENT.length });
      }
    });
  });

  it("writes what has no known size, and what has none at all", async () => {
    await visit(room, async (session) => {
      await offered(session, "write")(path, sourceOf(PIECES));
      expect((await contentOf(session, path)).equals(CONTENT)).toBe(true);
      await offered(session, "write")(path, sourceOf([], { replace: true }));
      expect((await contentOf(session, path)).length).toBe(0);
    });
  });

  it("replaces what is there only when told to", async () => {
    await visit(room, async (session) => {
      await offered(session, "write")(path, sourceOf(["the first"]));
      expect(await outcome(offered(session, "write")(path, sourceOf(["the second"])))).toMatchObject(EXISTS);
      expect((await contentOf(session, path)).toString()).toBe("the first");
      await offered(session, "write")(path, sourceOf(["the third"], { replace: true }));
      expect((await contentOf(session, path)).toString()).toBe("the third");
    });
  });

  it("leaves nothing, and can go on or says that it is closed, when the source fails", async () => {
    const visited = async (session: Session) => {
      const broken = { body: brokenSource() };
      expect(await outcome(offered(session, "write")(path, broken))).toMatchObject({
        message: expect.stringContaining("the disk is on fire"),
      });
      const next = await outcome(offered(session, "write")(other, sourceOf(["whole"])));
      if (next !== "an answer") expect(next).toMatchObject({ message: expect.stringMatching(/closed/) });
    };
    await visit(room, visited);
    await visit(room, async (session) => {
      expect(await outcome(contentOf(session, path))).toMatchObject(missing);
    });
  });

  if (methods.includes("remove")) {
    it("removes what was written", async () => {
      await visit(room, async (session) => {
        await offered(session, "write")(path, sourceOf(["short-lived"]));
        await offered(session, "remove")(path);
        expect(await outcome(contentOf(session, path))).toMatchObject(missing);
        expect(await outcome(offered(session, "remove")(path))).toMatchObject(missing);
      });
    });
  }

  if (methods.includes("move")) {
    it("moves, and not onto what is there unless told to", async () => {
      await visit(room, async (session, { client }) => {
        await offered(session, "write")(path, sourceOf(["moved"]));
        const entry = await offered(session, "move")(path, other);
        expect(client.target(entry.url).path).toBe(other);
        expect(entry.name).toBe("other name.bin");
        expect((await contentOf(session, other)).toString()).toBe("moved");
        expect(await outcome(contentOf(session, path))).toMatchObject(missing);
        await offered(session, "write")(path, sourceOf(["in the way"]));
        expect(await outcome(offered(session, "move")(other, path))).toMatchObject(EXISTS);
        expect((await contentOf(session, path)).toString()).toBe("in the way");
        await offered(session, "move")(other, path, { replace: true });
        expect((await contentOf(session, path)).toString()).toBe("moved");
        expect(await outcome(contentOf(session, other))).toMatchObject(missing);
      });
    });
  }

  if (methods.includes("makeFolder")) {
    it("makes a folder once, lists it, and removes it", async () => {
      await visit(room, async (session, { client }) => {
        const entry = await offered(session, "makeFolder")(inner);
        expect(entry).toMatchObject({ name: "inner", kind: "directory" });
        expect(client.target(entry.url).path).toBe(inner);
        expect(await namesIn(session, client.target(entry.url).path)).toEqual([]);
        expect(await outcome(offered(session, "makeFolder")(inner))).toMatchObject(EXISTS);
        expect(await namesIn(session, folder)).toContain("inner");
        await offered(session, "remove")(inner);
        expect(await namesIn(session, folder)).not.toContain("inner");
      });
    });
  }
}

async function* brokenSource(): AsyncGenerator<Uint8Array> {
  yield Buffer.from("the beginning, and then ");
  throw new Error("the disk is on fire");
}
