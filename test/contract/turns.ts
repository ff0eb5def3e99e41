/** One thing at a time, and nothing after the end. */
import { once } from "node:events";
import { expect, it } from "vitest";
import { CALLS, contentOf, outcome } from "./calls.js";
import { need, offered, type Room } from "./place.js";
import { visit } from "./visit.js";

export function describeTurns(room: Room): void {
  const { place, asking, manifest } = room;
  const refused = (message: string) => ({ code: "usage", exit: 2, protocol: manifest.name, message });

  if (asking.includes("read")) {
    it.each(asking)("refuses %s() while a document is open, and names both", async (method) => {
      await visit(room, async (session, { wire }) => {
        const { body } = await offered(session, "read")(need(place.big, "big document").path);
        await once(body, "readable");
        const sent = wire.sent.length;
        const words = `${method}() was called while read() is still at work`;
        expect(await outcome(CALLS[method](session, place))).toMatchObject(refused(words));
        expect(wire.sent.length).toBe(sent);
        body.destroy();
        await once(body, "close");
      });
    });
  }

  if (asking.includes("list")) {
    it.each(asking)("refuses %s() within a listing, and names both", async (method) => {
      await visit(room, async (session) => {
        const words = `${method}() was called while list() is still at work`;
        let entries = 0;
        for await (const entry of offered(session, "list")(need(place.listable, "listable path"))) {
          expect(entry.url).not.toBe("");
          entries += 1;
          expect(await outcome(CALLS[method](session, place))).toMatchObject(refused(words));
        }
        // The listing itself was not disturbed.
        expect(entries).toBeGreaterThan(1);
      });
    });
  }

  it.each(asking)("refuses a second %s() at the same time, and answers the first", async (method) => {
    await visit(room, async (session) => {
      const calls = [outcome(CALLS[method](session, place)), outcome(CALLS[method](session, place))];
      const [first, second] = await Promise.all(calls);
      expect(second).toMatchObject(refused(`${method}() was called while ${method}() is still at work`));
      expect(first).not.toMatchObject({ code: "usage" });
    });
  });

  const harmless = asking.filter((method) => ["list", "search", "stat", "read", "send"].includes(method));

  it.each(harmless)("does %s() again and again, and keeps nothing of the time before", async (method) => {
    await visit(room, async (session) => {
      // Three: the close at the end may well see to the last.
      for (let time = 0; time < 3; time++) expect(await CALLS[method](session, place)).toBeDefined();
    });
  });

  it("may be closed twice, and refuses all calls afterwards", async () => {
    await visit(room, async (session, { wire }) => {
      if (session.read !== undefined)
        await contentOf(session, need(place.readable, "readable document").path);
      await session[Symbol.asyncDispose]();
      await session[Symbol.asyncDispose]();
      const sent = wire.sent.length;
      for (const method of asking) {
        const words = `${method}() was called after the session was closed`;
        expect(await outcome(CALLS[method](session, place))).toMatchObject(refused(words));
      }
      expect(wire.sent.length).toBe(sent);
    });
  });
}
