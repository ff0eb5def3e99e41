/**
 * Names on both sides of a copy. Names from far away never leave the folder they are copied into; what a side cannot
 * hold is written in percent form, which is undone on the way back.
 *
 * Names are octets, a character each (`latin1`), as they stand percent-encoded in URLs: they need not be UTF-8.
 */
import { utf8Of } from "../text/utf8.js";
import { encodeOctets } from "../url.js";

/** What holds a name: files of this machine, or a server. */
export type Holder = "near" | "far";

/** A slash parts folders; control characters make trouble for whoever lists the folder later. */
const NOT_NEAR = /[\x00-\x1f\x7f/]/;
/** Windows has more of them. */
const NOT_ON_WINDOWS = /[\x00-\x1f\x7f/\\<>:"|?*]/;
/** What no command of a protocol can carry. */
const NOT_FAR = /[\0\r\n/]/;

/** @returns the name as `to` can hold it; undefined when there is none */
export function carriedName(name: string, from: Holder, to: Holder, windows = false): string | undefined {
  if (name === "") return undefined;
  const refused = windows ? NOT_ON_WINDOWS : NOT_NEAR;
  if (to === "near") return written(name, refused, windows);
  if (from === "far") return /^\.{1,2}$/.test(name) || NOT_FAR.test(name) ? undefined : name;
  const original = undone(name, refused);
  // A name that was mapped for this reason stays as it is.
  return NOT_FAR.test(original) || /^\.{1,2}$/.test(original) ? written(name, NOT_FAR, false) : original;
}

/** As one segment of a URL's path. */
export function segmentOf(name: string): string {
  return encodeOctets(Buffer.from(name, "latin1"));
}

/** For people: UTF-8 where it is. */
export function shownName(name: string): string {
  return utf8Of(Buffer.from(name, "latin1")) ?? name;
}

/** Octets of one segment of a URL's path. Broken encoding is taken as it stands. */
export function nameOfSegment(segment: string): string {
  if (/^[\x20-\x7e]*$/.test(segment) && !segment.includes("%")) return segment;
  return Buffer.from(segment, "utf8")
    .toString("latin1")
    .replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

function written(name: string, refused: RegExp, windows: boolean): string {
  if (/^\.{1,2}$/.test(name)) return name.replaceAll(".", "%2E");
  // As most names are.
  if (!windows && !name.includes("%") && !refused.test(name)) return name;
  let text = "";
  for (let at = 0; at < name.length; at++) {
    const octet = name.charAt(at);
    // A percent sign that would be taken for one of ours on the way back.
    const ambiguous = octet === "%" && isOurs(name.slice(at, at + 3), refused);
    const last = windows && at === name.length - 1 && /[. ]/.test(octet);
    text += refused.test(octet) || ambiguous || last ? hexOf(octet) : octet;
  }
  return text;
}

function undone(name: string, refused: RegExp): string {
  return name.replace(/%[0-9A-F]{2}/g, (triple) =>
    isOurs(triple, refused) ? String.fromCharCode(Number.parseInt(triple.slice(1), 16)) : triple,
  );
}

function isOurs(triple: string, refused: RegExp): boolean {
  if (!/^%[0-9A-F]{2}$/.test(triple)) return false;
  const octet = String.fromCharCode(Number.parseInt(triple.slice(1), 16));
  const last = octet === "." || (octet === " " && refused === NOT_ON_WINDOWS);
  return octet === "%" || last || refused.test(octet);
}

function hexOf(octet: string): string {
  return `%${octet.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;
}
