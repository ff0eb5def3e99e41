/**
 * Articles as threads: Jamie Zawinski's algorithm (https://www.jwz.org/doc/threading.html), by References first, and by
 * subjects where they are missing.
 */

export interface Threadable {
  /** With its angle brackets. */
  readonly id: string;
  /** Oldest first, the parent last. */
  readonly references: readonly string[];
  readonly subject: string;
}

/** A place in a thread; without an article where only answers to it are here. */
export interface ThreadNode<T extends Threadable> {
  readonly article: T | undefined;
  readonly children: readonly ThreadNode<T>[];
}

interface Container<T> {
  article: T | undefined;
  parent: Container<T> | undefined;
  children: Container<T>[];
  /** The article's place in the list, or the first of those below it. */
  order: number;
}

/** `Re:` as it is written in several tongues, with a count or in brackets. */
const ANSWER = /^(?:\s*(?:re|aw|sv|antw|odp|vs|ref|rif)(?:\[\d+\]|\^\d+)?\s*:\s*)+/i;

/** The threads, and the answers within them, in the order of `articles`. */
export function threadsOf<T extends Threadable>(articles: Iterable<T>): ThreadNode<T>[] {
  const table = new Map<string, Container<T>>();
  const all: Container<T>[] = [];
  let order = 0;
  for (const article of articles) place(table, all, article, order++);
  const roots = all.filter(({ parent }) => parent === undefined);
  return bySubject(prune(roots));
}

/** Every place with its depth, from the top down: what a tree is drawn from. */
export function* walk<T extends Threadable>(
  threads: readonly ThreadNode<T>[],
): Generator<{ readonly node: ThreadNode<T>; readonly depth: number }, void, undefined> {
  // No recursion: threads may be some hundred deep.
  const waiting = [...threads].reverse().map((node) => ({ node, depth: 0 }));
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    yield next;
    for (const node of [...next.node.children].reverse()) waiting.push({ node, depth: next.depth + 1 });
  }
}

/** The subject without what marks it as an answer. */
export function baseSubject(subject: string): string {
  return subject.replace(ANSWER, "").replace(/\s+/g, " ").trim().toLowerCase();
}

function place<T extends Threadable>(
  table: Map<string, Container<T>>,
  all: Container<T>[],
  article: T,
  order: number,
): void {
  let own = table.get(article.id);
  // Two articles of one name: the second stands for itself.
  if (own === undefined || own.article !== undefined) {
    own = { article, parent: undefined, children: [], order };
    if (!table.has(article.id)) table.set(article.id, own);
    all.push(own);
  } else {
    own.article = article;
    own.order = order;
  }
  let before: Container<T> | undefined;
  for (const id of article.references) {
    if (id === article.id) continue;
    let named = table.get(id);
    if (named === undefined) {
      named = { article: undefined, parent: undefined, children: [], order: Number.POSITIVE_INFINITY };
      table.set(id, named);
      all.push(named);
    }
    // What was linked before stays: a References field may be wrong in its middle.
    if (before !== undefined && named.parent === undefined) link(before, named);
    before = named;
  }
  if (before === undefined) return;
  // The article's own word about its parent counts more than what others said.
  if (own.parent !== undefined) {
    if (own.parent === before) return;
    unlink(own);
  }
  link(before, own);
}

function link<T>(parent: Container<T>, child: Container<T>): void {
  // None may be its own ancestor.
  for (let above: Container<T> | undefined = parent; above !== undefined; above = above.parent) {
    if (above === child) return;
  }
  child.parent = parent;
  parent.children.push(child);
}

function unlink<T>(child: Container<T>): void {
  const siblings = child.parent?.children;
  siblings?.splice(siblings.indexOf(child), 1);
  child.parent = undefined;
}

/** Empty places go where they hold nothing together: without children, with one, or within a thread. */
function prune<T>(roots: readonly Container<T>[]): Container<T>[] {
  // From the leaves up, without recursion.
  const order: Container<T>[] = [...roots];
  for (let at = 0; at < order.length; at++) order.push(...(order[at]?.children ?? []));
  for (const container of order.reverse()) {
    container.children = container.children.flatMap((child) => {
      if (child.article !== undefined) return [child];
      for (const grandchild of child.children) grandchild.parent = container;
      return child.children;
    });
    container.children.sort(inOrder);
    const [first] = container.children;
    if (container.article === undefined && first !== undefined) container.order = first.order;
  }
  const kept = roots.flatMap((root) => {
    if (root.article !== undefined || root.children.length > 1) return [root];
    for (const child of root.children) child.parent = undefined;
    return root.children;
  });
  return kept.sort(inOrder);
}

function inOrder<T>(a: Container<T>, b: Container<T>): number {
  return a.order - b.order;
}

/** Answers that name nothing they answer are put below the thread with their subject. */
function bySubject<T extends Threadable>(roots: readonly Container<T>[]): Container<T>[] {
  const openers = new Map<string, Container<T>>();
  for (const root of roots) {
    const subject = subjectOf(root);
    const base = baseSubject(subject);
    const known = openers.get(base);
    // What is no answer itself opens the thread.
    if (base !== "" && (known === undefined || (isAnswer(subjectOf(known)) && !isAnswer(subject)))) {
      openers.set(base, root);
    }
  }
  return roots.filter((root) => {
    const subject = subjectOf(root);
    const opener = openers.get(baseSubject(subject));
    if (opener === undefined || opener === root || !isAnswer(subject) || root.article === undefined)
      return true;
    if (root.article.references.length > 0) return true;
    link(opener, root);
    return root.parent === undefined;
  });
}

function subjectOf<T extends Threadable>(container: Container<T>): string {
  return container.article?.subject ?? container.children[0]?.article?.subject ?? "";
}

function isAnswer(subject: string): boolean {
  return ANSWER.test(subject);
}
