/**
 * URLs as Porthole reads and writes them.
 *
 * The WHATWG parser is not used: it collapses `..`, drops tabs and line feeds without a word, turns
 * backslashes into slashes for `ftp:` and leaves the hosts of `imap:` or `gopher:` unparsed. What follows is
 * RFC 3986's generic syntax, octet for octet, with CR, LF and NUL refused.
 */
import { domainToASCII } from "node:url";
import { PortholeError } from "./errors.js";

/** One URL, taken apart. Percent-encoding is kept in `path` and undone in `user`, `password` and `host`. */
export interface PortholeUrl {
  /** Lower case, without the colon. */
  readonly scheme: string;
  readonly user: string | undefined;
  readonly password: string | undefined;
  /** IDN in its ASCII form; an IPv6 literal without brackets, its zone kept (`fe80::1%eth0`). Empty when there is no authority. */
  readonly host: string;
  readonly port: number | undefined;
  /** All that stands after the authority, query included, still percent-encoded: `/pub/a%20b;type=a`, `/x?y=1`, or empty. */
  readonly path: string;
  /** Without its `#`; never sent. */
  readonly fragment: string | undefined;
}

// RFC 3986, appendix B, with the query left in the path: what it means is the protocol's to say.
const GENERIC = /^([A-Za-z][A-Za-z0-9+.-]*):(?:\/\/([^/?#]*))?([^#]*)(?:#(.*))?$/s;

/** @throws PortholeError `usage` when the text is no URL or holds what must never be sent. */
export function parseUrl(text: string): PortholeUrl {
  refuseControls(text, "the URL");
  const parts = GENERIC.exec(text);
  const shown = withoutPassword(text);
  if (parts === null) {
    throw new PortholeError("usage", `'${shown}' is not a URL`, { hint: "write it as scheme://host/path" });
  }
  const [, scheme = "", authority, path = "", fragment] = parts;
  return { scheme: scheme.toLowerCase(), ...parseAuthority(authority, shown), path, fragment };
}

// What stands before a password: `scheme://user`, `//user`, or `user` where there is no scheme.
const BEFORE_PASSWORD =
  /^((?:[A-Za-z][A-Za-z0-9+.-]*:)?\/\/[^:/?#@]*|(?![A-Za-z][A-Za-z0-9+.-]*:\/\/)[^:/?#@]*):.*@/s;

/** A URL, right or wrong, as messages may show it: what could be a password is left out. */
export function withoutPassword(text: string): string {
  // Up to the last @: a password with a raw slash or @ is the usual reason why a URL cannot be read.
  return text.includes("@") ? text.replace(BEFORE_PASSWORD, "$1@") : text;
}

/** `shown` is the URL as messages may show it. */
function parseAuthority(authority: string | undefined, shown: string) {
  if (authority === undefined) return { user: undefined, password: undefined, host: "", port: undefined };
  const at = authority.lastIndexOf("@");
  const userinfo = at < 0 ? undefined : authority.slice(0, at);
  const colon = userinfo?.indexOf(":") ?? -1;
  const user =
    userinfo === undefined ? undefined : decode(colon < 0 ? userinfo : userinfo.slice(0, colon), shown);
  const password = userinfo === undefined || colon < 0 ? undefined : decode(userinfo.slice(colon + 1), shown);
  const place = /^(\[[^\]]*\]|[^:]*)(?::(\d*))?$/.exec(authority.slice(at + 1));
  if (place === null) {
    throw new PortholeError("usage", `'${shown}' has no readable host and port`, {
      hint: "an IPv6 address stands in brackets: http://[::1]:8080/; in a password, / and @ are %2F and %40",
    });
  }
  const port = place[2] === undefined || place[2] === "" ? undefined : Number(place[2]);
  if (port !== undefined && port > 65535) {
    throw new PortholeError("usage", `port ${port} in '${shown}' is beyond 65535`);
  }
  return { user, password, host: parseHost(place[1] ?? "", shown), port };
}

function parseHost(written: string, shown: string): string {
  if (written === "") return "";
  if (written.startsWith("[")) return parseLiteral(written, shown);
  const plain = decode(written, shown);
  const ascii = /^[\x21-\x7e]+$/.test(plain) ? plain.toLowerCase() : domainToASCII(plain);
  if (ascii === "" || /[\s/\\?#@<>^`{|}"%[\]:]/.test(ascii)) {
    throw new PortholeError("usage", `'${plain}' is not a host name`);
  }
  return ascii;
}

/** RFC 6874 writes the zone as %25; people write it as %. A zone keeps its case: it names an interface. */
function parseLiteral(written: string, shown: string): string {
  const [, address = "", zone] = /^\[([0-9A-Fa-f:.]+)(?:%(?:25)?([^%\s/]+))?\]$/.exec(written) ?? [];
  if (!address.includes(":") || !URL.canParse(`http://[${address}]/`)) {
    throw new PortholeError("usage", `'${written}' in '${shown}' is not an IPv6 address`);
  }
  return zone === undefined ? address.toLowerCase() : `${address.toLowerCase()}%${zone}`;
}

function decode(part: string, shown: string): string {
  try {
    const plain = decodeURIComponent(part);
    refuseControls(plain, "the URL's user, password or host");
    return plain;
  } catch (thrown) {
    if (thrown instanceof PortholeError) throw thrown;
    throw new PortholeError("usage", `'${shown}' has broken percent-encoding`, {
      hint: "write a plain % as %25",
    });
  }
}

export interface FormatOptions {
  /** Write the password too. Only for handing a URL on, never for showing it. */
  readonly withPassword?: boolean;
  /** A port left out when it is this one. */
  readonly defaultPort?: number | undefined;
}

/** The URL as text; the password stays out unless asked for. */
export function formatUrl(url: PortholeUrl, options: FormatOptions = {}): string {
  const fragment = url.fragment === undefined ? "" : `#${url.fragment}`;
  if (url.host === "" && url.user === undefined && url.port === undefined && !url.path.startsWith("//")) {
    return `${url.scheme}:${url.path}${fragment}`;
  }
  const password =
    options.withPassword && url.password !== undefined ? `:${encodeURIComponent(url.password)}` : "";
  const userinfo = url.user === undefined ? "" : `${encodeURIComponent(url.user)}${password}@`;
  const port = url.port === undefined || url.port === options.defaultPort ? "" : `:${url.port}`;
  // Else the path would lengthen the host or the port.
  const slash = url.path === "" || /^[/?]/.test(url.path) ? "" : "/";
  return `${url.scheme}://${userinfo}${formatHost(url.host)}${port}${slash}${url.path}${fragment}`;
}

/** A host as it stands in a URL or before a port: IPv6 in brackets, the zone's % written as %25 (RFC 6874). */
export function formatHost(host: string): string {
  return host.includes(":") ? `[${host.replace("%", "%25")}]` : host;
}

/** CR, LF and NUL would let an argument speak the protocol for us. @throws PortholeError `usage` */
export function refuseControls(text: string, where: string): void {
  if (/[\r\n\0]/.test(text)) {
    throw new PortholeError("usage", `${where} holds a line break or a NUL, which is never sent`, {
      hint: "take it out; in a path it may be meant as %0D, %0A or %00",
    });
  }
}

/**
 * One path segment's octets from its percent-encoded form.
 * @throws PortholeError `usage` when the encoding is broken or when it hides CR, LF or NUL.
 */
export function decodeOctets(encoded: string, where = "the path"): Buffer {
  if (!encoded.includes("%")) {
    refuseControls(encoded, where);
    return Buffer.from(encoded, "utf8");
  }
  const octets: number[] = [];
  const bytes = Buffer.from(encoded, "utf8");
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] ?? 0;
    if (byte !== 0x25) {
      octets.push(byte);
      continue;
    }
    const hex = bytes.toString("latin1", at + 1, at + 3);
    if (!/^[0-9A-Fa-f]{2}$/.test(hex)) {
      throw new PortholeError("usage", `${where} has broken percent-encoding at '%${hex}'`, {
        hint: "write a plain % as %25",
      });
    }
    octets.push(Number.parseInt(hex, 16));
    at += 2;
  }
  const decoded = Buffer.from(octets);
  refuseControls(decoded.toString("latin1"), where);
  return decoded;
}

/** What RFC 3986 does not have in a segment. */
const NO_PCHAR = /[^A-Za-z0-9\-._~!$&'()*+,=:@]/g;

/** Octets as they may stand in a URL's path: RFC 3986 pchar stays, a slash only where `keep` has it. */
export function encodeOctets(octets: Uint8Array, keep = ""): string {
  const text = Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength).toString("latin1");
  return text.replace(NO_PCHAR, (char) =>
    keep.includes(char) && char < "\x80"
      ? char
      : `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`,
  );
}

/** A name as one path segment of a URL. */
export function encodeSegment(name: string): string {
  return encodeOctets(Buffer.from(name, "utf8"));
}
