/** Which charset octets are in: Gopher has no word for it. UTF-8, Latin-1 and CP437 are what there is. */
import { isAscii } from "node:buffer";

const CP437 =
  "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀" +
  "αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u00a0";

/** Octets that windows-1252 has for quotes, dashes and the euro, and CP437 for letters that are rarer there. */
const TYPOGRAPHY: ReadonlySet<number> = new Set([0x80, 0x85, 0x91, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x99]);

/**
 * The charset of a text by its beginning; undefined when it is ASCII so far, or UTF-8.
 *
 * CP437 has its frames and shades from B0 to DF, where Latin-1 has capitals that seldom stand side by side, and its
 * letters from 80 to A5, where Latin-1 has controls.
 * @param whole nothing follows; otherwise the last character may be cut
 */
export function guessCharset(
  octets: Uint8Array,
  whole = false,
): "cp437" | "windows-1252" | "iso-8859-1" | undefined {
  if (isUtf8(octets, whole)) return undefined;
  let frames = 0;
  let letters = 0;
  let controls = 0;
  let typography = 0;
  let before = 0;
  for (const octet of octets) {
    if (octet >= 0xb0 && octet <= 0xdf && before >= 0xb0 && before <= 0xdf) frames += 1;
    if (TYPOGRAPHY.has(octet)) typography += 1;
    else if (octet >= 0x80 && octet <= 0x9f) controls += 1;
    else if (octet >= 0xc0) letters += 1;
    before = octet;
  }
  if (frames >= 2 || controls > letters) return "cp437";
  return typography > 0 ? "windows-1252" : "iso-8859-1";
}

/** A menu's words in the charset that was asked for, or the one that they are most likely in. */
export function decodeDisplay(octets: Buffer, charset: string | undefined): string {
  if (charset === undefined && isAscii(octets)) return octets.toString("latin1");
  const name = charset?.toLowerCase() ?? guessCharset(octets, true) ?? "utf-8";
  if (/^(?:cp|ibm)-?437$/.test(name)) return fromCp437(octets);
  if (/^(?:latin-?1|iso[-_]8859-1)$/.test(name)) return octets.toString("latin1");
  try {
    return new TextDecoder(name).decode(octets);
  } catch {
    return octets.toString("latin1");
  }
}

function fromCp437(octets: Uint8Array): string {
  let text = "";
  for (const octet of octets) text += octet < 0x80 ? String.fromCharCode(octet) : (CP437[octet - 0x80] ?? "");
  return text;
}

function isUtf8(octets: Uint8Array, whole: boolean): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(octets, { stream: !whole });
    return true;
  } catch {
    return false;
  }
}
