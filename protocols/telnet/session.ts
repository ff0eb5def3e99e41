/** Telnet as a Session: one connection, for one reader or one person. */
import { StringDecoder } from "node:string_decoder";
import { PortholeError } from "../../src/errors.js";
import { Conversation } from "../../src/net/conversation.js";
import type {
  CheckStep,
  Document,
  Entry,
  Interaction,
  Outgoing,
  Screen,
  SendReport,
  Session,
  Target,
  WatchEvent,
} from "../../src/plugin.js";
import type { TelnetStream } from "./stream.js";

/** Milliseconds that a server has to say something of its own, and of silence after which it has. */
const UNASKED = 3000;
const QUIET = 200;
/** Characters of it that a report shows. */
const SHOWN = 200;
/** Milliseconds for the close to be told. */
const FAREWELL = 1000;

export class TelnetSession implements Session {
  #stream: TelnetStream;
  readonly #target: Target;
  readonly #connect: () => Promise<TelnetStream>;

  /** @param connect makes another stream, for whoever goes on after the first has ended */
  constructor(stream: TelnetStream, target: Target, connect: () => Promise<TelnetStream>) {
    this.#stream = stream;
    this.#target = target;
    this.#connect = connect;
  }

  kindOf(): "session" {
    return "session";
  }

  /** All that the server says until it closes. */
  async read(): Promise<Document> {
    const body = await this.#live();
    // Nothing more will be said there, by either side.
    body.once("end", () => body.destroy());
    return { entry: this.#entry(), type: "text/plain", charset: "utf-8", offset: 0, body };
  }

  /** A piece of output, an event. */
  async *watch(): AsyncGenerator<WatchEvent, void, undefined> {
    const stream = await this.#live();
    stream.connection.patient = true;
    // A character may come in pieces.
    const decoder = new StringDecoder("utf8");
    for await (const piece of stream) {
      const octets = Buffer.from(piece);
      const text = decoder.write(octets);
      const entry = { ...this.#entry(), size: octets.length, meta: { text } };
      yield { event: "data", entry, at: new Date(), text: text.replace(/\r?\n$/, "") };
    }
  }

  /** What is said unasked, which most often is the question who comes; and what was agreed on meanwhile. */
  async *check(): AsyncGenerator<CheckStep, void, undefined> {
    const began = performance.now();
    const stream = await this.#live();
    const talk = new Conversation(stream);
    if (await talk.waitForText(UNASKED)) await talk.settle(QUIET, UNASKED);
    const said = talk
      .take()
      .trim()
      .split(/[\r\n]+/);
    const ms = performance.now() - began;
    if (said[0] !== "") yield { step: "greeting", ok: true, ms, detail: said.join(" / ").slice(0, SHOWN) };
    const { agreed } = stream;
    if (agreed.length > 0) yield { step: "capabilities", ok: true, ms: 0, detail: agreed.join(", ") };
  }

  /** Takes a conversation written down in YAML, and holds it: docs/telnet-scripts.md. */
  async send(outgoing: Outgoing): Promise<SendReport> {
    const { sendScript } = await import("./sent-script.js");
    return sendScript(outgoing, () => this.#live(), this.#entry().url);
  }

  /** @param screen what the server is told of, where the user's options do not say otherwise */
  async interact(screen?: Screen): Promise<Interaction> {
    const stream = await this.#live();
    stream.connection.patient = true;
    if (screen !== undefined) stream.seat(screen);
    return stream;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { connection } = this.#stream;
    if (this.#stream.destroyed) return;
    // Telnet has no goodbye of its own: the close is it. What is still to be sent goes first.
    await new Promise<void>((resolve) => {
      const done = () => {
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(done, FAREWELL);
      connection.once("close", done);
      connection.end(done);
    });
    this.#stream.destroy(new PortholeError("aborted", "the session was closed before the end"));
  }

  async #live(): Promise<TelnetStream> {
    if (this.#stream.destroyed) this.#stream = await this.#connect();
    return this.#stream;
  }

  #entry(): Entry {
    return {
      url: this.#target.href(this.#target.path),
      name: this.#target.host,
      kind: "session",
      meta: {},
    };
  }
}
