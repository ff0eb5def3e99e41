/** A session with a server that plays a script, and pieces of scripts. */
import { buffer } from "node:stream/consumers";
import { conversation, type Script, type ScriptedServer, scripted } from "../../fixtures/servers/scripted.js";
import { Client, type ClientSettings } from "../../src/client.js";
import type { Document, Entry, Session } from "../../src/plugin.js";

export const ANN: ClientSettings = {
  credentials: async () => ({ user: "ann", password: "open sesame", kind: "password" }),
};

export const BYE = conversation("C: QUIT\nS: +OK bye");

/** A greeting, and CAPA answered with these lines. */
export function hello(...capabilities: readonly string[]): Script {
  return conversation("S: +OK ready\nC: CAPA").sendLines("+OK", ...capabilities, ".");
}

/** A greeting, and a login by USER and PASS, after which the same is offered. */
export function welcome(...capabilities: readonly string[]): Script {
  return hello("USER", ...capabilities)
    .and(conversation("C: USER ann\nS: +OK\nC: PASS open sesame\nS: +OK come in\nC: CAPA"))
    .sendLines("+OK", "USER", ...capabilities, ".");
}

/** The same of a server that does not know CAPA. */
export const OLD_WELCOME = conversation(`
  S: +OK ready
  C: CAPA
  S: -ERR what?
  C: USER ann
  S: +OK
  C: PASS open sesame
  S: +OK come in
`);

/** Opens a session, lets `act` use it, and closes both ends whatever happens. */
export async function talk(
  play: Script | readonly Script[],
  act: (session: Session, server: ScriptedServer) => Promise<void>,
  settings: ClientSettings = ANN,
): Promise<void> {
  await using server = await scripted(play, { timeout: 5000 });
  const client = new Client(settings);
  const session = await client.open(client.target(server.url("pop3")));
  try {
    await act(session, server);
  } finally {
    await session[Symbol.asyncDispose]();
  }
}

/** As `talk`; the server's script must then have been played to its end. */
export async function plays(
  play: Script | readonly Script[],
  act: (session: Session) => Promise<void>,
  settings: ClientSettings = ANN,
): Promise<void> {
  await talk(
    play,
    async (session, server) => {
      await act(session);
      await session[Symbol.asyncDispose]();
      await server.done;
    },
    settings,
  );
}

/** What opening a session fails with; the script must be played to its end. */
export async function openFailure(play: Script, settings: ClientSettings = ANN): Promise<unknown> {
  await using server = await scripted(play, { timeout: 5000 });
  const client = new Client(settings);
  const failed = await failure(
    client.open(client.target(server.url("pop3"))).then((session) => session[Symbol.asyncDispose]()),
  );
  await server.done;
  return failed;
}

export function failure(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => "no failure",
    (thrown: unknown) => thrown,
  );
}

export async function listed(session: Session, path = "/", limit?: number): Promise<Entry[]> {
  if (session.list === undefined) throw new Error("the session cannot list");
  const entries: Entry[] = [];
  for await (const entry of session.list(path, limit === undefined ? {} : { limit })) entries.push(entry);
  return entries;
}

export function read(session: Session, path: string): Promise<Document> {
  if (session.read === undefined) throw new Error("the session cannot read");
  return session.read(path);
}

export async function octets(session: Session, path: string): Promise<Buffer> {
  return buffer((await read(session, path)).body);
}

export async function remove(session: Session, path: string, recursive = false): Promise<void> {
  if (session.remove === undefined) throw new Error("the session cannot remove");
  await session.remove(path, { recursive });
}
