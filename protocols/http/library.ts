/**
 * HTTP for TypeScript, beyond what every session can: any request with its whole answer, and XML-RPC.
 *
 *     import { Client } from "porthole";
 *     import { request, xmlrpc } from "porthole/http";
 *
 *     const client = new Client();
 *     const answer = await request(client, "POST", "https://api.example.org/x", { json: { name: "lamp" } });
 *     for await (const octets of answer.body) ...
 *     await xmlrpc(client, "https://example.org/RPC2", "system.listMethods");
 *
 * Every option of the command line is a setting of the client: `new Client({ options: { cookies: "jar.txt" } })`.
 */
import { Readable } from "node:stream";
import { PortholeError } from "../../src/errors.js";
import type { JsonValue, RobotRules, Session, Target } from "../../src/plugin.js";
import { refuseControls } from "../../src/url.js";
import { codingsOf, decoded } from "./content-coding.js";
import { type Header, headerValue } from "./engine.js";
import { joinedHeaders } from "./entry.js";
import { headerOctets } from "./header-text.js";
import type { Hop } from "./hops.js";
import { openedAt } from "./opened.js";
import { urlOf } from "./redirects.js";
import { type Timing, timingOf } from "./timing.js";
import { Upload, type UploadSource } from "./upload.js";
import { callXmlRpc, multicall, type XmlRpcCall } from "./xmlrpc/call.js";
import type { XmlRpcFault, XmlRpcValue } from "./xmlrpc/value.js";

export type { RobotRules } from "../../src/plugin.js";
export { parseRobots } from "./robots.js";
export type { Timing } from "./timing.js";
export type { XmlRpcCall } from "./xmlrpc/call.js";
export { XmlRpcDateTime, XmlRpcDouble, type XmlRpcFault, type XmlRpcValue } from "./xmlrpc/value.js";

/** What opens sessions: a Client. */
export interface Opener {
  target(url: string): Target;
  open(target: Target): Promise<Session>;
}

export interface RequestOptions {
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  /** Text, octets, or a stream of them (a web stream too); its type is application/octet-stream unless headers say. */
  readonly body?: string | Uint8Array | AsyncIterable<Uint8Array>;
  /** Octets of a streamed body, where they are known. */
  readonly size?: number;
  /** A body of JSON, with its type. */
  readonly json?: JsonValue;
  /** False: a redirect is the answer. */
  readonly follow?: boolean;
}

/** To be disposed of, or read to its end: the connection is its own. */
export interface RequestAnswer extends AsyncDisposable {
  /** Where it was found after redirects. */
  readonly url: string;
  readonly status: number;
  readonly reason: string;
  readonly version: string | undefined;
  /** Names in lower case, values of one name joined. */
  readonly headers: Readonly<Record<string, string>>;
  /** As they came. */
  readonly rawHeaders: readonly (readonly [name: string, value: string])[];
  /** Content coding undone; with back-pressure. */
  readonly body: Readable;
  /** What followed the body; empty before its end. */
  trailers(): Readonly<Record<string, string>>;
  /** The requests on the way, the last one included. */
  readonly hops: readonly Hop[];
  /** Milliseconds so far. */
  timing(): Timing;
}

/**
 * One request and its answer; a status of 400 and above is an answer too.
 * @throws PortholeError when there is none, by its code
 */
export async function request(
  client: Opener,
  method: string,
  url: string,
  options: RequestOptions = {},
): Promise<RequestAnswer> {
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(method))
    throw new PortholeError("usage", `'${method}' is no method`);
  const target = client.target(url);
  const session = await client.open(target);
  try {
    const { requester } = openedAt(target);
    const source = bodyOf(options);
    const { place, response, hops } = await requester.ask({
      method,
      path: target.path,
      headers: source?.type === undefined ? [] : [["Content-Type", source.type]],
      own: headersOf(options.headers ?? {}),
      ...(source === undefined ? {} : { upload: await Upload.of(source) }),
      stay: options.follow === false,
      welcomes: () => true,
    });
    const codings = codingsOf(headerValue(response.headers, "content-encoding"));
    const body = await decoded(response.body, codings);
    const close = async () => session[Symbol.asyncDispose]();
    body.once("close", () => {
      close().catch(() => undefined);
    });
    return {
      url: urlOf(place),
      status: response.status,
      reason: response.reason,
      version: response.version,
      headers: joinedHeaders(response.headers),
      rawHeaders: response.headers,
      body,
      trailers: () => joinedHeaders(response.trailers?.() ?? []),
      hops,
      timing: () => timingOf(hops, performance.now()),
      [Symbol.asyncDispose]: async () => {
        body.destroy();
        await close();
      },
    };
  } catch (thrown) {
    await session[Symbol.asyncDispose]();
    throw thrown;
  }
}

/** Calls a method. @throws PortholeError `refused` for a fault, with its text as `reply`, and as `request` does */
export async function xmlrpc(
  client: Opener,
  url: string,
  method: string,
  ...args: readonly XmlRpcValue[]
): Promise<XmlRpcValue> {
  return withService(client, url, (requester, path) => callXmlRpc(requester, path, { method, args }));
}

/** Calls many methods in one request (system.multicall): what became of each, in order. */
export async function xmlrpcMany(
  client: Opener,
  url: string,
  calls: readonly XmlRpcCall[],
): Promise<({ readonly value: XmlRpcValue } | { readonly fault: XmlRpcFault })[]> {
  return withService(client, url, (requester, path) => multicall(requester, path, calls));
}

async function withService<T>(
  client: Opener,
  url: string,
  act: (requester: ReturnType<typeof openedAt>["requester"], path: string) => Promise<T>,
): Promise<T> {
  const target = client.target(url);
  const session = await client.open(target);
  try {
    return await act(openedAt(target).requester, target.path);
  } finally {
    await session[Symbol.asyncDispose]();
  }
}

function bodyOf({ body, json, size }: RequestOptions): UploadSource | undefined {
  if (json !== undefined) return held(Buffer.from(JSON.stringify(json), "utf8"), "application/json");
  if (body === undefined) return undefined;
  if (typeof body === "string") return held(Buffer.from(body, "utf8"), "text/plain; charset=utf-8");
  const type = "application/octet-stream";
  if (body instanceof Uint8Array) return held(body, type);
  return { body, type, ...(size === undefined ? {} : { size }) };
}

function held(octets: Uint8Array, type: string): UploadSource {
  return { body: Readable.from([octets]), size: octets.length, type };
}

function headersOf(given: NonNullable<RequestOptions["headers"]>): Header[] {
  return Object.entries(given).flatMap(([name, values]) =>
    [values].flat().map((value): Header => {
      refuseControls(`${name}${value}`, "a header");
      return [name, headerOctets(value)];
    }),
  );
}

/**
 * What a site asks of robots (RFC 9309).
 * @param url any of the site's
 * @throws PortholeError `usage` when it is no web site, and what the request ends in when there is no answer
 */
export async function robots(client: Opener, url: string): Promise<RobotRules> {
  const session = await client.open(client.target(url));
  try {
    if (session.robots === undefined)
      throw new PortholeError("usage", "there is no robots.txt there", { url });
    return await session.robots();
  } finally {
    await session[Symbol.asyncDispose]();
  }
}
