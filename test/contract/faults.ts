/** Servers that are not there, say nothing, close at once, or talk nonsense: an error by its code, soon. */
import { createHash } from "node:crypto";
import { expect, it } from "vitest";
import { type Script, script } from "../../fixtures/servers/scripted.js";
import { CALLS, outcome, within } from "./calls.js";
import type { Asking, Room, Spoiled } from "./place.js";
import { type Visit, visitScripted } from "./visit.js";

/** Milliseconds after which a silent server is given up, in these tests. */
const SILENCE_MS = 250;
/** Milliseconds in which every failure is told. */
const PATIENCE_MS = 5000;
const MEBIBYTE = 1024 ** 2;

interface Fault {
  readonly name: string;
  readonly play: Script;
  readonly code: RegExp;
  readonly spoils?: Spoiled;
  /** Milliseconds of silence allowed; as long as it takes, when absent. */
  readonly idleTimeout?: number;
}

const FAULTS: readonly Fault[] = [
  {
    name: "silent",
    play: script().drain(),
    code: /^timeout$/,
    spoils: "silent",
    idleTimeout: SILENCE_MS,
  },
  { name: "closing at once", play: script().drop(), code: /^(?:connect|protocol)$/, spoils: "closed" },
  { name: "resetting the connection", play: script().reset(), code: /^(?:connect|protocol)$/ },
  {
    name: "sending a line without end",
    play: script().endlessLine(8 * MEBIBYTE),
    code: /^protocol$/,
    spoils: "endless line",
  },
  { name: "sending garbage", play: script().send(garbage()).drop(), code: /^protocol$/, spoils: "garbage" },
];

/** Octets of all kinds, with line ends here and there, that begin like nothing. */
function garbage(): Buffer {
  const pieces = Array.from({ length: 64 }, (_, at) =>
    Buffer.concat([createHash("sha256").update(String(at)).digest(), Buffer.from("\0\r\n")]),
  );
  return Buffer.concat([Buffer.from([0xff, 0x00, 0x16, 0x03]), ...pieces]);
}

export function describeFaults(room: Room, overture: Script): void {
  const { place, asking } = room;
  // Where the server speaks first, what it spoils is the opening, whatever is called then.
  const atOnce = casesOf(place.greets ? asking.slice(0, 1) : asking);

  it("finds nobody where nobody listens", async () => {
    await visitScripted(room, script(), async (visit, server) => {
      await server.close();
      for (const method of asking) {
        expect(await attempt(room, visit, method)).toMatchObject({
          code: "connect",
          exit: 4,
          protocol: room.manifest.name,
        });
      }
    });
  });

  it.each(atOnce)("meets a server that is %s, with %s()", async (_name, method, fault) => {
    await meet(room, fault.play, method, fault);
  });

  it.each(casesOf(asking))(
    "meets a server that is %s when asked, with %s()",
    async (_name, method, fault) => {
      await meet(room, overture.and(fault.play), method, fault);
    },
  );
}

function casesOf(methods: readonly Asking[]) {
  return methods.flatMap((method) => FAULTS.map((fault) => [fault.name, method, fault] as const));
}

async function meet(room: Room, play: Script, method: Asking, fault: Fault): Promise<void> {
  await visitScripted(
    room,
    play,
    async (visit) => expectFault(room, method, fault, await attempt(room, visit, method)),
    { network: { idleTimeout: fault.idleTimeout ?? 0 } },
  );
}

/** Opens a session and calls; what became of it. */
function attempt(room: Room, visit: Visit, method: Asking): Promise<unknown> {
  const act = async () => CALLS[method](await visit.open(), room.place);
  return within(PATIENCE_MS, outcome(act()));
}

function expectFault(room: Room, method: Asking, fault: Fault, result: unknown): void {
  const { formless } = room.place;
  if (fault.spoils !== undefined && formless?.[fault.spoils]?.includes(method)) {
    expect(result).toBe("an answer");
    return;
  }
  expect(result).toMatchObject({
    name: "PortholeError",
    code: expect.stringMatching(fault.code),
    protocol: room.manifest.name,
  });
}
