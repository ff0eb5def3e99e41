/** How fast yEnc is decoded from wire bytes, dots undone and checksums held: `npx tsx bench/yenc.ts`. Judges by a plain loop. */
import { crc32 } from "node:zlib";
import { generatedContent, piecesOf } from "../fixtures/servers/content.js";
import { yEncode } from "../fixtures/servers/nntp-binaries.js";
import { DotWriter } from "../src/wire/dot-writer.js";
import { DotReader } from "../src/wire/dots.js";
import { YencDecoder } from "../src/wire/yenc.js";

const MEGABYTE = 1_000_000;
/** Octets of an article, as posting programs cut them. */
const PART = 700 * 1024;
const ARTICLES = 140;
const CHUNK = 64 * 1024;
const ROUNDS = 7;

const octets = Buffer.concat([...piecesOf(generatedContent(PART))]);
const body = yEncode(octets, "bench.bin");
const writer = new DotWriter({ lineEnds: "as-is" });
const wire = Buffer.concat([writer.write(body), writer.end()]);
const chunks: Buffer[] = [];
for (let at = 0; at < wire.length; at += CHUNK) chunks.push(wire.subarray(at, at + CHUNK));

function fromWire(): number {
  const dots = new DotReader();
  const decoder = new YencDecoder();
  let faults = 0;
  let size = 0;
  for (const chunk of chunks) {
    dots.feed(chunk);
    for (let event = dots.next(); event !== undefined; event = dots.next()) {
      if (event.type === "end") continue;
      for (const piece of decoder.write(event.bytes)) {
        if (piece.type === "data") size += piece.octets.length;
        if (piece.type === "end") faults += piece.end.faults.length;
      }
    }
  }
  if (faults > 0 || size !== PART) throw new Error("the article is not whole");
  return size;
}

/** What everybody writes first: an octet, a decision, an octet. */
function plainLoop(): number {
  const start = body.indexOf("\n") + 1;
  const source = body.subarray(start, body.lastIndexOf("\r\n=yend"));
  const target = Buffer.alloc(source.length);
  let size = 0;
  let escaped = false;
  for (const octet of source) {
    if (escaped) {
      target[size++] = octet - 106;
      escaped = false;
    } else if (octet === 0x3d) escaped = true;
    else if (octet !== 0x0d && octet !== 0x0a) target[size++] = octet - 42;
  }
  if (crc32(target.subarray(0, size)) !== crc32(octets)) throw new Error("the article is not whole");
  return size;
}

function measure(name: string, decode: () => number): void {
  let best = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const began = performance.now();
    for (let count = 0; count < ARTICLES; count++) decode();
    best = Math.max(best, (ARTICLES * wire.length) / MEGABYTE / ((performance.now() - began) / 1000));
  }
  console.log(`${name.padEnd(48)} ${best.toFixed(0).padStart(6)} MB/s of the wire`);
}

measure("yEnc from wire bytes, checksums held", fromWire);
measure("the same in a plain loop", plainLoop);
