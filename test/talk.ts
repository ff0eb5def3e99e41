/** A session with a server that plays a script: what tests of several protocols do alike. */
import { Readable } from "node:stream";
import { buffer, text } from "node:stream/consumers";
import { type Script, type ScriptedServer, scripted } from "../fixtures/servers/scripted.js";
import { Client, type ClientSettings } from "../src/client.js";
import type { Document, Entry, Output, Plugin, Session } from "../src/plugin.js";

export const ANN: ClientSettings = {
  credentials: async () => ({ user: "ann", password: "open sesame", kind: "password" }),
};

type Play = Script | readonly Script[];
type Act = (session: Session, server: ScriptedServer) => Promise<void>;

export interface Talks {
  /** Opens a session, lets `act` use it, and closes both ends whatever happens. */
  readonly talk: (play: Play, act: Act, settings?: ClientSettings) => Promise<void>;
  /** As `talk`; the server's script must then have been played to its end. */
  readonly plays: (
    play: Play,
    act: (session: Session) => Promise<void>,
    settings?: ClientSettings,
  ) => Promise<void>;
  /** What opening a session fails with; the script must be played to its end. */
  readonly openFailure: (play: Script, settings?: ClientSettings) => Promise<unknown>;
}

/** @param farewell the script has the client's goodbye in it */
export function talksOf(scheme: string, farewell: boolean): Talks {
  const talk = async (play: Play, act: Act, settings: ClientSettings = ANN) => {
    await using server = await scripted(play, { timeout: 5000 });
    const client = new Client(settings);
    const session = await client.open(client.target(server.url(scheme)));
    try {
      await act(session, server);
    } finally {
      await session[Symbol.asyncDispose]();
    }
  };
  return {
    talk,
    plays: (play, act, settings) =>
      talk(
        play,
        async (session, server) => {
          await act(session);
          if (farewell) await session[Symbol.asyncDispose]();
          await server.done;
        },
        settings,
      ),
    async openFailure(play, settings = ANN) {
      await using server = await scripted(play, { timeout: 5000 });
      const client = new Client(settings);
      const failed = await failure(
        client.open(client.target(server.url(scheme))).then((session) => session[Symbol.asyncDispose]()),
      );
      await server.done;
      return failed;
    },
  };
}

/** Runs `porthole PROTOCOL NAME URL WORDS...` against a server that plays a script; what it gives back, and the server. */
export async function runs(
  plugin: Plugin,
  scheme: string,
  play: Script,
  [name, path, ...words]: readonly [string, string, ...string[]],
  { settings = ANN, toTheEnd = true }: { settings?: ClientSettings; toTheEnd?: boolean } = {},
): Promise<unknown[]> {
  await using server = await scripted(play, { timeout: 5000 });
  const client = new Client(settings);
  const sessions: Session[] = [];
  const command = plugin.commands[name];
  if (command === undefined) throw new Error(`there is no command ${name}`);
  const outputs = command({
    words: [server.url(scheme, path), ...words],
    options: {},
    signal: client.signal,
    stdin: Readable.from([]),
    stdinIsTerminal: false,
    warn: () => {},
    open: async (url) => {
      const target = client.target(url);
      const session = await client.open(target);
      sessions.push(session);
      return { session, target };
    },
  });
  const shown: unknown[] = [];
  try {
    for await (const output of outputs) shown.push(await showing(output));
  } finally {
    for (const session of sessions) await session[Symbol.asyncDispose]();
  }
  if (toTheEnd) await server.done;
  return shown;
}

async function showing(output: Output): Promise<unknown> {
  if (output.kind === "record") return [output.text, output.data];
  if (output.kind === "document") return [output.document.type, await text(output.document.body)];
  return output;
}

export function failure(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => "no failure",
    (thrown: unknown) => thrown,
  );
}

export async function listed(session: Session, path = "/", limit?: number): Promise<Entry[]> {
  if (session.list === undefined) throw new Error("the session cannot list");
  return all(session.list(path, limit === undefined ? {} : { limit }));
}

export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const taken: T[] = [];
  for await (const item of items) taken.push(item);
  return taken;
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
