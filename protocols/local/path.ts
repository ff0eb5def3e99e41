/** Paths of local URLs: text after the scheme, as a person may type it, and the octets that the system knows it by. */
import { homedir } from "node:os";
import { basename } from "node:path";
import { PortholeError } from "../../src/errors.js";
import type { Target } from "../../src/plugin.js";
import { utf8Of } from "../../src/text/utf8.js";
import { decodeOctets, encodeOctets } from "../../src/url.js";

export interface LocalPath {
  /** As in the URL, without a final slash and without what names a message: what entries below begin with. */
  readonly url: string;
  /** For the system: names need not be UTF-8. */
  readonly octets: Buffer;
  /** For messages to people. */
  readonly shown: string;
  /** The last name; `.` and `/` stay as they are. */
  readonly name: Buffer;
  /** The URL says that this is a folder: it ends in a slash. */
  readonly folder: boolean;
  /** `;UID=`: a message in a mailbox. */
  readonly uid?: string;
  /** `;SECTION=`: a part of a message, as IMAP counts them (RFC 3501, 6.4.5). */
  readonly section?: string;
}

/** Only this machine's files are here. @throws PortholeError `usage` */
export function checkPlace({ url, host }: Target): void {
  if (host !== "" && host !== "localhost") {
    throw new PortholeError("usage", `'${host}' is not this machine`, {
      hint: `write ${url.scheme}:${host === "." || host === "~" ? host : ""}${url.path} or ${url.scheme}:///PATH`,
    });
  }
  if (url.path === "") {
    throw new PortholeError("usage", "the URL names no file", { hint: `write ${url.scheme}:./NAME` });
  }
}

/**
 * The path of a file. A query is no part of it: a question mark belongs to the name.
 * @throws PortholeError `usage` for broken percent-encoding, NUL, or a slash that hides in a name
 */
export function parsePath(path: string): LocalPath {
  return placeOf(path, decodeName);
}

/** What a symbolic link says, as octets: `~` and empty names stand as they are. @throws PortholeError `usage` */
export function parseLink(to: string): Buffer {
  return joined(to.split("/").map((segment) => decodeName(segment)));
}

/** What nearly all paths are: printable ASCII that stands for itself, without a home. */
const PLAIN = /^[ -$&-}]+$/;

function placeOf(path: string, decode: (segment: string) => Buffer): LocalPath {
  const folder = path.endsWith("/");
  const url = path.replace(/\/+$/, "") || (folder ? "/" : ".");
  if (PLAIN.test(url)) {
    const octets = Buffer.from(url, "latin1");
    const name = url === "/" ? octets : octets.subarray(url.lastIndexOf("/") + 1);
    return { url, octets, shown: url, name, folder };
  }
  const segments = url.split("/").map((segment) => decode(segment));
  const octets = joined(segments);
  const name = segments.at(-1) ?? Buffer.alloc(0);
  return {
    url,
    octets: expandHome(octets),
    shown: textOf(octets),
    name: name.length === 0 ? Buffer.from("/") : name,
    folder,
  };
}

/** The path of a mailbox, of a message in it, or of a part of one: `PATH/;UID=X/;SECTION=1.2`, in the manner of RFC 5092. */
export function parseMessagePath(path: string): LocalPath {
  const [, place = "", uid, section] =
    /^(.*?)(?:\/;UID=([^/;]+))?(?:\/;SECTION=([^/;]+))?$/is.exec(path) ?? [];
  if (section !== undefined && !/^\d{1,9}(?:\.\d{1,9}){0,200}$/.test(section)) {
    throw new PortholeError("usage", `'${section}' is not a part of a message`, {
      hint: "parts are numbered 1, 2, 2.1; ls of the message shows them",
    });
  }
  const whole = uid === undefined && section === undefined;
  return {
    // Mail programs cannot hold line breaks in the name of a mailbox.
    ...placeOf(whole ? place : `${place.replace(/\/+$/, "")}${uid === undefined ? "" : "/"}`, (segment) =>
      withoutSlash(decodeOctets(segment)),
    ),
    ...(uid === undefined ? {} : { uid: decodeName(uid).toString("latin1") }),
    ...(section === undefined ? {} : { section }),
  };
}

/** A file's name may hold line breaks: nothing speaks a protocol here. */
function decodeName(segment: string): Buffer {
  const pieces = segment.split(/(%0[ad])/i);
  return withoutSlash(
    Buffer.concat(
      pieces.map((piece, at) => (at % 2 === 1 ? Buffer.from(piece.slice(1), "hex") : decodeOctets(piece))),
    ),
  );
}

function withoutSlash(decoded: Buffer): Buffer {
  if (decoded.includes(0x2f)) {
    throw new PortholeError("usage", "a name in the path holds a slash, which no file can have", {
      hint: "write the slash as it is to mean a folder",
    });
  }
  return decoded;
}

function joined(segments: readonly Buffer[]): Buffer {
  const slash = Buffer.from("/");
  const all = Buffer.concat(segments.flatMap((segment, at) => (at === 0 ? [segment] : [slash, segment])));
  return all.length === 0 ? slash : all;
}

function expandHome(octets: Buffer): Buffer {
  if (octets[0] !== 0x7e || (octets.length > 1 && octets[1] !== 0x2f)) return octets;
  return Buffer.concat([Buffer.from(homedir()), octets.subarray(1)]);
}

/** What a listing of `folder` names. */
export function placeBelow(folder: LocalPath, name: Buffer, isFolder = false): LocalPath {
  const root = folder.url === "/" ? "" : folder.url;
  const rootOctets = folder.octets.equals(Buffer.from("/")) ? Buffer.alloc(0) : folder.octets;
  return {
    url: `${root}/${encodeOctets(name)}`,
    octets: Buffer.concat([rootOctets, Buffer.from("/"), name]),
    shown: `${folder.shown === "/" ? "" : folder.shown}/${textOf(name)}`,
    name,
    folder: isFolder,
  };
}

/** The folder that a place is in, for the system. */
export function folderOf(place: LocalPath): Buffer {
  const at = place.octets.lastIndexOf(0x2f);
  if (at < 0) return Buffer.from(".");
  return at === 0 ? Buffer.from("/") : place.octets.subarray(0, at);
}

/** The URL of a place; `isFolder` ends it in a slash. */
export function hrefOf(target: Target, place: LocalPath, isFolder = false): string {
  let path = isFolder && place.url !== "/" ? `${place.url}/` : place.url;
  if (place.uid !== undefined) path = `${place.url}/;UID=${encodeOctets(Buffer.from(place.uid, "latin1"))}`;
  if (place.section !== undefined) path += `/;SECTION=${place.section}`;
  // RFC 8089, appendix B has both forms; this one is what other programs write and open.
  return path.startsWith("/") ? `${target.url.scheme}://${path}` : target.href(path);
}

/** A name as text: UTF-8 where it is, else an octet a character. */
export function textOf(octets: Uint8Array): string {
  return utf8Of(octets) ?? Buffer.from(octets).toString("latin1");
}

/** The last name of a place as text; of `.` and `..`, that of the folder it stands for. */
export function nameOf(place: LocalPath): string {
  const text = textOf(place.name);
  return text === "~" ? basename(homedir()) : text;
}
