/**
 * What the platform adds to every Session, once: one thing at a time, no control characters in arguments,
 * errors that name their protocol, nothing after the end.
 */
import { type Duplex, finished, type Readable } from "node:stream";
import { isAbort, isLocalFailure, localError, messageOf, PortholeError, systemCode } from "./errors.js";
import { connectionError } from "./net/failures.js";
import type { Document, Entry, ManyRead, Outgoing, Session } from "./plugin.js";
import { refuseControls } from "./url.js";

/**
 * The same session, supervised. Methods that the session lacks stay absent.
 *
 * A call takes its turn until its promise settles, its iteration ends, or its body closes; another call in
 * between is refused with an error that names both, for two commands on one connection would read each
 * other's answers.
 */
export function supervise(
  session: Session,
  protocol: string,
  place: { host: string; port: number },
): Session {
  const turn = new Turn(protocol, place);
  const supervised: Session = {
    [Symbol.asyncDispose]: () => turn.close(() => session[Symbol.asyncDispose]()),
    ...(session.hears === true ? { hears: true } : {}),
  };
  // Bound one by one: a session may be a class or a plain object.
  const kindOf = session.kindOf?.bind(session);
  if (kindOf) supervised.kindOf = kindOf;
  const list = session.list?.bind(session);
  if (list) supervised.list = (path, query) => turn.iterate("list", [path], () => list(path, query));
  const stat = session.stat?.bind(session);
  if (stat) supervised.stat = (path) => turn.run("stat", [path], () => stat(path));
  const read = session.read?.bind(session);
  if (read) {
    supervised.read = (path, query) =>
      turn.read("read", [path, query?.validator ?? "", query?.known ?? ""], () => read(path, query));
  }
  const readMany = session.readMany?.bind(session);
  if (readMany) supervised.readMany = (paths) => turn.readMany("readMany", paths, readMany);
  const form = session.form?.bind(session);
  if (form) supervised.form = (path) => turn.run("form", [path], () => form(path));
  const fillIn = session.fillIn?.bind(session);
  if (fillIn) {
    // An answer may have several lines where the form says so, which the session knows.
    const words = (answers: readonly string[]) => answers.flatMap((answer) => answer.split("\n"));
    supervised.fillIn = (path, answers) =>
      turn.read("fillIn", [path, ...words(answers)], () => fillIn(path, answers));
  }
  const submit = session.submit?.bind(session);
  if (submit) {
    supervised.submit = (path, source) =>
      turn.read("submit", [path, source.type ?? ""], () => submit(path, source));
  }
  const write = session.write?.bind(session);
  if (write) {
    supervised.write = (path, source) =>
      turn.run("write", [path, source.type ?? ""], () => write(path, source));
  }
  const handOver = session.handOver?.bind(session);
  if (handOver) {
    supervised.handOver = (path, to, at, query) =>
      turn.run("handOver", [path], async () => {
        const other = behind.get(to);
        if (other === undefined) return handOver(path, to, at, query);
        return other.turn.run("handOver", [at], () => handOver(path, other.session, at, query));
      });
  }
  const remove = session.remove?.bind(session);
  if (remove) supervised.remove = (path, query) => turn.run("remove", [path], () => remove(path, query));
  const move = session.move?.bind(session);
  if (move) supervised.move = (from, to, query) => turn.run("move", [from, to], () => move(from, to, query));
  const makeFolder = session.makeFolder?.bind(session);
  if (makeFolder) supervised.makeFolder = (path) => turn.run("makeFolder", [path], () => makeFolder(path));
  const makeLink = session.makeLink?.bind(session);
  if (makeLink) {
    supervised.makeLink = (path, to, query) =>
      turn.run("makeLink", [path, to], () => makeLink(path, to, query));
  }
  const mark = session.mark?.bind(session);
  if (mark) supervised.mark = (path, flags) => turn.run("mark", [path, ...flags], () => mark(path, flags));
  const search = session.search?.bind(session);
  if (search) {
    supervised.search = (path, words, query) =>
      turn.iterate("search", [path, words], () => search(path, words, query));
  }
  const resultsPath = session.resultsPath?.bind(session);
  if (resultsPath) supervised.resultsPath = resultsPath;
  const send = session.send?.bind(session);
  if (send) {
    supervised.send = async (outgoing) => {
      try {
        return await turn.run("send", wordsOf(outgoing), () => send(outgoing));
      } finally {
        // Sent or refused, even before the session saw it: nobody else will close what it was read from.
        if (outgoing.kind === "message") outgoing.raw.destroy();
      }
    };
  }
  const watch = session.watch?.bind(session);
  if (watch) supervised.watch = (path, query) => turn.iterate("watch", [path], () => watch(path, query));
  const check = session.check?.bind(session);
  if (check) supervised.check = () => turn.iterate("check", [], () => check());
  const home = session.home?.bind(session);
  if (home) supervised.home = () => turn.run("home", [], () => home());
  const mailboxes = session.mailboxes?.bind(session);
  if (mailboxes) supervised.mailboxes = () => turn.run("mailboxes", [], () => mailboxes());
  const separator = session.separator?.bind(session);
  if (separator) supervised.separator = () => turn.run("separator", [], () => separator());
  const isInbox = session.isInbox?.bind(session);
  if (isInbox) supervised.isInbox = (path) => turn.run("isInbox", [path], () => isInbox(path));
  const hypertext = session.hypertext?.bind(session);
  if (hypertext) supervised.hypertext = hypertext;
  const robots = session.robots?.bind(session);
  if (robots) supervised.robots = () => turn.run("robots", [], () => robots());
  const interact = session.interact?.bind(session);
  if (interact) supervised.interact = (screen) => turn.interact("interact", () => interact(screen));
  behind.set(supervised, { session, turn });
  return supervised;
}

/** What a supervised session stands before. */
const behind = new WeakMap<Session, { readonly session: Session; readonly turn: Turn }>();

function wordsOf(outgoing: Outgoing): string[] {
  if (outgoing.kind === "octets") return [outgoing.source.type ?? ""];
  return [outgoing.envelope.from, ...outgoing.envelope.to];
}

class Turn {
  readonly #protocol: string;
  readonly #place: { host: string; port: number };
  #current: string | undefined;
  /** The body or conversation that holds the turn. */
  #stream: Readable | Duplex | undefined;
  #closed = false;
  /** Who waits for a body to be closed that was left. */
  readonly #awaitingRelease: (() => void)[] = [];

  constructor(protocol: string, place: { host: string; port: number }) {
    this.#protocol = protocol;
    this.#place = place;
  }

  async run<T>(call: string, words: readonly string[], act: () => Promise<T>): Promise<T> {
    await this.#take(call, words);
    try {
      return await act();
    } catch (thrown) {
      throw this.#labelled(thrown);
    } finally {
      this.#release();
    }
  }

  /**
   * The turn is taken when the first is asked for. By hand: a generator that hands on what another gives costs several
   * promises for each, and a listing may have a million.
   */
  iterate<T extends Entry | object>(
    call: string,
    words: readonly string[],
    act: () => AsyncIterable<T>,
  ): AsyncIterableIterator<T, void, undefined> {
    let inner: AsyncIterator<T> | undefined;
    let isOver = false;
    const end = () => {
      if (!isOver) this.#release();
      isOver = true;
    };
    const given = (result: IteratorResult<T, unknown>): IteratorResult<T, void> => {
      if (result.done !== true) return result;
      end();
      return END;
    };
    const failed = (thrown: unknown): never => {
      end();
      throw this.#labelled(thrown);
    };
    let beginning: Promise<IteratorResult<T, void>> | undefined;
    const begin = async (): Promise<IteratorResult<T, void>> => {
      try {
        await this.#take(call, words);
      } catch (thrown) {
        // It is another's turn, which goes on.
        isOver = true;
        throw thrown;
      }
      try {
        inner = act()[Symbol.asyncIterator]();
        return given(await inner.next());
      } catch (thrown) {
        return failed(thrown);
      }
    };
    return {
      [Symbol.asyncIterator]() {
        return this;
      },
      next() {
        if (isOver) return Promise.resolve(END);
        if (inner !== undefined) return inner.next().then(given, failed);
        const before = beginning;
        if (before !== undefined) return before.then(() => this.next());
        beginning = begin();
        return beginning;
      },
      return: async () => {
        // Whoever leaves while the first is awaited leaves when it has come, as with a generator.
        await beginning?.catch(() => undefined);
        if (isOver) return END;
        try {
          await inner?.return?.();
        } catch (thrown) {
          failed(thrown);
        }
        if (inner === undefined) isOver = true;
        end();
        return END;
      },
    };
  }

  /** The turn is the iteration's; the bodies in it are the caller's to end. */
  async *readMany(
    call: string,
    paths: AsyncIterable<string>,
    act: (paths: AsyncIterable<string>) => AsyncIterable<ManyRead>,
  ): AsyncGenerator<ManyRead, void, undefined> {
    for await (const result of this.iterate(call, [], () => act(withoutControls(paths)))) {
      if ("error" in result) {
        yield { ...result, error: labelled(result.error, this.#protocol, this.#place) };
      } else {
        // Where it can be had whole its body is not made for this: then it is the session's to let it be left.
        const { whole, held } = result.document;
        if (whole === undefined && held === undefined) mayBeLeft(result.document.body);
        yield result;
      }
    }
  }

  async read(call: string, words: readonly string[], act: () => Promise<Document>): Promise<Document> {
    await this.#take(call, words);
    try {
      const document = await act();
      if (document.held === undefined) this.#untilBodyCloses(document.body);
      else this.#release();
      const checksum = document.checksum?.bind(document);
      if (checksum === undefined) return document;
      return { ...document, checksum: () => this.run("checksum", [], checksum) };
    } catch (thrown) {
      this.#release();
      throw this.#labelled(thrown);
    }
  }

  async interact<T extends Duplex>(call: string, act: () => Promise<T>): Promise<T> {
    await this.#take(call, []);
    try {
      const stream = await act();
      this.#untilClosed(stream);
      return stream;
    } catch (thrown) {
      this.#release();
      throw this.#labelled(thrown);
    }
  }

  /** Disposing twice is disposing once; nothing may be asked afterwards. */
  async close(act: () => PromiseLike<void>): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    try {
      await act();
    } catch (thrown) {
      throw this.#labelled(thrown);
    }
  }

  /**
   * By two listeners: `finished` has eight, and of hundreds of small files they are a part of the cost. A body closes at its
   * end, as Node's streams do unless they are told otherwise.
   */
  #untilBodyCloses(body: Readable): void {
    this.#stream = body;
    const label = (error: unknown) => {
      if (error instanceof PortholeError) error.protocol ??= this.#protocol;
    };
    // It is there to the end: see mayBeLeft.
    body.on("error", label);
    label(body.errored);
    if (body.closed) this.#release();
    else body.once("close", () => this.#release());
  }

  #untilClosed(stream: Duplex): void {
    this.#stream = stream;
    mayBeLeft(stream);
    finished(stream, (error) => {
      if (error instanceof PortholeError) error.protocol ??= this.#protocol;
      this.#release();
    });
  }

  async #take(call: string, words: readonly string[]): Promise<void> {
    for (const word of words) {
      try {
        refuseControls(word, "an argument");
      } catch (thrown) {
        throw this.#labelled(thrown);
      }
    }
    if (this.#closed) {
      throw new PortholeError("usage", `${call}() was called after the session was closed`, {
        protocol: this.#protocol,
      });
    }
    // A body that was left is on its way out: `break`, then the next call, is no overlap.
    const leaving = this.#stream;
    if (leaving?.destroyed === true)
      await new Promise<void>((resolve) => this.#awaitingRelease.push(resolve));
    if (this.#current !== undefined) {
      throw new PortholeError("usage", `${call}() was called while ${this.#current}() is still at work`, {
        protocol: this.#protocol,
        hint: "finish or leave the first, or open a second session",
      });
    }
    this.#current = call;
  }

  #release(): void {
    this.#stream = undefined;
    this.#current = undefined;
    if (this.#awaitingRelease.length > 0) for (const go of this.#awaitingRelease.splice(0)) go();
  }

  #labelled(thrown: unknown): unknown {
    return labelled(thrown, this.#protocol, this.#place);
  }
}

/** A body that fails after its reader has left fails for nobody; without a listener it would end the process. */
function mayBeLeft(stream: Readable | Duplex): void {
  stream.on("error", () => undefined);
}

const END: IteratorReturnResult<void> = { done: true, value: undefined };

/** By hand, as Turn.iterate. */
function withoutControls(paths: AsyncIterable<string>): AsyncIterableIterator<string, void, undefined> {
  const inner = paths[Symbol.asyncIterator]();
  const end = async () => {
    await inner.return?.();
    return END;
  };
  const checked = (result: IteratorResult<string, unknown>) => {
    if (result.done === true) return END;
    try {
      refuseControls(result.value, "an argument");
    } catch (thrown) {
      return end().then(() => {
        throw thrown;
      });
    }
    return result;
  };
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    next: () => inner.next().then(checked),
    return: end,
  };
}

/** What a plugin threw, as a PortholeError that names its protocol. */
export function labelled(
  thrown: unknown,
  protocol: string,
  place: { host: string; port: number },
): PortholeError {
  const known = portholeError(thrown, place);
  known.protocol ??= protocol;
  return known;
}

function portholeError(thrown: unknown, place: { host: string; port: number }): PortholeError {
  if (thrown instanceof PortholeError) return thrown;
  if (isLocalFailure(thrown)) {
    const path = thrown instanceof Error && "path" in thrown ? thrown.path : undefined;
    return localError(thrown, typeof path === "string" ? path : undefined);
  }
  // ERR_INVALID_ARG_TYPE and its like are faults in the program, and no news of the network.
  const code = systemCode(thrown) ?? "";
  if (isAbort(thrown) || (code !== "" && !(thrown instanceof TypeError) && !(thrown instanceof RangeError))) {
    return connectionError(thrown, place);
  }
  return new PortholeError("other", messageOf(thrown), { cause: thrown });
}
