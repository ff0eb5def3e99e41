/** Undoes content codings (RFC 9110, 8.4) with back-pressure; a coding that breaks off is an error. */
import { pipeline, Readable, type Transform } from "node:stream";
import zlib from "node:zlib";
import { messageOf, PortholeError } from "../../src/errors.js";

/** Codings deeper than this are an attack, not a use. */
const MOST_CODINGS = 3;

/** From Node 22.15 on. */
const zstd = (zlib as { createZstdDecompress?: () => Transform }).createZstdDecompress;

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
 * `body` as it was before the codings. Destroying the result destroys `body`.
 * @throws PortholeError `protocol` for a coding that was not asked for
 */
export async function decoded(body: Readable, codings: readonly string[]): Promise<Readable> {
  if (codings.length > MOST_CODINGS) {
    throw new PortholeError("protocol", `the body is coded ${codings.length} times over`);
  }
  let stream = body;
  for (const coding of [...codings].reverse()) {
    const decoder = await decoderFor(stream, coding);
    stream = Readable.from(undone(stream, decoder, coding), { objectMode: false });
  }
  return stream;
}

async function* undone(body: Readable, decoder: Transform, coding: string): AsyncGenerator<Buffer> {
  let bodyFailure: unknown;
  body.once("error", (error) => {
    bodyFailure = error;
  });
  pipeline(body, decoder, () => {
    // Whatever ends it ends the iteration below.
  });
  try {
    for await (const chunk of decoder) yield chunk;
  } catch (thrown) {
    if (bodyFailure !== undefined) throw bodyFailure;
    const words = /unexpected end|premature close/i.test(messageOf(thrown))
      ? `the ${coding} body breaks off`
      : `the body says it is ${coding} and is not (${messageOf(thrown)})`;
    throw new PortholeError("protocol", words, { cause: thrown });
  } finally {
    body.destroy();
  }
}

async function decoderFor(body: Readable, coding: string): Promise<Transform> {
  switch (coding) {
    case "gzip":
    case "x-gzip":
      return zlib.createGunzip();
    case "deflate": {
      // RFC 9110, 8.4.1.2: zlib's form is meant; some servers send raw deflate, which the first octet tells.
      const first = await firstOctet(body);
      return first === undefined || (first & 0x0f) === 0x08 ? zlib.createInflate() : zlib.createInflateRaw();
    }
    case "br":
      return zlib.createBrotliDecompress();
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
    await new Promise<void>((resolve) => {
      const settle = () => {
        for (const event of ["readable", "end", "error", "close"]) body.off(event, settle);
        resolve();
      };
      for (const event of ["readable", "end", "error", "close"]) body.once(event, settle);
    });
  }
}
