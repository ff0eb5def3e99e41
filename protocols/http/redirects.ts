/** Following redirects (RFC 9110, 15.4) without taking secrets along or leaving HTTP. */
import { PortholeError } from "../../src/errors.js";
import { type PortholeUrl, parseUrl } from "../../src/url.js";
import type { Origin } from "./engine.js";

export interface Place {
  readonly origin: Origin;
  /** Path and query. */
  readonly path: string;
}

export function isRedirect(status: number): boolean {
  return status === 301 || status === 302 || status === 303 || status === 307 || status === 308;
}

/**
 * Where a Location leads from `here`.
 * @throws PortholeError `refused` when it leaves http and https: crossing schemes is a person's decision
 */
export function redirectTarget(here: Place, location: string): Place {
  let url: URL;
  try {
    // The WHATWG rules are what servers expect of a Location: relative, with raw UTF-8, sometimes with spaces.
    url = new URL(location, urlOf(here));
  } catch {
    throw new PortholeError("protocol", "the server redirects to something that is not a URL", {
      reply: location,
    });
  }
  const scheme = url.protocol.slice(0, -1);
  if (scheme !== "http" && scheme !== "https") {
    throw new PortholeError("refused", `the server redirects to ${scheme}:, which is not followed`, {
      reply: location,
      hint: "open that URL yourself if you trust it",
    });
  }
  return placeOf(parseUrl(`${url.protocol}//${url.host}${url.pathname}${url.search}`));
}

/** The origin and request path of an http or https URL. */
export function placeOf(url: PortholeUrl): Place {
  const scheme = url.scheme === "https" ? "https" : "http";
  const path = url.path.startsWith("/") ? url.path : `/${url.path}`;
  return {
    origin: { scheme, host: url.host, port: url.port ?? (scheme === "https" ? 443 : 80) },
    path: requestPath(path),
  };
}

/** Octets that may not stand in a request line, encoded; all else as the user wrote it. */
export function requestPath(path: string): string {
  return path.replace(/[^\x21-\x7e]|["<>\\^`{|}]/gu, (char) => {
    if (/[\\^`{|}"<>]/.test(char) && char.length === 1)
      return `%${char.charCodeAt(0).toString(16).toUpperCase()}`;
    return encodeURIComponent(char);
  });
}

export function urlOf({ origin, path }: Place): string {
  const host = origin.host.includes(":") ? `[${origin.host}]` : origin.host;
  const port = origin.port === (origin.scheme === "https" ? 443 : 80) ? "" : `:${origin.port}`;
  return `${origin.scheme}://${host}${port}${path}`;
}

/** RFC 9110, 15.4: 303 always becomes GET, 301 and 302 do for POST, as every browser has done since the beginning. */
export function redirectMethod(status: number, method: string): string {
  if (method === "GET" || method === "HEAD") return method;
  if (status === 303) return "GET";
  return (status === 301 || status === 302) && method === "POST" ? "GET" : method;
}
