/** NNTP as a Session: groups, their articles, and what is posted to them. */
import { messageOf, PortholeError } from "../../src/errors.js";
import { parseHeader } from "../../src/message/headers.js";
import type {
  CheckStep,
  Document,
  Entry,
  EntryKind,
  ListQuery,
  ManyRead,
  Outgoing,
  SendReport,
  Session,
  Source,
  WatchEvent,
} from "../../src/plugin.js";
import { refuseControls } from "../../src/url.js";
import { checkSteps } from "./check.js";
import { articleEntry, bareArticle, groupEntry } from "./entry.js";
import { type FieldText, fieldTextOf } from "./field-text.js";
import { descriptionsOf, groupsOf } from "./groups.js";
import type { Line } from "./line.js";
import { newestFirst, overviewOf } from "./overviews.js";
import { articlePath, messagePath, parsePath, type Range } from "./path.js";
import { post } from "./posting.js";
import { putArticle } from "./putting.js";
import { markRead, newsrcPath, readNewsrc } from "./reader-file.js";
import { type OneArticle, readArticle, readRange } from "./reading.js";
import { readMany } from "./reading-many.js";
import { refusal, wordsOf } from "./refusal.js";
import { searchGroup } from "./search.js";
import { parseSince } from "./since.js";
import { threaded } from "./thread-listing.js";
import { watchGroup, watchServer } from "./watching.js";
import { containing } from "./wildmat.js";

/** After so many articles in a row that are too old, those before them are too old as well. */
const MOST_OLDER = 1000;

export class NewsSession implements Session {
  readonly line: Line;
  readonly #text: FieldText;
  /** Notes in .newsrc under way. */
  #noting: Promise<void> = Promise.resolve();

  private constructor(line: Line, text: FieldText) {
    this.line = line;
    this.#text = text;
  }

  static async of(line: Line): Promise<NewsSession> {
    return new NewsSession(line, await fieldTextOf(line.context));
  }

  get text(): FieldText {
    return this.#text;
  }

  kindOf(path: string): EntryKind | undefined {
    switch (parsePath(path).what) {
      case "server":
      case "groups":
        return "directory";
      case "group":
        return "group";
      // Listed as articles, copied as messages, fetched as a mailbox file: what is wanted of it is the verb's to say.
      case "range":
        return undefined;
      default:
        return "article";
    }
  }

  /** Of a server, or a pattern, its groups; of a group, or a range of it, the articles, newest first. */
  async *list(path: string, query: ListQuery = {}): AsyncGenerator<Entry, void, undefined> {
    const place = parsePath(path);
    const { limit } = query;
    switch (place.what) {
      case "server":
        yield* this.#taken(this.#groups(undefined), limit);
        return;
      case "groups":
        yield* this.#taken(this.#groups(place.wildmat), limit);
        return;
      case "group":
      case "range": {
        const range = place.what === "range" ? place.range : undefined;
        const articles =
          this.line.context.options["thread"] === true
            ? this.#threads(place.group, range, limit)
            : this.#articles(place.group, range, limit);
        yield* this.#taken(articles, limit);
        return;
      }
      default:
        throw new PortholeError("usage", "an article cannot be listed", { hint: "use the verb get" });
    }
  }

  /** Each answer behind what it answers, indented for people and with its depth for programs. */
  async *#threads(
    group: string,
    range: Range | undefined,
    limit: number | undefined,
  ): AsyncGenerator<Entry, void, undefined> {
    for await (const { depth, entry } of threaded(this, group, range, limit)) {
      if (entry === undefined) continue;
      yield { ...entry, name: `${"  ".repeat(depth)}${entry.name}`, meta: { ...entry.meta, depth } };
    }
  }

  async stat(path: string): Promise<Entry> {
    const place = parsePath(path);
    const peer = await this.line.peer();
    const { target } = this.line;
    switch (place.what) {
      case "server":
      case "groups": {
        const [, banner = ""] = /^(.*)$/s.exec(peer.greeting?.text ?? "") ?? [];
        const capabilities = peer.capabilities?.toJSON() ?? {};
        return {
          url: target.href(path),
          name: target.host,
          kind: "directory",
          meta: { greeting: banner, posting: peer.postingAllowed, capabilities },
        };
      }
      case "group":
      case "range": {
        const facts = await peer.select(place.group);
        const descriptions = await descriptionsOf(peer, place.group);
        return groupEntry(target, facts, descriptions.get(place.group));
      }
      default:
        return this.#articleAt(place);
    }
  }

  readMany(paths: AsyncIterable<string>): AsyncIterable<ManyRead> {
    return readMany(this.line, paths);
  }

  /** An article as the server holds it; a range as one mbox. */
  async read(path: string): Promise<Document> {
    const place = parsePath(path);
    switch (place.what) {
      case "article":
        return this.#noted(await readArticle(this.line, place), place.group, place.number);
      case "message":
        return readArticle(this.line, place);
      case "range":
        return readRange(this.line, place.group, place.range);
      case "group":
        return readRange(this.line, place.group, { low: 1 });
      default:
        throw new PortholeError("usage", "a server cannot be fetched", { hint: "use the verb ls" });
    }
  }

  /**
   * On a server: groups whose names match. In a group: articles, newest first, one of whose fields matches: `words` in
   * the subject, or `from: words`. Patterns are those of wildmats; plain words may stand anywhere in a name or a field.
   */
  async *search(path: string, words: string, query: ListQuery = {}): AsyncGenerator<Entry, void, undefined> {
    const place = parsePath(path);
    refuseControls(words, "the pattern");
    if (place.what === "server" || place.what === "groups") {
      if (/\s/.test(words)) throw new PortholeError("usage", "the pattern of a group's name has no blanks");
      yield* this.#taken(this.#groups(words.split(",").map(containing).join(",")), query.limit);
      return;
    }
    if (place.what !== "group" && place.what !== "range") {
      throw new PortholeError("usage", "an article cannot be searched", {
        hint: "search a group, or the server",
      });
    }
    const range = place.what === "range" ? place.range : undefined;
    yield* this.#taken(this.#found(place.group, range, words), query.limit);
  }

  /** Posts what stands there as it is. The article gets its number from each group, so its URL is by its Message-ID. */
  async write(path: string, source: Source): Promise<Entry> {
    return this.#telling(() => putArticle(this.line, parsePath(path), source, this.#text));
  }

  /** Posts an article. It goes where its Newsgroups field says; the envelope's recipients are those groups. */
  async send(outgoing: Outgoing): Promise<SendReport> {
    if (outgoing.kind !== "message") throw new PortholeError("usage", "NNTP posts articles, not bare octets");
    const { raw, messageId, envelope } = outgoing;
    raw.on("error", () => {});
    try {
      refuseControls(messageId, "the Message-ID");
      refuseControls([envelope.from, ...envelope.to].join(""), "the envelope");
      const { reply, size } = await this.#telling(async () => post(await this.line.peer(), raw, messageId));
      return {
        accepted: envelope.to,
        refused: [],
        reply: wordsOf(reply),
        ...(messageId === "" ? {} : { messageId }),
        size,
      };
    } finally {
      raw.destroy();
    }
  }

  /** The command line shows an abort itself; what it left open must be said besides. */
  async #telling<T>(act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } catch (thrown) {
      if (thrown instanceof PortholeError && thrown.code === "aborted")
        this.line.context.warn(thrown.message);
      throw thrown;
    }
  }

  check(): AsyncGenerator<CheckStep, void, undefined> {
    return checkSteps(this.line);
  }

  /** New articles of a group, or new groups of a server. */
  async *watch(path: string): AsyncGenerator<WatchEvent, void, undefined> {
    const place = parsePath(path);
    if (place.what === "server") yield* watchServer(this.line);
    else if (place.what === "group") yield* watchGroup(this.line, place.group, this.#text);
    else throw new PortholeError("usage", "only a group, or the server, can be watched");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#noting;
    await this.line.close();
  }

  /** An article that is read to its end is noted in the file that `--newsrc` names. */
  #noted(document: Document, group: string, number: number): Document {
    const { context } = this.line;
    const path = typeof context.options["newsrc"] === "string" ? newsrcPath(context.options) : undefined;
    if (path === undefined) return document;
    document.body.once("end", () => {
      // One behind the other: each reads the file and writes it.
      this.#noting = this.#noting
        .then(() => markRead(path, group, number))
        .catch((thrown: unknown) => context.warn(messageOf(thrown)));
    });
    return document;
  }

  /** So many of them, or as many as are wanted: the rest of an answer is left. */
  async *#taken(
    entries: AsyncGenerator<Entry, void, undefined>,
    limit = Number.POSITIVE_INFINITY,
  ): AsyncGenerator<Entry, void, undefined> {
    let left = limit;
    if (left <= 0) return;
    let whole = false;
    try {
      for await (const entry of entries) {
        yield entry;
        left -= 1;
        if (left <= 0) return;
      }
      whole = true;
    } finally {
      if (!whole) this.line.leftEarly();
    }
  }

  async *#groups(wildmat: string | undefined): AsyncGenerator<Entry, void, undefined> {
    const peer = await this.line.peer();
    const described = this.line.context.options["descriptions"] === true;
    const query = { described, ...(wildmat === undefined ? {} : { wildmat }) };
    for await (const { group, description } of groupsOf(peer, query)) {
      yield groupEntry(this.line.target, group, description);
    }
  }

  async *#articles(
    group: string,
    range: Range | undefined,
    limit: number | undefined,
  ): AsyncGenerator<Entry, void, undefined> {
    const { options } = this.line.context;
    const since = typeof options["since"] === "string" ? parseSince(options["since"]) : undefined;
    const path = newsrcPath(options);
    const newsrc = path === undefined || options["unread"] !== true ? undefined : await readNewsrc(path);
    const peer = await this.line.peer();
    const facts = await peer.selectToList(group);
    // Of those that are passed over nobody knows how many there will be.
    const wanted = since === undefined && newsrc === undefined ? limit : undefined;
    let older = 0;
    for await (const batch of newestFirst(peer, facts, range, wanted)) {
      for (const overview of batch) {
        if (newsrc?.hasRead(group, overview.number) === true) continue;
        const entry = await articleEntry(this.line.target, overview, group, this.#text);
        if (since !== undefined && (entry.modified ?? since) < since) {
          // Articles come late and their dates are wrong at times, but not for so long.
          if (++older >= MOST_OLDER) return;
          continue;
        }
        older = 0;
        yield entry;
      }
    }
  }

  async *#found(
    group: string,
    range: Range | undefined,
    words: string,
  ): AsyncGenerator<Entry, void, undefined> {
    for await (const found of searchGroup(await this.line.peer(), group, range, words, this.#text)) {
      yield await articleEntry(this.line.target, found, group, this.#text);
    }
  }

  /** By the overview where the server has it, else by the header. */
  async #articleAt(place: OneArticle): Promise<Entry> {
    const peer = await this.line.peer();
    const { target } = this.line;
    const group = place.what === "article" ? place.group : undefined;
    const which = place.what === "article" ? place.number : place.id;
    const byId = place.what === "message";
    if (!byId || peer.capabilities?.offers("OVER", "MSGID") === true) {
      const overview = await overviewOf(peer, group, which);
      if (overview !== undefined) return articleEntry(target, overview, group, this.#text);
    }
    const { reply, answer } =
      group === undefined ? await peer.open(["HEAD", which]) : await peer.openIn(group, ["HEAD", which]);
    if (reply.code !== 221) throw refusal(reply, `the article ${which} cannot be found`);
    const chunks: Buffer[] = [];
    for await (const chunk of answer.block())
      chunks.push(Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk)));
    const header = parseHeader(Buffer.concat(chunks));
    const fields = new Map<string, string>();
    for (const name of ["subject", "from", "date", "message-id", "references", "xref"]) {
      const raw = header.raw(name);
      if (raw !== undefined) fields.set(name, raw);
    }
    const found = { number: place.what === "article" ? place.number : 0, fields };
    const path = place.what === "article" ? articlePath(place.group, place.number) : messagePath(place.id);
    const entry = await articleEntry(target, found, group, this.#text);
    return { ...bareArticle(target, path, entry.name), ...entry, url: target.href(path) };
  }
}
