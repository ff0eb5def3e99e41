/** Parts of a message as documents of their own, transfer encoding undone: one by its number, or all that are attached. */
import { Readable } from "node:stream";
import { PortholeError } from "../errors.js";
import type { Document } from "../plugin.js";
import { type MimeEvent, MimeParser, type Part } from "./mime.js";
import { factsOf, openPart, type PartFacts } from "./parts.js";
import { transferDecoding } from "./transfer-coding.js";

const MESSAGE = /^message\/(?:rfc822|news|global)$/i;

/** @throws PortholeError `usage` for what is no message, `missing` for a part that there is none of */
export async function partOf(message: Document, section: string): Promise<Document> {
  mustBeMessage(message);
  const part = await openPart(octetsOf(message.body), section);
  const body = Readable.from(part.octets, { objectMode: false });
  body.once("close", () => {
    // Nothing was written to what is left.
    part.leave().catch(() => undefined);
  });
  return partDocument(message, part, body);
}

/**
 * Every part that is for saving rather than for reading, as it comes: each is read to its end, or left, before the next.
 * @throws PortholeError `usage` for what is no message, and what the message's body fails with
 */
export async function* attachmentsOf(message: Document): AsyncGenerator<Document, void, undefined> {
  mustBeMessage(message);
  const events = eventsOf(message.body);
  try {
    for (;;) {
      const { done, value } = await events.next();
      if (done === true) return;
      const { kind, part } = value;
      if (kind !== "begin" || part.container !== undefined) continue;
      const facts = await factsOf(part);
      if (!facts.attached) continue;
      const rest = new PartOctets(events, part);
      yield partDocument(message, facts, Readable.from(rest.octets(), { objectMode: false }));
      await rest.pass();
    }
  } finally {
    await events.return();
  }
}

function mustBeMessage({ type, body }: Document): void {
  if (MESSAGE.test(type)) return;
  body.destroy();
  throw new PortholeError("usage", `this is ${type} and no message`, {
    hint: "parts and attachments are in mails and articles",
  });
}

function partDocument(message: Document, facts: PartFacts, body: Readable): Document {
  const { section, type, charset, filename, attached } = facts;
  return {
    entry: {
      url: message.entry.url,
      name: filename,
      kind: "file",
      type,
      meta: { section, attached },
    },
    type,
    ...(charset === undefined ? {} : { charset }),
    offset: 0,
    filename,
    body,
  };
}

/** The octets of one part, out of the events of the message. */
class PartOctets {
  readonly #events: AsyncGenerator<MimeEvent, void, undefined>;
  readonly #part: Part;
  #ended = false;

  constructor(events: AsyncGenerator<MimeEvent, void, undefined>, part: Part) {
    this.#events = events;
    this.#part = part;
  }

  async *octets(): AsyncGenerator<Buffer, void, undefined> {
    const decoding = transferDecoding(this.#part.encoding);
    while (!this.#ended) {
      const event = await this.#next();
      if (event === undefined) return;
      const octets = event.kind === "octets" ? decoding.write(event.octets) : decoding.end();
      if (octets.length > 0) yield octets;
    }
  }

  /** What is left of it. */
  async pass(): Promise<void> {
    while (!this.#ended) await this.#next();
  }

  async #next(): Promise<Exclude<MimeEvent, { kind: "begin" }> | undefined> {
    for (;;) {
      const { done, value } = await this.#events.next();
      if (done === true) {
        this.#ended = true;
        return undefined;
      }
      if (value.part !== this.#part || value.kind === "begin") continue;
      if (value.kind === "end") this.#ended = true;
      return value;
    }
  }
}

async function* eventsOf(body: Readable): AsyncGenerator<MimeEvent, void, undefined> {
  const parser = new MimeParser();
  for await (const chunk of octetsOf(body)) yield* parser.feed(chunk);
  yield* parser.end();
}

async function* octetsOf(body: Readable): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of body) {
    if (!(chunk instanceof Uint8Array))
      throw new TypeError("a document's body holds something that is no octets");
    yield chunk;
  }
}
