/**
 * Names and words of FTP, as octets.
 *
 * Within this folder a pathname, a command and a reply are strings of one character an octet (0 to 255): a
 * server may hold names in any coding, and a name that a listing gave must go back as it came.
 */
import { decodeWords } from "../../src/wire/words.js";

/** What a person typed, as it goes over the wire: UTF-8 (RFC 2640, 2.2). */
export function octetsOf(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}

/** Octets as a person reads them: UTF-8 when they are that, otherwise Latin-1. */
export function textOf(octets: string): string {
  return decodeWords(Buffer.from(octets, "latin1"));
}
