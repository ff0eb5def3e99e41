/** HTTP sessions as users open them, and what the tests ask of them. */
import { buffer } from "node:stream/consumers";
import { type Script, type ScriptedServer, script, scripted } from "../../fixtures/servers/scripted.js";
import { Client, type ClientSettings } from "../../src/client.js";
import type { Document, Options, ReadQuery, Session } from "../../src/plugin.js";
import type { EngineName } from "./over-engine.js";

export const OK = "HTTP/1.1 200 OK";

/** Takes a request without a body. */
export function asked(): Script {
  return script().expectUntil("\r\n\r\n");
}

/** An answer; its body's length is added. */
export function answered(
  status: string,
  headers: readonly string[] = [],
  body: string | Buffer = "",
): Script {
  const octets = Buffer.from(body);
  const lines = [`HTTP/1.1 ${status}`, ...headers, `Content-Length: ${octets.length}`];
  return script().send(Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`), octets]));
}

export interface TalkSettings extends Omit<ClientSettings, "options"> {
  readonly engine?: EngineName | "auto";
  readonly options?: Options;
  /** `user:password`, for when the server asks. */
  readonly login?: string;
}

/** A session with a server that plays a script on each connection; both are closed at the end. */
export async function talk(
  play: Script | readonly Script[],
  act: (session: Session, server: ScriptedServer) => Promise<void>,
  settings: TalkSettings = {},
): Promise<void> {
  await using server = await scripted(play, { timeout: 5000 });
  const { login, ...rest } = settings;
  const { username, password } = new URL(`http://${login ?? ""}@localhost/`);
  const credentials = async () => ({
    user: decodeURIComponent(username),
    password: decodeURIComponent(password),
    kind: "password" as const,
  });
  await withSession(server.url("http", "/"), (session) => act(session, server), {
    ...(login === undefined ? {} : { credentials }),
    ...rest,
  });
}

export async function withSession<T>(
  url: string,
  act: (session: Session) => Promise<T>,
  { engine = "auto", options = {}, ...settings }: TalkSettings = {},
): Promise<T> {
  const client = new Client({ ...settings, options: { "http-engine": engine, ...options } });
  return client.use(client.target(url), act);
}

export async function read(session: Session, path: string, query?: ReadQuery): Promise<Document> {
  const document = await session.read?.(path, query);
  if (document === undefined) throw new Error("the session cannot read");
  return document;
}

export async function textOf(session: Session, path: string, query?: ReadQuery): Promise<string> {
  return (await buffer((await read(session, path, query)).body)).toString();
}

/** The values of a header in all requests that came, in order. */
export function sent(server: ScriptedServer, name: string): string[] {
  const start = `${name.toLowerCase()}:`;
  return server.lines
    .filter((line) => line.toLowerCase().startsWith(start))
    .map((line) => line.slice(start.length).trim());
}

/** The requests that came, in order: method and target. */
export function requests(server: ScriptedServer): string[] {
  return server.lines.flatMap(
    (line) => /(?:GET|HEAD|PUT|DELETE|PROPFIND) \S+(?= HTTP\/1\.1$)/.exec(line) ?? [],
  );
}
