/** Fields of headers as people read them. */
import { isUtf8 } from "node:buffer";
import { PortholeError } from "../../src/errors.js";
import { decodeOctetString, decodeWords, isPlain } from "../../src/message/encoded-words.js";
import type { Context } from "../../src/plugin.js";
import { decoderFor } from "../../src/text/charset.js";

/** @param raw one character for each octet */
export type FieldText = (raw: string) => string | Promise<string>;

/**
 * Encoded words are decoded by what they say; octets above 127 are UTF-8 where they can be, else of the charset that
 * `--header-charset` names, else ISO 8859-1.
 * @throws PortholeError `usage` for a charset that is not known
 */
export async function fieldTextOf(context: Context): Promise<FieldText> {
  const wanted = context.options["header-charset"];
  if (typeof wanted !== "string" || wanted === "") return (raw) => (isPlain(raw) ? raw : decodeWords(raw));
  const { charset } = await decoderFor(wanted);
  if (charset === "utf-8" && !/^utf-?8$/i.test(wanted)) {
    throw new PortholeError("usage", `--header-charset: '${wanted}' is not a charset known here`, {
      hint: "windows-1252, koi8-r and shift_jis are examples",
    });
  }
  return (raw) => {
    if (isPlain(raw)) return raw;
    const bare = !raw.includes("=?") && !isUtf8(Buffer.from(raw, "latin1"));
    return bare ? decodeOctetString(raw, wanted) : decodeWords(raw);
  };
}
