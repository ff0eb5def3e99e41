/**
 * How fast yEnc is decoded from wire bytes, dots undone and checksums held, on one core: `npm run bench yenc`. The peer is
 * npm's simple-yenc, which takes a string of the encoded octets alone: header, dots and line ends are taken out for it, in
 * the shortest way that there is, and zlib holds its checksum. Its rate for a string that is ready stands beside.
 */
import { crc32 } from "node:zlib";
import { decode } from "simple-yenc";
import { generatedContent, piecesOf } from "../fixtures/servers/content.js";
import { yEncode } from "../fixtures/servers/nntp-binaries.js";
import { DotWriter } from "../src/wire/dot-writer.js";
import { DotReader } from "../src/wire/dots.js";
import { YencDecoder } from "../src/wire/yenc.js";
import type { Bench } from "./bench.js";
import { median } from "./harness.js";

const MEGABYTE = 1_000_000;
/** Octets of an article, as posting programs cut them. */
const PART = 700 * 1024;
const ARTICLES = 70;
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

const CHECKSUM = crc32(octets);
const payload = body
  .subarray(body.indexOf("\n") + 1, body.lastIndexOf("\r\n=yend"))
  .toString("latin1")
  .replaceAll("\r\n", "");

function bySimpleYenc(): number {
  const text = wire.toString("latin1");
  const plain = text
    .slice(text.indexOf("\n") + 1, text.lastIndexOf("\r\n=yend"))
    .replaceAll("\r\n..", "\r\n.")
    .replaceAll("\r\n", "");
  const target = decode(plain);
  if (crc32(target) !== CHECKSUM) throw new Error("the article is not whole");
  return target.length;
}

function bySimpleYencAtItsBest(): number {
  const { length } = decode(payload);
  if (length !== PART) throw new Error("the article is not whole");
  return length;
}

/** MB of the wire a second. */
function rate(decodeOne: () => number): number {
  const began = performance.now();
  for (let count = 0; count < ARTICLES; count++) decodeOne();
  return (ARTICLES * wire.length) / MEGABYTE / ((performance.now() - began) / 1000);
}

function judged(what: string, value: number, unit: string, least: number | undefined): boolean {
  const held = least === undefined || value >= least;
  const verdict = least === undefined ? "" : ` (limit ${least}: ${held ? "held" : "MISSED"})`;
  process.stdout.write(`${what.padEnd(44)} ${value.toFixed(unit === "x" ? 1 : 0)} ${unit}${verdict}\n`);
  return held;
}

/** In turn, so that a machine that slows down slows all. */
function compare(): boolean {
  const rates: Record<"own" | "loop" | "peer" | "best", number[]> = { own: [], loop: [], peer: [], best: [] };
  for (let round = -1; round < ROUNDS; round++) {
    const [own, loop, peer] = [rate(fromWire), rate(plainLoop), rate(bySimpleYenc)];
    const best = rate(bySimpleYencAtItsBest);
    if (round < 0) continue;
    rates.own.push(own);
    rates.loop.push(loop);
    rates.peer.push(peer);
    rates.best.push(best);
  }
  const ratios = rates.own.map((own, at) => own / (rates.peer[at] ?? Number.NaN));
  const quick = judged("yEnc from wire bytes, checksums held", median(rates.own), "MB/s", 300);
  judged("the same in a plain loop", median(rates.loop), "MB/s", undefined);
  judged("simple-yenc, from wire bytes, checksum held", median(rates.peer), "MB/s", undefined);
  judged("simple-yenc, from a ready string, no checksum", median(rates.best), "MB/s", undefined);
  return judged("yEnc, by simple-yenc's rate", median(ratios), "x", 5) && quick;
}

export const bench: Bench = () => ({ pairs: [], bounds: [], comparisons: [compare] });
