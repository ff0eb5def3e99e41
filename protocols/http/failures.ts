/** What the engines throw, in Porthole's words. */
import { abortReason, messageOf, PortholeError, systemCode } from "../../src/errors.js";

/** Both parsers' complaints begin so: llhttp's codes and undici's. */
const PARSER_CODE = /^(?:HPE_|UND_ERR_(?:HEADERS_OVERFLOW|RES_|RESPONSE|REQ_CONTENT|INFO)|ERR_HTTP2)/;

/** A request that got no answer, or an answer that could not be read. */
export function responseFailure(thrown: unknown, signal: AbortSignal): PortholeError {
  const inner = innermost(thrown);
  if (inner instanceof PortholeError) return inner;
  if (signal.aborted) return abortReason(signal);
  const code = systemCode(inner) ?? "";
  if (code === "ECONNRESET" || code === "UND_ERR_SOCKET") {
    return new PortholeError("connect", "the server closed the connection without an answer", {
      cause: thrown,
    });
  }
  if (code === "HPE_HEADER_OVERFLOW" || code === "UND_ERR_HEADERS_OVERFLOW") {
    return new PortholeError("protocol", "the answer's headers are longer than Porthole accepts", {
      cause: thrown,
    });
  }
  if (PARSER_CODE.test(code) || /^Parse Error/i.test(messageOf(inner))) {
    return new PortholeError("protocol", `the answer is not proper HTTP: ${plain(messageOf(inner))}`, {
      cause: thrown,
    });
  }
  if (code === "ERR_INVALID_CHAR" || code === "ERR_UNESCAPED_CHARACTERS" || code === "UND_ERR_INVALID_ARG") {
    return new PortholeError("usage", `this cannot be sent in HTTP: ${messageOf(inner)}`, { cause: thrown });
  }
  return new PortholeError("other", messageOf(inner), { cause: thrown });
}

/** A body that broke off. */
export function bodyFailure(thrown: unknown, signal: AbortSignal): PortholeError {
  const inner = innermost(thrown);
  const code = systemCode(inner) ?? "";
  if (
    !signal.aborted &&
    (code === "ECONNRESET" || code === "UND_ERR_SOCKET" || messageOf(inner) === "aborted")
  ) {
    return new PortholeError("protocol", "the connection ended before the whole body had come", {
      cause: thrown,
    });
  }
  return responseFailure(thrown, signal);
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

function plain(message: string): string {
  return message.replace(/^Parse Error:\s*/i, "");
}

/** Statuses that have a meaning of their own among the exit codes. */
export function statusFailure(status: number, reason: string, url: string): PortholeError {
  const reply = reason === "" ? String(status) : `${status} ${reason}`;
  if (status === 404 || status === 410) {
    return new PortholeError("missing", "the server has no such page", { reply, url });
  }
  if (status === 401) {
    return new PortholeError("auth", "the server wants a login, or another one", {
      reply,
      url,
      hint: "give -u USER, or an account in the configuration",
    });
  }
  if (status === 407) {
    return new PortholeError("auth", "the proxy wants a login", {
      reply,
      url,
      hint: "put user and password into the proxy's URL",
    });
  }
  if (status === 429 || status >= 500) {
    return new PortholeError("busy", "the server cannot answer now", {
      reply,
      url,
      hint: "try again later, or --retry N",
    });
  }
  return new PortholeError("refused", "the server refuses", { reply, url });
}
