/** Trees listed by several sessions at once: what a walk finds is the same, in the same order, as with one. */
import { describe, expect, it } from "vitest";
import type { Session, Target } from "../../src/plugin.js";
import { Door } from "../../src/verbs/doors.js";
import { mirror } from "../../src/verbs/mirror.js";
import { walk } from "../../src/verbs/walk.js";
import { all, clientOf, type Files, ftpOf, type Place, treeOf } from "./places.js";

/** Folders within folders, each with files. */
function nested(): Files {
  const files: Record<string, string> = {};
  for (const one of ["a", "b", "c", "d", "e"]) {
    files[`${one}/top.txt`] = one;
    for (const two of ["x", "y", "z"]) files[`${one}/${two}/leaf.txt`] = two;
  }
  return files;
}

/** Sessions at a place, and how many of them have been asked for. */
class Sessions {
  asked = 0;
  readonly #client = clientOf();
  readonly #target: Target;
  readonly signal: AbortSignal;

  constructor(place: Place, signal = new AbortController().signal) {
    this.#target = this.#client.target(place.url);
    this.signal = signal;
  }

  door(): Door {
    const client = this.#client;
    const open = (target: Target, signal?: AbortSignal): Promise<Session> => {
      this.asked += 1;
      return client.open(target, signal);
    };
    const doors = {
      target: (url: string) => client.target(url),
      open,
      require: () => undefined,
      registry: client.registry,
    };
    return new Door(doors, this.#target, this.signal);
  }
}

/** `found /a/`, `unlisted /b/ missing`, in the order of the walk. */
async function walked(sessions: Sessions, helpers: number): Promise<string[]> {
  await using own = sessions.door();
  const others = Array.from({ length: helpers }, () => sessions.door());
  try {
    const told = await all(walk(own, "/", { signal: sessions.signal, helpers: others }));
    return told.map((one) => {
      if (one.kind === "found") return `found ${one.found.path}`;
      return one.kind === "unlisted" ? `unlisted ${one.path} ${one.error.code}` : `passed ${one.entry.url}`;
    });
  } finally {
    await Promise.all(others.map((door) => door.close()));
  }
}

async function* nothing(): AsyncGenerator<never> {}

describe("a tree listed by several sessions", () => {
  it("is walked in the order that one session has", async () => {
    await using place = await ftpOf(treeOf(nested()), { delayMs: 2 });
    const alone = await walked(new Sessions(place), 0);
    expect(alone.filter((line) => line.endsWith(".txt"))).toHaveLength(20);
    const sessions = new Sessions(place);
    expect(await walked(sessions, 3)).toEqual(alone);
    expect(sessions.asked).toBe(4);
  });

  it("opens none for a folder without folders", async () => {
    await using place = await ftpOf(treeOf({ "one.txt": "1", "two.txt": "2" }));
    const sessions = new Sessions(place);
    expect(await walked(sessions, 3)).toHaveLength(2);
    expect(sessions.asked).toBe(1);
  });

  it("is whole where the server lets fewer in", async () => {
    await using open = await ftpOf(treeOf(nested()));
    const alone = await walked(new Sessions(open), 0);
    await using place = await ftpOf(treeOf(nested()), { mostSessions: 1, delayMs: 2 });
    const sessions = new Sessions(place);
    expect(await walked(sessions, 3)).toEqual(alone);
    expect(sessions.asked).toBeGreaterThan(1);
  });

  it("holds back a session that is far ahead, and loses nothing", async () => {
    const many = Object.fromEntries(Array.from({ length: 10_500 }, (_, at) => [`b/${at}`, ""]));
    await using place = await ftpOf(treeOf({ "a/one.txt": "1", ...many, "c/two.txt": "2" }));
    const alone = await walked(new Sessions(place), 0);
    expect(alone).toHaveLength(3 + 1 + 10_500 + 1);
    expect(await walked(new Sessions(place), 2)).toEqual(alone);
  });

  it("may be left while others list", async () => {
    await using place = await ftpOf(treeOf(nested()), { delayMs: 20 });
    const sessions = new Sessions(place);
    await using own = sessions.door();
    const others = [sessions.door(), sessions.door()];
    for await (const one of walk(own, "/", { signal: sessions.signal, helpers: others })) {
      if (one.kind === "found" && one.found.path === "/a/top.txt") break;
    }
    expect(sessions.asked).toBe(3);
    // Broken off, and each as good as new.
    for (const door of others) {
      const again = await door.use((session) => all(session.list?.("/a/") ?? nothing()));
      expect(again).toHaveLength(4);
    }
    await Promise.all(others.map((door) => door.close()));
  });

  it("is mirrored by them", async () => {
    await using from = await ftpOf(treeOf(nested()), { delayMs: 2 });
    const plans: string[][] = [];
    for (const jobs of [1, 4]) {
      await using to = await ftpOf(treeOf({}));
      const told = await all(mirror({ client: clientOf(), from: from.url, to: `${to.url}copy`, jobs }));
      plans.push(told.flatMap((event) => (event.event === "plan" ? [`${event.action} ${event.name}`] : [])));
      expect(told.at(-1)).toMatchObject({ event: "done", copied: 20, failed: 0 });
    }
    expect(plans[1]).toEqual(plans[0]);
  });
});
