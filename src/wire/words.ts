/** What a server said, as text. */
import { isUtf8 } from "node:buffer";

/** Enough of a line to recognise it in an error. */
const EXCERPT_OCTETS = 200;

/**
 * A line as text: UTF-8 (RFC 3977, 3.1; RFC 6531; RFC 2640) when it is that, otherwise Latin-1, which maps
 * every octet to one character, so that nothing is lost.
 */
export function decodeWords(line: Buffer): string {
  return isUtf8(line) ? line.toString("utf8") : line.toString("latin1");
}

/** The beginning of a line, for the `reply` of an error; `...` stands for what was left out. */
export function excerpt(line: Buffer): string {
  if (line.length <= EXCERPT_OCTETS) return decodeWords(line);
  return `${line.toString("latin1", 0, EXCERPT_OCTETS)}...`;
}
