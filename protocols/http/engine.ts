/** The seam between what Porthole means by a request and who puts it on the wire. */
import type { Readable } from "node:stream";

/** One header line: the name as written, the value without line end. */
export type Header = readonly [name: string, value: string];

export interface HttpRequest {
  readonly method: string;
  readonly origin: Origin;
  /** Path and query, as they go on the request line. */
  readonly path: string;
  /** In order, duplicates kept; Host is the engine's to add. */
  readonly headers: readonly Header[];
  readonly body?: AsyncIterable<Uint8Array>;
  readonly signal: AbortSignal;
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
}

export interface HttpEngine {
  /** @throws PortholeError when there is no answer; an answer of any status is no error here */
  request(request: HttpRequest): Promise<HttpResponse>;
  /** Ends the connections that are kept for the next request. */
  close(): Promise<void>;
}

/** Headers longer than this, all together, are refused by both engines (octets). */
export const MAX_HEADER_OCTETS = 128 * 1024;

export function sameOrigin(a: Origin, b: Origin): boolean {
  return a.scheme === b.scheme && a.host === b.host && a.port === b.port;
}

/** Host and port as the Host header has them (RFC 9110, 7.2). */
export function authorityOf({ scheme, host, port }: Origin): string {
  const written = host.includes(":") ? `[${host.replace(/%.*$/, "")}]` : host;
  return port === (scheme === "https" ? 443 : 80) ? written : `${written}:${port}`;
}

/** The first value of a header, or undefined. @param name in lower case */
export function headerValue(headers: readonly Header[], name: string): string | undefined {
  return headers.find(([known]) => known.toLowerCase() === name)?.[1];
}
