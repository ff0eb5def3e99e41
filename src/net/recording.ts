/**
 * The text form of a conversation: one line an event, readable, and exact enough to be served again.
 *
 *     # Porthole recording 1, 2026-01-31T12:00:00.000Z
 *     0.012 1 * connected to 127.0.0.1
 *     0.013 1 S: 220 ready
 *     0.014 1 C: NOOP
 *     0.020 1 S= AAEC/w==
 *     # end, sha256 4c1f...
 *
 * `S:` and `C:` are lines that ended in CRLF, `S;` and `C;` lines that ended in LF alone, `S.` and `C.` text
 * without a line end, `S=` and `C=` octets in base64. The number after the time is the connection. The last line
 * holds the SHA-256 of all before it; a recording that was cut off has none.
 */
import { createHash, type Hash } from "node:crypto";
import { PortholeError } from "../errors.js";
import type { TranscriptEvent } from "./transcript.js";

export const RECORDING_MARK = "# Porthole recording 1";
const END_MARK = "# end, sha256 ";

/** Writes a recording: `head`, then `lines` for each event, then `end`. Lines are without their ends. */
export class RecordingWriter {
  readonly #hash: Hash = createHash("sha256");

  head(made: Date): string[] {
    return this.#hashed([`${RECORDING_MARK}, ${made.toISOString()}`]);
  }

  lines(event: TranscriptEvent): string[] {
    const before = `${(event.at / 1000).toFixed(3)} ${event.connection}`;
    // A note is one line whatever stands in it.
    if (event.direction === "note") {
      return this.#hashed([`${before} * ${(event.text ?? "").replace(/[\r\n]+/g, " ")}`]);
    }
    const who = event.direction === "client" ? "C" : "S";
    return this.#hashed(
      split(event.bytes ?? Buffer.alloc(0)).map((piece) => `${before} ${who}${spelled(piece)}`),
    );
  }

  end(): string[] {
    return [`${END_MARK}${this.#hash.digest("hex")}`];
  }

  #hashed(lines: string[]): string[] {
    for (const line of lines) this.#hash.update(`${line}\n`);
    return lines;
  }
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

/** What a line of a recording tells. */
export type RecordedEvent = { readonly at: number; readonly connection: number; readonly line: number } & (
  | { readonly kind: "client" | "server"; readonly octets: Buffer }
  | { readonly kind: "note"; readonly text: string }
);

export interface Recording {
  readonly events: readonly RecordedEvent[];
  /** The last line is there: nothing was cut off. */
  readonly whole: boolean;
}

const LINE = /^(\d{1,9}\.\d{3}) (\d{1,6}) (?:\* (.*)|([CS])([:;.=]) (.*))$/;

/**
 * @param text of the file, as latin1: one character an octet
 * @throws PortholeError `usage` for what is no recording, or one that was changed; it names the line
 */
export function parseRecording(text: string): Recording {
  if (!text.startsWith(`${RECORDING_MARK},`)) {
    throw new PortholeError("usage", "this is no recording of Porthole's", {
      hint: "--record FILE on any command makes one",
    });
  }
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  const last = lines.at(-1) ?? "";
  const whole = last.startsWith(END_MARK);
  if (whole) {
    lines.pop();
    const hash = createHash("sha256");
    for (const line of lines) hash.update(`${line}\n`, "latin1");
    if (last.slice(END_MARK.length).trim() !== hash.digest("hex"))
      throw changed(lines.length + 1, "its checksum does not fit");
  }
  let at = 0;
  const events = lines.slice(1).map((line, index) => {
    const event = parseLine(line, index + 2);
    if (event.at < at) throw changed(event.line, "its time is before that of the line above");
    at = event.at;
    return event;
  });
  return { events, whole };
}

function parseLine(text: string, line: number): RecordedEvent {
  const [, time = "", connection = "", note, who, form = "", content = ""] = LINE.exec(text) ?? [];
  const place = { at: Number(time), connection: Number(connection), line };
  if (note !== undefined) return { ...place, kind: "note", text: note };
  if (who === undefined) throw changed(line, "it has not the form of one");
  return { ...place, kind: who === "C" ? "client" : "server", octets: octetsOf(form, content, line) };
}

function octetsOf(form: string, content: string, line: number): Buffer {
  if (form !== "=") {
    if (!/^[\t\x20-\x7e]*$/.test(content)) throw changed(line, "it holds what no text has");
    return Buffer.from(content + ({ ":": "\r\n", ";": "\n" }[form] ?? ""), "latin1");
  }
  const octets = Buffer.from(content, "base64");
  if (octets.toString("base64") !== content) throw changed(line, "it is not base64");
  return octets;
}

function changed(line: number, what: string): PortholeError {
  return new PortholeError("usage", `line ${line} of the recording was changed or cut: ${what}`, {
    hint: "make the recording again, or take out its last line if it was meant to be edited",
  });
}
