import { getEventListeners } from "node:events";
import { describe, expect, it } from "vitest";
import { whenAborted } from "../src/abort.js";

describe("who acts when a signal fires", () => {
  it("does so once, all of them in order, behind one listener", () => {
    const controller = new AbortController();
    const acted: string[] = [];
    whenAborted(controller.signal, () => acted.push("first"));
    whenAborted(controller.signal, () => acted.push("second"));
    expect(getEventListeners(controller.signal, "abort")).toHaveLength(1);
    controller.abort();
    controller.abort();
    expect(acted).toEqual(["first", "second"]);
  });

  it("does not when it has ended that, be it by one who acted before", () => {
    const controller = new AbortController();
    const acted: string[] = [];
    const end = whenAborted(controller.signal, () => acted.push("ended"));
    end();
    end();
    whenAborted(controller.signal, () => {
      acted.push("acts");
      endLater();
    });
    const endLater = whenAborted(controller.signal, () => acted.push("ended by another"));
    controller.abort();
    expect(acted).toEqual(["acts"]);
  });

  it("leaves nothing at the signal when nobody is left, and begins anew", () => {
    const controller = new AbortController();
    const acted: string[] = [];
    const ends = [
      whenAborted(controller.signal, () => undefined),
      whenAborted(controller.signal, () => undefined),
    ];
    for (const end of ends) end();
    expect(getEventListeners(controller.signal, "abort")).toEqual([]);
    whenAborted(controller.signal, () => acted.push("anew"));
    controller.abort();
    expect(acted).toEqual(["anew"]);
  });

  it("does not when the signal has fired already", () => {
    const acted: string[] = [];
    whenAborted(AbortSignal.abort(), () => acted.push("late"));
    expect(acted).toEqual([]);
  });
});
