/** Requests and answers as they look on the wire in HTTP/1.1: for people, for -i and for --offline. */
import {
  authorityOf,
  framingHeaders,
  type Header,
  type HttpRequest,
  type HttpResponse,
  headerValue,
} from "./engine.js";

type AnswerHead = Pick<HttpResponse, "status" | "reason" | "headers" | "version">;

/** The status line and the headers, with the empty line after them. Each character is one octet. */
export function answerHead({ status, reason, headers, version = "1.1" }: AnswerHead): string {
  return head(`HTTP/${version} ${status} ${reason}`.trimEnd(), headerLines(headers));
}

/**
 * The request line and the headers, with the empty line after them.
 * @param lines the headers, where they have been written before
 */
export function requestHead(
  { method, path, headers }: Pick<HttpRequest, "method" | "path" | "headers">,
  lines = headerLines(headers),
): string {
  return head(`${method} ${path} HTTP/1.1`, lines);
}

/** With what the engine adds: Host, and what frames the body. */
export function headersAsSent(request: HttpRequest): Header[] {
  const { headers, origin } = request;
  const host: readonly Header[] =
    headerValue(headers, "host") === undefined ? [["Host", authorityOf(origin)]] : [];
  return [...host, ...headers, ...framingHeaders(request)];
}

export function headerLines(headers: readonly Header[]): string {
  return headers.map(([name, value]) => `${name}: ${value}\r\n`).join("");
}

/** @param lines as headerLines makes them */
function head(first: string, lines: string): string {
  return `${first}\r\n${lines}\r\n`;
}
