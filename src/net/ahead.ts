/** Commands for many things, put behind one another before the first is answered. */

export interface Asked<I, A> {
  readonly item: I;
  readonly answer: A;
}

/**
 * The answers, in the order of `items`. Commands are put by halves of `depth`, so that many travel in one packet; with a
 * depth of 1 each waits for the one before.
 * @param ask puts the commands for one item
 * @param leave lets pass what was asked and will not be taken, when the iteration is left
 */
export async function* askedAhead<I, A>(
  items: AsyncIterable<I> | Iterable<I>,
  depth: number,
  ask: (item: I) => A,
  leave: (answers: readonly A[]) => Promise<void>,
): AsyncGenerator<Asked<I, A>, void, undefined> {
  const asked: Asked<I, A>[] = [];
  const source = Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]();
  let all = false;
  try {
    for (;;) {
      if (asked.length <= depth / 2) {
        while (!all && asked.length < depth) {
          const next = await source.next();
          all = next.done === true;
          if (next.done !== true) asked.push({ item: next.value, answer: ask(next.value) });
        }
      }
      const first = asked.shift();
      if (first === undefined) return;
      yield first;
    }
  } finally {
    await source.return?.();
    await leave(asked.map(({ answer }) => answer));
  }
}
