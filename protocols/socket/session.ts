/** A socket as a Session: each call has a connection of its own. */
import { Readable } from "node:stream";
import { PortholeError } from "../../src/errors.js";
import type { Connection } from "../../src/net/connection.js";
import { firstWords } from "../../src/net/first-words.js";
import type {
  CheckStep,
  Context,
  Document,
  Entry,
  Interaction,
  Session,
  Target,
  WatchEvent,
} from "../../src/plugin.js";
import { dialPlace, listenPlace, shownPlace } from "./address.js";
import { interactionOf } from "./interaction.js";

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

  /** A piece of what comes, an event. */
  async *watch(): AsyncGenerator<WatchEvent, void, undefined> {
    const { body } = await this.read();
    for await (const piece of body) {
      const octets = Buffer.from(piece);
      yield {
        event: "data",
        entry: { ...this.#entry(), size: octets.length, meta: { text: octets.toString("utf8") } },
        at: new Date(),
      };
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
      return interactionOf(this.#hold(await this.#context.dial(endpoint)));
    const { datagramInteraction } = await import("./interaction.js");
    const interaction = datagramInteraction(await this.#context.dialDatagrams(endpoint));
    this.#open.add(() => interaction.destroy());
    return interaction;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const close of this.#open) close();
    this.#open.clear();
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
    return this.#hold(await this.#context.dial(dialPlace(this.#target)));
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
