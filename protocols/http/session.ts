/** HTTP as a Session: a path is read with GET, looked at with HEAD, written with PUT, removed with DELETE. */
import { Readable } from "node:stream";
import { PortholeError } from "../../src/errors.js";
import type {
  Context,
  Credentials,
  Document,
  Entry,
  JsonObject,
  ReadQuery,
  Session,
  Source,
  Target,
} from "../../src/plugin.js";
import { parseUrl } from "../../src/url.js";
import type { Connector } from "./connector.js";
import { ACCEPTED_CODINGS, codingsOf, decoded } from "./content-coding.js";
import { type Header, type HttpEngine, type HttpResponse, headerValue, sameOrigin } from "./engine.js";
import { bodyFailure, statusFailure } from "./failures.js";
import { parseMediaType, proposedName } from "./media-type.js";
import {
  isRedirect,
  type Place,
  placeOf,
  redirectMethod,
  redirectTarget,
  requestPath,
  urlOf,
} from "./redirects.js";

export interface HttpSettings {
  readonly maxRedirects: number;
  /** From `--header`, in the order given. */
  readonly headers: readonly Header[];
}

/** An answer, and where it was found after redirects. */
interface Answer {
  readonly place: Place;
  readonly response: HttpResponse;
}

/** What a refused request's body may hold before the connection is given up instead of read to its end (octets). */
const DRAIN_LIMIT = 64 * 1024;

export class HttpSession implements Session {
  readonly #target: Target;
  readonly #context: Context;
  readonly #engine: HttpEngine;
  readonly #connector: Connector;
  readonly #settings: HttpSettings;
  #authorization: string | undefined;

  constructor(
    target: Target,
    context: Context,
    engine: HttpEngine,
    connector: Connector,
    settings: HttpSettings,
  ) {
    this.#target = target;
    this.#context = context;
    this.#engine = engine;
    this.#connector = connector;
    this.#settings = settings;
  }

  async read(path: string, query: ReadQuery = {}): Promise<Document> {
    const answer = await this.#ask("GET", path, { headers: rangeHeaders(query) });
    const { response, place } = answer;
    const codings = codingsOf(headerValue(response.headers, "content-encoding"));
    const range = contentRange(response);
    const entry = entryOf(answer, codings);
    const filename = proposedName(headerValue(response.headers, "content-disposition"));
    const validator = codings.length === 0 ? validatorOf(response) : undefined;
    const total = range?.total ?? entry.size;
    const media = parseMediaType(headerValue(response.headers, "content-type"));
    if (query.offset !== undefined && response.status === 206 && range?.first !== query.offset) {
      response.body.destroy();
      throw new PortholeError("protocol", "the server sent another range than was asked for", {
        url: urlOf(place),
      });
    }
    return {
      entry,
      ...media,
      offset: response.status === 206 ? (range?.first ?? 0) : 0,
      ...(total === undefined ? {} : { total }),
      ...(validator === undefined ? {} : { validator }),
      ...(filename === undefined ? {} : { filename }),
      body: await decoded(this.#worded(response.body), codings),
    };
  }

  async stat(path: string): Promise<Entry> {
    const answer = await this.#ask("HEAD", path);
    answer.response.body.resume();
    return entryOf(answer, codingsOf(headerValue(answer.response.headers, "content-encoding")));
  }

  async write(path: string, source: Source): Promise<Entry> {
    if ((source.offset ?? 0) > 0) {
      throw new PortholeError("usage", "HTTP has no way to continue a partial upload", {
        hint: "leave out --resume",
      });
    }
    const headers: Header[] = [["Content-Type", source.type ?? "application/octet-stream"]];
    if (source.size === undefined) headers.push(["Transfer-Encoding", "chunked"]);
    else headers.push(["Content-Length", String(source.size)]);
    // RFC 9110, 13.1.2: the server itself refuses when something is there.
    if (source.replace !== true) headers.push(["If-None-Match", "*"]);
    const answer = await this.#ask("PUT", path, { headers, body: source.body });
    await drain(answer.response.body);
    const url = urlOf(answer.place);
    return {
      url,
      name: nameOf(answer.place.path),
      kind: "page",
      meta: metaOf(answer.response),
      ...sized(source.size),
    };
  }

  async remove(path: string): Promise<void> {
    const answer = await this.#ask("DELETE", path);
    await drain(answer.response.body);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#engine.close();
  }

  /** One request with its redirects and its login. @throws PortholeError for every status that is no success */
  async #ask(
    method: string,
    path: string,
    given: { headers?: readonly Header[]; body?: AsyncIterable<Uint8Array> } = {},
  ): Promise<Answer> {
    const start = placeOf({ ...parseUrl(this.#target.href("/")), path: path === "" ? "/" : path });
    let place: Place = { origin: start.origin, path: requestPath(path === "" ? "/" : path) };
    let currentMethod = method;
    let body = given.body;
    let redirects = 0;
    let asked = this.#authorization !== undefined;
    for (;;) {
      const trusted = sameOrigin(place.origin, start.origin);
      const response = await this.#engine.request({
        method: currentMethod,
        origin: place.origin,
        path: this.#connector.forwardProxy(place.origin) === undefined ? place.path : urlOf(place),
        headers: this.#headers(place, trusted, currentMethod === method ? (given.headers ?? []) : []),
        ...(body === undefined ? {} : { body }),
        signal: this.#context.signal,
      });
      const location = headerValue(response.headers, "location");
      if (isRedirect(response.status) && location !== undefined) {
        await drain(response.body);
        if (redirects === this.#settings.maxRedirects) {
          throw new PortholeError("refused", `the server redirects more than ${redirects} times`, {
            url: urlOf(place),
            hint: "--max-redirects N allows more",
          });
        }
        redirects += 1;
        const next = redirectTarget(place, location);
        this.#context.note(`${response.status} leads to ${urlOf(next)}`);
        const nextMethod = redirectMethod(response.status, currentMethod);
        if (body !== undefined && nextMethod === currentMethod) throw cannotRepeat(response, place);
        if (nextMethod !== currentMethod) body = undefined;
        currentMethod = nextMethod;
        place = next;
        continue;
      }
      if (response.status === 401 && trusted && !asked) {
        asked = true;
        const authorization = await this.#logIn(response, place);
        if (authorization !== undefined) {
          await drain(response.body);
          if (body !== undefined) throw cannotRepeat(response, place);
          this.#authorization = authorization;
          continue;
        }
      }
      if (response.status >= 400) {
        await drain(response.body);
        throw statusFailure(response.status, response.reason, urlOf(place));
      }
      return { place, response };
    }
  }

  #headers(place: Place, trusted: boolean, given: readonly Header[]): Header[] {
    const forward = this.#connector.forwardProxy(place.origin);
    const headers: Header[] = [
      ["User-Agent", "Porthole"],
      ["Accept", "*/*"],
      ["Accept-Encoding", given.some(([name]) => name === "Range") ? "identity" : ACCEPTED_CODINGS],
      ...given,
    ];
    // What the user wrote replaces what Porthole would send, and stays with the server it was meant for.
    for (const [name, value] of trusted ? this.#settings.headers : []) {
      const at = headers.findIndex(([known]) => known.toLowerCase() === name.toLowerCase());
      if (at >= 0) headers.splice(at, 1);
      headers.push([name, value]);
    }
    if (trusted && this.#authorization !== undefined) headers.push(["Authorization", this.#authorization]);
    if (forward?.authorization !== undefined) headers.push(["Proxy-Authorization", forward.authorization]);
    return headers;
  }

  async #logIn(response: HttpResponse, place: Place): Promise<string | undefined> {
    const connection = this.#connector.openTo(place.origin);
    if (connection === undefined) return undefined;
    const offered = response.headers
      .filter(([name]) => name.toLowerCase() === "www-authenticate")
      .map(([, value]) => /^\s*([\w-]+)/.exec(value)?.[1]?.toLowerCase());
    const found = await this.#context.credentials({ connection, required: true });
    if (found === undefined) return undefined;
    const authorization = authorizationOf(found);
    const scheme = authorization.split(" ", 1)[0]?.toLowerCase() ?? "";
    if (!offered.includes(scheme)) {
      throw new PortholeError("auth", `the server does not offer ${scheme} authentication`, {
        reply: offered.join(", "),
      });
    }
    this.#context.mask(authorization);
    return authorization;
  }

  #worded(body: Readable): Readable {
    return Readable.from(wordFailures(body, this.#context.signal), { objectMode: false });
  }
}

async function* wordFailures(body: Readable, signal: AbortSignal): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of body) yield chunk;
  } catch (thrown) {
    throw bodyFailure(thrown, signal);
  }
}

function authorizationOf({ kind, user, password }: Credentials): string {
  if (kind === "token") return `Bearer ${password}`;
  // RFC 7617, 2: a colon would end the user name.
  if (user.includes(":"))
    throw new PortholeError("usage", "a user name with a colon cannot log in with Basic");
  return `Basic ${Buffer.from(`${user}:${password}`, "utf8").toString("base64")}`;
}

function cannotRepeat(response: HttpResponse, place: Place): PortholeError {
  return new PortholeError(
    "refused",
    "the server wants the request again, and what was streamed to it is gone",
    {
      reply: `${response.status} ${response.reason}`,
      url: urlOf(place),
      hint: "send it to the final URL, with credentials from the start",
    },
  );
}

function rangeHeaders(query: ReadQuery): Header[] {
  if (query.offset === undefined && query.length === undefined) return [];
  const first = query.offset ?? 0;
  const last = query.length === undefined ? "" : String(first + query.length - 1);
  const headers: Header[] = [["Range", `bytes=${first}-${last}`]];
  // RFC 9110, 13.1.5: a part of the same thing, or all of the new one.
  if (query.validator !== undefined) headers.push(["If-Range", query.validator]);
  return headers;
}

function contentRange(response: HttpResponse): { first: number; total?: number } | undefined {
  const parts = /^bytes (\d+)-\d+\/(\d+|\*)$/i.exec(headerValue(response.headers, "content-range") ?? "");
  if (parts === null) return undefined;
  return { first: Number(parts[1]), ...(parts[2] === "*" ? {} : { total: Number(parts[2]) }) };
}

/** A strong ETag, or a date: what If-Range takes. */
function validatorOf(response: HttpResponse): string | undefined {
  const etag = headerValue(response.headers, "etag");
  if (etag !== undefined && !etag.startsWith("W/")) return etag;
  return headerValue(response.headers, "last-modified");
}

function entryOf({ place, response }: Answer, codings: readonly string[]): Entry {
  const length = headerValue(response.headers, "content-length");
  const modified = new Date(headerValue(response.headers, "last-modified") ?? Number.NaN);
  const type = headerValue(response.headers, "content-type");
  return {
    url: urlOf(place),
    name: nameOf(place.path),
    kind: "page",
    ...(codings.length > 0 || response.status === 206
      ? {}
      : sized(length === undefined ? undefined : Number(length))),
    ...(Number.isNaN(modified.getTime()) ? {} : { modified }),
    ...(type === undefined ? {} : { type: parseMediaType(type).type }),
    meta: metaOf(response),
  };
}

function metaOf(response: HttpResponse): JsonObject {
  const headers: Record<string, string> = {};
  for (const [name, value] of response.headers) {
    const key = name.toLowerCase();
    headers[key] = headers[key] === undefined ? value : `${headers[key]}, ${value}`;
  }
  return { status: response.status, reason: response.reason, headers };
}

function sized(size: number | undefined): { size?: number } {
  return size === undefined || !Number.isSafeInteger(size) ? {} : { size };
}

function nameOf(path: string): string {
  const last = path.split(/[?#]/, 1)[0]?.replace(/\/+$/, "").split("/").at(-1) ?? "";
  try {
    return decodeURIComponent(last) || "index.html";
  } catch {
    return last;
  }
}

/** Reads the rest of a small body so that the connection can serve again; gives up a large one. */
async function drain(body: Readable): Promise<void> {
  let octets = 0;
  try {
    for await (const chunk of body) {
      octets += Buffer.isBuffer(chunk) ? chunk.length : 0;
      if (octets > DRAIN_LIMIT) break;
    }
  } catch {
    // Nobody wanted it.
  }
}
