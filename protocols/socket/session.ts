/** A socket as a Session: each call has a connection of its own. */
import { Readable } from "node:stream";
import { StringDecoder } from "node:string_decoder";
import { PortholeError } from "../../src/errors.js";
import type { Connection } from "../../src/net/connection.js";
import { firstWords } from "../../src/net/first-words.js";
import type {
  CheckStep,
  Context,
  Document,
  Entry,
  Interaction,
  Outgoing,
  SendReport,
  Session,
  Source,
  Target,
  WatchEvent,
} from "../../src/plugin.js";
import { dialPlace, listenPlace, shownPlace } from "./address.js";
import type { Delivery } from "./delivery.js";
import { interactionOf } from "./interaction.js";
import { dial } from "./opened.js";

/** Of an answer, as a report tells it. */
const SHOWN_ANSWER = 200;
/** Milliseconds that a server has to say something of its own. */
const UNASKED = 300;

export class SocketSession implements Session {
  readonly #target: Target;
  readonly #context: Context;
  /** Closes what is open. */
  readonly #open = new Set<() => void>();

  constructor(target: Target, context: Context) {
    this.#target = target;
    this.#context = context;
  }

  kindOf(): "session" {
    return "session";
  }

  /** What the peer sends until it closes; of a `udp:` URL, what comes to that place on this machine. */
  async read(): Promise<Document> {
    const body = this.#target.url.scheme === "udp" ? await this.#datagrams() : await this.#dial();
    // Nothing is to be said there any more.
    body.once("end", () => body.destroy());
    return { entry: this.#entry(), type: "application/octet-stream", offset: 0, body };
  }

  /** The octets go to whoever is there; of a `udp:` URL they are one datagram. A place has no names: any path is the place. */
  async write(_path: string, source: Source): Promise<Entry> {
    const { sent } = await this.#deliver(source.body);
    return { ...this.#entry(), size: sent };
  }

  /** @throws PortholeError `usage` for a message, which needs a protocol to be sent by */
  async send(outgoing: Outgoing): Promise<SendReport> {
    if (outgoing.kind !== "octets")
      throw new PortholeError("usage", "a socket takes octets, and no message", {
        hint: "smtp: sends mails, nntp: articles",
      });
    const { sent, answer } = await this.#deliver(outgoing.source.body);
    const size = sent === 1 ? "1 octet" : `${sent} octets`;
    // Its first line; a peer need not say anything.
    const said = /\S.*/.exec(answer.toString("utf8"))?.[0].trim().slice(0, SHOWN_ANSWER);
    return {
      accepted: [this.#entry().url],
      refused: [],
      reply: said === undefined ? size : `${size}, answered by: ${said}`,
      size: sent,
    };
  }

  /** A piece of what comes, an event. */
  async *watch(): AsyncGenerator<WatchEvent, void, undefined> {
    const { body } = await this.read();
    // A character may come in pieces.
    const decoder = new StringDecoder("utf8");
    for await (const piece of body) {
      const octets = Buffer.from(piece);
      const text = decoder.write(octets);
      const entry = { ...this.#entry(), size: octets.length, meta: { text } };
      yield { event: "data", entry, at: new Date(), text: text.replace(/\r?\n$/, "") };
    }
  }

  /** Whether somebody answers there; and what is said, where something is said unasked. */
  async *check(): AsyncGenerator<CheckStep, void, undefined> {
    if (this.#target.url.scheme === "udp") {
      throw new PortholeError("usage", "UDP does not tell whether anybody listens", {
        hint: "send something and see what comes: porthole socket connect",
      });
    }
    const began = performance.now();
    const words = await firstWords(await this.#dial(), UNASKED);
    if (words.length === 0) return;
    yield {
      step: "greeting",
      ok: true,
      ms: performance.now() - began,
      detail: words.toString("utf8").split(/\r?\n/)[0] ?? "",
    };
  }

  async interact(): Promise<Interaction> {
    const endpoint = { ...dialPlace(this.#target), patient: true };
    if (this.#target.url.scheme !== "udp")
      return interactionOf(this.#hold(await dial(this.#context, endpoint)));
    const { datagramInteraction } = await import("./interaction.js");
    const interaction = datagramInteraction(await this.#context.dialDatagrams(endpoint));
    this.#open.add(() => interaction.destroy());
    return interaction;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const close of this.#open) close();
    this.#open.clear();
  }

  async #deliver(body: AsyncIterable<Uint8Array>): Promise<Delivery> {
    const { asOneDatagram, deliver, deliverDatagrams } = await import("./delivery.js");
    if (this.#target.url.scheme !== "udp") return deliver(body, this.#target, this.#context, false);
    const sent = await deliverDatagrams(asOneDatagram(body), this.#target, this.#context);
    return { sent, answer: Buffer.alloc(0) };
  }

  #entry(): Entry {
    return {
      url: this.#target.href(this.#target.path),
      name: shownPlace(this.#target),
      kind: "session",
      meta: {},
    };
  }

  async #dial(): Promise<Connection> {
    return this.#hold(await dial(this.#context, dialPlace(this.#target)));
  }

  #hold(connection: Connection): Connection {
    const close = () => {
      connection.destroy(new PortholeError("aborted", "the session was closed before the end"));
    };
    this.#open.add(close);
    connection.once("close", () => this.#open.delete(close));
    return connection;
  }

  async #datagrams(): Promise<Readable> {
    const listener = await this.#context.listenDatagrams(listenPlace(this.#target));
    async function* octets() {
      for await (const datagram of listener) yield datagram.octets;
    }
    const body = Readable.from(octets(), { objectMode: false }).once("close", () => listener.close());
    this.#open.add(() => body.destroy());
    return body;
  }
}
