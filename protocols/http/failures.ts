/** What the engines throw, in Porthole's words. */
import { abortReason, messageOf, PortholeError, systemCode } from "../../src/errors.js";

/** Both engines' complaints about an answer begin so. undici's assertions are about what a server sent, too. */
const PARSER_CODE = /^(?:HPE_|UND_ERR_(?:RES_|RESPONSE|INFO|SOCKET)|ERR_HTTP2|ERR_ASSERTION)/;

/** A request that these refuse holds what HTTP, or the engine, has no way to send. */
const UNSENDABLE: ReadonlySet<string> = new Set([
  "ERR_INVALID_CHAR",
  "ERR_INVALID_HTTP_TOKEN",
  "ERR_HTTP_INVALID_HEADER_VALUE",
  "ERR_UNESCAPED_CHARACTERS",
  "UND_ERR_INVALID_ARG",
  "UND_ERR_NOT_SUPPORTED",
]);

/** A request that got no answer, or an answer that could not be read. */
export function responseFailure(thrown: unknown, signal: AbortSignal): PortholeError {
  const inner = innermost(thrown);
  if (inner instanceof PortholeError) return inner;
  if (signal.aborted) return abortReason(signal);
  const cause = thrown;
  const code = systemCode(inner) ?? "";
  const message = messageOf(inner);
  if (isLostConnection(inner)) {
    return new PortholeError("connect", "the server closed the connection without an answer", { cause });
  }
  if (code === "HPE_HEADER_OVERFLOW" || code === "UND_ERR_HEADERS_OVERFLOW") {
    return new PortholeError("protocol", "the answer's headers are longer than Porthole accepts", { cause });
  }
  if (PARSER_CODE.test(code) || isParserError(inner)) {
    return new PortholeError("protocol", `the answer is not proper HTTP: ${complaint(message)}`, { cause });
  }
  if (UNSENDABLE.has(code)) {
    return new PortholeError("usage", `this cannot be sent in HTTP: ${message}`, { cause });
  }
  return new PortholeError("other", message, { cause });
}

/** A body that broke off. */
export function bodyFailure(thrown: unknown, signal: AbortSignal): PortholeError {
  const failure = responseFailure(thrown, signal);
  if (failure.code !== "connect" && messageOf(thrown) !== "aborted") return failure;
  if (signal.aborted) return abortReason(signal);
  return new PortholeError("protocol", "the connection ended before the whole body had come", {
    cause: thrown,
  });
}

/** What a body ends in when its session is closed while it is read. */
export function closedMeanwhile(): PortholeError {
  return new PortholeError("aborted", "the session was closed before the whole body had come");
}

/** The connection is gone: undici's word for it stands for an unasked answer too. */
function isLostConnection(thrown: unknown): boolean {
  const code = systemCode(thrown);
  return code === "ECONNRESET" || (code === "UND_ERR_SOCKET" && !messageOf(thrown).startsWith("bad "));
}

/** undici's parser gives its errors a name and no code. */
function isParserError(thrown: unknown): boolean {
  return thrown instanceof Error && thrown.name === "HTTPParserError";
}

/** What the parser found, without the phrases that both engines put around it. */
function complaint(message: string): string {
  const [, inner] = /^Response does not match the HTTP\/1\.1 protocol \((.+)\)$/.exec(message) ?? [];
  return (inner ?? message)
    .replace(/^Parse Error:\s*/i, "")
    .replace(/\s+/g, " ")
    .trim();
}

/** A PortholeError that a package has wrapped (our connection's own words) counts before the wrapper. */
function innermost(thrown: unknown): unknown {
  let inner = thrown;
  for (let depth = 0; depth < 5 && inner instanceof Error && !(inner instanceof PortholeError); depth++) {
    if (!(inner.cause instanceof Error)) break;
    inner = inner.cause;
  }
  return inner instanceof PortholeError ? inner : thrown;
}
