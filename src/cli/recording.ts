/**
 * The text form of a conversation: one line an event, readable, and exact enough to be served again.
 *
 *     # Porthole recording 1, 2026-01-31T12:00:00.000Z
 *     0.012 1 * connected to 127.0.0.1
 *     0.013 1 S: 220 ready
 *     0.014 1 C: NOOP
 *     0.020 1 S= AAEC/w==
 *
 * `S:` and `C:` are lines that ended in CRLF, `S;` and `C;` lines that ended in LF alone, `S.` and `C.` text
 * without a line end, `S=` and `C=` octets in base64. The number after the time is the connection.
 */
import type { TranscriptEvent } from "../net/transcript.js";

export const RECORDING_MARK = "# Porthole recording 1";

export function recordingHead(made: Date): string[] {
  return [`${RECORDING_MARK}, ${made.toISOString()}`];
}

export function recordingLines(event: TranscriptEvent): string[] {
  const before = `${(event.at / 1000).toFixed(3)} ${event.connection}`;
  if (event.direction === "note") return [`${before} * ${event.text ?? ""}`];
  const who = event.direction === "client" ? "C" : "S";
  return split(event.bytes ?? Buffer.alloc(0)).map((piece) => `${before} ${who}${spelled(piece)}`);
}

const LF = 0x0a;

function split(octets: Buffer): Buffer[] {
  // Octets that are no text stay together: a line each would only add noise.
  if (!isPlain(octets)) return octets.length === 0 ? [] : [octets];
  const pieces: Buffer[] = [];
  for (let at = 0; at < octets.length; ) {
    const end = octets.indexOf(LF, at) + 1 || octets.length;
    pieces.push(octets.subarray(at, end));
    at = end;
  }
  return pieces;
}

function spelled(piece: Buffer): string {
  if (!isPlain(piece)) return `= ${piece.toString("base64")}`;
  const text = piece.toString("latin1");
  if (text.endsWith("\r\n")) return `: ${text.slice(0, -2)}`;
  return text.endsWith("\n") ? `; ${text.slice(0, -1)}` : `. ${text}`;
}

/** Printable ASCII and tabs, with CR only before LF. */
function isPlain(octets: Buffer): boolean {
  return /^(?:[\t\x20-\x7e]|\r?\n)*$/.test(octets.toString("latin1"));
}
