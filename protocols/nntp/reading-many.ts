/** Many articles, each by its URL's path: those of one group that follow one another are asked for together. */
import { PortholeError } from "../../src/errors.js";
import type { ManyRead } from "../../src/plugin.js";
import { fetchAll } from "./articles.js";
import type { Line } from "./line.js";
import { parsePath } from "./path.js";
import { articleDocument, articleRefused, leavable, type OneArticle } from "./reading.js";

interface Wanted {
  readonly path: string;
  readonly article: OneArticle;
}

export async function* readMany(
  line: Line,
  paths: AsyncIterable<string>,
): AsyncGenerator<ManyRead, void, undefined> {
  const source = paths[Symbol.asyncIterator]();
  const next = async () => {
    const { done, value } = await source.next();
    return done === true ? undefined : value;
  };
  try {
    let path = await next();
    while (path !== undefined) {
      const first = wantedIn(path);
      if ("error" in first) {
        yield first;
        path = await next();
        continue;
      }
      // What ends the run is kept for the next.
      const run = new Run(first, next);
      yield* run.results(line);
      path = run.after;
    }
  } finally {
    await source.return?.();
  }
}

/** Articles of one group, or known by Message-ID, one after the other. */
class Run {
  /** The path that is no part of it any more. */
  after: string | undefined;
  readonly #first: Wanted;
  readonly #next: () => Promise<string | undefined>;
  readonly #asked: Wanted[] = [];

  constructor(first: Wanted, next: () => Promise<string | undefined>) {
    this.#first = first;
    this.#next = next;
  }

  async *results(line: Line): AsyncGenerator<ManyRead, void, undefined> {
    const peer = await line.peer();
    const group = groupOf(this.#first);
    for await (const { body, reply } of fetchAll(peer, group, this.#wanted(group))) {
      const wanted = this.#asked.shift();
      if (wanted === undefined) throw new TypeError("an article came that nobody asked for");
      const { path, article } = wanted;
      if (body === undefined) yield { path, error: articleRefused(article, reply) };
      else yield { path, document: articleDocument(line, article, reply, leavable(line, body)) };
    }
  }

  async *#wanted(group: string | undefined): AsyncGenerator<number | string, void, undefined> {
    let wanted: Wanted | undefined = this.#first;
    while (wanted !== undefined) {
      this.#asked.push(wanted);
      yield wanted.article.what === "article" ? wanted.article.number : wanted.article.id;
      this.after = await this.#next();
      const following: ReturnType<typeof wantedIn> | undefined =
        this.after === undefined ? undefined : wantedIn(this.after);
      const goesOn = following !== undefined && !("error" in following) && groupOf(following) === group;
      wanted = goesOn ? following : undefined;
    }
  }
}

function wantedIn(path: string): Wanted | { readonly path: string; readonly error: PortholeError } {
  try {
    const article = parsePath(path);
    if (article.what === "article" || article.what === "message") return { path, article };
    return {
      path,
      error: new PortholeError("usage", "a group is no article", { hint: "ls shows what is in it" }),
    };
  } catch (thrown) {
    if (thrown instanceof PortholeError) return { path, error: thrown };
    throw thrown;
  }
}

function groupOf({ article }: Wanted): string | undefined {
  return article.what === "article" ? article.group : undefined;
}
