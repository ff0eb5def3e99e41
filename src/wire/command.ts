/** Command lines: words in, octets out, and nothing in a word can begin a second command. */
import { PortholeError } from "../errors.js";

/**
 * `commandLine("RETR", 3)` is `RETR 3` CRLF. Words are joined by one space; strings go out as UTF-8, octets
 * as they are. A word may hold spaces (a password in AUTHINFO PASS, RFC 4643, 2.3.2).
 * @throws PortholeError `usage` when a word holds CR, LF or NUL, or when the first is empty
 */
export function commandLine(verb: string, ...words: readonly (string | number | Uint8Array)[]): Buffer {
  if (verb === "") throw new PortholeError("usage", "a command without a name");
  const parts: Uint8Array[] = [octetsOf(verb, verb)];
  for (const word of words) parts.push(SPACE, octetsOf(word, verb));
  parts.push(CRLF);
  return Buffer.concat(parts);
}

const SPACE = Buffer.from(" ");
const CRLF = Buffer.from("\r\n");

function octetsOf(word: string | number | Uint8Array, verb: string): Uint8Array {
  const octets = word instanceof Uint8Array ? word : Buffer.from(String(word), "utf8");
  if (octets.includes(0x0a) || octets.includes(0x0d) || octets.includes(0)) {
    const command = verb.replace(/[\r\n\0].*/s, "");
    throw new PortholeError(
      "usage",
      `an argument of ${command} holds a line break or a NUL, which is never sent`,
      {
        hint: "take it out",
      },
    );
  }
  return octets;
}
