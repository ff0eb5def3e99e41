/** Mailbox names as IMAP4rev1 sends them: UTF-16 in a base64 of its own (RFC 3501, 5.1.3). */
import { utf8Of } from "../../src/text/utf8.js";

const PRINTABLE = /[\x20-\x7e]/;

/** @param name as people write it */
export function encodeModifiedUtf7(name: string): string {
  return name.replace(/&|[^\x20-\x7e]+/g, (run) => {
    if (run === "&") return "&-";
    const octets = Buffer.from(run, "utf16le").swap16();
    return `&${octets.toString("base64").replace(/=+$/, "").replaceAll("/", ",")}-`;
  });
}

/**
 * A name as a server sends it, one character for each octet. What is neither modified UTF-7 nor UTF-8 stays as it
 * is: such names are seen, and must lead back to their mailbox.
 */
export function decodeMailboxName(raw: string): string {
  if (/[^\x00-\x7f]/.test(raw)) return utf8Of(Buffer.from(raw, "latin1")) ?? raw;
  let broken = false;
  const name = raw.replace(/&([^-]*)(-?)/g, (written, shifted: string, end: string) => {
    const text = end === "" ? undefined : shifted === "" ? "&" : decodeShifted(shifted);
    if (text === undefined) broken = true;
    return text ?? written;
  });
  // What would be written otherwise on the way back is another name.
  return broken || encodeModifiedUtf7(name) !== raw ? raw : name;
}

function decodeShifted(shifted: string): string | undefined {
  if (!/^[A-Za-z0-9+,]+$/.test(shifted)) return undefined;
  const octets = Buffer.from(shifted.replaceAll(",", "/"), "base64");
  if (octets.length === 0 || octets.length % 2 !== 0) return undefined;
  const text = octets.swap16().toString("utf16le");
  return PRINTABLE.test(text) || /[\r\n\0]/.test(text) ? undefined : text;
}
