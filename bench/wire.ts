/** How fast wire/ reads and writes, on one core; a copy of the same octets beside it tells what the machine can do. */
import { DotWriter } from "../src/wire/dot-writer.js";
import { DotLines, DotReader } from "../src/wire/dots.js";
import { LineReader } from "../src/wire/lines.js";
import { CommandPipeline } from "../src/wire/pipeline.js";
import { type Reply, ThreeDigitReplyReader } from "../src/wire/replies.js";
import { TelnetReader } from "../src/wire/telnet.js";
import type { Bench } from "./bench.js";

const MEGABYTE = 1_000_000;
const SIZE = 100 * MEGABYTE;
const CHUNK = 64 * 1024;
const ROUNDS = 5;

/** The text repeated to `SIZE` octets, in chunks as a socket gives them. */
function chunksOf(text: string): Buffer[] {
  const all = Buffer.alloc(SIZE - (SIZE % text.length), text, "latin1");
  const chunks: Buffer[] = [];
  for (let at = 0; at < all.length; at += CHUNK) chunks.push(all.subarray(at, at + CHUNK));
  return chunks;
}

interface Row {
  readonly name: string;
  readonly chunks: () => readonly Buffer[];
  readonly round: (chunks: readonly Buffer[]) => number;
  /** MB/s at least. */
  readonly limit?: number;
}

/** Prints the best of some rounds, as MB/s; false when the limit is missed. */
function measure({ name, chunks: made, round, limit }: Row): boolean {
  const chunks = made();
  const size = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  let best = 0;
  let counted = 0;
  for (let count = 0; count < ROUNDS; count++) {
    const start = performance.now();
    counted = round(chunks);
    best = Math.max(best, size / MEGABYTE / ((performance.now() - start) / 1000));
  }
  const held = limit === undefined || best >= limit;
  const verdict = limit === undefined ? "" : ` (limit ${limit}: ${held ? "held" : "MISSED"})`;
  process.stdout.write(`${name.padEnd(48)} ${best.toFixed(0).padStart(6)} MB/s${verdict}, ${counted} made\n`);
  return held;
}

const prose = () =>
  chunksOf(`${"A lighthouse keeps no secrets; it says one word, again and again.".padEnd(70, ".")}\r\n`);
const short = () => chunksOf("211 3 1 3 misc.test\r\n");
const stuffed = () => chunksOf("..a line that begins with a dot, as every one of them does\r\n");
const bareLf = () => chunksOf("lines that end in nothing but a line feed, all of them\n");
const block = () =>
  chunksOf(
    `220 1 <a@b>\r\n${"Some text of an article, seventy octets or so, as they usually are...\r\n".repeat(28)}.\r\n`,
  );
/** Every octet there is, each as often: IAC doubled once in 257. */
const everyOctet = () =>
  chunksOf(`${Buffer.from(Array.from({ length: 256 }, (_, at) => at)).toString("latin1")}\xff`);
/** What a screen is painted with, and a command of Telnet every seventy octets. */
const screens = () => chunksOf(`${"\x1b[1mA line of a screen\x1b[0m".padEnd(70, ".")}\xff\xf1`);

function countLines(chunks: readonly Buffer[]): number {
  const reader = new LineReader();
  let lines = 0;
  for (const chunk of chunks) {
    reader.feed(chunk);
    while (reader.next() !== undefined) lines++;
  }
  return lines;
}

function countListing(chunks: readonly Buffer[]): number {
  const reader = new DotLines();
  let lines = 0;
  for (const chunk of chunks) {
    reader.feed(chunk);
    while (reader.next() !== undefined) lines++;
  }
  return lines;
}

function countEvents(chunks: readonly Buffer[]): number {
  const reader = new DotReader();
  let events = 0;
  for (const chunk of chunks) {
    reader.feed(chunk);
    while (reader.next() !== undefined) events++;
  }
  return events;
}

function countWritten(lineEnds: "as-is" | "crlf") {
  return (chunks: readonly Buffer[]): number => {
    const writer = new DotWriter({ lineEnds });
    let octets = 0;
    for (const chunk of chunks) octets += writer.write(chunk).length;
    return octets + writer.end().length;
  };
}

function countAnswers(chunks: readonly Buffer[]): number {
  const pipeline = new CommandPipeline<Reply>({
    replies: new ThreeDigitReplyReader({ multiline: "never" }),
    greeting: false,
    maxUnanswered: 100,
  });
  const exchange = { command: Buffer.from("ARTICLE 1\r\n"), sequel: () => "block" as const };
  let answers = 0;
  for (const chunk of chunks) {
    while (pipeline.unanswered < 100) {
      pipeline.submit(exchange);
      pipeline.nextBytesToSend();
    }
    pipeline.feed(chunk);
    for (let event = pipeline.nextEvent(); event !== undefined; event = pipeline.nextEvent()) {
      if (event.type === "block-end") answers++;
    }
  }
  return answers;
}

function countTelnet(binary: boolean) {
  return (chunks: readonly Buffer[]): number => {
    const reader = new TelnetReader();
    reader.binary = binary;
    let events = 0;
    for (const chunk of chunks) {
      reader.feed(chunk);
      while (reader.next() !== undefined) events++;
    }
    return events;
  };
}

/** The yardstick. */
function copy(chunks: readonly Buffer[]): number {
  const to = Buffer.allocUnsafe(CHUNK);
  for (const chunk of chunks) chunk.copy(to);
  return chunks.length;
}

/** MB/s. */
const TELNET_LIMIT = 300;

const ROWS: readonly Row[] = [
  { name: "a copy of the octets", chunks: prose, round: copy },
  { name: "TelnetReader, text", chunks: prose, round: countTelnet(false), limit: TELNET_LIMIT },
  {
    name: "TelnetReader, every octet, binary",
    chunks: everyOctet,
    round: countTelnet(true),
    limit: TELNET_LIMIT,
  },
  { name: "TelnetReader, a command every 70 octets", chunks: screens, round: countTelnet(false) },
  { name: "LineReader, lines of 72 octets", chunks: prose, round: countLines },
  { name: "LineReader, lines of 21 octets", chunks: short, round: countLines },
  { name: "DotLines, lines of 72 octets", chunks: prose, round: countListing },
  { name: "DotReader, text without dots", chunks: prose, round: countEvents },
  { name: "DotReader, every line stuffed", chunks: stuffed, round: countEvents },
  { name: "DotWriter as-is, text without dots", chunks: prose, round: countWritten("as-is") },
  { name: "DotWriter crlf, text without dots", chunks: prose, round: countWritten("crlf") },
  { name: "DotWriter crlf, bare LF", chunks: bareLf, round: countWritten("crlf") },
  { name: "CommandPipeline, articles of 2 KB", chunks: block, round: countAnswers },
];

export const bench: Bench = () => ({
  pairs: [],
  bounds: [],
  comparisons: ROWS.map((row) => () => measure(row)),
});
