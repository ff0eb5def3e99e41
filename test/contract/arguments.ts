/** CR, LF and NUL in an argument would speak the protocol for us: they are refused, and never sent. */
import { buffer } from "node:stream/consumers";
import { expect, it } from "vitest";
import type { Outgoing, ReadQuery, Session } from "../../src/plugin.js";
import { all, outcome, sourceOf } from "./calls.js";
import { type Asking, need, offered, type Place, type Room } from "./place.js";
import { visit } from "./visit.js";

/** Every argument of every method that is text; called with what must be refused. */
type Argument = readonly [
  name: string,
  call: (session: Session, place: Place, text: string) => Promise<unknown>,
];

const readable = (place: Place) => need(place.readable, "readable document").path;
const folder = (place: Place) => need(place.folder, "folder to write to");

const ARGUMENTS: Readonly<Record<Asking, readonly Argument[]>> = {
  list: [["path", (session, place, text) => all(offered(session, "list")(`${place.listable ?? ""}${text}`))]],
  stat: [["path", (session, place, text) => offered(session, "stat")(`${readable(place)}${text}`)]],
  read: [
    ["path", (session, place, text) => readWhole(session, `${readable(place)}${text}`)],
    [
      "validator",
      (session, place, text) => readWhole(session, readable(place), { offset: 1, validator: text }),
    ],
  ],
  write: [
    [
      "path",
      (session, place, text) => offered(session, "write")(`${folder(place)}${text}`, sourceOf(["never"])),
    ],
    [
      "type",
      (session, place, text) =>
        offered(session, "write")(
          `${folder(place)}never.txt`,
          sourceOf(["never"], { type: `text/plain${text}` }),
        ),
    ],
  ],
  remove: [["path", (session, place, text) => offered(session, "remove")(`${folder(place)}${text}`)]],
  move: [
    [
      "from",
      (session, place, text) =>
        offered(session, "move")(`${folder(place)}${text}`, `${folder(place)}never.txt`),
    ],
    ["to", (session, place, text) => offered(session, "move")(readable(place), `${folder(place)}${text}`)],
  ],
  makeFolder: [["path", (session, place, text) => offered(session, "makeFolder")(`${folder(place)}${text}`)]],
  search: [
    [
      "path",
      (session, place, text) => {
        const { path, words } = need(place.search, "search");
        return all(offered(session, "search")(`${path}${text}`, words));
      },
    ],
    [
      "words",
      (session, place, text) => all(offered(session, "search")(need(place.search, "search").path, text)),
    ],
  ],
  send: [
    [
      "from",
      (session, place, text) => offered(session, "send")(outgoing(place, { from: `${text}@x.example` })),
    ],
    ["to", (session, place, text) => offered(session, "send")(outgoing(place, { to: `${text}@x.example` }))],
    [
      "messageId",
      (session, place, text) =>
        offered(session, "send")(outgoing(place, { messageId: `<${text}@x.example>` })),
    ],
  ],
};

/** The same for places that take octets. */
const OCTETS_SENT: (typeof ARGUMENTS)["send"] = [
  ["type", (session, place, text) => offered(session, "send")(outgoing(place, { type: `text/${text}` }))],
];

/** Paths that would hide them in percent-encoding. */
const PATHS: ReadonlySet<string> = new Set(["path", "from", "to"]);

const INJECTIONS = ["a\r\nINJECTED b", "a\nINJECTED b", "a\rINJECTED b", "a\0INJECTED b", "\r\nINJECTED"];
const HIDDEN = ["a%0D%0AINJECTED", "a%0aINJECTED", "a%0DINJECTED", "a%00INJECTED"];

type Change = NonNullable<Parameters<NonNullable<Place["outgoing"]>>[0]>;

function outgoing(place: Place, change: Change): Outgoing {
  return need(place.outgoing, "outgoing")(change);
}

async function readWhole(session: Session, path: string, query?: ReadQuery): Promise<Buffer> {
  const { body } = await offered(session, "read")(path, query);
  return buffer(body);
}

export function describeArguments(room: Room): void {
  const { place, asking, methods, manifest } = room;
  const takesOctets = asking.includes("send") && place.outgoing?.().kind === "octets";
  const cases = asking.flatMap((method) =>
    (method === "send" && takesOctets ? OCTETS_SENT : ARGUMENTS[method]).map(
      ([name, call]) => [name, method, call] as const,
    ),
  );

  it.each(cases)(
    "refuses CR, LF and NUL in the %s of %s(), and sends nothing",
    async (_name, _method, call) => {
      await visit(room, async (session, { wire }) => {
        const sent = wire.sent.length;
        for (const text of INJECTIONS) {
          const thrown = await outcome(call(session, place, text));
          expect(thrown, JSON.stringify(text)).toMatchObject({
            code: "usage",
            exit: 2,
            protocol: manifest.name,
          });
        }
        expect(wire.sent.subarray(sent).toString("latin1")).toBe("");
      });
    },
  );

  const paths = cases.filter(([name, method]) => method !== "send" && PATHS.has(name));
  if (paths.length === 0) return;

  it.each(paths)(
    "sends none that hides in the %s of %s() as percent-encoding",
    async (_name, _method, call) => {
      await visit(room, async (session, { wire }) => {
        for (const text of HIDDEN) {
          // A protocol that sends paths as they are written has nothing to refuse.
          const result = await outcome(call(session, place, text));
          if (result !== "an answer") {
            expect(result, text).toMatchObject({
              code: expect.stringMatching(/^(?:usage|missing|refused)$/),
            });
          }
          if (methods.includes("remove"))
            await outcome(offered(session, "remove")(`${folder(place)}${text}`));
        }
        expect(wire.sent.toString("latin1")).not.toMatch(/[\r\n\0]INJECTED/);
      });
    },
  );
}
