/** base64 as mails have it (RFC 2045, 6.8): lines of 76 characters, parted by CRLF. */

/** Octets of a line: 76 characters. */
const LINE = 57;
const CHARACTERS = 76;
const CRLF = Buffer.from("\r\n");

/** The octets in lines; the last one has no end. Nothing for nothing. */
export async function* base64Lines(octets: AsyncIterable<unknown>): AsyncGenerator<Buffer, void, undefined> {
  let held: Buffer = Buffer.alloc(0);
  let begun = false;
  for await (const piece of octets) {
    const chunk = octetsOf(piece);
    const joined = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
    const whole = joined.length - (joined.length % LINE);
    // The piece belongs to its source, which may use it again.
    held = Buffer.from(joined.subarray(whole));
    if (whole === 0) continue;
    yield encoded(joined.subarray(0, whole), begun);
    begun = true;
  }
  if (held.length > 0) yield encoded(held, begun);
}

/** @returns octets that `size` octets take in lines */
export function base64Size(size: number): number {
  const characters = Math.ceil(size / 3) * 4;
  return characters + CRLF.length * Math.max(0, Math.ceil(characters / CHARACTERS) - 1);
}

/** @param follows whether a line came before */
function encoded(octets: Buffer, follows: boolean): Buffer {
  const text = Buffer.from(octets.toString("base64"), "latin1");
  const count = Math.ceil(text.length / CHARACTERS);
  const lines = Buffer.allocUnsafe(text.length + CRLF.length * (follows ? count : count - 1));
  let at = 0;
  for (let from = 0; from < text.length; from += CHARACTERS) {
    if (at > 0 || follows) at += CRLF.copy(lines, at);
    at += text.copy(lines, at, from, from + CHARACTERS);
  }
  return lines;
}

function octetsOf(piece: unknown): Buffer {
  if (Buffer.isBuffer(piece)) return piece;
  if (piece instanceof Uint8Array) return Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
  return Buffer.from(String(piece), "utf8");
}
