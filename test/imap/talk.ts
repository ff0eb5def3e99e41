/** A session with a server that plays a script, and pieces of scripts. */
import { buffer } from "node:stream/consumers";
import { conversation, type Script, type ScriptedServer, scripted } from "../../fixtures/servers/scripted.js";
import { Client, type ClientSettings } from "../../src/client.js";
import type { Entry, ManyRead, Session } from "../../src/plugin.js";

export const ANN: ClientSettings = {
  credentials: async () => ({ user: "ann", password: "open sesame", kind: "password" }),
};

/** A greeting, and a login by LOGIN, after which these are offered. */
export function welcome(...capabilities: readonly string[]): Script {
  const offered = ["IMAP4rev1", ...capabilities].join(" ");
  return conversation(`
    S: * OK [CAPABILITY ${offered}] ready
    C: A1 LOGIN "ann" "open sesame"
    S: A1 OK [CAPABILITY ${offered}] come in
  `);
}

/** A mailbox of so many messages, opened for reading by the command with this tag. */
export function opens(tag: string, exists: number, command = "EXAMINE"): Script {
  return conversation(`
    C: ${tag} ${command} "INBOX"
    S: * ${exists} EXISTS
    S: * OK [UIDVALIDITY 17] valid
    S: ${tag} OK [${command === "EXAMINE" ? "READ-ONLY" : "READ-WRITE"}] open
  `);
}

/** Opens a session, lets `act` use it, and closes both ends whatever happens. */
export async function talk(
  play: Script | readonly Script[],
  act: (session: Session, server: ScriptedServer) => Promise<void>,
  settings: ClientSettings = ANN,
): Promise<void> {
  await using server = await scripted(play, { timeout: 5000 });
  const client = new Client(settings);
  const session = await client.open(client.target(server.url("imap")));
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
    client.open(client.target(server.url("imap"))).then((session) => session[Symbol.asyncDispose]()),
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

export async function octets(session: Session, path: string): Promise<Buffer> {
  if (session.read === undefined) throw new Error("the session has no read()");
  const { body } = await session.read(path);
  return buffer(body);
}

export async function listed(session: Session, path: string, limit?: number): Promise<Entry[]> {
  if (session.list === undefined) throw new Error("the session has no list()");
  return all(session.list(path, limit === undefined ? {} : { limit }));
}

export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const taken: T[] = [];
  for await (const item of items) taken.push(item);
  return taken;
}

/** The octets of each, or the code of its error. */
export async function many(session: Session, paths: readonly string[]): Promise<string[]> {
  if (session.readMany === undefined) throw new Error("the session has no readMany()");
  const given = async function* () {
    yield* paths;
  };
  const taken: string[] = [];
  for await (const result of session.readMany(given())) taken.push(await told(result));
  return taken;
}

async function told(result: ManyRead): Promise<string> {
  return "error" in result ? result.error.code : (await buffer(result.document.body)).toString("latin1");
}
