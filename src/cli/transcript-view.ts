/** `-v` and `-vv`: the dialogue on standard error, with times. */
import type { TranscriptEvent } from "../net/transcript.js";
import { safeLine } from "../text/safe.js";
import { type Paint, painter } from "./colors.js";
import type { Terminal } from "./terminal.js";

const MARKS = { client: "C:", server: "S:", note: "*:" } as const;
const COLORS = { client: "green", server: "cyan", note: "dim" } as const;
/** Characters of one line that are shown; the rest is counted. */
const LONGEST_LINE = 1000;

/** A sink for `Transcript.subscribe`. */
export function transcriptView(terminal: Terminal, verbosity: number): (event: TranscriptEvent) => void {
  return (event) => {
    for (const line of transcriptLines(event, verbosity, terminal.paintError)) terminal.say(line);
  };
}

/** `0.012 C: LIST`; octets that are no text are counted, or with verbosity 2 dumped. */
export function transcriptLines(
  event: TranscriptEvent,
  verbosity: number,
  paint: Paint = painter(false),
): string[] {
  const time = paint("dim", (event.at / 1000).toFixed(3).padStart(7));
  const purpose = event.purpose === undefined ? "" : `[${safeLine(event.purpose)}] `;
  const connection = event.connection > 1 ? `${event.connection} ` : "";
  const before = `${time} ${connection}${purpose}${paint(COLORS[event.direction], MARKS[event.direction])}`;
  return contentOf(event, verbosity).map((text) => `${before} ${text}`.trimEnd());
}

function contentOf(event: TranscriptEvent, verbosity: number): string[] {
  const { bytes } = event;
  if (bytes === undefined) return [safeLine(event.text ?? "")];
  if (isText(bytes)) {
    return bytes
      .toString("utf8")
      .replace(/\r?\n$/, "")
      .split(/\r?\n/)
      .map(shortened);
  }
  const count = `[${bytes.length} octets]`;
  return verbosity < 2 ? [count] : [count, ...hexDump(bytes)];
}

function shortened(line: string): string {
  const shown = safeLine(line.slice(0, LONGEST_LINE));
  return line.length > LONGEST_LINE ? `${shown}… [${line.length - LONGEST_LINE} more]` : shown;
}

/** Text, as protocols speak it: no NUL, and few other controls. */
function isText(bytes: Buffer): boolean {
  if (bytes.includes(0)) return false;
  let controls = 0;
  for (const byte of bytes) if (byte < 0x20 && byte !== 0x09 && byte !== 0x0a && byte !== 0x0d) controls += 1;
  return controls * 10 <= bytes.length && !bytes.toString("utf8").includes("\ufffd");
}

/** As `hexdump -C` lays octets out. */
export function hexDump(bytes: Uint8Array): string[] {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += 16) {
    const row = Array.from(bytes.subarray(at, at + 16));
    const hex = row.map((byte) => byte.toString(16).padStart(2, "0"));
    const [left, right] = [hex.slice(0, 8).join(" "), hex.slice(8).join(" ")];
    const text = row.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : ".")).join("");
    lines.push(`${at.toString(16).padStart(8, "0")}  ${left.padEnd(23)}  ${right.padEnd(23)}  |${text}|`);
  }
  return lines;
}
