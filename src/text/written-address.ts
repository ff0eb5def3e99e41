/** Addresses as they stand in pages and style sheets: octets in a charset, relative to a base. */
import { isUtf8 } from "node:buffer";
import { TextDecoder } from "node:util";
import { unescapeHtml } from "./html-tags.js";

/** A text's octets, one a character, as text. */
export type Reading = (octets: string) => string;

/** Where an address stands. */
export interface Setting {
  /** What it is relative to. */
  readonly base: string;
  /** Whether that is another place than the text's own: an empty address leads there, then. */
  readonly isElsewhere: boolean;
  readonly read: Reading;
  /** A query goes out in the page's charset (URL Standard, 4.4), a path in UTF-8. */
  readonly queryAsWritten: boolean;
}

/** @param charset undefined or UTF-8: UTF-8 where the octets are, else as they stand */
export function settingOf(base: string, charset: string | undefined): Setting {
  const decoder = decoderOf(charset);
  const read: Reading = (octets) => {
    if (/^[\x00-\x7f]*$/.test(octets)) return octets;
    const buffer = Buffer.from(octets, "latin1");
    if (decoder !== undefined) return decoder.decode(buffer);
    return isUtf8(buffer) ? buffer.toString("utf8") : octets;
  };
  return { base, isElsewhere: false, read, queryAsWritten: decoder !== undefined };
}

function decoderOf(charset: string | undefined): TextDecoder | undefined {
  if (charset === undefined || /^utf-?(?:8|16)/i.test(charset)) return undefined;
  try {
    return new TextDecoder(charset);
  } catch {
    return undefined;
  }
}

/** What a style sheet says of itself (CSS Syntax, 3.2), after a byte order mark and the header. */
export function charsetOfCss(octets: Uint8Array, ofHeader: string | undefined): string | undefined {
  const head = Buffer.from(octets.subarray(0, 120)).toString("latin1");
  if (head.startsWith("\xef\xbb\xbf")) return "utf-8";
  return ofHeader ?? /^@charset "([\w.:-]{2,40})";/.exec(head)?.[1];
}

/** Undefined for what leads nowhere: an empty address, a place in the page itself, a script. */
export function absolute(written: string, { base, read, queryAsWritten }: Setting): URL | undefined {
  const [, path = "", query = "", rest = ""] = /^([^?#]*)(\?[^#]*)?(.*)$/s.exec(written) ?? [];
  const asked = queryAsWritten
    ? query.replace(/[\x80-\xff]/g, (octet) => `%${octet.charCodeAt(0).toString(16).toUpperCase()}`)
    : read(query);
  const text = unescapeHtml(read(path) + asked + read(rest)).trim();
  if (text === "" || text.startsWith("#") || /^(?:javascript|data|vbscript|about|blob):/i.test(text))
    return undefined;
  try {
    return new URL(text, base);
  } catch {
    return undefined;
  }
}

/**
 * The same for what a person follows: an empty address leads to the base. A fragment would, too, but those who write one mean
 * a place in the page.
 */
export function followed(written: string, setting: Setting): URL | undefined {
  if (setting.isElsewhere && written.trim() === "") return new URL(setting.base);
  return absolute(written, setting);
}
