/** Following redirects (RFC 9110, 15.4) without taking secrets along or leaving HTTP. */
import { PortholeError } from "../../src/errors.js";
import { encodeOctets, formatHost, type PortholeUrl, parseUrl } from "../../src/url.js";
import { type Origin, sameOrigin } from "./engine.js";
import { headerText } from "./header-text.js";

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
  // new URL() knows no zones; a relative Location stays with the host it came from.
  const bare = { ...here.origin, host: here.origin.host.replace(/%.*$/, "") };
  let url: URL;
  try {
    // The WHATWG rules are what servers expect of a Location: relative, with raw UTF-8, sometimes with spaces.
    url = new URL(locationText(location), urlOf({ origin: bare, path: here.path }));
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
  const place = placeOf(parseUrl(`${url.protocol}//${url.host}${url.pathname}${url.search}`));
  return sameOrigin(place.origin, bare) ? { ...place, origin: here.origin } : place;
}

/** Octets that are no UTF-8 go back to the server as they came. */
function locationText(location: string): string {
  const text = headerText(location);
  if (text !== location) return text;
  return text.replace(/[\x80-\xff]/g, (octet) => `%${octet.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** The origin and request path of an http or https URL. */
export function placeOf(url: PortholeUrl): Place {
  const scheme = url.scheme === "https" ? "https" : "http";
  return {
    origin: { scheme, host: url.host, port: url.port ?? (scheme === "https" ? 443 : 80) },
    path: requestPath(url.path),
  };
}

/** Characters that stand in a request line as they are: printable ASCII without `"#<>\^`{|}`. */
const AS_WRITTEN = /^[!$-;=?-[\]_a-z~]*$/;

/** A path and query for the request line: what may not stand there encoded, all else as the user wrote it. */
export function requestPath(path: string): string {
  const rooted = path.startsWith("/") ? path : `/${path}`;
  if (AS_WRITTEN.test(rooted)) return rooted;
  return Array.from(rooted, (char) =>
    AS_WRITTEN.test(char) ? char : encodeOctets(Buffer.from(char, "utf8")),
  ).join("");
}

export function urlOf({ origin, path }: Place): string {
  const port = origin.port === (origin.scheme === "https" ? 443 : 80) ? "" : `:${origin.port}`;
  return `${origin.scheme}://${formatHost(origin.host)}${port}${path}`;
}

/** RFC 9110, 15.4: 303 always becomes GET, 301 and 302 do for POST, as every browser has done since the beginning. */
export function redirectMethod(status: number, method: string): string {
  if (method === "GET" || method === "HEAD") return method;
  if (status === 303) return "GET";
  return (status === 301 || status === 302) && method === "POST" ? "GET" : method;
}
