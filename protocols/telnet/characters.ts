/** The far side's characters, and ours: UTF-8 on this side of a session, whatever it is on the other. */
import { StringDecoder } from "node:string_decoder";
import { PortholeError } from "../../src/errors.js";
import { decoderFor } from "../../src/text/charset.js";

export interface Characters {
  readonly name: string;
  /** From the far side, to UTF-8. */
  incoming(octets: Buffer): Buffer;
  /** From UTF-8, to the far side. */
  outgoing(octets: Buffer): Buffer;
}

/** Nothing is changed: UTF-8, or octets of any kind. */
export const AS_THEY_ARE: Characters = {
  name: "utf-8",
  incoming: (octets) => octets,
  outgoing: (octets) => octets,
};

/** @throws PortholeError `usage` for a charset that nobody knows */
export async function charactersOf(name: string): Promise<Characters> {
  if (/^utf-?8$/i.test(name)) return AS_THEY_ARE;
  const { default: iconv } = await import("iconv-lite");
  const known: boolean = iconv.encodingExists(name);
  if (!known) {
    throw new PortholeError("usage", `no charset is named '${name}'`, {
      hint: "cp437, latin1, koi8-r, utf-8, ...",
    });
  }
  const decoding = await decoderFor(name);
  const typed = new StringDecoder("utf8");
  return {
    name,
    incoming: (octets) => Buffer.from(decoding.write(octets), "utf8"),
    outgoing: (octets) => iconv.encode(typed.write(octets), name),
  };
}
