/** Mailboxes, messages and their parts as a Session, whatever keeps them. */
import { PortholeError } from "../../src/errors.js";
import { inThreads } from "../../src/message/in-threads.js";
import { openPart, partsOf } from "../../src/message/parts.js";
import type {
  Context,
  Document,
  Entry,
  EntryKind,
  ListQuery,
  ReadQuery,
  Session,
  Source,
  Target,
  WatchEvent,
} from "../../src/plugin.js";
import { safeFileName } from "../../src/text/filename.js";
import { changesOf } from "./changes.js";
import type { Life } from "./life.js";
import { MESSAGE_TYPE, type MessageStore } from "./message-store.js";
import { hrefOf, type LocalPath, parseMessagePath } from "./path.js";

export class MessageSession implements Session {
  readonly #target: Target;
  readonly #context: Context;
  readonly #store: MessageStore;
  readonly #life: Life;
  /** Many messages go to one mailbox. */
  #writtenTo: { readonly path: string; readonly place: LocalPath } | undefined;
  /** Where the store can. */
  readonly mark?: (path: string, flags: readonly string[]) => Promise<Entry>;

  constructor(target: Target, context: Context, store: MessageStore, life: Life) {
    this.#target = target;
    this.#context = context;
    this.#store = store;
    this.#life = life;
    const mark = store.mark?.bind(store);
    if (mark !== undefined) {
      this.mark = async (path, flags) => {
        life.check();
        const place = parseMessagePath(path);
        refusePart(place, "marked");
        return mark(place, flags);
      };
    }
  }

  kindOf(path: string): EntryKind | undefined {
    const place = parseMessagePath(path);
    return place.section === undefined ? this.#store.kindOf(place) : "file";
  }

  /** What a mailbox holds: mailboxes, then messages in the order they came. What a message holds: its parts. */
  async *list(path: string, query: ListQuery = {}): AsyncGenerator<Entry, void, undefined> {
    this.#life.check();
    const place = parseMessagePath(path);
    refusePart(place, "listed");
    const entries = (await this.#store.isMessage(place))
      ? this.#parts(place)
      : this.#store.list(place, query);
    const wanted = limited(entries, query.limit, this.#life);
    if (this.#context.options["thread"] !== true || query.brief === true) {
      yield* wanted;
      return;
    }
    const held: Entry[] = [];
    for await (const entry of wanted) held.push(entry);
    yield* inThreads(held);
  }

  async isInbox(path: string): Promise<boolean> {
    this.#life.check();
    return (await this.#store.isInbox?.(parseMessagePath(path))) ?? false;
  }

  async stat(path: string): Promise<Entry> {
    this.#life.check();
    const place = parseMessagePath(path);
    if (place.section === undefined) return this.#store.stat(place);
    for await (const entry of this.#parts({ ...place, section: "" })) {
      if (entry.meta["section"] === place.section) return entry;
    }
    throw new PortholeError("missing", `the message has no part ${place.section}`, {
      reply: `no part ${place.section}`,
      hint: "ls of the message shows its parts",
    });
  }

  /** A message octet for octet, or one of its parts with the transfer encoding undone. */
  async read(path: string, query: ReadQuery = {}): Promise<Document> {
    this.#life.check();
    const place = parseMessagePath(path);
    const message = await this.#store.open(place);
    try {
      if (place.section !== undefined) return await this.#part(place, place.section, message);
      const { entry, size, validator } = message;
      const sameOne = query.validator === undefined || query.validator === validator;
      const wanted = query.offset ?? 0;
      const offset = sameOne && size !== undefined && wanted <= size ? wanted : 0;
      return {
        entry,
        type: MESSAGE_TYPE,
        offset,
        ...(size === undefined ? {} : { total: size }),
        validator,
        filename: `${safeFileName(entry.name, { fallback: "message" }).slice(0, 80)}.eml`,
        body: this.#life.body(atMost(message.octets(offset), query.length), () => message.release()),
      };
    } catch (thrown) {
      await message.release();
      throw thrown;
    }
  }

  /** Into a mailbox: a new message. Onto a message: in its place, with `replace`. */
  async write(path: string, source: Source): Promise<Entry> {
    this.#life.check();
    const place = this.#writtenTo?.path === path ? this.#writtenTo.place : parseMessagePath(path);
    this.#writtenTo = { path, place };
    refusePart(place, "written");
    if ((source.offset ?? 0) > 0) {
      throw new PortholeError("usage", "a message is not continued", { hint: "write it from the start" });
    }
    return this.#store.write(place, source);
  }

  async remove(path: string, query: { readonly recursive?: boolean } = {}): Promise<void> {
    this.#life.check();
    const place = parseMessagePath(path);
    refusePart(place, "removed");
    await this.#store.remove(place, query.recursive === true);
  }

  /** A message into another mailbox, or a mailbox to another name. */
  async move(from: string, to: string, query: { readonly replace?: boolean } = {}): Promise<Entry> {
    this.#life.check();
    const [source, place] = [parseMessagePath(from), parseMessagePath(to)];
    for (const one of [source, place]) refusePart(one, "moved");
    return this.#store.move(source, place, query.replace === true);
  }

  async makeFolder(path: string): Promise<Entry> {
    this.#life.check();
    const place = parseMessagePath(path);
    if (place.uid !== undefined || place.section !== undefined) {
      throw new PortholeError("usage", "a mailbox is made in a mailbox, not in a message");
    }
    return this.#store.makeFolder(place);
  }

  /** Messages whose subject, sender or recipient has all of the words, in whatever case. */
  async *search(path: string, words: string, query: ListQuery = {}): AsyncGenerator<Entry, void, undefined> {
    this.#life.check();
    const place = parseMessagePath(path);
    const wanted = words
      .toLowerCase()
      .split(/\s+/)
      .filter((word) => word !== "");
    const found = async function* (entries: AsyncIterable<Entry>): AsyncGenerator<Entry, void, undefined> {
      for await (const entry of entries) {
        const told = [entry.meta["subject"], entry.meta["from"], entry.meta["to"]];
        const text = told
          .filter((one) => typeof one === "string")
          .join("\n")
          .toLowerCase();
        if (entry.kind === "message" && wanted.every((word) => text.includes(word))) yield entry;
      }
    };
    yield* limited(
      found(this.#store.list(place, { recursive: query.recursive === true })),
      query.limit,
      this.#life,
    );
  }

  async *watch(path: string): AsyncGenerator<WatchEvent, void, undefined> {
    this.#life.check();
    yield* changesOf(await this.#store.watched(parseMessagePath(path)), this.#context.signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#life.end();
  }

  async *#parts(place: LocalPath): AsyncGenerator<Entry, void, undefined> {
    const message = await this.#store.open(place);
    try {
      for await (const { section, type, charset, filename, attached, size } of partsOf(message.octets(0))) {
        yield {
          url: hrefOf(this.#target, { ...place, section }),
          name: filename,
          kind: "file",
          size,
          type,
          meta: { section, attached, ...(charset === undefined ? {} : { charset }) },
        };
      }
    } finally {
      await message.release();
    }
  }

  async #part(
    place: LocalPath,
    section: string,
    message: Awaited<ReturnType<MessageStore["open"]>>,
  ): Promise<Document> {
    const part = await openPart(message.octets(0), section);
    const release = async () => {
      await part.leave();
      await message.release();
    };
    return {
      entry: {
        url: hrefOf(this.#target, place),
        name: part.filename,
        kind: "file",
        type: part.type,
        meta: { section, attached: part.attached },
      },
      type: part.type,
      ...(part.charset === undefined ? {} : { charset: part.charset }),
      offset: 0,
      validator: message.validator,
      filename: part.filename,
      body: this.#life.body(part.octets, release),
    };
  }
}

function refusePart(place: LocalPath, what: string): void {
  if (place.section === undefined) return;
  throw new PortholeError("usage", `a part of a message is not ${what} by itself`, {
    hint: "use the URL of the message",
  });
}

async function* limited(
  entries: AsyncIterable<Entry>,
  limit: number | undefined,
  life: Life,
): AsyncGenerator<Entry, void, undefined> {
  let left = limit ?? Number.POSITIVE_INFINITY;
  if (left <= 0) return;
  for await (const entry of entries) {
    life.check();
    yield entry;
    left -= 1;
    if (left <= 0) return;
  }
}

async function* atMost(
  octets: AsyncIterable<Uint8Array>,
  length: number | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (length === undefined) {
    yield* octets;
    return;
  }
  let left = length;
  if (left <= 0) return;
  for await (const chunk of octets) {
    yield chunk.length > left ? chunk.subarray(0, left) : chunk;
    left -= chunk.length;
    if (left <= 0) return;
  }
}
