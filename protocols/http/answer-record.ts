/** An answer as one object, for --json: its head, its way, its times, and its body where that is small enough. */
import type { Readable } from "node:stream";
import { PortholeError } from "../../src/errors.js";
import type { JsonObject, JsonValue } from "../../src/plugin.js";
import { decoderFor, sniffCharset } from "../../src/text/charset.js";
import { type HttpRequest, headerValue } from "./engine.js";
import { type Answer, joinedHeaders } from "./entry.js";
import { parseMediaType } from "./media-type.js";
import { urlOf } from "./redirects.js";
import { timingOf } from "./timing.js";

/** Octets of a body that become part of an object. */
const MOST_BODY = 16 * 1024 * 1024;

/** @throws PortholeError `usage` for a body that is too large, and what the body fails with */
export async function answerRecord(answer: Answer, body: Readable): Promise<JsonObject> {
  const { place, response, hops } = answer;
  const contentType = response.headers.find(([name]) => name.toLowerCase() === "content-type")?.[1];
  const { type, charset } = parseMediaType(contentType);
  const octets = await wholeOf(body);
  const last = hops.at(-1);
  const trailers = response.trailers?.() ?? [];
  const timing = timingOf(hops, performance.now());
  return {
    url: urlOf(place),
    method: last?.request.method ?? "",
    status: response.status,
    reason: response.reason,
    ...(response.version === undefined ? {} : { version: response.version }),
    headers: joinedHeaders(response.headers),
    ...(hops.some(({ information }) => information.length > 0)
      ? {
          information: hops.flatMap(({ information }) =>
            information.map(({ status, headers }) => ({ status, headers: joinedHeaders(headers) })),
          ),
        }
      : {}),
    ...(trailers.length > 0 ? { trailers: joinedHeaders(trailers) } : {}),
    ...(hops.length > 1
      ? {
          before: hops.slice(0, -1).map((hop) => ({
            url: urlOf(hop.place),
            method: hop.request.method,
            status: hop.response.status,
          })),
        }
      : {}),
    ...(contentType === undefined ? {} : { type }),
    size: octets.length,
    ms: Object.fromEntries(Object.entries(timing).map(([name, ms]) => [name, Math.round(ms * 1000) / 1000])),
    ...(await contentOf(octets, type, charset)),
  };
}

/** A request that was not sent, as one object. @throws PortholeError `usage` for a body that is too large */
export async function requestRecord(
  { method, headers }: Pick<HttpRequest, "method" | "headers">,
  url: string,
  body: AsyncIterable<Uint8Array>,
): Promise<JsonObject> {
  const octets = await wholeOf(body);
  const { type, charset } = parseMediaType(headerValue(headers, "content-type"));
  return { url, method, headers: joinedHeaders(headers), ...(await contentOf(octets, type, charset)) };
}

async function contentOf(octets: Buffer, type: string, charset: string | undefined): Promise<JsonObject> {
  if (octets.length === 0) return {};
  if (/^application\/(?:.+\+)?json$/.test(type)) {
    const value = jsonIn(octets);
    if (value !== undefined) return { json: value };
  }
  if (/^text\/|[/+](?:xml|json|yaml|javascript|x-www-form-urlencoded)$/.test(type)) {
    const decoding = await decoderFor(sniffCharset(octets.subarray(0, 1024), charset));
    return { text: decoding.write(octets) + decoding.end() };
  }
  const text = octets.toString("utf8");
  return Buffer.from(text, "utf8").equals(octets) ? { text } : { base64: octets.toString("base64") };
}

function jsonIn(octets: Buffer): JsonValue | undefined {
  try {
    return JSON.parse(octets.toString("utf8"));
  } catch {
    return undefined;
  }
}

async function wholeOf(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of body) {
    size += piece.length;
    if (size > MOST_BODY) {
      throw new PortholeError("usage", `the body is larger than the ${MOST_BODY} octets that --json shows`, {
        hint: "-o FILE saves it",
      });
    }
    pieces.push(piece);
  }
  return Buffer.concat(pieces, size);
}
