/** A session with a server, watched: what went over the wire, and what is left when it is over. */
import { getEventListeners } from "node:events";
import { setTimeout as wait } from "node:timers/promises";
import { expect } from "vitest";
import { type Script, type ScriptedServer, scripted } from "../../fixtures/servers/scripted.js";
import { Client, type ClientSettings } from "../../src/client.js";
import type { Session, Target } from "../../src/plugin.js";
import { within } from "./calls.js";
import { type Room, urlOf } from "./place.js";

/** Milliseconds that connections and timers have to end after the session has. */
const SETTLE_MS = 3000;
/** Milliseconds that a polite goodbye may take. */
const FAREWELL_MS = 3000;
/** Vitest's own, which come and go. */
const NOT_OURS: ReadonlySet<string> = new Set(["MessagePort", "Immediate"]);

export interface Visit {
  readonly client: Client;
  readonly target: Target;
  readonly wire: Wire;
  /** Ends everything, as Ctrl-C does. */
  readonly stop: AbortController;
  /** Closed when the visit is over. */
  readonly open: (url?: string) => Promise<Session>;
}

/** Octets of all connections together, as they leave and reach the client, secrets masked. */
export interface Wire {
  readonly sent: Buffer;
  readonly received: number;
}

/** With the sandbox's server. */
export async function visit(
  room: Room,
  act: (session: Session, visit: Visit) => Promise<void>,
  settings: ClientSettings = {},
): Promise<void> {
  const sandbox = room.sandbox();
  const before = resources();
  const signal = await stay(
    urlOf(room),
    { ...loginOf(room), ...settings, network: { tls: { caFile: sandbox.caFile }, ...settings.network } },
    async (visiting) => act(await visiting.open(), visiting),
  );
  await expectNothingLeft(before, signal);
}

/** With a server that plays a script on each connection. The session is opened by `act`, for that may be what fails. */
export async function visitScripted(
  room: Room,
  play: Script,
  act: (visit: Visit, server: ScriptedServer) => Promise<void>,
  settings: ClientSettings = {},
): Promise<void> {
  const before = resources();
  const server = await scripted(play, { connections: 99 });
  try {
    const signal = await stay(
      server.url(room.place.scheme, "/"),
      { ...loginOf(room), ...settings },
      (visiting) => act(visiting, server),
    );
    await settled(() => leftOn(signal));
  } finally {
    await server.close();
  }
  await settled(() => leftSince(before));
}

function loginOf({ place: { login } }: Room): ClientSettings {
  return login === undefined ? {} : { credentials: async () => login };
}

/** @returns the signal that all of it heeded */
async function stay(
  url: string,
  settings: ClientSettings,
  act: (visit: Visit) => Promise<void>,
): Promise<AbortSignal> {
  const stop = new AbortController();
  const client = new Client({ signal: stop.signal, ...settings });
  const sent: Buffer[] = [];
  let received = 0;
  client.transcript.subscribe(({ direction, bytes }) => {
    if (bytes === undefined) return;
    if (direction === "client") sent.push(bytes);
    else received += bytes.length;
  });
  const sessions: Session[] = [];
  try {
    await act({
      client,
      target: client.target(url),
      stop,
      wire: {
        get sent() {
          return Buffer.concat(sent);
        },
        get received() {
          return received;
        },
      },
      open: async (other = url) => {
        const session = await client.open(client.target(other));
        sessions.push(session);
        return session;
      },
    });
  } finally {
    const closed = Promise.all(sessions.map((session) => session[Symbol.asyncDispose]()));
    expect(await within(FAREWELL_MS, closed)).not.toBeTypeOf("string");
  }
  return stop.signal;
}

/** How many of each kind keep this thread alive. */
function resources(): Map<string, number> {
  const count = new Map<string, number>();
  for (const kind of process.getActiveResourcesInfo()) count.set(kind, (count.get(kind) ?? 0) + 1);
  return count;
}

function leftSince(before: ReadonlyMap<string, number>): string[] {
  return [...resources()]
    .filter(([kind, count]) => !NOT_OURS.has(kind) && count > (before.get(kind) ?? 0))
    .map(([kind, count]) => `${count - (before.get(kind) ?? 0)} ${kind}`);
}

/** A connection that is not destroyed still listens for the end of all, whatever its timers and sockets show. */
function leftOn(signal: AbortSignal): string[] {
  return getEventListeners(signal, "abort").map(() => "a listener for the end of all");
}

async function expectNothingLeft(before: ReadonlyMap<string, number>, signal: AbortSignal): Promise<void> {
  await settled(() => [...leftSince(before), ...leftOn(signal)]);
}

async function settled(left: () => string[]): Promise<void> {
  const until = performance.now() + SETTLE_MS;
  while (left().length > 0 && performance.now() < until) await wait(10);
  expect(left()).toEqual([]);
}
