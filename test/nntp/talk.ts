/** Sessions with a server that plays a script, or with the sandbox's. */
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { makeTlsMaterial } from "../../fixtures/servers/certificate.js";
import { type NntpOptions, type NntpServer, startNntp } from "../../fixtures/servers/nntp.js";
import { conversation, type Script, type ScriptedServer, scripted } from "../../fixtures/servers/scripted.js";
import { manifest } from "../../protocols/nntp/manifest.js";
import { Client, type ClientSettings } from "../../src/client.js";
import type { Entry, Invocation, ListQuery, Outgoing, Output, Session } from "../../src/plugin.js";

/** What a modern server says before anything is asked of it. */
export const GREETED = conversation(`
  S: 200 ready
  C: CAPABILITIES
  S: 101 list
  S: VERSION 2
  S: READER
  S: OVER
  S: HDR
  S: POST
  S: LIST ACTIVE NEWSGROUPS OVERVIEW.FMT
  S: .
`);

/** What a server of RFC 2980 says. */
export const OLD = conversation(`
  S: 200 ready
  C: CAPABILITIES
  S: 500 what?
  C: MODE READER
  S: 200 ready
`);

export const BYE = conversation(`
  C: QUIT
  S: 205 bye
  C end
`);

/** Opens a session, lets `act` use it, closes it, and waits for the script's end. */
export async function talk(
  play: Script,
  act: (session: Session, server: ScriptedServer) => Promise<void>,
  settings: ClientSettings = {},
  place: { readonly scheme?: string; readonly user?: string } = {},
): Promise<void> {
  await using server = await scripted(play, { timeout: 5000 });
  const client = new Client(settings);
  const url = server.url(place.scheme ?? "nntp", "/").replace("//", `//${place.user ?? ""}`);
  const session = await client.open(client.target(url));
  try {
    await act(session, server);
  } finally {
    await session[Symbol.asyncDispose]();
  }
  await server.done;
}

/** A session whose connection is lost: each script is played on a connection of its own. */
export async function talkTwice(
  plays: readonly Script[],
  settings: ClientSettings,
  act: (session: Session) => Promise<void>,
): Promise<void> {
  await using server = await scripted(plays, { timeout: 5000 });
  const client = new Client(settings);
  const session = await client.open(client.target(server.url("nntp", "/")));
  try {
    await act(session);
  } finally {
    await session[Symbol.asyncDispose]();
  }
  await server.done;
}

/** As `talk`, where opening is what fails. */
export async function openFailure(
  play: Script,
  settings: ClientSettings = {},
  place: { readonly scheme?: string; readonly user?: string } = {},
): Promise<unknown> {
  await using server = await scripted(play, { timeout: 5000 });
  const url = server.url(place.scheme ?? "nntp", "/").replace("//", `//${place.user ?? ""}`);
  const client = new Client(settings);
  const failed = await failure(client.open(client.target(url)));
  await server.done;
  return failed;
}

export async function failure(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => "no failure",
    (thrown: unknown) => thrown,
  );
}

export interface Harbour {
  readonly server: NntpServer;
  readonly url: string;
  readonly urls: string;
  readonly ca: string;
  readonly open: (settings?: ClientSettings, url?: string) => Promise<Session>;
}

/** Runs the sandbox's news server. */
export async function inHarbour(
  act: (harbour: Harbour) => Promise<void>,
  options: Partial<NntpOptions> = {},
): Promise<void> {
  const tls = await makeTlsMaterial();
  const server = await startNntp({ tls, onArrival: () => {}, ...options });
  const [clear, secure] = server.urls;
  const opened: Session[] = [];
  const url = clear?.url ?? "";
  try {
    await act({
      server,
      url,
      urls: secure?.url ?? "",
      ca: tls.ca,
      open: async (settings = {}, at = url) => {
        const client = new Client(settings);
        const session = await client.open(client.target(at));
        opened.push(session);
        return session;
      },
    });
  } finally {
    for (const session of opened) await session[Symbol.asyncDispose]();
    await server.close();
  }
}

export async function list(session: Session, path: string, query?: ListQuery): Promise<Entry[]> {
  return collect(session.list?.(path, query));
}

export async function search(
  session: Session,
  path: string,
  words: string,
  query?: ListQuery,
): Promise<Entry[]> {
  return collect(session.search?.(path, words, query));
}

export async function collect<T>(items: AsyncIterable<T> | undefined): Promise<T[]> {
  const taken: T[] = [];
  for await (const item of items ?? []) taken.push(item);
  return taken;
}

export async function read(session: Session, path: string): Promise<Buffer> {
  const document = await session.read?.(path);
  return document === undefined ? Buffer.alloc(0) : buffer(document.body);
}

export function outgoing(
  text: string | Readable,
  messageId = "<1@x.example>",
): Extract<Outgoing, { kind: "message" }> {
  const raw = text instanceof Readable ? text : Readable.from([Buffer.from(text)], { objectMode: false });
  return { kind: "message", envelope: { from: "a@x.example", to: ["misc.test"] }, messageId, raw };
}

/** Runs one of NNTP's own commands, as `porthole nntp NAME WORDS...`. */
export async function command(
  name: string,
  words: readonly string[],
  settings: ClientSettings = {},
  options: Invocation["options"] = {},
): Promise<Output[]> {
  const client = new Client(settings);
  const plugin = await manifest.load();
  const run = plugin.commands[name];
  if (run === undefined) throw new Error(`there is no command ${name}`);
  const sessions: Session[] = [];
  try {
    const outputs: Output[] = [];
    const invocation: Invocation = {
      words,
      options,
      signal: client.signal,
      stdin: Readable.from([Buffer.from("What came by standard input.\n")]),
      stdinIsTerminal: false,
      warn: () => {},
      open: async (url) => {
        const target = client.target(url);
        const session = await client.open(target);
        sessions.push(session);
        return { session, target };
      },
    };
    for await (const output of run(invocation)) {
      // A body is of the session, which ends with the command.
      if (output.kind === "document") {
        const octets = await buffer(output.document.body);
        outputs.push({
          kind: "record",
          text: octets.toString("latin1"),
          data: { type: output.document.type },
        });
      } else outputs.push(output);
    }
    return outputs;
  } finally {
    for (const session of sessions) await session[Symbol.asyncDispose]();
  }
}

/** The texts of a command's records, and the lines of what it writes. */
export async function texts(
  name: string,
  words: readonly string[],
  settings?: ClientSettings,
  options?: Invocation["options"],
): Promise<string[]> {
  const outputs = await command(name, words, settings, options);
  return outputs.flatMap((output) => {
    if (output.kind === "octets")
      return Buffer.from(output.octets).toString("utf8").replace(/\n$/, "").split("\n");
    return [output.kind === "record" ? output.text : output.kind];
  });
}
