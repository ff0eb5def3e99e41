/** Gopher's session: each request has a connection of its own (RFC 1436, 2). */
import { PortholeError } from "../../src/errors.js";
import type { Connection } from "../../src/net/connection.js";
import type { Endpoint } from "../../src/net/endpoint.js";
import type {
  CheckStep,
  Context,
  Document,
  Entry,
  EntryKind,
  FormQuestion,
  Hypertext,
  ListQuery,
  RobotRules,
  Session,
  Take,
  Target,
} from "../../src/plugin.js";
import { decodeWords } from "../../src/wire/words.js";
import { type Answer, answerOf, streamOf } from "./answer.js";
import { guessCharset } from "./charset.js";
import { answeredStep } from "./check.js";
import { entryOfItem, entryOfPath, type MenuPlace, nameOf } from "./entry.js";
import { itemsOf } from "./menu.js";
import { phonebookLines, phonebookQuery } from "./phonebook.js";
import {
  answersBlock,
  formOf,
  LONGEST_BLOCKS,
  type PlusBlock,
  type PlusFormQuestion,
  parseBlocks,
  parseQuestion,
} from "./plus.js";
import { plusBody, pourBody } from "./plus-body.js";
import { sniffedType } from "./sniff.js";
import { textOf } from "./text.js";
import { itemType, MENU_MEDIA_TYPE, mediaTypeOf, type Transfer } from "./types.js";
import { formatPath, type GopherPath, parsePath, requestOf } from "./url.js";

const NOTHING = Buffer.alloc(0);

export class GopherSession implements Session {
  readonly #target: Target;
  readonly #context: Context;
  /** That of the request under way, or of the last. */
  #connection: Connection | undefined;
  /** The form that was asked for last: how an answer is written depends on its question. */
  #form: { readonly path: string; readonly questions: readonly PlusFormQuestion[] } | undefined;

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
    if (asked.type === "2") {
      yield* this.#people(words, query);
      return;
    }
    if (itemType(asked.type).kind !== "search") {
      throw new PortholeError("usage", `type ${asked.type} (${itemType(asked.type).title}) is no search`, {
        hint: "a search's URL has a 7 after the host; a menu lists those there are",
      });
    }
    yield* this.#menu({ ...asked, search: Buffer.from(words), plus: undefined }, query);
  }

  resultsPath(path: string, words: string): string | undefined {
    const asked = parsePath(path);
    if (itemType(asked.type).kind !== "search" || asked.type === "2") return undefined;
    return formatPath({ ...asked, search: Buffer.from(words), plus: undefined });
  }

  /** Any item: texts without what ends them, all else octet for octet up to the server's close. */
  async read(path: string): Promise<Document> {
    const asked = parsePath(path);
    const { transfer } = itemType(asked.type);
    const { connection, answer } = await this.#ask(asked, transfer === "octets" && asked.plus === undefined);
    const filename = nameOf(decodeWords(asked.selector));
    const name = filename === undefined ? {} : { filename };
    const claimed = mediaTypeOf(asked.type, decodeWords(asked.selector));
    const facts = { entry: entryOfPath(asked, this.#placeOf(asked)), offset: 0, ...name };
    if (asked.plus !== undefined) {
      const { chunks, length } = await plusBody(answer.chunks, connection);
      const total = typeof length === "number" ? { total: length } : {};
      return { ...facts, ...total, type: sniffedType(NOTHING, claimed), body: streamOf(chunks, connection) };
    }
    const type = sniffedType(answer.beginning, claimed);
    const isText = transfer === "text" && (type.startsWith("text/") || type === claimed);
    const charset = type.startsWith("text/") ? this.#charsetOf(answer.beginning) : undefined;
    const body = streamOf(isText ? textOf(answer.chunks) : answer.chunks, connection);
    return {
      ...facts,
      type,
      ...(charset === undefined ? {} : { charset }),
      body,
      ...(isText ? {} : { pour: (take: Take) => pourBody(answer, body, take) }),
    };
  }

  #charsetOf(beginning: Buffer): string | undefined {
    const { charset } = this.#context.options;
    return typeof charset === "string" ? charset : guessCharset(beginning);
  }

  /**
   * What a Gopher+ server knows of an item (`!`), or of all items of a menu (`$`).
   * @throws PortholeError `refused` when the server has no Gopher+
   */
  async attributes(path: string, all = false): Promise<PlusBlock[]> {
    const { selector } = parsePath(path);
    const octets = await this.#blocks(Buffer.concat([selector, Buffer.from(all ? "\t$\r\n" : "\t!\r\n")]));
    return parseBlocks(octets);
  }

  /** The questions of a Gopher+ form (`+ASK`). */
  async form(path: string): Promise<readonly FormQuestion[] | undefined> {
    const block = (await this.attributes(path)).find(({ name }) => name === "ASK");
    if (block === undefined) return undefined;
    const questions = formOf(block.lines.flatMap((line) => parseQuestion(line) ?? []));
    this.#form = { path, questions };
    return questions;
  }

  /** Sends a form that is filled in. @throws PortholeError as `read` does, `usage` for answers that are none */
  async fillIn(path: string, answers: readonly string[]): Promise<Document> {
    const asked = parsePath(path);
    if (this.#form?.path !== path && (await this.form(path)) === undefined) {
      throw new PortholeError("usage", "the item asks nothing");
    }
    const block = answersBlock(this.#form?.questions ?? [], answers);
    const data = Buffer.concat([asked.selector, Buffer.from("\t+\t1\r\n"), block]);
    const { connection, answer } = await this.#exchange(data, "octets", false);
    const { chunks, length } = await plusBody(answer.chunks, connection);
    return {
      entry: entryOfPath(asked, this.#placeOf(asked)),
      type: sniffedType(NOTHING, mediaTypeOf(asked.type, decodeWords(asked.selector))),
      offset: 0,
      ...(typeof length === "number" ? { total: length } : {}),
      body: streamOf(chunks, connection),
    };
  }

  async #blocks(request: Buffer): Promise<Buffer> {
    const { connection, answer } = await this.#exchange(request, "octets", false);
    try {
      const { chunks, length } = await plusBody(answer.chunks, connection);
      if (length === undefined) {
        throw new PortholeError("refused", "the server does not answer as Gopher+ has it", {
          hint: "get and ls need none of it",
        });
      }
      const pieces: Buffer[] = [];
      let octets = 0;
      for await (const chunk of chunks) {
        octets += chunk.length;
        if (octets > LONGEST_BLOCKS) throw new PortholeError("protocol", "the attributes have no end");
        pieces.push(chunk);
      }
      return Buffer.concat(pieces);
    } finally {
      connection.destroy();
    }
  }

  /** Asks a phone book; people are parted by an empty note. */
  async *#people(words: string, query: ListQuery): AsyncGenerator<Entry, void, undefined> {
    const asked = parsePath(this.#target.path);
    const connection = await this.#dial(false);
    try {
      connection.write(phonebookQuery(words));
      const url = this.#target.href(formatPath(asked));
      let before: number | undefined;
      let count = 0;
      const said = (kind: "line" | "note", name: string): Entry => ({ url, name, kind, meta: { type: "2" } });
      for await (const { person, text } of phonebookLines(connection)) {
        if (person !== before && person !== undefined) count += 1;
        if (count > (query.limit ?? Number.POSITIVE_INFINITY)) return;
        if (before !== undefined && person !== before) yield said("note", "");
        yield said("line", text);
        before = person;
      }
    } finally {
      connection.destroy();
    }
  }

  /** Gopher has no way to ask for facts alone: the item is asked for, and left as soon as its answer begins. */
  async stat(path: string): Promise<Entry> {
    const asked = parsePath(path);
    const { connection, answer } = await this.#ask(asked);
    connection.destroy();
    const entry = entryOfPath(asked, this.#placeOf(asked));
    const { transfer } = itemType(asked.type);
    if (transfer === "menu" || asked.plus !== undefined || answer.beginning.length === 0) return entry;
    // The menu may lie; how the answer begins does not.
    return {
      ...entry,
      type: sniffedType(answer.beginning, mediaTypeOf(asked.type, decodeWords(asked.selector))),
    };
  }

  /** Menus lead somewhere; a text's words do not. */
  async hypertext(
    { type, entry }: Document,
    octets: Uint8Array,
    start = this.#target.path,
  ): Promise<Hypertext | undefined> {
    if (type !== MENU_MEDIA_TYPE) return undefined;
    const { hypertextOf } = await import("./hypertext.js");
    const menu = { ...this.#placeOf(parsePath("/")), url: entry.url };
    return hypertextOf(octets, menu, parsePath(start), this.#menuCharset);
  }

  /** robots.txt as an item of type 0, which is where holes have it. */
  async robots(): Promise<RobotRules> {
    const [{ delayIn, isAllowed, parseRobots }, { factsAt }] = await Promise.all([
      import("./caps.js"),
      import("./facts.js"),
    ]);
    const text = await factsAt(this, "/0robots.txt");
    const prefixes = parseRobots(text);
    const delay = delayIn(text);
    return {
      allows: (path) => isAllowed(decodeWords(parsePath(path).selector), prefixes),
      ...(delay === undefined ? {} : { delay }),
      sitemaps: [],
    };
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
    let isTold = false;
    if (left <= 0) return;
    const menu = this.#placeOf(asked);
    const { connection, answer } = await this.#ask(asked);
    try {
      for await (const item of itemsOf(answer.chunks, this.#menuCharset)) {
        if (item.leftOut === true && !isTold) this.#context.warn(`${menu.url}: ${item.display}`);
        isTold ||= item.leftOut === true;
        yield entryOfItem(item, menu);
        if (--left <= 0) return;
      }
    } finally {
      connection.destroy();
    }
  }

  get #menuCharset(): string | undefined {
    const { charset } = this.#context.options;
    return typeof charset === "string" ? charset : undefined;
  }

  async #ask(asked: GopherPath, bulk = false): Promise<{ connection: Connection; answer: Answer }> {
    const { title, transfer } = itemType(asked.type);
    if (transfer === "elsewhere" || transfer === "phonebook") {
      throw new PortholeError(
        "usage",
        `type ${asked.type} (${title}) is not ${transfer === "phonebook" ? "read but searched" : "served over Gopher"}`,
        {
          hint:
            transfer === "phonebook" ? "use the verb search" : "the menu that has it gives the URL to open",
        },
      );
    }
    return this.#exchange(requestOf(asked), transfer, bulk);
  }

  async #exchange(
    request: Buffer,
    transfer: Transfer,
    bulk: boolean,
  ): Promise<{ connection: Connection; answer: Answer }> {
    const connection = await this.#dial(bulk);
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

  async #dial(bulk: boolean): Promise<Connection> {
    const { host, port, tls } = this.#target;
    const { stateFolder, options } = this.#context;
    if (tls !== "always") return this.#dialWith(bulk);
    if (stateFolder === undefined) return this.#dialWith(bulk, {});
    // Loaded under TLS alone: the files it keeps would cost every menu some milliseconds.
    const { FirstUse } = await import("./trust.js");
    const firstUse = new FirstUse(this.#context, stateFolder, host, port);
    try {
      return await this.#dialWith(bulk, { trust: firstUse.trust });
    } catch (thrown) {
      // Most servers of gophers have signed their certificates themselves.
      const isUnknown =
        thrown instanceof PortholeError && thrown.code === "tls" && /--cacert/.test(thrown.hint ?? "");
      if (!isUnknown || options["tofu"] === true) throw thrown;
      if (await firstUse.offer()) return this.#dialWith(bulk, { trust: firstUse.trust });
      throw new PortholeError("tls", thrown.message, {
        hint: `${thrown.hint ?? ""}; --tofu trusts this one from now on`,
        cause: thrown,
      });
    }
  }

  async #dialWith(bulk: boolean, tls?: Endpoint["tls"]): Promise<Connection> {
    const { host, port, url } = this.#target;
    this.#connection = await this.#context.dial({
      host,
      port,
      scheme: url.scheme,
      ...(tls === undefined ? {} : { tls }),
      bulk,
    });
    return this.#connection;
  }

  #placeOf(asked: GopherPath): MenuPlace {
    const { host, port, url } = this.#target;
    return { url: this.#target.href(formatPath(asked)), scheme: url.scheme, host, port };
  }
}
