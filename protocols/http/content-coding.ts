/** Undoes content codings (RFC 9110, 8.4) with back-pressure; a coding that breaks off is an error. */
import { pipeline, type Readable, type Transform } from "node:stream";
import zlib from "node:zlib";
import { messageOf, PortholeError } from "../../src/errors.js";
import { WordedBody } from "./worded-body.js";

/** Codings deeper than this are an attack, not a use. */
const MOST_CODINGS = 3;

/** Octets that a decoder gives at once. */
const OUTPUT_PIECE = { chunkSize: 64 * 1024 };

/** Zstandard comes with Node 22.15. */
const decoders: { createGunzip: unknown; createZstdDecompress?: () => Transform } = zlib;
const zstd = decoders.createZstdDecompress;

/** What is asked for. */
export const ACCEPTED_CODINGS = zstd === undefined ? "gzip, deflate, br" : "gzip, deflate, br, zstd";

/** The codings of a Content-Encoding value, outermost last; `identity` is none. */
export function codingsOf(value: string | undefined): string[] {
  return (value ?? "")
    .split(",")
    .map((coding) => coding.trim().toLowerCase())
    .filter((coding) => coding !== "" && coding !== "identity");
}

/**
 * `body` as it was before the codings. Destroying the result destroys `body`, and so does a failure here.
 * @throws PortholeError `protocol` for a coding that was not asked for, and what `body` fails with
 */
export async function decoded(body: Readable, codings: readonly string[]): Promise<Readable> {
  let stream = body;
  try {
    if (codings.length > MOST_CODINGS) {
      throw new PortholeError("protocol", `the body is coded ${codings.length} times over`);
    }
    for (const coding of [...codings].reverse()) {
      // A server that codes nothing at all sends nothing at all.
      const first = await firstOctet(stream);
      if (first === undefined) break;
      const decoder = decoderFor(coding, first);
      pipeline(stream, decoder, () => {
        // Whatever went wrong, the decoder fails with it, and its reader is told below.
      });
      stream = new WordedBody(decoder, (thrown) => codingFailure(thrown, coding));
    }
    return stream;
  } catch (thrown) {
    stream.destroy();
    throw thrown;
  }
}

function codingFailure(thrown: unknown, coding: string): PortholeError {
  // The body beneath has failed.
  if (thrown instanceof PortholeError) return thrown;
  const words = /unexpected end|premature close|aborted/i.test(messageOf(thrown))
    ? `the ${coding} body breaks off`
    : `the body says it is ${coding} and is not (${messageOf(thrown)})`;
  return new PortholeError("protocol", words, { cause: thrown });
}

function decoderFor(coding: string, firstOctet: number): Transform {
  switch (coding) {
    case "gzip":
    case "x-gzip":
      return zlib.createGunzip(OUTPUT_PIECE);
    case "deflate":
      // RFC 9110, 8.4.1.2: zlib's form is meant; some servers send raw deflate, which the first octet tells.
      return (firstOctet & 0x0f) === 0x08
        ? zlib.createInflate(OUTPUT_PIECE)
        : zlib.createInflateRaw(OUTPUT_PIECE);
    case "br":
      return zlib.createBrotliDecompress(OUTPUT_PIECE);
    case "zstd":
      if (zstd !== undefined) return zstd();
  }
  throw new PortholeError("protocol", `the body is coded in '${coding}', which was not asked for`);
}

/** The first octet, put back; undefined for an empty body. */
async function firstOctet(body: Readable): Promise<number | undefined> {
  for (;;) {
    const chunk: unknown = body.read();
    if (chunk instanceof Buffer && chunk.length > 0) {
      body.unshift(chunk);
      return chunk[0];
    }
    if (body.readableEnded) return undefined;
    if (body.destroyed) throw body.errored ?? new PortholeError("aborted", "the body was given up");
    await somethingHappens(body);
  }
}

function somethingHappens(body: Readable): Promise<void> {
  const events = ["readable", "end", "error", "close"];
  return new Promise((resolve) => {
    const settle = () => {
      for (const event of events) body.off(event, settle);
      resolve();
    };
    for (const event of events) body.once(event, settle);
  });
}
