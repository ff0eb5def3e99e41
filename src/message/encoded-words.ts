/** Words of a header in other charsets than ASCII (RFC 2047), and the octets above 127 that stand there unannounced. */
import { decoderFor } from "../text/charset.js";

/** RFC 2231, 5 lets a language follow the charset. A Q word with blanks in it is wrong, and seen. */
const WORD = /=\?([^?\s*]{1,60})(?:\*[^?\s]{0,60})?\?([bq])\?([^?\r\n]*)\?=/gi;
const PLAIN = /^[\t\x20-\x7e]*$/;

/** True when `decodeWords` would give the text back as it is. */
export function isPlain(raw: string): boolean {
  return PLAIN.test(raw) && !raw.includes("=?");
}

/**
 * A field's value as people read it, on one line.
 * @param raw unfolded, one character for each octet
 */
export async function decodeWords(raw: string): Promise<string> {
  if (isPlain(raw)) return raw;
  const pieces: Piece[] = [];
  let end = 0;
  for (const match of raw.matchAll(WORD)) {
    const [all, charset = "", coding = "", text = ""] = match;
    const between = raw.slice(end, match.index);
    const last = pieces.at(-1);
    // RFC 2047, 6.2: blanks between two encoded words only separate them.
    const adjoins = last?.charset !== undefined && /^[ \t]*$/.test(between);
    if (!adjoins && between !== "") pieces.push({ charset: undefined, octets: [between] });
    const octets = (coding.toLowerCase() === "b" ? fromBase64(text) : fromQ(text)).toString("latin1");
    // One character may be cut over two words, whatever section 5 says.
    if (adjoins && last.charset === charset.toLowerCase()) last.octets.push(octets);
    else pieces.push({ charset: charset.toLowerCase(), octets: [octets] });
    end = match.index + all.length;
  }
  if (end < raw.length) pieces.push({ charset: undefined, octets: [raw.slice(end)] });
  let text = "";
  for (const { charset, octets } of pieces) text += await decodeOctetString(octets.join(""), charset);
  return text.replace(/[\r\n\t]+/g, " ");
}

interface Piece {
  /** Undefined for what stands between encoded words. */
  readonly charset: string | undefined;
  /** One character for each octet. */
  readonly octets: string[];
}

/** @param octets one character for each @param charset guessed when undefined or unknown */
export async function decodeOctetString(octets: string, charset: string | undefined): Promise<string> {
  if (charset === undefined && PLAIN.test(octets)) return octets;
  const decoding = await decoderFor(charset);
  return decoding.write(Buffer.from(octets, "latin1")) + decoding.end();
}

function fromBase64(text: string): Buffer {
  return Buffer.from(text, "base64");
}

/** RFC 2047, 4.2: as quoted-printable, with `_` for a blank. */
function fromQ(text: string): Buffer {
  const octets = text
    .replaceAll("_", " ")
    .replace(/=([0-9A-F]{2})/gi, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(octets, "latin1");
}
