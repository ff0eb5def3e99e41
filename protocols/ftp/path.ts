/** Paths of ftp: URLs (RFC 1738, 3.2.2), and what they mean to the server. */
import { PortholeError } from "../../src/errors.js";
import { decodeOctets, encodeOctets } from "../../src/url.js";
import { AS_THEY_ARE, type Names } from "./names.js";
import { textOf } from "./octets.js";

/** Octets; Linux has 4,096. */
const LONGEST_PATHNAME = 8192;

export interface FtpPath {
  /** As in the URL, without `;type=`: what entries below it begin with. */
  readonly url: string;
  /** From the server's root; otherwise from the folder that the login led to. */
  readonly absolute: boolean;
  /** Octets (see octets.ts) without a slash at either end; empty for the root or the login's folder. */
  readonly octets: string;
  /** The last name, as octets; empty for the root or the login's folder. */
  readonly last: string;
  /** The URL says that this is a folder: it ends in a slash, or in `;type=d`. */
  readonly folder: boolean;
  /** `;type=a`: line ends as the network has them (RFC 959, 3.1.1.1). */
  readonly text: boolean;
  /** How names of the URL go over the wire. */
  readonly names: Names;
}

/** A query is no part of ftp: URLs, so a question mark belongs to the name. @throws PortholeError `usage` */
export function parsePath(path: string, coding: Names = AS_THEY_ARE): FtpPath {
  const [, url = "", type] = /^(.*?)(?:;type=([^/;]*))?$/is.exec(path) ?? [];
  if (type !== undefined && !/^[aid]$/i.test(type)) {
    throw new PortholeError("usage", `';type=${type}' is none of ;type=a, ;type=i and ;type=d`, {
      hint: "write a semicolon of the name as %3B",
    });
  }
  const written = url.replace(/^\//, "");
  const decoded = written.split("/").map((segment) => decodeOctets(segment).toString("latin1"));
  // `//etc` and `/%2Fetc` both mean /etc: the first is what people write, the second what the RFC does.
  const first = decoded[0] ?? "";
  const absolute = first.startsWith("/") || (first === "" && decoded.length > 1);
  const names = decoded
    .join("/")
    .split("/")
    .filter((name) => name !== "")
    .map((name) => coding.toWire(name));
  const letter = type?.toLowerCase();
  return {
    url,
    absolute,
    octets: names.join("/"),
    last: names.at(-1) ?? "",
    folder: names.length === 0 || letter === "d" || /(?:\/|%2f)$/i.test(url),
    text: letter === "a",
    names: coding,
  };
}

/** The path as a person would say it, for messages. */
export function shownPath(path: FtpPath): string {
  const names = path.octets.split("/").map((name) => shownName(path, name));
  return `${path.absolute ? "/" : ""}${names.join("/")}` || "the login's folder";
}

/** A name that the server gave in or beneath `path`, as a person reads it. */
export function shownName(path: FtpPath, name: string): string {
  return textOf(path.names.toUrl(name));
}

/** The URL's path of what a listing of `folder` names, in the form that `folder` was written in. */
export function pathBelow(folder: FtpPath, name: string, isFolder: boolean): string {
  const base = /(?:\/|%2f)$/i.test(folder.url) ? folder.url : `${folder.url}/`;
  return `${base}${encodeOctets(Buffer.from(folder.names.toUrl(name), "latin1"))}${isFolder ? "/" : ""}`;
}

/** A folder or file that a listing of `folder` names. @throws PortholeError `protocol` for a tree without a floor */
export function placeBelow(folder: FtpPath, name: string, isFolder: boolean): FtpPath {
  const place = parsePath(pathBelow(folder, name, isFolder), folder.names);
  if (place.octets.length > LONGEST_PATHNAME) {
    throw new PortholeError("protocol", "the server names folders within folders without end");
  }
  return place;
}

/** The same path with a final slash for a folder, and without one for all else. */
export function pathOf(path: FtpPath, isFolder: boolean): string {
  if (path.octets === "") return path.url === "" ? "/" : path.url;
  const bare = path.url.replace(/\/+$/, "");
  return isFolder ? `${bare}/` : bare;
}

/** A name that a listing may give: one that stays within the folder it was listed in. */
export function isPlainName(name: string): boolean {
  return name !== "" && name !== "." && name !== ".." && !/[/\r\n\0]/.test(name);
}
