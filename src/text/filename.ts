/** File names out of what a server proposes: they never leave the folder, surprise a shell or break a file system. */
import { isHarmful } from "./safe.js";

/** What ext4, APFS and NTFS take for one name, in octets of UTF-8. */
const LONGEST = 255;
/** Device names of Windows, taken there with any extension. */
const RESERVED = /^(?:con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(?: *\.|$)/i;

export interface FileNameOptions {
  /** Used when nothing of the name is left; `download` when absent. */
  readonly fallback?: string;
  /** Let names start with a dot: for mirrors, where `.htaccess` is content. A single download never makes a hidden file. */
  readonly allowHidden?: boolean;
}

/** What nearly all names are: nothing in them needs a look of its own. */
const PLAIN = /^[A-Za-z0-9](?:[\w.-]{0,200}[\w-])?$/;

/**
 * One safe file name, at most 255 octets: separators, characters that some file system refuses, controls and
 * direction marks become `_`; `.`, `..`, device names of Windows, and names that end in a dot or a space are
 * changed. The same on every system, so that a mirror made on one can be copied to another.
 */
export function safeFileName(name: string, options: FileNameOptions = {}): string {
  if (PLAIN.test(name) && !RESERVED.test(name)) return name;
  const plain = Array.from(name.normalize("NFC"), (character) =>
    /[/\\<>:"|?*]/.test(character) || isHarmful(character) ? "_" : character,
  )
    .join("")
    .replace(/^ +/, "")
    .replace(/[. ]+$/, "");
  const shown = options.allowHidden ? plain : plain.replace(/^\.+/, (dots) => "_".repeat(dots.length));
  if (/^_*$/.test(shown)) return options.fallback ?? "download";
  return shorten(RESERVED.test(shown) ? `_${shown}` : shown);
}

/** Cuts before the extension, never inside a character. */
function shorten(name: string): string {
  if (Buffer.byteLength(name) <= LONGEST) return name;
  const extension = /(?<=.)\.[A-Za-z0-9.]{1,15}$/.exec(name)?.[0] ?? "";
  return fitOctets(name.slice(0, name.length - extension.length), LONGEST - extension.length) + extension;
}

/** The longest start of `text` that has at most `octets` octets as UTF-8. */
export function fitOctets(text: string, octets: number): string {
  let used = 0;
  let kept = "";
  for (const character of text) {
    used += Buffer.byteLength(character);
    if (used > octets) break;
    kept += character;
  }
  return kept;
}

/**
 * The name for `-O`: what the server proposed, else the last segment of the URL's path without query and
 * parameters, else `fallback`. Percent-encoding is undone where it is sound.
 */
export function remoteFileName(url: string, proposed?: string, options: FileNameOptions = {}): string {
  // A proposed name may be a whole path (RFC 6266, 4.3 asks for the last segment only).
  const fromServer = proposed?.split(/[/\\]/).at(-1) ?? "";
  if (fromServer !== "") return safeFileName(fromServer, options);
  const path = /^[a-z][a-z0-9+.-]*:(?:\/\/[^/?#]*)?([^?#]*)/i.exec(url)?.[1] ?? "";
  const segment = path.split("/").findLast((part) => part !== "") ?? "";
  return safeFileName(percentDecoded(segment.replace(/;type=[aid]$/i, "")), options);
}

function percentDecoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
