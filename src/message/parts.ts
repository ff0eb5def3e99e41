/** The parts of a message, as it comes: what there is, and the octets of one. */

import { PortholeError } from "../errors.js";
import { extensionOf } from "../files/media-type.js";
import { safeFileName } from "../text/filename.js";
import { type MimeEvent, MimeParser, type Part } from "./mime.js";
import { parameterText, partFileName } from "./parameters.js";
import { transferDecoding } from "./transfer-coding.js";

export interface PartFacts {
  /** `1`, `2.1` (RFC 3501, 6.4.5). */
  readonly section: string;
  /** Lower case: `image/png`. */
  readonly type: string;
  readonly charset: string | undefined;
  /** One safe file name, whatever the message proposes. */
  readonly filename: string;
  /** It is for saving rather than for reading: it says so, or it is no text. */
  readonly attached: boolean;
}

export interface CountedPart extends PartFacts {
  /** Octets, transfer encoding undone. */
  readonly size: number;
}

/** What a part is. */
export async function factsOf(part: Part): Promise<PartFacts> {
  const proposed = await partFileName(part.header);
  const charset = await parameterText(part.contentType.parameters.get("charset"));
  const fallback = `part-${part.section || "0"}${extensionOf(part.type)}`;
  const last = proposed?.split(/[/\\]/).at(-1) ?? "";
  const readable = /^text\/(?:plain|html)$/.test(part.type);
  return {
    section: part.section,
    type: part.type,
    charset,
    filename: last === "" ? fallback : safeFileName(last, { fallback }),
    attached: part.disposition === "attachment" || !readable,
  };
}

/** Every part that is no multipart, in order, each told when its last octet has come. Nothing is held. */
export async function* partsOf(
  message: AsyncIterable<Uint8Array>,
): AsyncGenerator<CountedPart, void, undefined> {
  const parser = new MimeParser();
  const counts = new Map<Part, { decoding: ReturnType<typeof transferDecoding>; size: number }>();
  const take = async function* (events: Iterable<MimeEvent>): AsyncGenerator<CountedPart> {
    for (const event of events) {
      const { part } = event;
      if (part.container === "multipart") continue;
      if (event.kind === "begin") {
        counts.set(part, { decoding: transferDecoding(part.encoding), size: 0 });
        continue;
      }
      const count = counts.get(part);
      if (count === undefined) continue;
      if (event.kind === "octets") count.size += count.decoding.write(event.octets).length;
      else {
        counts.delete(part);
        // A message within the message is told by its parts; its own octets went to them.
        if (part.container === undefined) {
          yield { ...(await factsOf(part)), size: count.size + count.decoding.end().length };
        }
      }
    }
  };
  for await (const chunk of message) yield* take(parser.feed(chunk));
  yield* take(parser.end());
}

export interface OpenPart extends PartFacts {
  /** Transfer encoding undone. */
  readonly octets: AsyncIterable<Buffer>;
  /** Leaves the message, whether the part was read or not. */
  leave(): Promise<void>;
}

/**
 * One part of a message, as soon as it begins.
 * @throws PortholeError `missing` when there is none of this number
 */
export async function openPart(message: AsyncIterable<Uint8Array>, section: string): Promise<OpenPart> {
  const parser = new MimeParser(section);
  const events = eventsOf(message, parser);
  try {
    for (;;) {
      const { done, value } = await events.next();
      if (done === true) throw noPart(section);
      if (value.kind !== "begin" || value.part.section !== section || value.part.container !== undefined)
        continue;
      const facts = await factsOf(value.part);
      return {
        ...facts,
        octets: octetsOf(events, value.part),
        leave: async () => {
          await events.return();
        },
      };
    }
  } catch (thrown) {
    await events.return();
    throw thrown;
  }
}

function noPart(section: string): PortholeError {
  return new PortholeError("missing", `the message has no part ${section}`, {
    reply: `no part ${section}`,
    hint: "ls of the message shows its parts",
  });
}

async function* eventsOf(
  message: AsyncIterable<Uint8Array>,
  parser: MimeParser,
): AsyncGenerator<MimeEvent, void, undefined> {
  for await (const chunk of message) yield* parser.feed(chunk);
  yield* parser.end();
}

async function* octetsOf(
  events: AsyncGenerator<MimeEvent, void, undefined>,
  part: Part,
): AsyncGenerator<Buffer, void, undefined> {
  const decoding = transferDecoding(part.encoding);
  try {
    for await (const event of events) {
      if (event.part !== part || event.kind === "begin") continue;
      const octets = event.kind === "octets" ? decoding.write(event.octets) : decoding.end();
      // The parser's buffers are its input; what is handed out is kept by whoever takes it.
      if (octets.length > 0) yield octets;
      if (event.kind === "end") return;
    }
  } finally {
    await events.return();
  }
}
