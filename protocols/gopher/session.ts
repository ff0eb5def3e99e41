/** Gopher's session: each request has a connection of its own (RFC 1436, 2). */
import { PortholeError } from "../../src/errors.js";
import type { Connection } from "../../src/net/connection.js";
import type {
  CheckStep,
  Context,
  Document,
  Entry,
  EntryKind,
  ListQuery,
  Session,
  Target,
} from "../../src/plugin.js";
import { decodeWords } from "../../src/wire/words.js";
import { type Answer, answerOf, streamOf } from "./answer.js";
import { answeredStep } from "./check.js";
import { entryOfItem, entryOfPath, type MenuPlace, nameOf } from "./entry.js";
import { itemsOf } from "./menu.js";
import { textOf } from "./text.js";
import { itemType, mediaTypeOf } from "./types.js";
import { formatPath, type GopherPath, parsePath, requestOf } from "./url.js";

export class GopherSession implements Session {
  readonly #target: Target;
  readonly #context: Context;
  /** That of the request under way, or of the last. */
  #connection: Connection | undefined;

  constructor(target: Target, context: Context) {
    this.#target = target;
    this.#context = context;
  }

  /** The item type in the URL tells, and so do a search's words: what they find is a menu. */
  kindOf(path: string): EntryKind {
    const asked = parsePath(path);
    const { kind } = itemType(asked.type);
    return kind === "search" && asked.search !== undefined ? "menu" : kind;
  }

  /** The items of a menu, or of a search whose words stand in the path. */
  async *list(path: string, query: ListQuery = {}): AsyncGenerator<Entry, void, undefined> {
    const asked = parsePath(path);
    const { title, kind, transfer } = itemType(asked.type);
    if (kind === "search" && asked.search === undefined) {
      throw new PortholeError("usage", "a search wants words", { hint: "use the verb search" });
    }
    if (transfer !== "menu" || asked.plus !== undefined) {
      const what = asked.plus === undefined ? `type ${asked.type} (${title})` : "what Gopher+ answers";
      throw new PortholeError("usage", `${what} cannot be listed`, {
        hint: "use the verb get; a menu's URL has a 1 after the host",
      });
    }
    yield* this.#menu(asked, query);
  }

  /** Asks an item of type 7 for what has these words. */
  async *search(path: string, words: string, query: ListQuery = {}): AsyncGenerator<Entry, void, undefined> {
    const asked = parsePath(path);
    if (itemType(asked.type).kind !== "search") {
      throw new PortholeError("usage", `type ${asked.type} (${itemType(asked.type).title}) is no search`, {
        hint: "a search's URL has a 7 after the host; a menu lists those there are",
      });
    }
    yield* this.#menu({ ...asked, search: Buffer.from(words), plus: undefined }, query);
  }

  /** Any item: texts without what ends them, all else octet for octet up to the server's close. */
  async read(path: string): Promise<Document> {
    const asked = parsePath(path);
    const { connection, answer } = await this.#ask(asked);
    const isText = itemType(asked.type).transfer === "text" && asked.plus === undefined;
    const filename = nameOf(decodeWords(asked.selector));
    return {
      entry: entryOfPath(asked, this.#placeOf(asked)),
      type: mediaTypeOf(asked.type, decodeWords(asked.selector)),
      offset: 0,
      ...(filename === undefined ? {} : { filename }),
      body: streamOf(isText ? textOf(answer.chunks) : answer.chunks, connection),
    };
  }

  /** Gopher has no way to ask for facts alone: the item is asked for, and left as soon as its answer begins. */
  async stat(path: string): Promise<Entry> {
    const asked = parsePath(path);
    const { connection } = await this.#ask(asked);
    connection.destroy();
    return entryOfPath(asked, this.#placeOf(asked));
  }

  /** Gopher has neither greeting nor login: one item is asked for. */
  async *check(): AsyncGenerator<CheckStep, void, undefined> {
    const began = performance.now();
    const { connection, answer } = await this.#ask(parsePath(this.#target.path));
    connection.destroy();
    yield answeredStep(answer.beginning, performance.now() - began);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const connection = this.#connection;
    if (connection === undefined || connection.destroyed) return;
    connection.destroy(new PortholeError("aborted", "the session was closed before the end"));
  }

  async *#menu(asked: GopherPath, query: ListQuery): AsyncGenerator<Entry, void, undefined> {
    if (query.recursive) {
      throw new PortholeError(
        "usage",
        "menus are listed one at a time: they link in circles and to other hosts",
      );
    }
    let left = query.limit ?? Number.POSITIVE_INFINITY;
    if (left <= 0) return;
    const menu = this.#placeOf(asked);
    const { connection, answer } = await this.#ask(asked);
    try {
      for await (const item of itemsOf(answer.chunks)) {
        yield entryOfItem(item, menu);
        if (--left <= 0) return;
      }
    } finally {
      connection.destroy();
    }
  }

  async #ask(asked: GopherPath): Promise<{ connection: Connection; answer: Answer }> {
    const { host, port, tls, url } = this.#target;
    const { title, transfer } = itemType(asked.type);
    if (transfer === "elsewhere") {
      throw new PortholeError("usage", `type ${asked.type} (${title}) is not served over Gopher`, {
        hint: "the menu that has it gives the URL to open",
      });
    }
    const request = requestOf(asked);
    const connection = await this.#context.dial({
      host,
      port,
      scheme: url.scheme,
      ...(tls === "always" ? { tls: {} } : {}),
    });
    this.#connection = connection;
    try {
      connection.write(request);
      const answer = await answerOf(connection, transfer);
      // A document may be empty. A menu has at least its dot, or else an item.
      if (transfer === "menu" && answer.beginning.length === 0) {
        throw new PortholeError("connect", "the server closed the connection without an answer");
      }
      return { connection, answer };
    } catch (thrown) {
      connection.destroy();
      throw thrown;
    }
  }

  #placeOf(asked: GopherPath): MenuPlace {
    const { host, port, url } = this.#target;
    return { url: this.#target.href(formatPath(asked)), scheme: url.scheme, host, port };
  }
}
