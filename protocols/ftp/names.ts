/** Names in a charset that the user named (`--filename-charset`): URLs have them in UTF-8, the server in its own. */

import { PortholeError } from "../../src/errors.js";
import { utf8Of } from "../../src/text/utf8.js";

/** Between octets (see octets.ts) of a URL and those on the wire, a name at a time. */
export interface Names {
  toWire(octets: string): string;
  toUrl(octets: string): string;
}

/** Octets as they are: UTF-8 (RFC 2640, 3.1), or whatever the server has. */
export const AS_THEY_ARE: Names = { toWire: (octets) => octets, toUrl: (octets) => octets };

/** @throws PortholeError `usage` for a charset that is not known */
export async function namesIn(charset: string | undefined): Promise<Names> {
  if (charset === undefined || /^utf-?8$/i.test(charset)) return AS_THEY_ARE;
  const { default: iconv } = await import("iconv-lite");
  const isKnown: boolean = iconv.encodingExists(charset);
  if (!isKnown) {
    throw new PortholeError("usage", `'${charset}' is no known charset`, {
      hint: "--filename-charset takes names like iso-8859-1, cp437, shift_jis",
    });
  }
  const toWire = (octets: string): string => {
    const text = utf8Of(Buffer.from(octets, "latin1"));
    if (text === undefined) return octets;
    const coded = iconv.encode(text, charset);
    // What the charset lacks goes out as it stands: a name changed to `?` would be another file's.
    return iconv.decode(coded, charset) === text ? coded.toString("latin1") : octets;
  };
  const toUrl = (octets: string): string => {
    const text = iconv.decode(Buffer.from(octets, "latin1"), charset);
    const inUtf8 = Buffer.from(text, "utf8").toString("latin1");
    // Only what leads back to the same name: a URL that is listed must open again.
    return toWire(inUtf8) === octets ? inUtf8 : octets;
  };
  return { toWire, toUrl };
}
