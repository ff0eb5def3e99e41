/** The seam between what Porthole means by a request and who puts it on the wire. */
import type { Readable } from "node:stream";
import type { Take } from "../../src/plugin.js";
import { formatHost } from "../../src/url.js";

/** One header line: the name as written, the value without line end, each character one octet. */
export type Header = readonly [name: string, value: string];

export interface HttpRequest {
  readonly method: string;
  readonly origin: Origin;
  /** Path and query as they go on the request line; a whole URL for a proxy. */
  readonly path: string;
  /** In order, duplicates kept. What frames the body is the engine's to add, and Host unless it stands here. */
  readonly headers: readonly Header[];
  readonly body?: RequestBody;
  readonly signal: AbortSignal;
  /** Told of each answer of 100 to 199 that comes before the one that counts, where the engine tells of them. */
  readonly onInformation?: (information: Information) => void;
}

/** An informational answer (RFC 9110, 15.2): 103 with its links, 102, or a 100 that nobody asked for. */
export interface Information {
  readonly status: number;
  readonly reason: string;
  readonly headers: readonly Header[];
}

export interface RequestBody {
  readonly octets: AsyncIterable<Uint8Array>;
  /** Octets in all; without it the body goes out in chunks. */
  readonly size?: number;
  /**
   * Ask for no octets before the server has agreed to take them (RFC 9110, 10.1.1): it may want a login or another
   * place. An engine that cannot wait sends at once.
   */
  readonly awaitsConsent: boolean;
  /** `octets` can be iterated again from the start. */
  readonly repeatable?: boolean;
}

export interface Origin {
  readonly scheme: "http" | "https";
  readonly host: string;
  readonly port: number;
}

export interface HttpResponse {
  readonly status: number;
  readonly reason: string;
  /** In order, duplicates kept. */
  readonly headers: readonly Header[];
  /**
   * The content as sent, transfer coding undone, content coding not. Ends in an error (PortholeError
   * `protocol`) when it is shorter than the server announced. Destroy it to leave early.
   */
  readonly body: Readable;
  /** `1.0`, `1.1` or `2`, where the engine knows. */
  readonly version?: string;
  /** What came after the body (RFC 9110, 6.5): empty before its end. */
  readonly trailers?: () => readonly Header[];
  /** Octets of the body so far, as they came. */
  readonly octets?: () => number;
  /** All of the body, where it came with the head: see Document.held. */
  readonly held?: Buffer;
  /** The body by the short way (see Document.pour), where the engine has one. */
  readonly pour?: (take: Take) => Promise<void>;
}

export interface HttpEngine {
  /** What it offers in the TLS handshake, best first. */
  readonly alpn: readonly string[];
  /**
   * A request that `isRepeatable` is sent again when a kept connection turns out to be closed.
   * @throws PortholeError when there is no answer; an answer of any status is no error here
   */
  request(request: HttpRequest): Promise<HttpResponse>;
  /** Ends all connections. A body still being read ends in an error (`aborted`). */
  close(): Promise<void>;
}

/** Headers longer than this, all together, are refused by every engine (octets). */
export const MAX_HEADER_OCTETS = 128 * 1024;

/** The same text for the same origin, and for no other. */
export function keyOf({ scheme, host, port }: Origin): string {
  return `${scheme} ${host} ${port}`;
}

export function sameOrigin(a: Origin, b: Origin): boolean {
  return a === b || (a.port === b.port && a.host === b.host && a.scheme === b.scheme);
}

/** Host and port as the Host header has them (RFC 9110, 7.2): without the zone, which means nothing elsewhere. */
export function authorityOf({ scheme, host, port }: Origin): string {
  const written = formatHost(host.replace(/%.*$/, ""));
  return port === (scheme === "https" ? 443 : 80) ? written : `${written}:${port}`;
}

/** The first value of a header, or undefined. @param name in lower case */
export function headerValue(headers: readonly Header[], name: string): string | undefined {
  // By number: an iterator, or a function to be called, is what a small answer would spend most of its time with.
  for (let at = 0; at < headers.length; at++) {
    const header = headers[at];
    // Most differ in length already.
    if (header === undefined || header[0].length !== name.length) continue;
    if (header[0].toLowerCase() === name) return header[1];
  }
  return undefined;
}

/** All values of a header, one for each of its lines. @param name in lower case */
export function headerValues(headers: readonly Header[], name: string): string[] {
  const values: string[] = [];
  for (let at = 0; at < headers.length; at++) {
    const header = headers[at];
    if (header === undefined || header[0].length !== name.length) continue;
    if (header[0].toLowerCase() === name) values.push(header[1]);
  }
  return values;
}

/** Methods that have no content as a rule: nobody need be told that there is none. */
const CONTENTLESS: ReadonlySet<string> = new Set(["GET", "HEAD", "DELETE", "OPTIONS", "TRACE"]);

/** RFC 9110, 9.2.2, and RFC 4918: asked twice, these do what they do once. */
const IDEMPOTENT: ReadonlySet<string> = new Set([
  "GET",
  "HEAD",
  "OPTIONS",
  "TRACE",
  "PUT",
  "DELETE",
  "PROPFIND",
]);

export function isIdempotent(method: string): boolean {
  return IDEMPOTENT.has(method);
}

/** Whether a request may go out once more when a kept connection turns out to be closed (RFC 9112, 9.3.1). */
export function isRepeatable({ method, body }: Pick<HttpRequest, "method" | "body">): boolean {
  return isIdempotent(method) && (body === undefined || body.repeatable === true);
}

/** What frames the body in HTTP/1.1, and whether its octets wait to be asked for. */
export function framingHeaders({ method, body }: Pick<HttpRequest, "method" | "body">): Header[] {
  // RFC 9110, 8.6.
  if (body === undefined) return CONTENTLESS.has(method) ? [] : [["Content-Length", "0"]];
  const framing: Header =
    body.size === undefined ? ["Transfer-Encoding", "chunked"] : ["Content-Length", String(body.size)];
  return body.awaitsConsent ? [framing, ["Expect", "100-continue"]] : [framing];
}

/** Name, value, name, value, ... as Node and undici give and take them. */
export function headersOf(list: readonly string[]): Header[] {
  const headers: Header[] = [];
  for (let at = 0; at + 1 < list.length; at += 2) headers.push([list[at] ?? "", list[at + 1] ?? ""]);
  return headers;
}
