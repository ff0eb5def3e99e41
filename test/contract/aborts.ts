/** The caller's signal ends what is under way, at once and under its own name. */
import { once } from "node:events";
import { expect, it } from "vitest";
import { type Script, script } from "../../fixtures/servers/scripted.js";
import { all, CALLS, outcome, within } from "./calls.js";
import { need, offered, type Room } from "./place.js";
import { visit, visitScripted } from "./visit.js";

/** Milliseconds within which a person sees that it was heard. */
const AT_ONCE_MS = 2000;
const ABORTED = { name: "PortholeError", code: "aborted", exit: 130 };

export function describeAborts(room: Room): void {
  const { place, asking } = room;

  if (place.overture !== undefined) describeWaits(room, place.overture);

  if (asking.includes("read")) {
    it("ends a document under way", async () => {
      await visit(room, async (session, { stop }) => {
        const { body } = await offered(session, "read")(need(place.big, "big document").path);
        await once(body, "data");
        const result = outcome(all(body));
        stop.abort();
        expect(await within(AT_ONCE_MS, result)).toMatchObject(ABORTED);
      });
    });

    it("ends a document that nobody reads", async () => {
      await visit(room, async (session, { stop }) => {
        const { body } = await offered(session, "read")(need(place.big, "big document").path);
        await once(body, "readable");
        const closed = once(body, "error");
        stop.abort();
        expect(await within(AT_ONCE_MS, closed)).toMatchObject([ABORTED]);
      });
    });
  }
}

/** For an answer of a server. */
function describeWaits(room: Room, overture: Script): void {
  const { place, asking } = room;

  it.each(asking)("ends %s() that waits for an answer", async (method) => {
    let asked: () => void = () => {};
    const request = new Promise<void>((resolve) => {
      asked = resolve;
    });
    const play = overture.call(() => asked()).and(script().drain());
    await visitScripted(room, play, async ({ open, stop }) => {
      const session = await open();
      const result = outcome(CALLS[method](session, place));
      await request;
      stop.abort();
      expect(await within(AT_ONCE_MS, result)).toMatchObject(ABORTED);
    });
  });

  it.each(asking)("keeps %s() from beginning", async (method) => {
    await visitScripted(room, script(), async ({ open, stop }, server) => {
      stop.abort();
      const act = async () => CALLS[method](await open(), place);
      expect(await within(AT_ONCE_MS, outcome(act()))).toMatchObject(ABORTED);
      expect(server.connections.length).toBe(0);
    });
  });

  if (place.greets) {
    it("ends the wait for a greeting", async () => {
      await visitScripted(room, script().drain(), async ({ open, stop }) => {
        const result = outcome(open());
        setTimeout(() => stop.abort(), 50);
        expect(await within(AT_ONCE_MS, result)).toMatchObject(ABORTED);
      });
    });
  }
}
