/** How fast wire/ reads and writes: `npx tsx bench/wire.ts`. Prints MB/s; judges nothing. */
import { DotWriter } from "../src/wire/dot-writer.js";
import { DotLines, DotReader } from "../src/wire/dots.js";
import { LineReader } from "../src/wire/lines.js";
import { CommandPipeline } from "../src/wire/pipeline.js";
import { type Reply, ThreeDigitReplyReader } from "../src/wire/replies.js";

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

/** The best of some rounds, as MB/s. */
function measure(
  name: string,
  chunks: readonly Buffer[],
  round: (chunks: readonly Buffer[]) => number,
): void {
  const size = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  let best = 0;
  let made = 0;
  for (let count = 0; count < ROUNDS; count++) {
    const start = performance.now();
    made = round(chunks);
    best = Math.max(best, size / MEGABYTE / ((performance.now() - start) / 1000));
  }
  console.log(`${name.padEnd(48)} ${best.toFixed(0).padStart(6)} MB/s  (${made})`);
}

const prose = chunksOf(
  `${"A lighthouse keeps no secrets; it says one word, again and again.".padEnd(70, ".")}\r\n`,
);
const short = chunksOf("211 3 1 3 misc.test\r\n");
const stuffed = chunksOf("..a line that begins with a dot, as every one of them does\r\n");
const bareLf = chunksOf("lines that end in nothing but a line feed, all of them\n");
const block = `220 1 <a@b>\r\n${"Some text of an article, seventy octets or so, as they usually are...\r\n".repeat(28)}.\r\n`;

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

measure("LineReader, lines of 72 octets", prose, countLines);
measure("LineReader, lines of 21 octets", short, countLines);
measure("DotLines, lines of 72 octets", prose, countListing);
measure("DotReader, text without dots", prose, countEvents);
measure("DotReader, every line stuffed", stuffed, countEvents);
measure("DotWriter as-is, text without dots", prose, countWritten("as-is"));
measure("DotWriter crlf, text without dots", prose, countWritten("crlf"));
measure("DotWriter crlf, bare LF", bareLf, countWritten("crlf"));
measure("CommandPipeline, articles of 2 KB", chunksOf(block), countAnswers);
